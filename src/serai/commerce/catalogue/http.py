"""JSON API of the catalogue."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from serai.commerce.call.api import API, Asked, answer_in_transaction, recognise_caller
from serai.commerce.catalogue import api
from serai.commerce.catalogue.answer_search import SearchAnswer, answer_search
from serai.commerce.catalogue.edit_category import CategoryEdit, edit_category
from serai.commerce.catalogue.types import (
    Category,
    NewProduct,
    PriceEntry,
    Product,
    ProductCard,
)
from serai.commerce.types import Page
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, _

Limit = Annotated[int, QueryParameter(ge=1, le=100)]
Words = Annotated[str, QueryParameter(name="query", max_length=200)]
Choices = Annotated[list[Annotated[str, Meta(max_length=200)]] | None, QueryParameter(max_items=40)]
Price = Annotated[int, Meta(ge=0, le=api.MAX_PRICE_MINOR)]
Text = Annotated[str, Meta(max_length=10_000)]


class ProductBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new product with one variant. ``price_minor`` is in minor units of the merchant's currency."""

    title: Annotated[str, Meta(min_length=1, max_length=200)]
    sku: Annotated[str, Meta(min_length=1, max_length=60)]
    category_id: UUID
    price_minor: Price | None = None
    brand: Annotated[str, Meta(max_length=100)] = ""
    description: Text = ""
    gtin: Annotated[str, Meta(max_length=20)] | None = None
    content_text: Annotated[str, Meta(max_length=60)] = ""
    published: bool = False


class ProductEdit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; ``version`` is the one that was read."""

    version: int
    title: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    brand: Annotated[str, Meta(max_length=100)] | None = None
    description: Text | None = None
    category_id: UUID | None = None
    gtin: Annotated[str, Meta(max_length=20)] | None = None
    content_text: Annotated[str, Meta(max_length=60)] | None = None
    published: bool | None = None


class PriceBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new price in minor units, from now on."""

    amount_minor: Price
    reason: Annotated[str, Meta(max_length=200)] = ""


