"""Messages that nobody should believe, and the answers that each provider waits for."""

import base64
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from tests.payway.world import PROVIDERS, Keys, World

from serai.commerce.payway.adapt_alipay import AlipayAdapter
from serai.commerce.payway.adapt_stripe import StripeAdapter
from serai.commerce.payway.adapt_wechat import WechatAdapter
from serai.commerce.payway.check_account import check_account
from serai.commerce.payway.logic import from_stripe, from_yuan, takes, to_stripe, to_yuan
from serai.commerce.payway.types import AlipayAccount, StripeAccount, WechatAccount
from serai.commerce.types import ProviderEvent
from serai.foundation.errors import Invalid, Unauthorised

pytestmark = pytest.mark.xdist_group("payway")
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys()


async def read_wechat(keys: Keys, body: bytes, **changes: str) -> ProviderEvent | None:
    """What our adapter makes of a message that was signed as WeChat signs, with some headers changed afterwards."""
    account = check_account("wechat", keys.values["wechat"], None)
    assert isinstance(account, WechatAccount)
    at = changes.pop("at", str(int(time.time())))
    signature = keys.theirs.sign(f"{at}\nnonce\n".encode() + body + b"\n", PKCS1v15(), SHA256())
    headers = {
        "wechatpay-timestamp": at,
        "wechatpay-nonce": "nonce",
        "wechatpay-signature": base64.b64encode(signature).decode(),
        "wechatpay-serial": account.platform_key_id,
        "wechatpay-signature-type": "WECHATPAY2-SHA256-RSA2048",
    } | {f"wechatpay-{name.replace('_', '-')}": value for name, value in changes.items()}
    adapter = WechatAdapter(account, NOWHERE, 1)
    try:
        return await adapter.read(headers, body)
    finally:
        await adapter.close()


def seal(
    keys: Keys, content: Mapping[str, Any], *, apiv3_key: str = "", kind: str = "TRANSACTION.SUCCESS"
) -> bytes:
    key = apiv3_key or keys.values["wechat"]["apiv3_key"]
    sealed = AESGCM(key.encode()).encrypt(b"123456789012", json.dumps(content).encode(), b"transaction")
    return json.dumps(
        {
            "id": "event-1",
            "event_type": kind,
            "resource_type": "encrypt-resource",
            "resource": {
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": base64.b64encode(sealed).decode(),
                "nonce": "123456789012",
                "associated_data": "transaction",
            },
        }
    ).encode()


def transaction(keys: Keys, **changes: Any) -> dict[str, Any]:
    values = keys.values["wechat"]
    return {
        "appid": values["appid"],
        "mchid": values["mchid"],
        "out_trade_no": uuid4().hex,
        "trade_state": "SUCCESS",
        "amount": {"total": 100, "currency": "CNY"},
    } | changes


async def test_wechats_message_is_read_when_everything_about_it_is_right(keys: Keys) -> None:
    content = transaction(keys)
    event = await read_wechat(keys, seal(keys, content))
    assert event is not None
    assert (event.kind, event.amount_minor, event.currency, event.event_id) == (
        "captured",
        100,
        "CNY",
        "event-1",
    )
    assert event.reference.hex == content["out_trade_no"]


@pytest.mark.parametrize(
    "changes",
    [
        {"at": str(int(time.time()) - 3600)},
        {"at": "9" * 400},
        {"at": "١٢٣"},
        {"serial": "PUB_KEY_ID_of_somebody_else"},
        {"serial": ""},
        {"signature": "not base64 at all"},
        {"signature": ""},
        {"nonce": "another"},
        {"signature_type": "WECHATPAY2-SM2-WITH-SM3"},
    ],
)
async def test_wechats_message_with_a_wrong_header_is_refused(keys: Keys, changes: dict[str, str]) -> None:
    with pytest.raises(Unauthorised):
        await read_wechat(keys, seal(keys, transaction(keys)), **changes)


async def test_wechats_message_sealed_with_another_key_or_about_another_merchant_is_refused(
    keys: Keys,
) -> None:
    with pytest.raises(Unauthorised):
        await read_wechat(keys, seal(keys, transaction(keys), apiv3_key="0" * 32))
    with pytest.raises(Unauthorised):
        await read_wechat(keys, seal(keys, transaction(keys, mchid="1900000109")))
    with pytest.raises(Invalid):
        await read_wechat(keys, seal(keys, transaction(keys, appid="wx0000000000000000")))


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"null", b"\xff\xfe", b'{"resource": null}', b'{"resource": {"algorithm": "none"}}'],
)
async def test_what_is_signed_and_no_message_is_malformed(keys: Keys, body: bytes) -> None:
    with pytest.raises((Invalid, Unauthorised)):
        await read_wechat(keys, body)


async def read_alipay(
    keys: Keys, params: Mapping[str, str], *, sign_type: str = "RSA2"
) -> ProviderEvent | None:
    account = check_account("alipay", keys.values["alipay"], None)
    assert isinstance(account, AlipayAccount)
    text = "&".join(f"{name}={value}" for name, value in sorted(params.items()))
    sign = base64.b64encode(keys.theirs.sign(text.encode(), PKCS1v15(), SHA256())).decode()
    adapter = AlipayAdapter(account, NOWHERE, 1)
    try:
        return await adapter.read({}, urlencode({**params, "sign": sign, "sign_type": sign_type}).encode())
    finally:
        await adapter.close()


