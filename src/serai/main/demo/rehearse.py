"""A shop for protocols' conformance suites, out of the CSV files that such a suite brings along.

Everything becomes what it is in the core: products with stock on the ledger, promotions with coupon codes, delivery options,
and an open test agent with the addresses of the suite's customers. Running it again adds nothing twice.
"""

import csv
import json
from pathlib import Path
from typing import Any

from babel import Locale

from serai.commerce.agent.api import create_agent, list_agents, remember_address
from serai.commerce.agent.types import Agent, AgentLimits, Destination
from serai.commerce.catalogue.api import Category, NewProduct, add_categories, add_products, find_skus
from serai.commerce.delivery.api import add_option, list_rows
from serai.commerce.delivery.types import OptionTerms, Price, PriceStep, Zone
from serai.commerce.place.api import default_place
from serai.commerce.promotion.api import create_promotion, issue_coupons, list_promotions, publish_promotion
from serai.commerce.promotion.types import AmountOff, Audience, PercentOff, Scope, ShippingOff, Terms, Tier
from serai.commerce.stock.api import receive_stock
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.merchant.api import list_merchants
from serai.main.fault import Fault
from serai.main.platform import Platform

BY = "rehearsal"
AGENT = "Conformance suite"
USES = 1_000_000
# The country of a rate that holds wherever no other one does.
DEFAULT = "default"
# Codes of the CLDR that are no countries of their own, groups of them, and some for tests.
NO_COUNTRIES = frozenset({"AC", "CP", "CQ", "DG", "EA", "IC", "TA", "EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})
COUNTRIES = (
    frozenset(code for code in map(str, Locale("en").territories) if len(code) == 2 and code.isalpha())
    - NO_COUNTRIES
)
FILES = ("products", "inventory", "discounts", "promotions", "shipping_rates", "customers", "addresses")


def read_folder(folder: Path) -> dict[str, list[dict[str, str]]]:
    """Rows by file. Fault when a file is missing."""
    tables = {}
    for name in FILES:
        path = folder / f"{name}.csv"
        if not path.is_file():
            raise Fault(
                f"There is no {name}.csv in {folder}.", "Give the folder test_data/flower_shop of the suite."
            )
        with path.open(encoding="utf-8", newline="") as file:
            tables[name] = [dict(row) for row in csv.DictReader(file)]
    return tables


async def fill_flower_shop(platform: Platform, folder: Path) -> dict[str, int]:
    """Fill the first merchant's shop. Returns how many of what the folder has."""
    tables = read_folder(folder)
    merchant = (await list_merchants(platform.db))[0]
    merchant_id = MerchantId(merchant.merchant_id)
    await _add_goods(platform, merchant_id, merchant.currency, tables)
    await _add_options(platform, merchant_id, tables)
    await _add_promotions(platform, merchant_id, merchant.currency, tables)
    agent = await _open_agent(platform, merchant_id)
    await _add_addresses(platform, merchant_id, agent, tables)
    return {
        "products": len(tables["products"]),
        "discount codes": len(tables["discounts"]),
        "promotions": len(tables["promotions"]),
        "shipping rates": len(tables["shipping_rates"]),
        "addresses": len(tables["addresses"]),
    }


async def _add_goods(
    platform: Platform, merchant_id: MerchantId, currency: str, tables: dict[str, list[dict[str, str]]]
) -> None:
    category = Category(
        derive_id(merchant_id, "flowers"), None, "flowers", "Flowers", {"zh_Hans": "鲜花"}, "jar", 0, True
    )
    async with platform.db.transaction(merchant_id) as tx:
        known = await find_skus(tx, skus=[row["id"] for row in tables["products"]])
        await add_categories(tx, categories=[category])
        products = [
            NewProduct(
                title=row["title"],
                sku=row["id"],
                sku_id=derive_id(merchant_id, "sku", row["id"]),
                category_id=category.category_id,
                price_minor=int(row["price"]),
                currency=currency,
            )
            for row in tables["products"]
            if row["id"] not in known
        ]
        if products:
            await add_products(tx, products=products, by=BY, reason=BY)
        skus = await find_skus(tx, skus=[row["id"] for row in tables["products"]])
        place = await default_place(tx)
    for row in tables["inventory"]:
        if int(row["quantity"]) and row["product_id"] in skus:
            await receive_stock(
                platform.commerce,
                merchant_id,
                sku_id=skus[row["product_id"]][0],
                place_id=place.place_id,
                quantity=int(row["quantity"]),
                reason="opening",
                by=BY,
                key="opening",
            )


async def _add_options(
    platform: Platform, merchant_id: MerchantId, tables: dict[str, list[dict[str, str]]]
) -> None:
    """A rate of a country, and for its service the default rate everywhere else."""
    rows = tables["shipping_rates"]
    async with platform.db.transaction(merchant_id) as tx:
        known = {each.code for each in await list_rows(tx)}
        for row in rows:
            if row["id"] in known:
                continue
            own = {each["country_code"] for each in rows if each["service_level"] == row["service_level"]}
            countries: tuple[str, ...] = (row["country_code"],)
            if row["country_code"] == DEFAULT:
                countries = tuple(sorted(COUNTRIES - own)) if own != {DEFAULT} else ()
            terms = OptionTerms(
                title=row["title"],
                zone=Zone(countries=countries),
                price=Price(steps=(PriceStep(0, int(row["price"])),)),
            )
            await add_option(tx, code=row["id"], terms=terms, by=BY)


def _coupon_terms(row: dict[str, str]) -> Terms:
    code, value = row["code"], int(row["value"])
    if row["type"] == "percentage":
        benefit: Any = PercentOff((Tier(0, value * 100),))
    else:
        benefit = AmountOff((Tier(0, value),))
    # Each code has a group of its own, so that codes add up one after the other.
    return Terms(name=row["description"], layer=4, benefit=benefit, coupon=True, exclusive_group=code)


async def _add_promotions(
    platform: Platform, merchant_id: MerchantId, currency: str, tables: dict[str, list[dict[str, str]]]
) -> None:
    commerce = platform.commerce
    async with platform.db.transaction(merchant_id) as tx:
        known = {each.terms.name for each in (await list_promotions(tx)).items}
        skus = await find_skus(tx, skus=[row["id"] for row in tables["products"]])
    wanted: list[tuple[Terms, str]] = [(_coupon_terms(row), row["code"]) for row in tables["discounts"]]
    for row in tables["promotions"]:
        items = json.loads(row["eligible_item_ids"]) if row["eligible_item_ids"] else []
        scope = Scope(sku_ids=tuple(skus[item][0] for item in items)) if items else Scope(everything=True)
        least = int(row["min_subtotal"] or 0)
        terms = Terms(
            name=row["description"], layer=6, benefit=ShippingOff(least), scope=scope, audience=Audience()
        )
        wanted.append((terms, ""))
    for terms, code in wanted:
        if terms.name in known:
            continue
        async with platform.db.transaction(merchant_id) as tx:
            promotion = await create_promotion(tx, terms=terms, by=BY)
        await publish_promotion(
            commerce,
            merchant_id,
            promotion_id=promotion.promotion_id,
            version=promotion.version,
            currency=currency,
            by=BY,
        )
        if code:
            await issue_coupons(
                commerce, merchant_id, promotion_id=promotion.promotion_id, code=code, uses=USES, by=BY
            )


async def _open_agent(platform: Platform, merchant_id: MerchantId) -> Agent:
    async with platform.db.transaction(merchant_id) as tx:
        for agent in await list_agents(tx):
            if agent.is_open and agent.is_test:
                return agent
        agent, _secret = await create_agent(
            tx, name=AGENT, limits=AgentLimits(is_open=True, is_test=True), by=BY
        )
        return agent


async def _add_addresses(
    platform: Platform, merchant_id: MerchantId, agent: Agent, tables: dict[str, list[dict[str, str]]]
) -> None:
    emails = {row["id"]: row["email"] for row in tables["customers"]}
    names = {row["id"]: row["name"] for row in tables["customers"]}
    async with platform.db.transaction(merchant_id) as tx:
        for row in tables["addresses"]:
            address = Destination(
                destination_id=row["id"],
                name=names[row["customer_id"]],
                line1=row["street_address"],
                city=row["city"],
                region=row["state"],
                postcode=row["postal_code"],
                country=row["country"],
            )
            await remember_address(tx, agent=agent, email=emails[row["customer_id"]], address=address)
