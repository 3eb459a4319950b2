"""A shop that sells in yuan and one that sells in dollars, served in earnest, with accounts at simulated providers."""

import json
import os
import secrets
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from tests.conftest import make_database
from tests.durability.running import WebWorkers, find_breaches, find_free_port, wait_for
from tests.sandbox.provider import SOURCES
from tests.shop import Shop, open_shop

from serai.commerce.aftersale.jobs import ask_refunds, expire_orders
from serai.commerce.checkout.api import start_payment
from serai.commerce.checkout.jobs import check_payments
from serai.commerce.order.api import load_order
from serai.commerce.order.types import Order
from serai.commerce.payment.types import psp_clearing
from serai.commerce.payway.api import save_pay_account
from serai.commerce.payway.read_key import write_pkcs1, write_pkcs8, write_public
from serai.commerce.payway.types import Provider
from serai.commerce.settings import CommerceSettings
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import open_database
from serai.foundation.ids import MerchantId, new_id
from serai.foundation.migration import apply_migrations
from serai.ledger.api import Lane, load_balances
from serai.main.platform import Platform, open_configured_platform
from serai.main.settings import load_settings
from serai.main.systems import SYSTEMS

PROVIDER_TIMEOUT_S = 1.5
PROVIDERS: tuple[Provider, ...] = ("stripe", "wechat", "alipay")


def make_key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


class Keys:
    """Both sides of an account at each provider: what the merchant types in, and what the simulator knows."""

    def __init__(self, webhook_url: str = "") -> None:
        ours, theirs = make_key(), make_key()
        apiv3, serial, key_id = secrets.token_hex(16), secrets.token_hex(20).upper(), "PUB_KEY_ID_0119000000"
        mchid, appid, app_id = (
            "19" + str(secrets.randbelow(10**8)).zfill(8),
            "wx" + secrets.token_hex(8),
            "20210041",
        )
        app_id += str(secrets.randbelow(10**8)).zfill(8)
        stripe_key, whsec = "sk_test_" + secrets.token_hex(12), "whsec_" + secrets.token_hex(16)
        self.ours, self.theirs = ours, theirs
        self.values: dict[Provider, dict[str, str]] = {
            "stripe": {"secret_key": stripe_key, "webhook_secret": whsec},
            "wechat": {
                "mchid": mchid,
                "appid": appid,
                "serial_no": serial,
                "private_key": write_pkcs8(ours),
                "apiv3_key": apiv3,
                "platform_key_id": key_id,
                "platform_key": write_public(theirs.public_key()),
            },
            "alipay": {
                "app_id": app_id,
                "private_key": write_pkcs1(ours),
                "alipay_key": write_public(theirs.public_key()),
            },
        }
        merchant_key = write_public(ours.public_key())
        self.accounts: dict[str, dict[str, str]] = {
            "stripe": {"secret_key": stripe_key, "webhook_secret": whsec, "webhook_url": webhook_url},
            "wechat": {
                "mchid": mchid,
                "appid": appid,
                "serial_no": serial,
                "merchant_public_key": merchant_key,
                "apiv3_key": apiv3,
                "platform_key_id": key_id,
                "platform_private_key": write_pkcs8(theirs),
            },
            "alipay": {
                "app_id": app_id,
                "merchant_public_key": merchant_key,
                "alipay_private_key": write_pkcs8(theirs),
            },
        }


