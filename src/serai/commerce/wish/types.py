"""Wish lists as other modules see them."""

from uuid import UUID

import msgspec

from serai.commerce.catalogue.types import SaleItem


class WishList(msgspec.Struct, frozen=True):
    """A list; ``share_token`` is the secret part of its link, None while it is private."""

    list_id: UUID
    name: str
    share_token: str | None
    item_count: int


class OpenedList(msgspec.Struct, frozen=True):
    """A list with what is on it, as sold today; goods that are no longer sold are not ``sellable``."""

    wish_list: WishList
    items: tuple[SaleItem, ...]
