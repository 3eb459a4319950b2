"""JSON API of a product's versions and facts: options, variants, barcodes, attributes, channels."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from serai.commerce.call.api import API, Asked, answer_in_transaction, recognise_caller
from serai.commerce.catalogue import api
from serai.commerce.catalogue.types import (
    Attribute,
    Barcode,
    Bundle,
    NewVariant,
    Product,
    ProductOption,
    Variant,
    VariantEdit,
)
from serai.foundation.database import Transaction

Price = Annotated[int, Meta(ge=0, le=api.MAX_PRICE_MINOR)]


class OptionsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a product's variants differ in; ``fill`` adds a variant for every combination that has none."""

    version: int
    options: Annotated[tuple[ProductOption, ...], Meta(max_length=3)]
    fill: bool = False


class VariantBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A variant: one value of each option, its price in minor units per ``unit``. Quantities of it are whole steps of
    10^-scale of the unit, in multiples of ``increment``: with ``kg`` and 3, a step is a gram."""

    version: int
    sku: Annotated[str, Meta(min_length=1, max_length=60)]
    choices: Annotated[tuple[str, ...], Meta(max_length=3)] = ()
    price_minor: Price | None = None
    gtin: Annotated[str, Meta(max_length=20)] | None = None
    content_text: Annotated[str, Meta(max_length=60)] = ""
    unit: Literal["pc", "kg", "l", "m"] = "pc"
    scale: Annotated[int, Meta(ge=0, le=3)] = 0
    increment: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


class VariantChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a variant; ``version`` is that of its product."""

    version: int
    choices: Annotated[tuple[str, ...], Meta(max_length=3)] | None = None
    gtin: Annotated[str, Meta(max_length=20)] | None = None
    content_text: Annotated[str, Meta(max_length=60)] | None = None
    unit: Literal["pc", "kg", "l", "m"] | None = None
    scale: Annotated[int, Meta(ge=0, le=3)] | None = None
    increment: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    active: bool | None = None
    position: Annotated[int, Meta(ge=0, le=1000)] | None = None


class BarcodeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A GTIN of 8, 12, 13 or 14 digits."""

    gtin: Annotated[str, Meta(max_length=20)]


class FactsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Values by attribute code (null takes one away, those not named stay), and all tags (null leaves them)."""

    version: int
    attributes: dict[str, str | int | float | bool | None] = {}
    tags: Annotated[tuple[Annotated[str, Meta(max_length=100)], ...], Meta(max_length=100)] | None = None


class ChannelsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether a product is shown on a channel; null follows the web again."""

    version: int
    channels: dict[Literal["app", "pos", "agent", "market"], bool | None]


class CodesBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Codes of attributes in their order."""

    codes: Annotated[tuple[Annotated[str, Meta(max_length=40)], ...], Meta(max_length=100)]


class Scanned(msgspec.Struct, frozen=True):
    """What a scanned code says, and which variant has its GTIN (null when none has)."""

    scan: api.Scan
    variant: Variant | None


@put(f"{API}/products/{{product_id:uuid}}/options", tags=["products"])
async def put_options(
    request: Asked, product_id: FromPath[UUID], data: JSONBody[OptionsBody]
) -> Response[Product]:
    """Say what a product's variants differ in, and have the missing ones made."""
    caller = await recognise_caller(request, "product:write")

    async def effect(tx: Transaction) -> Product:
        product = await api.set_options(
            tx, product_id=product_id, version=data.version, options=data.options, by=caller.actor
        )
        if not data.fill:
            return product
        return await api.fill_matrix(
            tx, product_id=product_id, version=product.version, by=caller.actor, price_minor=None
        )

    return await answer_in_transaction(request, caller, "options", data, effect)


@post(f"{API}/products/{{product_id:uuid}}/variants", tags=["products"])
async def post_variant(
    request: Asked, product_id: FromPath[UUID], data: JSONBody[VariantBody]
) -> Response[Product]:
    """Add a variant with its first price."""
    caller = await recognise_caller(request, "product:write")
    fields = {name: getattr(data, name) for name in data.__struct_fields__ if name != "version"}
    variant = NewVariant(currency=request.scope["state"]["merchant"].currency, **fields)

    async def effect(tx: Transaction) -> Product:
        return await api.add_variants(
            tx, product_id=product_id, version=data.version, variants=[variant], by=caller.actor
        )

    return await answer_in_transaction(request, caller, "variant", data, effect, status=201)


