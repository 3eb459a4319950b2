"""Ids, money, language, settings: the values that everything else is made of."""

import itertools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from serai.foundation import ids
from serai.foundation.i18n import choose_locale, pick_translation, translate
from serai.foundation.ids import derive_id, new_id
from serai.foundation.money import Money, format_money, minor_digits, parse_minor, share_out
from serai.foundation.settings import SettingsWrong, read_settings

amounts = st.integers(min_value=-(10**15), max_value=10**15)
weights = st.lists(st.integers(min_value=0, max_value=10**9), min_size=1, max_size=40)


def test_new_ids_are_time_ordered_uuids_that_never_go_backwards():
    made = [new_id() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {each.version for each in made} == {7}


def test_new_ids_do_not_go_backwards_when_the_clock_does(monkeypatch: pytest.MonkeyPatch):
    before = new_id()
    monkeypatch.setattr(ids.time, "time_ns", lambda: 0)
    after = [
        new_id() for _ in range(9_000)
    ]  # more than the counter holds, so it runs over into the next millisecond
    assert [before, *after] == sorted([before, *after])
    assert len(set(after)) == len(after)


def test_new_ids_of_many_threads_do_not_meet():
    with ThreadPoolExecutor(8) as pool:
        made = [
            each for part in pool.map(lambda _n: [new_id() for _ in range(2_000)], range(8)) for each in part
        ]
    assert len(set(made)) == len(made)


def test_a_derived_id_is_the_same_in_every_process_and_differs_with_every_part():
    parts = ("order", 7, "line", 1)
    code = f"from serai.foundation.ids import derive_id; print(derive_id(*{parts!r}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert str(derive_id(*parts)) == run.stdout.strip()
    assert derive_id(*parts) == derive_id("order", "7", "line", "1")
    assert derive_id(*parts).version == 8
    others = {derive_id("order", 71, "line"), derive_id("order", 7, "line"), derive_id("order7", "line", 1)}
    assert len(others | {derive_id(*parts)}) == 4


@given(amounts, weights)
def test_shares_sum_to_the_amount_and_stay_within_one_of_their_due(amount: int, given_weights: list[int]):
    shares = share_out(amount, given_weights)
    assert sum(shares) == amount
    total = sum(given_weights)
    for share, weight in zip(shares, given_weights, strict=True):
        # |share - amount * weight / total| < 1, without a division
        due, of = (amount * weight, total) if total else (amount, len(given_weights))
        assert abs(share * of - due) < of
        assert share * amount >= 0
        if total and weight == 0:
            assert share == 0


@given(st.integers(min_value=0, max_value=10**9), weights)
def test_a_heavier_line_never_gets_less(amount: int, given_weights: list[int]):
    pairs = sorted(zip(given_weights, share_out(amount, given_weights), strict=True))
    for (light, less), (heavy, more) in itertools.pairwise(pairs):
        assert light == heavy or less <= more


@pytest.mark.parametrize(
    ("amount", "given_weights", "expected"),
    [
        (1000, [9900, 1, 99], [990, 0, 10]),
        (1000, [3334, 3334, 3334], [334, 333, 333]),
        (-1000, [1, 1, 1], [-334, -333, -333]),
        (5, [0, 0], [3, 2]),
        (0, [1, 2], [0, 0]),
    ],
)
def test_shares_of_known_cases(amount: int, given_weights: list[int], expected: list[int]):
    assert share_out(amount, given_weights) == expected


@pytest.mark.parametrize("bad", [[], [-1], [1, -1]])
def test_shares_need_weights_that_are_not_negative(bad: list[int]):
    with pytest.raises(ValueError, match="weights"):
        share_out(1, bad)


@given(amounts, st.sampled_from(["USD", "CNY", "EUR", "JPY", "KWD"]))
def test_an_amount_written_as_a_decimal_reads_back_as_itself(minor: int, currency: str):
    text = f"{Decimal(minor).scaleb(-minor_digits(currency)):f}"
    assert parse_minor(f" {text} ", currency) == minor


@pytest.mark.parametrize(
    "text", ["", "abc", "1,5", "1.234", "NaN", "Infinity", "-Infinity", "sNaN", "0x1", "1.0e-3"]
)
def test_what_is_no_amount_of_the_currency_is_refused(text: str):
    with pytest.raises(ValueError):
        parse_minor(text, "USD")


def test_amounts_are_shown_as_the_readers_language_writes_them():
    assert format_money(1250, "USD") == "$12.50"
    assert format_money(-5, "USD") == "-$0.05"
    assert format_money(1250, "CNY", "zh_Hans") == "¥12.50"
    assert format_money(1250, "JPY") == "¥1,250"
    assert format_money(10**17 + 1, "USD") == "$1,000,000,000,000,000.01"


def test_money_of_two_currencies_does_not_mix():
    assert Money(5, "USD") + Money(6, "USD") == Money(11, "USD")
    assert (Money(5, "USD") - Money(6, "USD")) * 3 == Money(-3, "USD")
    with pytest.raises(ValueError, match="cannot mix"):
        Money(5, "USD") + Money(5, "CNY")
    with pytest.raises(ValueError, match="unknown currency"):
        minor_digits("XYZ")


@pytest.mark.parametrize(
    ("cookie", "accept", "expected"),
    [
        (None, None, "en"),
        (None, "", "en"),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh_Hans"),
        (None, "en-GB,en;q=0.9,zh;q=0.1", "en"),
        (None, "fr,zh;q=0.5,en;q=0.4", "zh_Hans"),
        (None, "fr-FR", "en"),
        (None, "zh-Hans-CN", "zh_Hans"),
        (None, "zh-TW,zh;q=0.9,en;q=0.8", "zh_Hant"),
        (None, "zh-HK", "zh_Hant"),
        (None, "zh-Hant", "zh_Hant"),
        (None, "zh-Hant-MO,en", "zh_Hant"),
        (None, "zh-SG", "zh_Hans"),
        ("zh_Hant", "en", "zh_Hant"),
        (None, "en;q=0.1, zh;q=0.2", "zh_Hans"),
        ("zh_Hans", "en", "zh_Hans"),
        ("en", "zh", "en"),
        ("../../etc/passwd", "zh", "zh_Hans"),
        (None, "zh;q=x,en", "en"),
        (None, ";;;,,,q=,*" * 1000, "en"),
    ],
)
def test_a_visitors_language_is_what_was_chosen_else_what_the_browser_likes_best(
    cookie: str | None, accept: str | None, expected: str
):
    assert choose_locale(cookie, accept) == expected


@pytest.mark.parametrize(
    ("texts", "locale", "expected"),
    [
        ({"zh_Hans": "冰块", "zh_Hant": "碎冰塊"}, "zh_Hant", "碎冰塊"),
        ({"zh_Hans": "软件与面条"}, "zh_Hant", "軟體與麵條"),
        ({"zh_Hant": "軟體與麵條"}, "zh_Hans", "软件与面条"),
        ({"zh_Hans": "冰块"}, "en", "Ice"),
        ({"zh_Hans": ""}, "zh_Hant", "Ice"),
        ({}, "zh_Hant", "Ice"),
    ],
)
def test_a_name_is_read_in_ones_language_else_in_its_other_script_else_as_the_merchant_wrote_it(
    texts: dict[str, str], locale: str, expected: str
):
    assert pick_translation(texts, locale, "Ice") == expected


@pytest.mark.parametrize(
    ("currency", "digits", "shown"),
    [
        ("USD", 2, "$12.34"),
        ("JPY", 0, "¥1,234"),
        ("KRW", 0, "₩1,234"),
        ("KWD", 3, "KWD\N{NO-BREAK SPACE}1.234"),
        ("IQD", 3, "IQD\N{NO-BREAK SPACE}1.234"),
        ("AFN", 2, "AFN\N{NO-BREAK SPACE}12.34"),
        ("LAK", 2, "LAK\N{NO-BREAK SPACE}12.34"),
        ("CLF", 4, "CLF\N{NO-BREAK SPACE}0.1234"),
    ],
)
def test_a_currency_has_the_digits_of_iso_4217_and_shows_them_all(currency: str, digits: int, shown: str):
    assert minor_digits(currency) == digits
    assert format_money(1234, currency) == shown
    assert parse_minor(f"{1234 / 10**digits:.{digits}f}", currency) == 1234


def test_amounts_and_names_of_currencies_follow_the_traditional_locale():
    assert format_money(123450, "JPY", "zh_Hant") == "¥123,450"
    assert format_money(1250, "CNY", "zh_Hant") == "CN¥12.50"


def test_a_text_is_translated_with_its_places_filled_and_survives_missing_ones():
    message = "Too many failed attempts. Please try again in %(minutes)s minutes."
    assert translate(message, "en", {"minutes": 3}) == message.replace("%(minutes)s", "3")
    chinese = translate(message, "zh_Hans", {"minutes": 3})
    assert "3" in chinese
    assert chinese != translate(message, "en", {"minutes": 3})
    assert translate(message, "en", {"hours": 3}) == message
    assert translate("", "zh_Hans") == ""
    assert translate("no such message", "zh_Hans") == "no such message"


class House(msgspec.Struct, frozen=True, kw_only=True):
    port: int = 8460
    name: str = "serai"


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    lines: int = 100
    open: bool = True


STRUCTS: dict[str, type[msgspec.Struct]] = {"foundation": House, "shop": Shop}


def test_settings_come_from_the_environment_and_say_so():
    filled, listed = read_settings({"SERAI_PORT": "99", "SERAI_SHOP_OPEN": "false", "PATH": "/bin"}, STRUCTS)
    assert (filled["foundation"], filled["shop"]) == (House(port=99), Shop(open=False))
    assert {setting.name: (setting.value, setting.origin) for setting in listed} == {
        "SERAI_PORT": (99, "environment"),
        "SERAI_NAME": ("serai", "default"),
        "SERAI_SHOP_LINES": (100, "default"),
        "SERAI_SHOP_OPEN": (False, "environment"),
    }


def test_every_fault_of_the_settings_is_told_at_once():
    environ = {"SERAI_PORT": "many", "SERAI_SHOP_LINES": "1.5", "SERAI_SHOP_OPEN": "maybe", "SERAI_PROT": "1"}
    with pytest.raises(SettingsWrong) as refused:
        read_settings(environ, STRUCTS)
    assert len(refused.value.reasons) == len(environ)
    for name in environ:
        assert sum(reason.startswith((f"{name}=", f"{name}:")) for reason in refused.value.reasons) == 1
