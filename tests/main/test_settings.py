"""Settings as the operator sees them: all of them, where each comes from, and no secret in plain text."""

from typing import Annotated

import msgspec
import pytest
from tests.main.trial import run_serai

from serai.foundation.settings import Setting, SettingsWrong
from serai.main import settings
from serai.main.settings import (
    HouseSettings,
    describe_settings,
    hide_password,
    list_structs,
    load_house,
    show_value,
)


def test_defaults_run_a_laptop() -> None:
    house = load_house({})
    assert (house.bind_address, house.port, house.sandbox_port) == ("127.0.0.1", 8460, 8461)
    assert house.database_url == ""
    assert house.web_url() == "http://127.0.0.1:8460"


def test_the_environment_fills_and_is_named_as_the_origin() -> None:
    shown = {s.name: s for s in describe_settings({"SERAI_PORT": "9001"})}
    assert (shown["SERAI_PORT"].value, shown["SERAI_PORT"].origin) == ("9001", "environment")
    assert shown["SERAI_WORKERS"].origin == "default"


def test_every_setting_of_every_system_has_a_meaning() -> None:
    assert [s.name for s in describe_settings({}) if not s.meaning] == []


def test_values_out_of_range_are_all_reported() -> None:
    with pytest.raises(SettingsWrong) as refused:
        load_house({"SERAI_PORT": "0", "SERAI_WORKERS": "65", "SERAI_LOG_LIMIT_MB": "x"})
    text = str(refused.value)
    assert all(name in text for name in ("SERAI_PORT", "SERAI_WORKERS", "SERAI_LOG_LIMIT_MB"))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://shop:sesame@db:5432/serai", "postgresql://shop:********@db:5432/serai"),
        ("postgresql://shop@db/serai", "postgresql://shop@db/serai"),
        ("postgresql://shop:a@b@db/serai", "postgresql://shop:********@db/serai"),
        ("postgresql://shop:a/b@db/serai", "postgresql://shop:********@db/serai"),
        ("postgresql://shop:a?b@db/serai", "postgresql://shop:********@db/serai"),
        (
            "postgresql://db/serai?user=shop&password=sesame",
            "postgresql://db/serai?user=shop&password=********",
        ),
        ("no address", "no address"),
    ],
)
def test_addresses_are_shown_without_their_password(url: str, shown: str) -> None:
    assert hide_password(url) == shown


def test_secrets_are_masked_and_their_absence_is_visible() -> None:
    assert show_value(Setting("SERAI_PAY_SECRET", "sesame", "environment")) == "********"
    assert show_value(Setting("SERAI_PAY_SECRET", "", "default")) == ""
    assert show_value(Setting("SERAI_PORT", 8460, "default")) == "8460"


def test_a_systems_struct_is_found_by_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd(msgspec.Struct, frozen=True):
        delay_ms: Annotated[int, msgspec.Meta(description="How long to wait")] = 5

    monkeypatch.setattr(settings, "list_structs", lambda: {"foundation": HouseSettings, "odd": Odd})
    shown = {s.name: s for s in describe_settings({"SERAI_ODD_DELAY_MS": "7"})}
    assert (shown["SERAI_ODD_DELAY_MS"].value, shown["SERAI_ODD_DELAY_MS"].meaning) == (
        "7",
        "How long to wait",
    )
    assert "foundation" in list_structs()


def test_the_command_lists_settings_and_hides_the_password() -> None:
    run = run_serai("settings", database_url="postgresql://shop:sesame@db/serai")
    assert run.returncode == 0
    assert "SERAI_DATA_DIR" in run.stdout
    assert "postgresql://shop:********@db/serai" in run.stdout.replace("\n", "")
    assert "sesame" not in run.stdout
