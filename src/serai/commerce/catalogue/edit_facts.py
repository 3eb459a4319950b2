"""What is said of products beyond their text: attributes with a type, sets of them per category, tags, channels."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Literal
from uuid import UUID

import msgspec

from serai.commerce.catalogue import write_variants
from serai.commerce.catalogue.edit_product import lock_version
from serai.commerce.catalogue.events import ProductChanged
from serai.commerce.catalogue.load_product import find_category, list_categories, load_product
from serai.commerce.catalogue.types import Attribute, AttributeValue, Product
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.event import Fact, append_facts
from serai.foundation.i18n import pick_translation
from serai.identity.audit import api as audit

Channel = Literal["app", "pos", "agent"]
CHANNELS: tuple[Channel, ...] = ("app", "pos", "agent")
MAX_TAGS = 30
MAX_SET = 60
MAX_TEXT = 200


async def list_attributes(tx: Transaction, *, category_id: UUID | None = None) -> list[Attribute]:
    """All attributes, or those that products of a category have: its own and its parents'."""
    category_ids = None
    if category_id is not None:
        parents = {category.category_id: category.parent_id for category in await list_categories(tx)}
        category_ids, at = [], category_id
        while at in parents and at not in category_ids:
            category_ids.append(at)
            at = parents[at] or at
    return [Attribute(**dict(row)) for row in await write_variants.list_attributes(tx, category_ids)]


async def save_attribute(tx: Transaction, *, attribute: Attribute, by: str) -> Attribute:
    """Define an attribute, or define it anew. Its kind is fixed once a product has a value of it.

    Raises:
        Invalid: ``attribute.invalid``. Conflict: ``attribute.in_use``.
    """
    code_ok = attribute.code.replace("_", "a").isalnum() and attribute.code.isascii()
    if not code_ok or not attribute.code[:1].islower() or attribute.code != attribute.code.lower():
        raise _invalid_attribute()
    is_odd = (attribute.kind == "choice") != bool(attribute.choices) or (
        attribute.kind != "number" and attribute.unit
    )
    if is_odd or not attribute.name.strip() or len(attribute.name) > 60 or len(attribute.code) > 40:
        raise _invalid_attribute()
    known = {each.code: each for each in await list_attributes(tx)}
    before = known.get(attribute.code)
    if before is not None and before.kind != attribute.kind:  # noqa: SIM102  # the question costs a query
        if await write_variants.is_attribute_used(tx, attribute.code):
            raise Conflict(
                "attribute.in_use", _("Products have values of this attribute; its kind cannot change.")
            )
    await write_variants.save_attribute(tx, tuple(getattr(attribute, n) for n in attribute.__struct_fields__))
    await audit.record(
        tx,
        actor=by,
        action="attribute.saved",
        subject_kind="attribute",
        subject_id=attribute.code,
        before=msgspec.to_builtins(before) if before else None,
        after=msgspec.to_builtins(attribute),
    )
    return attribute


def _invalid_attribute() -> Invalid:
    return Invalid(
        "attribute.invalid",
        _(
            "An attribute has a code of small letters, a name, choices if it is a choice, and a unit only for a number."
        ),
    )


async def set_category_attributes(
    tx: Transaction, *, category_id: UUID, codes: Sequence[str], by: str
) -> list[Attribute]:
    """Say which attributes products of a category have, in this order.

    Raises:
        NotFound: ``category.unknown``, ``attribute.unknown``. Invalid: ``attribute.too_many``.
    """
    if await find_category(tx, category_id=category_id) is None:
        raise NotFound("category.unknown", _("There is no such category."), field="category_id")
    wanted = list(dict.fromkeys(codes))
    if len(wanted) > MAX_SET:
        raise Invalid("attribute.too_many", _("A category has at most %(most)s attributes."), most=MAX_SET)
    known = {each.code for each in await list_attributes(tx)}
    if not set(wanted) <= known:
        raise NotFound("attribute.unknown", _("There is no such attribute."))
    await write_variants.replace_category_attributes(tx, category_id, wanted)
    await audit.record(
        tx,
        actor=by,
        action="category.attributes_changed",
        subject_kind="category",
        subject_id=category_id,
        after={"codes": wanted},
    )
    return await list_attributes(tx, category_id=category_id)


def check_value(attribute: Attribute, value: Any) -> AttributeValue:
    """A value as its attribute's kind wants it. Invalid ``attribute.value_invalid`` with ``attribute``."""
    match attribute.kind:
        case "boolean" if isinstance(value, bool):
            return value
        case "number" if not isinstance(value, bool):
            try:
                number = Decimal(str(value).strip())
            except InvalidOperation:
                raise _wrong(attribute) from None
            if number.is_finite() and abs(number) < Decimal(10) ** 12:
                return int(number) if number == number.to_integral_value() else float(number)
        case "choice" if value in attribute.choices:
            return str(value)
        case "text" if isinstance(value, str) and 0 < len(" ".join(value.split())) <= MAX_TEXT:
            return " ".join(value.split())
    raise _wrong(attribute)


