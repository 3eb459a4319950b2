"""What is said of products beyond their text: values of attributes, tags, and the channels they are shown on."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Literal
from uuid import UUID

from serai.commerce.catalogue import store, write_variants
from serai.commerce.catalogue.edit_attributes import build_attribute
from serai.commerce.catalogue.edit_product import lock_version
from serai.commerce.catalogue.events import ProductChanged
from serai.commerce.catalogue.load_product import load_product, load_variant
from serai.commerce.catalogue.types import Attribute, AttributeValue, Product
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, NotFound, _
from serai.foundation.event import Fact, append_facts
from serai.foundation.i18n import pick_translation
from serai.identity.audit import api as audit

Channel = Literal["app", "pos", "agent", "market"]
CHANNELS: tuple[Channel, ...] = ("app", "pos", "agent", "market")
MAX_TAGS = 30
MAX_TEXT = 200


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
    values = await _merge_values(tx, product.attributes, attributes)
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


async def _merge_values(
    tx: Transaction, before: Mapping[str, AttributeValue], changed: Mapping[str, Any]
) -> dict[str, AttributeValue]:
    """Values with some changed or (None) taken away, each checked by its definition, which stays so until the end."""
    rows = await write_variants.share_attributes(tx, sorted(changed))
    known = {row["code"]: build_attribute(row) for row in rows}
    values = dict(before)
    for code, value in changed.items():
        if code not in known:
            raise NotFound("attribute.unknown", _("There is no such attribute."))
        if value is None:
            values.pop(code, None)
        else:
            values[code] = check_value(known[code], value)
    return values


async def set_variant_facts(
    tx: Transaction, *, sku_id: UUID, version: int, attributes: dict[str, Any], by: str
) -> Product:
    """Say what one variant is like where it differs from its product: values by attribute (None takes one away).

    Raises:
        NotFound: ``product.unknown``, ``attribute.unknown``. Conflict: ``product.edited_meanwhile``.
        Invalid: ``attribute.value_invalid``.
    """
    product_id = (await load_variant(tx, sku_id=sku_id)).product_id
    product = await lock_version(tx, product_id, version)
    before = next(variant for variant in product.variants if variant.sku_id == sku_id).attributes
    values = await _merge_values(tx, before, attributes)
    if values == before:
        return product
    await write_variants.update_variant_facts(tx, sku_id, values)
    await store.raise_version(tx, product_id)
    await append_facts(tx, [Fact(product_id, ProductChanged(product_id, "edited"))])
    await audit.record(
        tx,
        actor=by,
        action="product.facts_changed",
        subject_kind="product",
        subject_id=product_id,
        before={"sku_id": str(sku_id), "attributes": before},
        after={"sku_id": str(sku_id), "attributes": values},
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


async def load_channels(tx: Transaction, *, product: Product, own_only: bool = False) -> dict[str, bool]:
    """Where a product is shown: on the web, and on each other channel, which follows the web unless told otherwise.
    ``own_only``: just the channels that were told."""
    own = {
        row["channel"]: row["published"] for row in await write_variants.list_listings(tx, product.product_id)
    }
    if own_only:
        return own
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
