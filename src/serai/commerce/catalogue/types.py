"""Products, variants, categories and prices as other modules see them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from serai.commerce.search.types import Facets
from serai.commerce.types import Page
from serai.foundation.i18n import pick_translation

# Unit prices are shown per this much of the content's unit.
UNIT_PRICE_BASE = {"g": 100, "ml": 100, "pc": 1}


class Category(msgspec.Struct, frozen=True):
    """A category; departments have no parent. ``motif`` names the drawing that stands for its goods."""

    category_id: UUID
    parent_id: UUID | None
    slug: str
    name: str
    translations: dict[str, str]
    motif: str | None
    position: int
    published: bool
    product_count: int = 0

    def label(self, locale: str) -> str:
        """The name in a language, else the merchant's own."""
        return pick_translation(self.translations, locale, self.name)


class Content(msgspec.Struct, frozen=True):
    """What is inside a piece: as text (``22 lb``) and, where it can be compared, as an amount of g, ml or pc."""

    text: str
    amount: int | None = None
    unit: str | None = None


def show_amount(quantity: int, scale: int, unit: str) -> str:
    """A quantity of steps as people say it: ``2`` pieces, ``0.25 kg``."""
    if scale == 0:
        return str(quantity)
    return f"{show_steps(quantity, scale)} {unit}"


def show_steps(quantity: int, scale: int) -> str:
    """Steps as a plain number of units: 250 steps of 10^-3 are ``0.25``."""
    whole, part = divmod(quantity, 10**scale)
    digits = f"{part:0{scale}}".rstrip("0") if scale else ""
    return f"{whole}.{digits}" if digits else str(whole)


def count_pieces(quantity: int, scale: int) -> int:
    """How many pieces a line counts as: what is weighed is one."""
    return quantity if scale == 0 else 1


def unit_price(
    price_minor: int | None, amount: int | None, unit: str | None
) -> tuple[int | None, str | None]:
    """Price per 100 g, 100 ml or piece (rounded half up) and that base as text; Nones where it makes no sense."""
    if price_minor is None or not amount or unit not in UNIT_PRICE_BASE or (unit == "pc" and amount == 1):
        return None, None
    base = UNIT_PRICE_BASE[unit]
    return (2 * price_minor * base + amount) // (2 * amount), f"{base} {unit}"


class ProductCard(msgspec.Struct, frozen=True):
    """A product in a list, with the variant that stands for it. ``photo`` is the digest of its first photograph."""

    product_id: UUID
    slug: str
    title: str
    translations: dict[str, str]
    brand: str
    category_id: UUID
    motif: str | None
    sku_id: UUID | None
    price_minor: int | None
    currency: str
    content_text: str | None
    unit_price_minor: int | None
    unit_price_per: str | None
    published: bool
    variant_count: int
    photo: str | None = None
    sku: str | None = None

    def label(self, locale: str) -> str:
        return pick_translation(self.translations, locale, self.title)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a search came to.

    ``query`` is what was searched in the end. ``instead_of`` is what was typed, when nothing was found for it and a typo
    was mended; ``meant`` is offered when little was found and another word is near. Neither narrows nor widens silently:
    pages have to tell both. ``pinned`` is how many of the first products the merchant put there.
    """

    page: Page[ProductCard]
    query: str
    facets: Facets
    instead_of: str | None = None
    meant: str | None = None
    pinned: int = 0


class Variant(msgspec.Struct, frozen=True):
    """One sellable thing (SKU). Quantities are whole steps of 10^-scale of ``unit``, in multiples of ``increment``; the
    price is that of one unit. ``choices`` has a value per option of the product, in their order; ``attributes`` what is said
    of this variant alone."""

    sku_id: UUID
    product_id: UUID
    sku: str
    gtin: str | None
    option: str
    price_minor: int | None
    currency: str
    content_text: str | None
    content_amount: int | None
    content_unit: str | None
    scale: int
    increment: int
    active: bool
    choices: tuple[str, ...] = ()
    unit: str = "pc"
    attributes: dict[str, "AttributeValue"] = {}

    @property
    def is_weighed(self) -> bool:
        """Whether it is sold by weight, volume or length instead of by the piece."""
        return self.scale > 0

    @property
    def unit_price_minor(self) -> int | None:
        return unit_price(self.price_minor, self.content_amount, self.content_unit)[0]

    @property
    def unit_price_per(self) -> str | None:
        return unit_price(self.price_minor, self.content_amount, self.content_unit)[1]


class ProductOption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a product's variants differ in, such as size. ``translations``: the name by locale."""

    name: str
    values: tuple[str, ...]
    translations: dict[str, str] = {}

    def label(self, locale: str) -> str:
        return pick_translation(self.translations, locale, self.name)