@get(f"{API}/categories", tags=["catalogue"])
async def get_categories(request: Asked) -> list[Category]:
    """All categories, departments first."""
    caller = await recognise_caller(request, "catalogue:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.list_categories(tx)


@patch(f"{API}/categories/{{category_id:uuid}}", tags=["products"])
async def patch_category(
    request: Asked, category_id: FromPath[UUID], data: JSONBody[CategoryEdit]
) -> Response[Category]:
    """Rename, move, show or hide a category. Products are found by a new name some seconds later."""
    caller = await recognise_caller(request, "product:write")

    async def effect(tx: Transaction) -> Category:
        return await edit_category(tx, category_id=category_id, edit=data, by=caller.actor)

    return await answer_in_transaction(request, caller, "category", data, effect)


@get(f"{API}/products", tags=["catalogue"])
async def get_products(
    request: Asked,
    words: Words = "",
    category_id: FromQuery[UUID | None] = None,
    brand: Annotated[str | None, QueryParameter(max_length=100)] = None,
    channel: FromQuery[Literal["web", "app", "pos", "agent", "market"]] = "web",
    sort: Annotated[str, QueryParameter(max_length=20)] = "relevance",
    cursor: Annotated[str | None, QueryParameter(max_length=400)] = None,
    limit: Limit = 24,
) -> Page[ProductCard]:
    """Products that a channel shows (the web shop unless said otherwise), found and sorted; page on with
    ``next_cursor``, also where a page is shorter than ``limit``."""
    caller = await recognise_caller(request, "catalogue:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.list_channel_products(
            tx,
            channel=channel,
            query=words,
            category_id=category_id,
            brand=brand,
            sort=sort,
            cursor=cursor,
            limit=limit,
        )


@get(f"{API}/search", tags=["catalogue"])
async def get_search(
    request: Asked,
    words: Words = "",
    category_id: FromQuery[UUID | None] = None,
    brand: Choices = None,
    attribute: Choices = None,
    min_minor: Annotated[int | None, QueryParameter(ge=0, le=api.MAX_PRICE_MINOR)] = None,
    max_minor: Annotated[int | None, QueryParameter(ge=0, le=api.MAX_PRICE_MINOR)] = None,
    sort: Annotated[str, QueryParameter(max_length=20)] = "relevance",
    cursor: Annotated[str | None, QueryParameter(max_length=400)] = None,
    limit: Limit = 24,
) -> SearchAnswer:
    """Published products as the shop's search finds them, with numbers to narrow by. ``brand`` and ``attribute``
    (``code:value``) may come several times: any value of one kind, all kinds together."""
    caller = await recognise_caller(request, "catalogue:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await answer_search(
            tx,
            query=words,
            category_id=category_id,
            brands=brand or (),
            choices=attribute or (),
            min_minor=min_minor,
            max_minor=max_minor,
            sort=sort,
            cursor=cursor,
            limit=limit,
        )


@get(f"{API}/products/{{product_id:uuid}}", tags=["catalogue"])
async def get_product(request: Asked, product_id: FromPath[UUID]) -> Product:
    """One published product with its variants; with the scope ``product:write`` unpublished ones too."""
    caller = await recognise_caller(request, "catalogue:read")
    published = None if "product:write" in caller.key.scopes else True
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        product = await api.find_product(tx, product_id=product_id, published=published)
    if product is None:
        raise NotFound("product.unknown", _("There is no such product."))
    return product


@get(f"{API}/variants/{{sku_id:uuid}}/prices", tags=["catalogue"])
async def get_prices(request: Asked, sku_id: FromPath[UUID]) -> list[PriceEntry]:
    """A variant's price history, the newest first."""
    caller = await recognise_caller(request, "catalogue:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        await api.load_variant(tx, sku_id=sku_id)
        return await api.list_prices(tx, sku_id=sku_id)


@post(f"{API}/products", tags=["products"])
async def post_product(request: Asked, data: JSONBody[ProductBody]) -> Response[Product]:
    """Make a product."""
    caller = await recognise_caller(request, "product:write")
    currency = request.scope["state"]["merchant"].currency
    product = NewProduct(
        title=data.title,
        sku=data.sku,
        category_id=data.category_id,
        price_minor=data.price_minor,
        currency=currency,
        brand=data.brand,
        description=data.description,
        gtin=data.gtin,
        content=api.parse_content(data.content_text),
        published=data.published,
    )

    async def effect(tx: Transaction) -> Product:
        return await api.create_product(tx, product=product, by=caller.actor)

    return await answer_in_transaction(request, caller, "create", data, effect, status=201)


@patch(f"{API}/products/{{product_id:uuid}}", tags=["products"])
async def patch_product(
    request: Asked, product_id: FromPath[UUID], data: JSONBody[ProductEdit]
) -> Response[Product]:
    """Edit a product that nobody edited since ``version``."""
    caller = await recognise_caller(request, "product:write")
    fields = {name: getattr(data, name) for name in data.__struct_fields__}

    async def effect(tx: Transaction) -> Product:
        return await api.edit_product(tx, product_id=product_id, by=caller.actor, **fields)

    return await answer_in_transaction(request, caller, "edit", data, effect)


@post(f"{API}/variants/{{sku_id:uuid}}/prices", tags=["products"])
async def post_price(
    request: Asked, sku_id: FromPath[UUID], data: JSONBody[PriceBody]
) -> Response[PriceEntry]:
    """Give a variant a new price."""
    caller = await recognise_caller(request, "product:write")

    async def effect(tx: Transaction) -> PriceEntry:
        return await api.set_price(
            tx, sku_id=sku_id, amount_minor=data.amount_minor, reason=data.reason, by=caller.actor
        )

    return await answer_in_transaction(request, caller, "price", data, effect, status=201)


HANDLERS = [
    get_categories,
    patch_category,
    get_products,
    get_search,
    get_product,
    get_prices,
    post_product,
    patch_product,
    post_price,
]