@patch(f"{API}/variants/{{sku_id:uuid}}", tags=["products"])
async def patch_variant(
    request: Asked, sku_id: FromPath[UUID], data: JSONBody[VariantChange]
) -> Response[Product]:
    """Change a variant whose product nobody edited since ``version``."""
    caller = await recognise_caller(request, "product:write")
    edit = VariantEdit(**{name: getattr(data, name) for name in data.__struct_fields__ if name != "version"})

    async def effect(tx: Transaction) -> Product:
        return await api.edit_variant(tx, sku_id=sku_id, version=data.version, edit=edit, by=caller.actor)

    return await answer_in_transaction(request, caller, "variant.edit", data, effect)


@get(f"{API}/variants/{{sku_id:uuid}}/barcodes", tags=["catalogue"])
async def get_barcodes(request: Asked, sku_id: FromPath[UUID]) -> list[Barcode]:
    """A variant's codes as GTIN-14."""
    caller = await recognise_caller(request, "catalogue:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        await api.load_variant(tx, sku_id=sku_id)
        return await api.list_barcodes(tx, sku_ids=[sku_id])


@post(f"{API}/variants/{{sku_id:uuid}}/barcodes", tags=["products"])
async def post_barcode(
    request: Asked, sku_id: FromPath[UUID], data: JSONBody[BarcodeBody]
) -> Response[list[Barcode]]:
    """Give a variant one more code."""
    caller = await recognise_caller(request, "product:write")

    async def effect(tx: Transaction) -> list[Barcode]:
        await api.add_barcode(tx, sku_id=sku_id, gtin=data.gtin, by=caller.actor)
        return await api.list_barcodes(tx, sku_ids=[sku_id])

    return await answer_in_transaction(request, caller, "barcode", data, effect, status=201)


@delete(f"{API}/variants/{{sku_id:uuid}}/barcodes/{{gtin:str}}", tags=["products"], status_code=200)
async def delete_barcode(
    request: Asked, sku_id: FromPath[UUID], gtin: FromPath[str]
) -> Response[list[Barcode]]:
    """Take a code off a variant."""
    caller = await recognise_caller(request, "product:write")

    async def effect(tx: Transaction) -> list[Barcode]:
        await api.remove_barcode(tx, sku_id=sku_id, gtin=gtin, by=caller.actor)
        return await api.list_barcodes(tx, sku_ids=[sku_id])

    return await answer_in_transaction(request, caller, "barcode.delete", {}, effect)


@get(f"{API}/barcodes", tags=["catalogue"])
async def get_scanned(
    request: Asked, code: Annotated[str, QueryParameter(min_length=1, max_length=300)]
) -> Scanned:
    """What a scanned code says (a GTIN, GS1 element strings, a GS1 digital link), and which variant has it."""
    caller = await recognise_caller(request, "catalogue:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return Scanned(*await api.find_scanned(tx, code=code))


@get(f"{API}/attributes", tags=["catalogue"])
async def get_attributes(request: Asked, category_id: FromQuery[UUID | None] = None) -> list[Attribute]:
    """All attributes, or those that products of a category have."""
    caller = await recognise_caller(request, "catalogue:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.list_attributes(tx, category_id=category_id)


@put(f"{API}/attributes/{{code:str}}", tags=["products"])
async def put_attribute(
    request: Asked, code: FromPath[str], data: JSONBody[Attribute]
) -> Response[Attribute]:
    """Define an attribute, or define it anew."""
    caller = await recognise_caller(request, "product:write")
    attribute = msgspec.structs.replace(data, code=code)

    async def effect(tx: Transaction) -> Attribute:
        return await api.save_attribute(tx, attribute=attribute, by=caller.actor)

    return await answer_in_transaction(request, caller, "attribute", data, effect)


@put(f"{API}/categories/{{category_id:uuid}}/attributes", tags=["products"])
async def put_category_attributes(
    request: Asked, category_id: FromPath[UUID], data: JSONBody[CodesBody]
) -> Response[list[Attribute]]:
    """Say which attributes products of a category have."""
    caller = await recognise_caller(request, "product:write")

    async def effect(tx: Transaction) -> list[Attribute]:
        return await api.set_category_attributes(
            tx, category_id=category_id, codes=data.codes, by=caller.actor
        )

    return await answer_in_transaction(request, caller, "category.attributes", data, effect)


@patch(f"{API}/products/{{product_id:uuid}}/facts", tags=["products"])
async def patch_facts(
    request: Asked, product_id: FromPath[UUID], data: JSONBody[FactsBody]
) -> Response[Product]:
    """Say what a product is like: its attributes' values and its tags."""
    caller = await recognise_caller(request, "product:write")

    async def effect(tx: Transaction) -> Product:
        return await api.set_facts(
            tx,
            product_id=product_id,
            version=data.version,
            attributes=data.attributes,
            tags=data.tags,
            by=caller.actor,
        )

    return await answer_in_transaction(request, caller, "facts", data, effect)


class VariantFactsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Values by attribute code where a variant differs from its product; null lets it say what the product says."""

    version: int
    attributes: dict[str, str | int | float | bool | None]


@patch(f"{API}/variants/{{sku_id:uuid}}/facts", tags=["products"])
async def patch_variant_facts(
    request: Asked, sku_id: FromPath[UUID], data: JSONBody[VariantFactsBody]
) -> Response[Product]:
    """Say what one variant is like where it differs from its product."""
    caller = await recognise_caller(request, "product:write")

    async def effect(tx: Transaction) -> Product:
        return await api.set_variant_facts(
            tx, sku_id=sku_id, version=data.version, attributes=data.attributes, by=caller.actor
        )

    return await answer_in_transaction(request, caller, "variant.facts", data, effect)


@delete(f"{API}/attributes/{{code:str}}", tags=["products"], status_code=200)
async def delete_attribute(request: Asked, code: FromPath[str]) -> Response[dict[str, str]]:
    """Take an attribute away that no product has."""
    caller = await recognise_caller(request, "product:write")

    async def effect(tx: Transaction) -> dict[str, str]:
        await api.delete_attribute(tx, code=code, by=caller.actor)
        return {"code": code}

    return await answer_in_transaction(request, caller, "attribute.delete", {}, effect)


@get(f"{API}/products/{{product_id:uuid}}/channels", tags=["catalogue"])
async def get_channels(request: Asked, product_id: FromPath[UUID]) -> dict[str, bool]:
    """On which channels a product is shown."""
    caller = await recognise_caller(request, "catalogue:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        product = await api.load_product(tx, product_id=product_id)
        return await api.load_channels(tx, product=product)


@patch(f"{API}/products/{{product_id:uuid}}/channels", tags=["products"])
async def patch_channels(
    request: Asked, product_id: FromPath[UUID], data: JSONBody[ChannelsBody]
) -> Response[dict[str, bool]]:
    """Show or hide a product on channels beside the web, whose own switch is ``published``."""
    caller = await recognise_caller(request, "product:write")

    async def effect(tx: Transaction) -> dict[str, bool]:
        return await api.set_channels(
            tx,
            product_id=product_id,
            version=data.version,
            channels={str(name): shown for name, shown in data.channels.items()},
            by=caller.actor,
        )

    return await answer_in_transaction(request, caller, "channels", data, effect)


class PartBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a bundle: how many steps of it are in one bundle."""

    sku_id: UUID
    quantity: Annotated[int, Meta(ge=1, le=100_000)]


class BundleBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a variant consists of; no parts make it plain goods again. With ``sum`` its price follows that of its parts,
    less ``discount_bp`` hundredths of a percent. ``version`` is that of its product."""

    version: int
    parts: Annotated[tuple[PartBody, ...], Meta(max_length=20)]
    pricing: Literal["own", "sum"] = "own"
    discount_bp: Annotated[int, Meta(ge=0, le=10_000)] = 0


@get(f"{API}/variants/{{sku_id:uuid}}/bundle", tags=["catalogue"])
async def get_bundle(request: Asked, sku_id: FromPath[UUID]) -> Bundle | None:
    """What a variant consists of; null for plain goods."""
    caller = await recognise_caller(request, "catalogue:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        await api.load_variant(tx, sku_id=sku_id)
        return await api.find_bundle(tx, sku_id=sku_id)


@put(f"{API}/variants/{{sku_id:uuid}}/bundle", tags=["products"])
async def put_bundle(
    request: Asked, sku_id: FromPath[UUID], data: JSONBody[BundleBody]
) -> Response[Bundle | None]:
    """Say what a variant consists of: its stock is then that of its parts."""
    caller = await recognise_caller(request, "product:write")

    async def effect(tx: Transaction) -> Bundle | None:
        return await api.set_bundle(
            tx,
            sku_id=sku_id,
            version=data.version,
            parts=[(part.sku_id, part.quantity) for part in data.parts],
            pricing=data.pricing,
            discount_bp=data.discount_bp,
            by=caller.actor,
        )

    return await answer_in_transaction(request, caller, "bundle", data, effect)


HANDLERS = [
    get_bundle,
    put_bundle,
    put_options,
    post_variant,
    patch_variant,
    get_barcodes,
    post_barcode,
    delete_barcode,
    get_scanned,
    get_attributes,
    put_attribute,
    put_category_attributes,
    delete_attribute,
    patch_facts,
    patch_variant_facts,
    get_channels,
    patch_channels,
]