class Barcode(msgspec.Struct, frozen=True):
    """A code under which a variant is found, as GTIN-14."""

    gtin: str
    sku_id: UUID


AttributeKind = Literal["text", "number", "choice", "boolean"]
AttributeValue = str | int | float | bool


class Attribute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that can be said of products. ``unit`` belongs to a number; ``choices`` are the values of a choice with
    their labels by locale. Shoppers narrow lists by a ``filterable`` one."""

    code: str
    kind: AttributeKind
    name: str
    translations: dict[str, str] = {}
    unit: str = ""
    choices: dict[str, dict[str, str]] = {}
    position: int = 0
    filterable: bool = False

    def label(self, locale: str) -> str:
        return pick_translation(self.translations, locale, self.name)


class Product(msgspec.Struct, frozen=True):
    """A product with its variants. ``version`` grows with every edit. ``attributes``: values by the attribute's code."""

    product_id: UUID
    category_id: UUID
    slug: str
    title: str
    translations: dict[str, str]
    brand: str
    description: str
    published: bool
    rank: int
    version: int
    created_at: datetime
    updated_at: datetime
    options: tuple[ProductOption, ...] = ()
    tags: tuple[str, ...] = ()
    attributes: dict[str, AttributeValue] = {}
    variants: tuple[Variant, ...] = ()

    def label(self, locale: str) -> str:
        return pick_translation(self.translations, locale, self.title)

    def as_variant(self, variant: Variant) -> "Product":
        """The product with what is said of one of its variants, which counts before what is said of the product."""
        return msgspec.structs.replace(self, attributes={**self.attributes, **variant.attributes})


class SaleItem(msgspec.Struct, frozen=True):
    """What selling needs of a variant: title and price now, and whether it may be sold at all."""

    sku_id: UUID
    product_id: UUID
    slug: str
    title: str
    translations: dict[str, str]
    brand: str
    motif: str | None
    price_minor: int | None
    currency: str
    scale: int
    increment: int
    sellable: bool
    photo: str | None = None
    unit: str = "pc"

    def label(self, locale: str) -> str:
        return pick_translation(self.translations, locale, self.title)


class BundlePart(msgspec.Struct, frozen=True):
    """A part of a bundle: its steps in one bundle, and its list price and scale now."""

    sku_id: UUID
    quantity: int
    price_minor: int | None
    scale: int


class Bundle(msgspec.Struct, frozen=True):
    """A variant that consists of others. ``sum`` prices it at its parts' less ``discount_bp`` hundredths of a percent."""

    sku_id: UUID
    pricing: Literal["own", "sum"]
    discount_bp: int
    parts: tuple[BundlePart, ...]


class PriceEntry(msgspec.Struct, frozen=True):
    """A price from a moment on. Entries are only ever added, so they are the price's history."""

    price_id: UUID
    sku_id: UUID
    currency: str
    amount_minor: int
    valid_from: datetime
    reason: str
    created_by: str
    created_at: datetime


class NewProduct(msgspec.Struct, frozen=True, kw_only=True):
    """A product with one variant, as imports and set-up bring it. ``None`` ids are made."""

    title: str
    sku: str
    category_id: UUID
    price_minor: int | None
    currency: str
    product_id: UUID | None = None
    sku_id: UUID | None = None
    slug: str | None = None
    translations: dict[str, str] = {}
    brand: str = ""
    description: str = ""
    gtin: str | None = None
    content: Content | None = None
    published: bool = True
    rank: int = 0


class FlatProduct(msgspec.Struct, frozen=True, kw_only=True):
    """A product and one of its variants in one row, as imports compare and edit it. Content amounts in g, ml or pc."""

    product_id: UUID
    sku_id: UUID
    sku: str
    title: str
    translations: dict[str, str]
    brand: str
    description: str
    category_id: UUID
    published: bool
    gtin: str | None
    content_text: str | None
    content_amount: int | None
    content_unit: str | None
    price_minor: int | None
    currency: str
    variant_count: int


class NewVariant(msgspec.Struct, frozen=True, kw_only=True):
    """One more variant of a product. ``choices``: one value per option; price in minor units of one ``unit``."""

    sku: str
    choices: tuple[str, ...] = ()
    price_minor: int | None = None
    currency: str = ""
    gtin: str | None = None
    content_text: str = ""
    unit: str = "pc"
    scale: int = 0
    increment: int = 1


class VariantEdit(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of a variant; None leaves a field as it is."""

    choices: tuple[str, ...] | None = None
    gtin: str | None = None
    content_text: str | None = None
    unit: str | None = None
    scale: int | None = None
    increment: int | None = None
    active: bool | None = None
    position: int | None = None
