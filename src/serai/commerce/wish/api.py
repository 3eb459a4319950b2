"""Wish lists: make, name, fill, share and remove. Only their member changes them; who has the link may read one."""

import re
import secrets
from uuid import UUID

from serai.commerce.catalogue.api import list_sale_items
from serai.commerce.wish import store
from serai.commerce.wish.types import OpenedList, WishList
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.ids import derive_id, new_id

__all__ = ["OpenedList", "WishList", "add_item", "list_lists", "open_list", "open_shared"]

LIST_LIMIT, ITEM_LIMIT, NAME_LIMIT = 20, 200, 60
TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")


async def list_lists(tx: Transaction, *, member_id: UUID) -> list[WishList]:
    """A member's lists, the oldest first."""
    return [WishList(*row.values()) for row in await store.list_lists(tx, member_id)]


async def _load(tx: Transaction, member_id: UUID, list_id: UUID) -> WishList:
    for wish_list in await list_lists(tx, member_id=member_id):
        if wish_list.list_id == list_id:
            return wish_list
    raise _unknown()


def _unknown() -> NotFound:
    return NotFound("wish.unknown", _("There is no such list, or it is not shared any more."))


async def open_list(tx: Transaction, *, member_id: UUID, list_id: UUID) -> OpenedList:
    """One of the member's lists with its goods. NotFound ``wish.unknown``."""
    return await _open(tx, await _load(tx, member_id, list_id))


async def open_shared(tx: Transaction, *, share_token: str) -> OpenedList:
    """A list by its link. NotFound ``wish.unknown``."""
    row = await store.find_shared(tx, share_token) if TOKEN.fullmatch(share_token) else None
    if row is None:
        raise _unknown()
    return await _open(tx, WishList(*row.values()))


async def _open(tx: Transaction, wish_list: WishList) -> OpenedList:
    sku_ids = await store.list_skus(tx, wish_list.list_id)
    items = await list_sale_items(tx, sku_ids=sku_ids)
    return OpenedList(wish_list, tuple(items[sku_id] for sku_id in sku_ids if sku_id in items))


async def make_list(tx: Transaction, *, member_id: UUID, name: str) -> UUID:
    """A new, private list. Returns its id.

    Raises:
        Invalid: ``wish.name_invalid``. Conflict: ``wish.too_many``.
    """
    name = _check_name(name)
    await _lock(tx, member_id)
    if len(await store.list_lists(tx, member_id)) >= LIST_LIMIT:
        raise Conflict("wish.too_many", _("You can keep at most %(limit)s lists."), limit=LIST_LIMIT)
    list_id = new_id()
    await store.insert_list(tx, list_id, member_id, name, clock.now())
    return list_id


def _check_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > NAME_LIMIT:
        raise Invalid(
            "wish.name_invalid",
            _("Please give the list a name of at most %(limit)s characters."),
            field="name",
            limit=NAME_LIMIT,
        )
    return name


async def _lock(tx: Transaction, member_id: UUID) -> None:
    """Changes of one member's lists wait for each other, so that limits hold and the first list is made once."""
    key = int.from_bytes(derive_id("wish", tx.merchant_id, member_id).bytes[:7], "big")
    await store.lock_member(tx, key)


async def add_item(
    tx: Transaction, *, member_id: UUID, sku_id: UUID, list_id: UUID | None = None, name: str = ""
) -> WishList:
    """Put goods on a list; without ``list_id`` on the oldest one, made with ``name`` when there is none.

    Raises:
        NotFound: ``wish.unknown``, ``cart.product_unknown``. Conflict: ``wish.full``.
    """
    if sku_id not in await list_sale_items(tx, sku_ids=[sku_id]):
        raise NotFound("cart.product_unknown", _("This product is not sold here (any more)."))
    await _lock(tx, member_id)
    lists = await list_lists(tx, member_id=member_id)
    if list_id is None:
        list_id = lists[0].list_id if lists else await make_list(tx, member_id=member_id, name=name)
    wish_list = await _load(tx, member_id, list_id)
    if wish_list.item_count >= ITEM_LIMIT:
        raise Conflict("wish.full", _("A list holds at most %(limit)s products."), limit=ITEM_LIMIT)
    await store.insert_item(tx, list_id, sku_id, clock.now())
    return wish_list


async def remove_item(tx: Transaction, *, member_id: UUID, list_id: UUID, sku_id: UUID) -> None:
    """Take goods off a list. NotFound ``wish.unknown``."""
    await _load(tx, member_id, list_id)
    await store.delete_item(tx, list_id, sku_id)


async def rename_list(tx: Transaction, *, member_id: UUID, list_id: UUID, name: str) -> None:
    """Give a list another name. NotFound ``wish.unknown``, Invalid ``wish.name_invalid``."""
    known = await _load(tx, member_id, list_id)
    await store.update_list(tx, list_id, member_id, _check_name(name), known.share_token)


async def share_list(tx: Transaction, *, member_id: UUID, list_id: UUID, shared: bool) -> None:
    """Open a list to who has its link (128 bits), or end that: a later link is another one. NotFound ``wish.unknown``."""
    known = await _load(tx, member_id, list_id)
    if bool(known.share_token) != shared:
        token = secrets.token_urlsafe(16) if shared else None
        await store.update_list(tx, list_id, member_id, known.name, token)


async def remove_list(tx: Transaction, *, member_id: UUID, list_id: UUID) -> None:
    """Remove a list with all that is on it. NotFound ``wish.unknown``."""
    if not await store.delete_list(tx, list_id, member_id):
        raise _unknown()


async def remove_lists_of(tx: Transaction, *, member_id: UUID) -> None:
    """Remove all lists of a member."""
    await store.delete_lists_of(tx, member_id)
