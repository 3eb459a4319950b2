"""Products as one channel shows them: it follows the web shop unless a product says otherwise for it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from serai.commerce.catalogue import write_variants
from serai.commerce.catalogue.edit_facts import CHANNELS
from serai.commerce.catalogue.list_products import list_products
from serai.commerce.catalogue.types import ProductCard
from serai.commerce.types import Page
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, _

# A page is filled in so many steps at most; where a channel hides nearly everything, pages are shorter than asked for.
MAX_STEPS = 20


async def list_channel_products(
    tx: Transaction, *, channel: str, cursor: str | None = None, limit: int = 24, **wanted: Any
) -> Page[ProductCard]:
    """A page of what a channel shows, as :func:`list_products` lists it (``wanted`` are its arguments).

    A page may be shorter than ``limit`` although others follow: only ``next_cursor`` says whether they do.

    Raises:
        Invalid: ``product.channel_unknown``, ``list.cursor_invalid``.
    """
    if channel == "web":
        return await list_products(tx, cursor=cursor, limit=limit, **wanted | {"published": True})
    if channel not in CHANNELS:
        raise Invalid(
            "product.channel_unknown",
            _("The channels are %(known)s."),
            field="channel",
            known=", ".join(("web", *CHANNELS)),
        )
    found: list[ProductCard] = []
    for _step in range(MAX_STEPS):
        page = await list_products(
            tx, cursor=cursor, limit=limit - len(found), **wanted | {"published": None}
        )
        own = await write_variants.list_channel_states(tx, [card.product_id for card in page.items])
        found += [card for card in page.items if own.get((card.product_id, channel), card.published)]
        cursor = page.next_cursor
        if cursor is None or len(found) >= limit:
            break
    return Page(tuple(found), cursor)


async def list_hidden(tx: Transaction, *, product_ids: Sequence[UUID], channel: str) -> set[UUID]:
    """Which of some products say that they are not shown on a channel."""
    states = await write_variants.list_channel_states(tx, product_ids)
    return {product_id for product_id in product_ids if states.get((product_id, channel)) is False}


async def list_channel_states(
    tx: Transaction, *, product_ids: Sequence[UUID]
) -> Mapping[tuple[UUID, str], bool]:
    """What some products say for themselves: (product, channel) to whether it is shown there; others follow the web."""
    return await write_variants.list_channel_states(tx, product_ids)
