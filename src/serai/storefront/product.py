"""The product page: price, unit price, stock at the chosen place and elsewhere, and what stands beside it."""

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Response, get
from litestar.params import FromPath

from serai.commerce.catalogue import api as catalogue
from serai.commerce.catalogue.types import (
    Attribute,
    Category,
    Product,
    ProductCard,
    SaleItem,
    Variant,
    show_amount,
)
from serai.commerce.consultation import api as consultation
from serai.commerce.market.types import MARKET
from serai.commerce.media import api as media
from serai.commerce.media.types import Photo
from serai.commerce.stock import api as stock
from serai.commerce.stock.types import StockLevel
from serai.commerce.tax.api import find_goods_rate
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, _
from serai.foundation.ids import MerchantId
from serai.foundation.pages import request_locale
from serai.overload.ladder.api import LIKE_GOODS, PRICE_CHART, is_saved
from serai.storefront.describe import describe_page
from serai.storefront.offer import load_offers
from serai.storefront.presale import load_offered
from serai.storefront.price import load_deals, load_prices
from serai.storefront.sellers import Seller
from serai.storefront.shelf import Shelves
from serai.storefront.view import (
    Asked,
    Shell,
    database_of,
    is_market,
    load_mall,
    load_market_shell,
    load_shell,
    merchant_id_of,
    merchant_of,
    read_terms,
    show,
)

RELATED = 5
STORES_SHOWN = 12
QUESTIONS = 5


@get("/p/{slug:str}", include_in_schema=False)
async def show_product(request: Asked, slug: FromPath[str]) -> Response[str]:
    """One product; ``?sku=`` picks one of its versions."""
    locale = request_locale(request)
    seller, merchant_id, own_slug = await find_seller(request, slug)
    async with database_of(request).transaction(merchant_id, "read") as tx:
        sold = await find_sold(request, tx, own_slug)
        draws = not is_saved(request.scope, PRICE_CHART)
        product, variant, prices = await load_prices(tx, *sold, draws=draws)
        shell, buyer = await load_shells(request, tx, seller)
        prices |= await load_offers(tx, variant, prices["deal"], buyer, locale)
        prices |= await load_offered(tx, variant.sku_id)
        contents = await load_contents(tx, variant)
        levels = await stock.list_levels(tx, sku_id=variant.sku_id)
        questions = await consultation.list_published(tx, product_id=product.product_id, limit=QUESTIONS)
        beside = await load_beside(request, tx, product)
        deals = await load_deals(tx, beside, buyer, locale)
        photos = (await media.list_photos(tx, product_ids=[product.product_id]))[product.product_id]
        stocked = await load_stocked(tx, product, shell)
        facts = await list_facts(tx, product.as_variant(variant), locale)
        prices["tax_rate"] = await find_goods_rate(tx, sku_id=variant.sku_id)
    trail = list_trail(seller.shelves if seller else shell.shelves, product)
    online, in_store, elsewhere = split_levels(levels, shell)
    if seller:
        # Groups and presales belong to the shop's own front; what is on presale cannot be bought here meanwhile.
        prices, elsewhere = prices | {"group_offer": None, "presale": None}, []
        product, beside, photos = seller.show_all(product, beside, photos)
    can_buy = variant.active and variant.price_minor is not None and (online > 0 or bool(in_store))
    steps = [(f"/c/{c.slug}", c.label(locale)) for c in trail] + [("", product.label(locale))]
    return show(
        request,
        "product.html",
        shell=shell,
        keeps=seller is None,
        here=trail[0].slug if trail else "",
        product=product,
        variant=variant,
        questions=questions,
        deals=deals,
        pickers=list_pickers(product, variant, locale),
        photos=photos,
        facts=facts,
        contents=contents,
        least_amount=show_amount(variant.increment, variant.scale, variant.unit),
        label=product.label(locale),
        **prices,
        motif=next((c.motif for c in reversed(trail) if c.motif), None),
        category=trail[-1] if trail else None,
        steps=steps,
        online_available=online,
        store_available=in_store,
        other_levels=elsewhere[:STORES_SHOWN],
        seller=seller,
        can_buy=can_buy,
        related=[card for card in beside if card.product_id != product.product_id][:RELATED],
        canonical_url=f"{request.base_url}p/{product.slug}",
        json_ld=describe(
            request, seller, product, variant, photos, stocked | {variant.sku: can_buy}, facts, steps
        ),
    )


