"""Pure rules: signatures, pauses, and which addresses lie inside."""

import base64
import hashlib
import hmac
import ipaddress
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, get_type_hints

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from serai.commerce.webhook.check_address import check_endpoint_url
from serai.commerce.webhook.logic import (
    check_url,
    choose_hold_s,
    choose_pause_s,
    derive_secret,
    is_outside,
    make_headers,
    parse_schedule,
    sign_message,
    verify_message,
)
from serai.commerce.webhook.view import VIEWS, list_event_kinds
from serai.foundation.errors import Invalid, Refused
from serai.foundation.ids import new_id

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
SECRET = derive_secret(b"key", new_id(), new_id(), new_id())
BODY = b'{"a": 1}'


def test_a_signature_is_what_the_public_library_gives() -> None:
    # Made with standardwebhooks 1.1 from PyPI, for its own documentation's secret and message.
    made = sign_message(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    assert len(key) == 32
    plain = hmac.new(key, b"id.5." + BODY, hashlib.sha256).digest()
    assert sign_message(SECRET, "id", 5, BODY) == "v1," + base64.b64encode(plain).decode()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"webhook-signature": "v1," + base64.b64encode(b"0" * 32).decode()}, "webhook.forged"),
        ({"webhook-signature": ""}, "webhook.forged"),
        ({"webhook-signature": "v1,\udcff\udcff"}, "webhook.forged"),
        ({"webhook-id": "evt_other"}, "webhook.forged"),
        ({"webhook-timestamp": str(int(NOW.timestamp()) + 1)}, "webhook.forged"),
        ({"webhook-timestamp": "soon"}, "webhook.malformed"),
        ({"webhook-timestamp": "9" * 40}, "webhook.malformed"),
        ({"webhook-timestamp": "²"}, "webhook.malformed"),
        ({"webhook-id": ""}, "webhook.malformed"),
    ],
)
def test_whatever_is_changed_the_verifier_refuses(change: dict[str, str], code: str) -> None:
    headers = make_headers([SECRET], "evt_1", NOW, BODY)
    assert verify_message([SECRET], headers, BODY, now=NOW) == "evt_1"
    with pytest.raises(Refused) as refused:
        verify_message([SECRET], headers | change, BODY, now=NOW)
    assert refused.value.code == code


@pytest.mark.parametrize("away_s", [-301, 301, 10**9])
def test_an_old_or_early_message_is_refused_though_its_signature_is_right(away_s: int) -> None:
    headers = make_headers([SECRET], "evt_1", NOW, BODY)
    with pytest.raises(Refused) as refused:
        verify_message([SECRET], headers, BODY, now=NOW + timedelta(seconds=away_s))
    assert refused.value.code == "webhook.stale"
    assert verify_message([SECRET], headers, BODY, now=NOW + timedelta(seconds=299)) == "evt_1"


@given(st.binary(max_size=200), st.binary(max_size=200), st.text(max_size=20), st.integers(0, 10**11))
def test_no_other_body_passes(body: bytes, other: bytes, message_id: str, at: int) -> None:
    headers = {
        "webhook-id": message_id or "x",
        "webhook-timestamp": str(at),
        "webhook-signature": sign_message(SECRET, message_id or "x", at, body),
    }
    now = datetime.fromtimestamp(min(at, 10**10), UTC)
    try:
        verify_message([SECRET], headers, other, now=now)
    except Refused:
        assert other != body or abs(at - now.timestamp()) > 300
    else:
        assert other == body


