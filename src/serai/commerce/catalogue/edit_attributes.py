"""What can be said of products: attributes with a kind, and the set of them that each category has."""

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.catalogue import write_variants
from serai.commerce.catalogue.load_product import find_category, list_categories
from serai.commerce.catalogue.types import Attribute
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.identity.audit import api as audit

MAX_ATTRIBUTES = 500
MAX_SET = 60
MAX_CHOICES = 200
MAX_NAME = 60
MAX_UNIT = 20
KINDS = ("text", "number", "choice", "boolean")


async def list_attributes(tx: Transaction, *, category_id: UUID | None = None) -> list[Attribute]:
    """All attributes, or those that products of a category have: its own and its parents'."""
    category_ids = None
    if category_id is not None:
        parents = {
            category.category_id: category.parent_id
            for category in await list_categories(tx, is_counted=False)
        }
        category_ids, at = [], category_id
        while at in parents and at not in category_ids:
            category_ids.append(at)
            at = parents[at] or at
    return [build_attribute(row) for row in await write_variants.list_attributes(tx, category_ids)]


def build_attribute(row: Any) -> Attribute:
    """An attribute's row, its choices in the order they were given in."""
    values = dict(row)
    place = {choice: at for at, choice in enumerate(values.pop("choice_order"))}
    choices = values["choices"]
    ordered = sorted(choices, key=lambda choice: (place.get(choice, len(place)), choice))
    return Attribute(**values | {"choices": {choice: choices[choice] for choice in ordered}})


async def count_attribute_uses(tx: Transaction) -> dict[str, int]:
    """How many products and variants have a value of each attribute, by its code; unused ones are left out."""
    return await write_variants.count_attribute_uses(tx)


async def list_category_sets(tx: Transaction) -> dict[UUID, tuple[str, ...]]:
    """The codes that each category names itself, in their order; categories without any are left out."""
    found: dict[UUID, list[str]] = {}
    for row in await write_variants.list_category_sets(tx):
        found.setdefault(row["category_id"], []).append(row["code"])
    return {category_id: tuple(codes) for category_id, codes in found.items()}


def mark_of(attribute: Attribute | None) -> str:
    """A short text that changes whenever a definition does; empty for one that is not there yet."""
    if attribute is None:
        return ""
    return hashlib.blake2b(msgspec.json.encode(attribute), digest_size=8).hexdigest()


async def save_attribute(
    tx: Transaction, *, attribute: Attribute, by: str, seen: str | None = None
) -> Attribute:
    """Define an attribute, or define it anew; ``seen`` is the :func:`mark_of` the definition that was looked at.

    Its kind is fixed once a product has a value of it, and so is a choice that a product has.

    Raises:
        Invalid: ``attribute.invalid``, ``attribute.too_many``.
        Conflict: ``attribute.in_use``, ``attribute.choice_in_use``, ``attribute.edited_meanwhile``.
    """
    _check_attribute(attribute)
    row = await write_variants.lock_attribute(tx, attribute.code)
    before = build_attribute(row) if row else None
    if seen is not None and seen != mark_of(before):
        raise Conflict(
            "attribute.edited_meanwhile",
            _("Somebody else has changed this attribute meanwhile. Please look at it again."),
        )
    if before is None and len(await write_variants.list_attributes(tx, None)) >= MAX_ATTRIBUTES:
        raise Invalid("attribute.too_many", _("There are at most %(most)s attributes."), most=MAX_ATTRIBUTES)
    if before is not None:
        await _check_uses(tx, before, attribute)
    if before == attribute and list(before.choices) == list(attribute.choices):
        return attribute
    values = tuple(getattr(attribute, name) for name in attribute.__struct_fields__)
    await write_variants.save_attribute(tx, (*values, list(attribute.choices)))
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


def _check_attribute(attribute: Attribute) -> None:
    code, choices = attribute.code, attribute.choices
    code_ok = (
        code.replace("_", "a").isalnum() and code.isascii() and code[:1].islower() and code == code.lower()
    )
    is_odd = (attribute.kind == "choice") != bool(choices) or (attribute.kind != "number" and attribute.unit)
    labels = [*attribute.translations.values(), *(t for label in choices.values() for t in label.values())]
    if (
        not code_ok
        or len(code) > 40
        or is_odd
        or attribute.kind not in KINDS
        or not attribute.name.strip()
        or len(choices) > MAX_CHOICES
        or any(not choice.strip() or choice != " ".join(choice.split()) for choice in choices)
        or any(len(text) > MAX_NAME for text in (attribute.name, *choices, *labels))
        or len(attribute.unit) > MAX_UNIT
    ):
        raise Invalid(
            "attribute.invalid",
            _(
                "An attribute has a code of small letters, a name, choices if it is a choice, and a unit only for a number."
            ),
        )


async def _check_uses(tx: Transaction, before: Attribute, after: Attribute) -> None:
    dropped = set(before.choices) - set(after.choices)
    if before.kind == after.kind and not dropped:
        return
    used = await write_variants.list_used_values(tx, before.code, MAX_CHOICES)
    if used and before.kind != after.kind:
        raise Conflict(
            "attribute.in_use",
            _("Products have values of this attribute; its kind cannot change."),
            field="kind",
        )
    kept = sorted(dropped & set(used))
    if kept:
        raise Conflict(
            "attribute.choice_in_use",
            _("Products have the choice “%(choice)s”; it cannot go before they have another."),
            field="choices",
            choice=kept[0],
        )


async def delete_attribute(tx: Transaction, *, code: str, by: str) -> None:
    """Take an attribute that no product has out of the house and of every category's set.

    Raises:
        NotFound: ``attribute.unknown``. Conflict: ``attribute.in_use``.
    """
    row = await write_variants.lock_attribute(tx, code)
    if row is None:
        raise NotFound("attribute.unknown", _("There is no such attribute."))
    if await write_variants.list_used_values(tx, code, 1):
        raise Conflict(
            "attribute.in_use", _("Products have values of this attribute; take them away before it goes.")
        )
    await write_variants.delete_attribute(tx, code)
    await audit.record(
        tx,
        actor=by,
        action="attribute.deleted",
        subject_kind="attribute",
        subject_id=code,
        before=msgspec.to_builtins(build_attribute(row)),
        after=None,
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
    before = (await list_category_sets(tx)).get(category_id, ())
    if list(before) != wanted:
        await write_variants.replace_category_attributes(tx, category_id, wanted)
        await audit.record(
            tx,
            actor=by,
            action="category.attributes_changed",
            subject_kind="category",
            subject_id=category_id,
            before={"codes": list(before)},
            after={"codes": wanted},
        )
    return await list_attributes(tx, category_id=category_id)