def _wrong(attribute: Attribute) -> Invalid:
    return Invalid(
        "attribute.value_invalid",
        _("“%(name)s” cannot have that value."),
        name=attribute.name,
        attribute=attribute.code,
        field=f"attribute_{attribute.code}",
    )


async def set_facts(
    tx: Transaction,
    *,
    product_id: UUID,
    version: int,
    attributes: dict[str, Any],
    tags: Sequence[str] | None,
    by: str,
) -> Product:
    """Say what a product is like: values by attribute (None takes one away; those not named stay), and its tags.

    Raises:
        NotFound: ``product.unknown``, ``attribute.unknown``. Conflict: ``product.edited_meanwhile``.
        Invalid: ``attribute.value_invalid``, ``product.tag_invalid``.
    """
    product = await lock_version(tx, product_id, version)
    known = {each.code: each for each in await list_attributes(tx)}
    values = dict(product.attributes)
    for code, value in attributes.items():
        if code not in known:
            raise NotFound("attribute.unknown", _("There is no such attribute."))
        if value is None:
            values.pop(code, None)
        else:
            values[code] = check_value(known[code], value)
    kept = list(product.tags) if tags is None else _tidy_tags(tags)
    if values == product.attributes and kept == list(product.tags):
        return product
    await write_variants.update_facts(tx, product_id, values, kept)
    await append_facts(tx, [Fact(product_id, ProductChanged(product_id, "edited"))])
    await audit.record(
        tx,
        actor=by,
        action="product.facts_changed",
        subject_kind="product",
        subject_id=product_id,
        before={"attributes": product.attributes, "tags": list(product.tags)},
        after={"attributes": values, "tags": kept},
    )
    return await load_product(tx, product_id=product_id)


def _tidy_tags(tags: Sequence[str]) -> list[str]:
    tidy = sorted({" ".join(tag.split()).lower() for tag in tags} - {""})
    if len(tidy) > MAX_TAGS or any(len(tag) > 40 for tag in tidy):
        raise Invalid(
            "product.tag_invalid",
            _("At most %(most)s tags of up to 40 characters."),
            field="tags",
            most=MAX_TAGS,
        )
    return tidy


async def load_channels(tx: Transaction, *, product: Product) -> dict[str, bool]:
    """Where a product is shown: on the web, and on each other channel, which follows the web unless told otherwise."""
    own = {
        row["channel"]: row["published"] for row in await write_variants.list_listings(tx, product.product_id)
    }
    return {"web": product.published} | {channel: own.get(channel, product.published) for channel in CHANNELS}


async def set_channels(
    tx: Transaction, *, product_id: UUID, version: int, channels: dict[str, bool | None], by: str
) -> dict[str, bool]:
    """Show or hide a product on channels beside the web; None makes one follow the web again, one not named stays.

    Raises:
        NotFound: ``product.unknown``. Conflict: ``product.edited_meanwhile``. Invalid: ``product.channel_unknown``.
    """
    product = await lock_version(tx, product_id, version)
    if not set(channels) <= set(CHANNELS):
        raise Invalid("product.channel_unknown", _("The channels are %(known)s."), known=", ".join(CHANNELS))
    own = {row["channel"]: row["published"] for row in await write_variants.list_listings(tx, product_id)}
    merged = {**own, **channels}
    kept = {channel: published for channel, published in merged.items() if published is not None}
    if kept != own:
        await write_variants.replace_listings(tx, product_id, kept)
        await write_variants.update_facts(tx, product_id, product.attributes, list(product.tags))
        await append_facts(tx, [Fact(product_id, ProductChanged(product_id, "edited"))])
        await audit.record(
            tx,
            actor=by,
            action="product.channels_changed",
            subject_kind="product",
            subject_id=product_id,
            before=own,
            after=kept,
        )
    return await load_channels(tx, product=product)


def show_value(attribute: Attribute, value: AttributeValue, locale: str) -> str:
    """A value for a reader. Booleans are the page's to word: they come as ``yes`` and ``no``."""
    if attribute.kind == "boolean":
        return "yes" if value else "no"
    if attribute.kind == "choice":
        return pick_translation(attribute.choices.get(str(value), {}), locale, str(value))
    return f"{value} {attribute.unit}".rstrip() if attribute.kind == "number" else str(value)
