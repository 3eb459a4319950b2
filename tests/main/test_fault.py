"""What an operator reads when something is wrong: the reason and the way out, never a stack trace or a password."""

import errno
import shutil
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest
from tests.main.trial import find_free_port, run_serai

from serai.foundation.errors import Outside
from serai.main import precondition
from serai.main.fault import Fault, explain_error, record_trace
from serai.main.installation import open_installation, require_space


def check_told(run: object, *parts: str) -> None:
    """The command was refused with exit code 1 and these words."""
    assert run.returncode == 1  # type: ignore[attr-defined]
    text = run.stdout + run.stderr  # type: ignore[attr-defined]
    assert "Traceback" not in text
    for part in parts:
        assert part in text


def test_a_data_directory_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    place = str(tmp_path / "file" / "var")
    check_told(run_serai("up", data_dir=place), place, "SERAI_DATA_DIR")


def test_a_data_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("in the way")
    check_told(run_serai("up", data_dir=str(tmp_path / "var")), str(tmp_path / "var"), "SERAI_DATA_DIR")


def test_every_wrong_setting_is_named_at_once(tmp_path: Path) -> None:
    run = run_serai("up", data_dir=str(tmp_path / "var"), port="99999", workers="many", prot="8460")
    check_told(run, "SERAI_PORT", "SERAI_WORKERS", "SERAI_PROT", "serai settings")
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("command", ["up", "check", "migrate"])
def test_an_unreachable_database_is_told_without_its_password(tmp_path: Path, command: str) -> None:
    port = find_free_port()
    url = f"postgresql://shop:sesame-77@127.0.0.1:{port}/serai"
    run = run_serai(command, data_dir=str(tmp_path / "var"), port=str(find_free_port()), database_url=url)
    check_told(run, f"shop:********@127.0.0.1:{port}", "cannot be reached", "SERAI_DATABASE_URL")
    assert "sesame-77" not in run.stdout + run.stderr


def test_a_missing_database_is_told_with_the_way_to_make_it(tmp_path: Path, server_url: str) -> None:
    url = server_url.replace("/postgres?", "/nowhere?")
    run = run_serai("up", data_dir=str(tmp_path / "var"), port=str(find_free_port()), database_url=url)
    check_told(run, '"nowhere" does not exist', "createdb")


async def test_a_database_user_without_rights_is_told_what_to_ask_for(
    tmp_path: Path, server_url: str
) -> None:
    mark = uuid4().hex[:8]
    connection = await asyncpg.connect(server_url)
    await connection.execute(f"CREATE ROLE weak_{mark} LOGIN")
    await connection.execute(f"CREATE DATABASE weak_{mark}")
    await connection.close()
    user = urlsplit(server_url)
    address = user._replace(
        netloc=f"weak_{mark}@{user.netloc.rpartition('@')[2]}", path=f"/weak_{mark}"
    ).geturl()
    run = run_serai("migrate", data_dir=str(tmp_path / "var"), database_url=address)
    check_told(run, "may not", "GRANT CREATE ON DATABASE", "CREATE ROLE serai_app")


def test_an_address_that_is_none_is_told(tmp_path: Path) -> None:
    url = "mysql://127.0.0.1/serai"
    run = run_serai("up", data_dir=str(tmp_path / "var"), port=str(find_free_port()), database_url=url)
    check_told(run, "SERAI_DATABASE_URL", "postgresql://USER:PASSWORD@HOST:PORT/DATABASE")


@pytest.mark.parametrize("password", ["sesame/77", "sesame#77"])
def test_an_unquoted_password_is_not_given_away_by_the_driver(tmp_path: Path, password: str) -> None:
    run = run_serai(
        "migrate", data_dir=str(tmp_path / "var"), database_url=f"postgresql://shop:{password}@db/serai"
    )
    check_told(run, "shop:********@db/serai", "%2F")
    assert "sesame" not in run.stdout + run.stderr
    assert "77" not in run.stderr


def test_commands_without_any_shop_say_how_to_start_one(tmp_path: Path) -> None:
    for command in ("check", "migrate", "web", "worker"):
        check_told(run_serai(command, data_dir=str(tmp_path / "var")), "serai up", "SERAI_DATABASE_URL")


def test_a_nearly_full_disk_is_refused_before_the_database_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = open_installation(str(tmp_path / "var"))
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=90_000_000))
    with pytest.raises(Fault) as refused:
        require_space(installation)
    assert "90 MB" in refused.value.what


def test_a_full_disk_is_told_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(OSError, match="No space left") as refused:
        open_installation(str(tmp_path / "var"))
    fault = explain_error(refused.value)
    assert fault is not None
    assert str(tmp_path / "var") in fault.what


def test_missing_front_end_files_are_told_with_the_command_that_brings_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(precondition, "ASSETS", ("vendor/nowhere.js",))
    with pytest.raises(Fault) as refused:
        precondition.require_assets()
    assert "vendor/nowhere.js" in refused.value.what
    assert "make assets" in refused.value.advice[0]


def test_missing_demo_packages_are_told_with_the_way_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precondition, "DEMO_PACKAGES", ("nowhere_py",))
    with pytest.raises(Fault) as refused:
        precondition.require_demo()
    assert "nowhere_py" in refused.value.what
    assert any("--no-demo" in line for line in refused.value.advice)


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/data"), "full"),
        (PermissionError(errno.EACCES, "Permission denied", "/data"), "written"),
        (OSError(errno.EROFS, "Read-only file system", "/data"), "written"),
        (Outside("embedded database", "cannot prepare"), "Embedded database"),
    ],
)
def test_expected_errors_are_explained(error: Exception, word: str) -> None:
    fault = explain_error(error)
    assert fault is not None
    assert word in fault.what
    assert fault.advice


def test_a_bug_is_not_explained_but_recorded(tmp_path: Path) -> None:
    error = ZeroDivisionError("division by zero")
    assert explain_error(error) is None
    path = record_trace(error, tmp_path)
    assert path.parent == tmp_path
    assert "ZeroDivisionError" in path.read_text()
