"""Edit a category: its names, its place among the others, whether it is shown. Products are found by its names, so a new
one makes their index entries afresh, which the worker does."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.catalogue import store
from serai.commerce.catalogue.load_product import list_categories
from serai.commerce.catalogue.types import Category
from serai.commerce.search import api as search
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, NotFound, _
from serai.identity.audit import api as audit

MAX_NAME = 80
NOTED_AT_ONCE = 4_000


class CategoryEdit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; None leaves a field as it is. ``is_department`` takes it out of its parent."""

    name: str | None = None
    translations: dict[str, str] | None = None
    parent_id: UUID | None = None
    is_department: bool = False
    position: int | None = None
    published: bool | None = None


async def edit_category(tx: Transaction, *, category_id: UUID, edit: CategoryEdit, by: str) -> Category:
    """Rename, move, show or hide a category, with audit.

    Raises:
        NotFound: ``category.unknown``.
        Invalid: ``category.name_invalid``; ``category.parent_invalid`` when it would come to lie inside itself.
    """
    await store.lock_categories(tx)
    known = {each.category_id: each for each in await list_categories(tx)}
    before = known.get(category_id)
    if before is None or (edit.parent_id is not None and edit.parent_id not in known):
        raise NotFound("category.unknown", _("There is no such category."), field="category_id")
    given: dict[str, Any] = {
        name: value
        for name in ("translations", "parent_id", "position", "published")
        if (value := getattr(edit, name)) is not None
    }
    if edit.name is not None:
        given["name"] = " ".join(edit.name.split())
    if edit.is_department:
        given["parent_id"] = None
    after = msgspec.structs.replace(before, **given)
    _check_names(after)
    _check_parents(after, known)
    if after == before:
        return before
    await store.update_category(tx, after)
    if (after.name, after.translations) != (before.name, before.translations):
        ids = await store.list_category_products(tx, category_id)
        for start in range(0, len(ids), NOTED_AT_ONCE):
            await search.note_stale(tx, product_ids=ids[start : start + NOTED_AT_ONCE], is_reworded=True)
    changed = [name for name in given if getattr(before, name) != getattr(after, name)]
    await audit.record(
        tx,
        actor=by,
        action="category.edited",
        subject_kind="category",
        subject_id=category_id,
        before={name: getattr(before, name) for name in changed},
        after={name: getattr(after, name) for name in changed},
    )
    return after


def _check_names(category: Category) -> None:
    names = [category.name, *category.translations.values()]
    if any(not name.strip() or len(name) > MAX_NAME or "\0" in name for name in names):
        raise Invalid(
            "category.name_invalid",
            _("A category has a name of at most %(most)s characters in each language."),
            field="name",
            most=MAX_NAME,
        )


def _check_parents(category: Category, known: Mapping[UUID, Category]) -> None:
    above, seen = category.parent_id, {category.category_id}
    while above is not None:
        if above in seen:
            raise Invalid(
                "category.parent_invalid", _("A category cannot lie inside itself."), field="parent_id"
            )
        seen.add(above)
        above = known[above].parent_id