def describe(
    request: Asked,
    seller: Seller | None,
    product: Product,
    variant: Variant,
    photos: Sequence[Photo],
    available: dict[str, bool],
    facts: list[tuple[Attribute, str]],
    steps: Sequence[tuple[str, str]],
) -> list[dict[str, Any]]:
    """What the page tells machines; the seller is the shop, or at a market the shop that sends."""
    return describe_page(
        product,
        variant,
        label=product.label(request_locale(request)),
        base_url=f"{request.base_url}",
        photos=photos,
        available=available,
        facts=list_common(product, facts),
        steps=steps,
        seller=(seller or merchant_of(request)).name,
    )


async def load_beside(request: Asked, tx: Transaction, product: Product) -> list[ProductCard]:
    """What stands on the same shelf; nothing while very many are shopping."""
    if is_saved(request.scope, LIKE_GOODS):
        return []
    return await catalogue.list_featured(tx, category_id=product.category_id, limit=RELATED + 1)


async def find_sold(request: Asked, tx: Transaction, slug: str) -> tuple[Product, Variant]:
    """The product of an address and the version asked for. NotFound ``product.unknown``."""
    product = await catalogue.find_product(tx, slug=slug, published=True)
    variant = choose_variant(product, request.query_params.get("sku", "")) if product else None
    if product is None or variant is None or (is_market(request) and await _is_hidden(tx, product)):
        raise _unknown()
    return product, variant


async def _is_hidden(tx: Transaction, product: Product) -> bool:
    """Whether its shop does not show the product at markets."""
    return bool(await catalogue.list_hidden(tx, product_ids=[product.product_id], channel=MARKET))


def _unknown() -> NotFound:
    return NotFound("product.unknown", _("This product is not sold here (any more)."))


async def find_seller(request: Asked, slug: str) -> tuple[Seller | None, MerchantId, str]:
    """Whose product an address means, and its own slug: at a market one of its shops', named in the address.

    NotFound ``product.unknown`` when no shop of the market is.
    """
    if not is_market(request):
        return None, merchant_id_of(request), slug
    seller, own_slug = (await load_mall(request)).split(slug)
    if seller is None:
        raise _unknown()
    return seller, seller.merchant_id, own_slug


async def load_shells(request: Asked, tx: Transaction, seller: Seller | None) -> tuple[Shell, Shell]:
    """What stands around the page, and for whom prices are told. At a market that is the market's own, but parcels leave
    from the shop, to which a member of the market is a stranger."""
    if seller is None:
        shell = await load_shell(request, tx)
        return shell, shell
    shell = await load_market_shell(request)
    # What a delivery costs is the shop's to say.
    await read_terms(request, tx)
    shell = msgspec.structs.replace(shell, online=seller.online, place=seller.online)
    return shell, msgspec.structs.replace(shell, member=None)


def list_trail(shelves: Shelves, product: Product) -> list[Category]:
    """The shelves a product stands on, department first."""
    category = shelves.find(category_id=product.category_id)
    return shelves.trace(category) if category else []


async def list_facts(tx: Transaction, product: Product, locale: str) -> list[tuple[Attribute, str]]:
    """What is said of a product, attribute by attribute, in the reader's language."""
    if not product.attributes:
        return []
    return [
        (attribute, catalogue.show_value(attribute, product.attributes[attribute.code], locale))
        for attribute in await catalogue.list_attributes(tx)
        if attribute.code in product.attributes
    ]