class Simulator:
    """The process of the simulated providers, and its back door."""

    def __init__(self, folder: Path, keys: list[Keys]) -> None:
        self.port = find_free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / "payments.log"
        control = secrets.token_hex(12)
        accounts: dict[str, Any] = {"control_key": control}
        for provider in PROVIDERS:
            accounts[provider] = [each.accounts[provider] for each in keys]
        file = folder / "payments.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(accounts))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "serai_sandbox.payments",
                    "--port",
                    str(self.port),
                    "--accounts",
                    str(file),
                    "--backoff-ms",
                    "100",
                ],
                env={**os.environ, "PYTHONPATH": str(SOURCES)},
                stdout=log,
                stderr=log,
            )
        self.client = httpx.AsyncClient(
            base_url=self.url, headers={"x-control-key": control}, timeout=20, trust_env=False
        )

    async def wait_ready(self) -> None:
        async def answers() -> bool:
            assert self._process.poll() is None, self.log
            try:
                return (await self.client.get("/healthz")).status_code == 200
            except httpx.TransportError:
                return False

        await wait_for(answers, "the simulated providers to answer")

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    async def fault(self, provider: str, name: str, on: str, **more: Any) -> None:
        answer = await self.client.post(
            "/_control/faults", json={"provider": provider, "name": name, "on": on, **more}
        )
        assert answer.status_code == 201, answer.text

    async def clear(self) -> None:
        await self.client.delete("/_control/faults")

    async def decide(self, provider: str, reference: str, outcome: str = "paid") -> dict[str, Any]:
        body = {"provider": provider, "reference": reference, "outcome": outcome}
        answer = await self.client.post("/_control/decide", json=body)
        assert answer.status_code == 200, answer.text
        trade: dict[str, Any] = answer.json()
        return trade

    async def trades(self, reference: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (
            await self.client.get("/_control/trades", params={"reference": reference})
        ).json()
        return found

    async def wait_quiet(self, trade_id: str) -> list[dict[str, Any]]:
        """Every notification about a trade, once none waits any more."""

        async def look() -> list[dict[str, Any]]:
            answer = await self.client.get("/_control/deliveries", params={"trade_id": trade_id})
            found: list[dict[str, Any]] = answer.json()
            return found if found and all(each["state"] != "waiting" for each in found) else []

        return await wait_for(look, f"the notifications of {trade_id}")

    async def close(self) -> None:
        await self.client.aclose()
        self._process.terminate()
        self._process.wait(15)
        assert "Traceback" not in self.log, self.log


class World:
    """Both shops, their web worker, and the providers. ``shops`` by provider: Stripe's sells in dollars."""

    def __init__(
        self, shops: dict[str, Shop], keys: Keys, platform: Platform, web: WebWorkers, sim: Simulator
    ) -> None:
        self.shops = shops
        self.keys = keys
        self.platform = platform
        self.web = web
        self.sim = sim

    @property
    def commerce(self) -> Commerce:
        return self.platform.commerce

    def shop(self, provider: str) -> Shop:
        return self.shops[provider]

    async def place(
        self, provider: str, *, price_minor: int = 1250, stock: int = 10, quantity: int = 2
    ) -> Order:
        """An order of a product that no other test sells."""
        shop = self.shop(provider)
        sku_id = await shop.add_product(price_minor=price_minor, stock=stock)
        placed = await shop.place((sku_id, quantity))
        return await self.load(provider, placed.order_id)

    async def load(self, provider: str, order_id: UUID) -> Order:
        async with self.platform.db.transaction(self.shop(provider).merchant_id, "read") as tx:
            return await load_order(tx, order_id=order_id)

    async def start(self, provider: str, order_id: UUID, device: str = "desktop", base: str = "") -> str:
        return await start_payment(
            self.commerce,
            self.shop(provider).merchant_id,
            order_id=order_id,
            base_url=base or self.web.url,
            provider=provider,
            device=device,
        )

    async def open(self, provider: str, order_id: UUID, device: str = "desktop") -> str:
        """Start the payment and let the shopper arrive at its page; the merchant's number of it at the provider."""
        pay_url = await self.start(provider, order_id, device)
        if provider == "alipay":
            answer = await self.sim.client.get(pay_url, follow_redirects=False)
            assert answer.status_code == 303, answer.text
        attempt = (await self.load(provider, order_id)).payments[-1]
        return str(attempt.intent_id) if provider == "stripe" else attempt.intent_id.hex

    async def pay(self, provider: str, order_id: UUID) -> dict[str, Any]:
        return await self.sim.decide(provider, await self.open(provider, order_id))

    async def wait_state(self, provider: str, order_id: UUID, state: str) -> Order:
        async def look() -> Order | None:
            order = await self.load(provider, order_id)
            return order if order.state == state else None

        found = await wait_for(look, f"order {order_id} to be {state}")
        assert found is not None
        return found

    async def run_jobs(self, *, minutes: float = 1) -> None:
        with clock.clock_shifted(timedelta(minutes=minutes)):
            await check_payments(self.commerce, self.platform.owner)
            await ask_refunds(self.commerce, self.platform.owner)
            await expire_orders(self.commerce, self.platform.owner)

    async def balance(self, provider: str, held_by: str) -> int:
        """What the books say that a provider holds for its shop."""
        shop = self.shop(provider)
        account_id = psp_clearing(held_by, shop.currency).account_id
        async with self.platform.db.transaction(shop.merchant_id, "read") as tx:
            return (await load_balances(tx, account_ids=[account_id]))[account_id].posted

    async def assert_true(self, provider: str, order_id: UUID, state: str) -> Order:
        """The order is in this state, its money is what the providers have, and all invariants hold."""
        order = await self.load(provider, order_id)
        assert order.state == state, [(p.provider, p.state, p.events) for p in order.payments]
        paid = refunded = 0
        for attempt in order.payments:
            for reference in (str(attempt.intent_id), attempt.intent_id.hex):
                for trade in await self.sim.trades(reference):
                    paid += trade["paid_amount"]
                    refunded += sum(r["amount"] for r in trade["refunds"] if r["status"] == "succeeded")
        # What was only held and let go went back without moving.
        assert (order.paid_minor, order.refunded_minor - order.released_minor) == (paid, refunded)
        assert not await find_breaches(self.platform.owner)
        return order

    async def close(self) -> None:
        self.web.stop()
        await self.platform.close()
        await self.sim.close()
        assert "Traceback" not in self.web.log, self.web.log


async def open_world(server_url: str, folder: Path, *, workers: int = 1) -> World:
    """Make a database with the two shops, give them accounts, start the processes, and wait until they answer."""
    url = await make_database(server_url, f"serai_pay_{uuid4().hex[:12]}")
    await apply_migrations(url, SYSTEMS)
    port = find_free_port()
    yuan, dollars = MerchantId(new_id()), MerchantId(new_id())
    keys = Keys(f"http://127.0.0.1:{port}/webhooks/stripe/{dollars}")
    sim = Simulator(folder, [keys])
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SERAI_")} | {
        "SERAI_DATA_DIR": str(folder),
        "SERAI_DATABASE_URL": url,
        "SERAI_COMMERCE_STRIPE_URL": sim.url,
        "SERAI_COMMERCE_WECHAT_URL": sim.url,
        "SERAI_COMMERCE_ALIPAY_URL": f"{sim.url}/gateway.do",
        "SERAI_COMMERCE_PROVIDER_TIMEOUT_S": str(PROVIDER_TIMEOUT_S),
        "COLUMNS": "160",
    }
    owner, db = await open_database(url, role=None, size=1), await open_database(url, size=2)
    bare = Commerce(db, Lane(db), {}, CommerceSettings(), b"not used")
    shops = {
        "wechat": await open_shop(owner, bare, yuan, "yuan", "CNY"),
        "stripe": await open_shop(owner, bare, dollars, "dollars"),
    }
    await owner.close()
    await db.close()
    platform = await open_configured_platform(url, load_settings(environ))
    shops = {name: msgspec.structs.replace(shop, commerce=platform.commerce) for name, shop in shops.items()}
    shops["alipay"] = shops["wechat"]
    for provider in PROVIDERS:
        async with platform.db.transaction(shops[provider].merchant_id) as tx:
            await save_pay_account(
                tx, platform.vault, provider=provider, values=keys.values[provider], by="test"
            )
    web = WebWorkers(port, workers, environ, folder / "web.log")
    await sim.wait_ready()
    await web.wait_ready()
    return World(shops, keys, platform, web, sim)