@given(
    st.lists(st.integers(1, 999_999), min_size=1, max_size=20),
    st.integers(1, 30),
    st.floats(0, 1),
    st.none() | st.integers(0, 10**9),
)
def test_pauses_follow_the_schedule_spread_by_a_fifth(
    schedule: list[int], tries: int, chance: float, wait: int | None
) -> None:
    assert parse_schedule(",".join(map(str, schedule))) == tuple(schedule)
    pause_s = choose_pause_s(schedule, tries, chance=chance, retry_after_s=wait)
    if tries > len(schedule):
        assert pause_s is None
        return
    planned = schedule[tries - 1]
    assert pause_s is not None
    asked = min(wait or 0, 3600)
    assert max(planned * 0.79, asked) <= pause_s <= max(planned * 1.21, asked)


def test_holds_grow_and_have_an_end() -> None:
    holds = [choose_hold_s(failures) for failures in range(1, 40)]
    assert holds[:9] == [0] * 9
    assert holds == sorted(holds)
    assert holds[9] == 30
    assert holds[-1] == 600


@pytest.mark.parametrize("text", ["", "0", "5,", "a", "1," * 30 + "1", "-5", "1000000"])
def test_a_schedule_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="pauses"):
        parse_schedule(text)


INSIDE = [
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "fd12::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
    "2002:a00:1::",
    "2001:db8::1",
    "fe80::1%eth0",
]


@pytest.mark.parametrize("text", INSIDE)
def test_inner_addresses_are_inside(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert not is_outside(address, loopback_allowed=False)
    loopback = text in (
        "::1",
        "::ffff:127.0.0.1",
        "127.0.0.1",
        "127.8.9.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    )
    assert is_outside(address, loopback_allowed=True) == loopback


@pytest.mark.parametrize(
    "text", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_are_outside(text: str) -> None:
    assert is_outside(ipaddress.ip_address(text), loopback_allowed=False)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0x7f.1",
        "[::1]",
        "[::ffff:7f00:1]",
        "0",
        "10.1",
    ],
)
async def test_no_notation_leads_inside(host: str) -> None:
    with pytest.raises(Invalid) as refused:
        await check_endpoint_url(f"https://{host}/x", loopback_allowed=False)
    assert refused.value.code in ("webhook.host_inside", "webhook.host_unknown")


@pytest.mark.parametrize("host", ["10.0.0.1", "[fd12::1]", "169.254.169.254"])
async def test_where_loopback_is_allowed_nothing_else_is(host: str) -> None:
    with pytest.raises(Invalid) as refused:
        await check_endpoint_url(f"http://{host}/", loopback_allowed=True)
    assert refused.value.code == "webhook.host_inside"
    with pytest.raises(Invalid) as refused:
        await check_endpoint_url("http://8.8.8.8/", loopback_allowed=True)
    assert refused.value.code == "webhook.url_insecure"
    await check_endpoint_url("http://127.0.0.1:9/", loopback_allowed=True)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "ftp://example.com/",
        "https://",
        "https:///x",
        "https://a b/",
        "https://a/\n",
        "https://a\\@b/",
        "https://u@a/",
        "https://a/#x",
        "https://a:99999/",
        "https://a:0/",
        "https://é.example/",
        "https://a/" + "x" * 2000,
        "https://[::1/",
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_url(url, inside_allowed=True)
    assert refused.value.code == "webhook.url_invalid"


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    with suppress(Invalid):
        assert check_url(text, inside_allowed=False).hostname


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_every_shown_field_is_there_inside_and_of_the_same_type(view: Any) -> None:
    inner, shape = get_type_hints(view.inner), get_type_hints(view.shape)
    assert set(shape) <= set(inner)
    assert not {"by", "note"} & set(shape), "who did it stays inside"
    for name, hint in shape.items():
        if name != "lines":
            assert inner[name] == hint, name
    assert not view.object_field or view.object_field in inner


def test_names_and_inner_events_are_each_shown_once() -> None:
    assert len({view.name for view in VIEWS}) == len({view.inner for view in VIEWS}) == len(VIEWS)
    kinds = list_event_kinds()
    assert msgspec.json.decode(msgspec.json.encode(kinds[0].schema))["properties"]["type"] == {
        "const": "order.placed"
    }