def list_common(product: Product, facts: list[tuple[Attribute, str]]) -> list[tuple[Attribute, str]]:
    """Facts without those of one version alone, which say nothing of the others."""
    return [(attribute, text) for attribute, text in facts if attribute.code in product.attributes]


async def load_stocked(tx: Transaction, product: Product, shell: Shell) -> dict[str, bool]:
    """Which versions can be delivered, by SKU, where there are several."""
    sold = {v.sku_id: v.sku for v in product.variants if v.active}
    if shell.online is None or len(sold) < 2:
        return {}
    available = await stock.load_available(tx, sku_ids=list(sold), place_id=shell.online.place_id)
    return {sku: available[sku_id] > 0 for sku_id, sku in sold.items()}


class Choice(msgspec.Struct, frozen=True):
    """One value of an option. ``sku`` leads to the version that has it, None where no such version is sold."""

    value: str
    sku: str | None
    is_chosen: bool
    is_exact: bool


class Picker(msgspec.Struct, frozen=True):
    """One option with its values, as the page offers them."""

    label: str
    chosen: str
    choices: tuple[Choice, ...]


def list_pickers(product: Product, variant: Variant, locale: str) -> list[Picker]:
    """How to get from this version to the others: each value keeps the other choices where such a version is sold
    (``is_exact``), else leads to the first version that has the value."""
    sold = [v for v in product.variants if v.active and len(v.choices) == len(product.options)]
    pickers = []
    for place, option in enumerate(product.options if len(variant.choices) == len(product.options) else ()):
        choices = []
        for value in option.values:
            wanted = (*variant.choices[:place], value, *variant.choices[place + 1 :])
            exact = next((v for v in sold if v.choices == wanted), None)
            near = exact or next((v for v in sold if v.choices[place] == value), None)
            choices.append(
                Choice(value, near.sku if near else None, value == variant.choices[place], exact is not None)
            )
        pickers.append(Picker(option.label(locale), variant.choices[place], tuple(choices)))
    return pickers


class Contents(msgspec.Struct, frozen=True):
    """What a bundle consists of: (part, how much of it), and what is saved against buying the parts apart, if anything."""

    parts: tuple[tuple[SaleItem, str], ...]
    saving_minor: int | None


async def load_contents(tx: Transaction, variant: Variant) -> Contents | None:
    """The parts of a bundle; None for plain goods."""
    parts = (await catalogue.load_parts(tx, sku_ids=[variant.sku_id])).get(variant.sku_id)
    if parts is None:
        return None
    items = await catalogue.list_sale_items(tx, sku_ids=[part.sku_id for part in parts])
    shown = [
        (item, show_amount(part.quantity, item.scale, item.unit))
        for part in parts
        if (item := items.get(part.sku_id))
    ]
    apart = catalogue.sum_parts(parts, 0)
    saving = apart - variant.price_minor if apart is not None and variant.price_minor is not None else 0
    return Contents(tuple(shown), saving if saving > 0 else None)


def choose_variant(product: Product, sku: str) -> Variant | None:
    """The version asked for, else the first that is sold."""
    sold = [variant for variant in product.variants if variant.active]
    return next((variant for variant in sold if variant.sku == sku), sold[0] if sold else None)


def split_levels(levels: list[StockLevel], shell: Shell) -> tuple[int, int | None, list[StockLevel]]:
    """What can be delivered, what the chosen store has (None when none is chosen), and the other stores that have any,
    the fullest first."""
    by_place = {level.place_id: level.available for level in levels}
    online = by_place.get(shell.online.place_id, 0) if shell.online else 0
    chosen = shell.place if shell.place and shell.place != shell.online else None
    named = {place.place_id for place in (shell.online, chosen) if place}
    elsewhere = [level for level in levels if level.place_id not in named and level.available > 0]
    elsewhere.sort(key=lambda level: (-level.available, level.place_name))
    return max(0, online), max(0, by_place.get(chosen.place_id, 0)) if chosen else None, elsewhere