def notification(keys: Keys, **changes: str) -> dict[str, str]:
    beijing = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 8 * 3600))
    return {
        "app_id": keys.values["alipay"]["app_id"],
        "notify_id": "n-1",
        "notify_time": beijing,
        "out_trade_no": uuid4().hex,
        "trade_status": "TRADE_SUCCESS",
        "gmt_payment": beijing,
        "total_amount": "88.80",
    } | changes


async def test_alipays_message_is_read_and_one_of_its_neighbours_is_not(keys: Keys) -> None:
    event = await read_alipay(keys, notification(keys))
    assert event is not None
    assert (event.kind, event.amount_minor, event.event_id) == ("captured", 8880, "n-1")
    with pytest.raises(Unauthorised):
        await read_alipay(keys, notification(keys, app_id="2021000000000000"))
    with pytest.raises(Unauthorised):
        await read_alipay(keys, notification(keys, notify_time="2020-01-01 00:00:00"))
    with pytest.raises(Unauthorised):
        await read_alipay(keys, notification(keys), sign_type="RSA")


@pytest.mark.parametrize(
    "amount", ["1e3", "-1.00", "0.001", "88,80", "", "NaN", "１２.00", "99999999999999.00"]
)
async def test_alipays_message_with_an_amount_that_is_none_is_malformed(keys: Keys, amount: str) -> None:
    with pytest.raises(Invalid):
        await read_alipay(keys, notification(keys, total_amount=amount))


async def test_alipays_message_that_names_something_twice_is_refused(keys: Keys) -> None:
    account = check_account("alipay", keys.values["alipay"], None)
    assert isinstance(account, AlipayAccount)
    adapter = AlipayAdapter(account, NOWHERE, 1)
    with pytest.raises(Unauthorised):
        await adapter.read({}, b"total_amount=1.00&total_amount=2.00&sign=AAAA&sign_type=RSA2")
    await adapter.close()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1",
        "v1=abc",
        "t=x,v1=abc",
        "t=1,v1=\xe9",
        "garbage",
        f"t={2**70},v1=00",
        "t=1,v1=" + "0" * 100_000,
    ],
)
async def test_stripes_message_with_a_strange_signature_is_refused(keys: Keys, header: str) -> None:
    account = check_account("stripe", keys.values["stripe"], None)
    assert isinstance(account, StripeAccount)
    adapter = StripeAdapter(account, NOWHERE, 1)
    with pytest.raises(Unauthorised):
        await adapter.read({"stripe-signature": header}, b"{}")
    await adapter.close()


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_door_answers_strangers_in_the_providers_words(world: World, provider: str) -> None:
    async with httpx.AsyncClient(base_url=world.web.url, trust_env=False, timeout=20) as client:
        path = f"/webhooks/{provider}/{world.shop(provider).merchant_id}"
        answer = await client.post(path, content=b"sign=AAAA&sign_type=RSA2&total_amount=1.00")
        assert answer.status_code == 401
        assert answer.text != "success"
        if provider == "wechat":
            assert answer.json()["code"] == "FAIL"
        large = await client.post(path, content=b"x" * 300_000)
        assert large.status_code == 413
        unknown = await client.post(f"/webhooks/{provider}/{uuid4()}", content=b"{}")
        assert unknown.status_code == 404
        assert (await client.post(f"/webhooks/nobody/{uuid4()}", content=b"{}")).status_code == 404


@pytest.mark.parametrize(
    ("minor", "currency", "amount"),
    [
        (1999, "USD", 1999),
        (500, "JPY", 500),
        (5, "UGX", 500),
        (7, "ISK", 700),
        (1230, "KWD", 1230),
        (1000, "MGA", 10),
        (250, "TWD", 250),
    ],
)
def test_amounts_as_stripe_counts_them_and_back(minor: int, currency: str, amount: int) -> None:
    assert to_stripe(minor, currency) == amount
    assert from_stripe(amount, currency) == minor


@pytest.mark.parametrize(("minor", "currency"), [(1234, "KWD"), (1050, "MGA")])
def test_amounts_that_stripe_cannot_count_are_not_offered(minor: int, currency: str) -> None:
    with pytest.raises(ValueError, match="does not count"):
        to_stripe(minor, currency)
    assert not takes("stripe", minor, currency)


def test_yuan_as_text_and_back() -> None:
    for minor in (1, 10, 99, 100, 101, 123456):
        assert from_yuan(to_yuan(minor)) == minor
    assert [to_yuan(1), to_yuan(100), to_yuan(12345)] == ["0.01", "1.00", "123.45"]
    assert from_yuan("5") == 500
    assert from_yuan("5.5") == 550


def test_too_little_too_much_and_other_currencies_are_not_taken() -> None:
    assert not takes("stripe", 49, "USD")
    assert takes("stripe", 50, "USD")
    assert not takes("stripe", 100_000_000, "USD")
    assert not takes("wechat", 100, "USD")
    assert takes("wechat", 1, "CNY")
    assert not takes("alipay", 10_000_000_001, "CNY")
