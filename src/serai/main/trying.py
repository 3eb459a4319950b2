"""``serai up --providers``: accounts at the simulated Stripe, WeChat Pay and Alipay, and a tea shop that sells in yuan.

Both sides' keys are made here, since nobody else could: a merchant's own side is sealed in the database as if it had been
typed in, the providers' side goes into a file for their process.
"""

import secrets
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from serai.commerce.catalogue.api import Category, NewProduct, add_categories, add_products
from serai.commerce.payway.api import list_pay_accounts, save_pay_account
from serai.commerce.payway.read_key import write_pkcs1, write_pkcs8, write_public
from serai.commerce.payway.types import PROVIDERS, Provider
from serai.commerce.place.api import add_places
from serai.commerce.place.types import Place
from serai.commerce.stock.api import receive_stock
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.merchant.api import add_merchant, list_merchants
from serai.identity.merchant.types import Merchant
from serai.main.installation import Installation
from serai.main.platform import Platform, open_configured_platform
from serai.main.setup import ensure_pay_accounts, write_private

TEA_SLUG = "tea"
TEA_HOST = "tea.localhost"
TEAS = (
    ("龙井绿茶 100 克", "Longjing green tea, 100 g", 6800),
    ("正山小种红茶 100 克", "Lapsang souchong black tea, 100 g", 5200),
    ("铁观音乌龙 100 克", "Tieguanyin oolong, 100 g", 4600),
    ("茉莉花茶 100 克", "Jasmine tea, 100 g", 3900),
    ("白瓷盖碗", "White porcelain gaiwan", 12800),
    ("竹制茶匙", "Bamboo tea scoop", 1500),
)
STOCK = 200
Accounts = dict[str, Any]


async def set_up_providers(url: str, settings: dict[str, Any]) -> None:
    """Give every merchant an account where it has none, open the tea shop, and write the providers' file."""
    house = settings["foundation"]
    installation = Installation.at(house.data_dir)
    platform = await open_configured_platform(url, settings)
    try:
        merchants = await list_merchants(platform.owner)
        if not any(merchant.currency == "CNY" for merchant in merchants):
            await _open_tea_shop(platform, installation)
            merchants = await list_merchants(platform.owner)
        known = _read(installation)
        for merchant in merchants:
            await _ensure_accounts(platform, merchant, known, house.web_url())
        write_private(installation.provider_accounts, msgspec.json.encode(known))
    finally:
        await platform.close()


def _read(installation: Installation) -> Accounts:
    if installation.provider_accounts.exists():
        found: Accounts = msgspec.json.decode(installation.provider_accounts.read_bytes())
        return found
    return {"control_key": secrets.token_hex(16), **{name: [] for name in PROVIDERS}}


async def _ensure_accounts(platform: Platform, merchant: Merchant, known: Accounts, base: str) -> None:
    merchant_id = MerchantId(merchant.merchant_id)
    wanted: tuple[Provider, ...] = PROVIDERS if merchant.currency == "CNY" else ("stripe",)
    async with platform.db.transaction(merchant_id) as tx:
        there = {each.provider for each in await list_pay_accounts(tx, platform.vault) if each.revision}
        for provider in wanted:
            if provider in there:
                continue
            ours, theirs = _make_account(provider, f"{base}/webhooks/{provider}/{merchant_id}")
            await save_pay_account(tx, platform.vault, provider=provider, values=ours, by="set-up")
            known[provider].append(theirs)


def _make_account(provider: Provider, webhook_url: str) -> tuple[dict[str, str], dict[str, str]]:
    """What the merchant would type in, and what the provider knows."""
    if provider == "stripe":
        named = {
            "secret_key": "sk_test_" + secrets.token_hex(16),
            "webhook_secret": "whsec_" + secrets.token_hex(16),
        }
        return named, {**named, "webhook_url": webhook_url}
    ours, theirs = generate_private_key(65537, 2048), generate_private_key(65537, 2048)
    public, merchant_key = write_public(theirs.public_key()), write_public(ours.public_key())
    number = str(secrets.randbelow(10**8)).zfill(8)
    if provider == "alipay":
        named = {"app_id": "20210041" + number}
        return (
            {**named, "private_key": write_pkcs1(ours), "alipay_key": public},
            {**named, "merchant_public_key": merchant_key, "alipay_private_key": write_pkcs8(theirs)},
        )
    named = {
        "mchid": "19" + number,
        "appid": "wx" + secrets.token_hex(8),
        "serial_no": secrets.token_hex(20).upper(),
        "apiv3_key": secrets.token_hex(16),
        "platform_key_id": "PUB_KEY_ID_01" + number,
    }
    return (
        {**named, "private_key": write_pkcs8(ours), "platform_key": public},
        {**named, "merchant_public_key": merchant_key, "platform_private_key": write_pkcs8(theirs)},
    )


async def _open_tea_shop(platform: Platform, installation: Installation) -> None:
    """A small shop in yuan: WeChat Pay and Alipay take nothing else."""
    merchant_id = MerchantId(derive_id("merchant", TEA_SLUG))
    await add_merchant(
        platform.owner,
        merchant_id=merchant_id,
        slug=TEA_SLUG,
        name="Serai 茶铺",
        currency="CNY",
        hostnames=(TEA_HOST,),
        support_email="help@serai.example",
    )
    await ensure_pay_accounts(platform.owner, installation)
    place = Place(derive_id("place", merchant_id, "online"), "online", "Warehouse", "warehouse", True, True)
    category = Category(
        derive_id("category", merchant_id, "tea"), None, "tea", "Tea", {"zh_Hans": "茶"}, "jar", 0, True
    )
    products = [
        NewProduct(
            title=english,
            translations={"zh_Hans": chinese},
            sku=f"TEA-{number:02d}",
            sku_id=derive_id("sku", merchant_id, number),
            category_id=category.category_id,
            price_minor=price_minor,
            currency="CNY",
        )
        for number, (chinese, english, price_minor) in enumerate(TEAS, 1)
    ]
    async with platform.db.transaction(merchant_id) as tx:
        await add_places(tx, places=[place])
        await add_categories(tx, categories=[category])
        await add_products(tx, products=products, by="set-up", reason="opening")
    for product in products:
        assert product.sku_id is not None
        await receive_stock(
            platform.commerce,
            merchant_id,
            sku_id=product.sku_id,
            place_id=place.place_id,
            quantity=STOCK,
            reason="opening",
            by="set-up",
            key="opening",
        )
