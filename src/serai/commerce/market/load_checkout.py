"""Checkouts as they are read: with their orders, and with what the market's promotions took off them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.market import store
from serai.commerce.market.types import (
    DiscountShare,
    MarketCheckout,
    MarketDiscount,
    MarketMember,
    MarketOrder,
)
from serai.commerce.promotion.types import Claim
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, _


async def list_members(tx: Transaction) -> list[MarketMember]:
    """Everybody who sells or sold in the market, in the order of joining."""
    return [MarketMember(*row.values()) for row in await store.list_members(tx)]


async def find_checkout(tx: Transaction, *, checkout_id: UUID) -> MarketCheckout | None:
    """A checkout with its orders and discounts."""
    row = await store.find_checkout(tx, checkout_id)
    if row is None:
        return None
    orders = tuple(MarketOrder(*each.values()) for each in await store.list_orders(tx, checkout_id))
    discounts = read_discounts(await store.list_discounts(tx, checkout_id)) if row["discount_minor"] else ()
    return msgspec.structs.replace(MarketCheckout(*row.values()), orders=orders, discounts=discounts)


async def load_checkout(tx: Transaction, *, checkout_id: UUID) -> MarketCheckout:
    """A checkout. NotFound ``market.checkout_unknown``."""
    checkout = await find_checkout(tx, checkout_id=checkout_id)
    if checkout is None:
        raise NotFound("market.checkout_unknown", _("There is no such checkout."))
    return checkout


def read_discounts(rows: Sequence[Any]) -> tuple[MarketDiscount, ...]:
    """Discounts out of rows that hold one share each, in their order."""
    found: dict[int, MarketDiscount] = {}
    for row in rows:
        number = row["discount_no"]
        if number not in found:
            claims = msgspec.convert(row["claims"].get("items", []), tuple[Claim, ...])
            values = {name: row[name] for name in store.DISCOUNT_FIELDS if name != "claims"}
            found[number] = MarketDiscount(**values, claims=claims)
        share = DiscountShare(row["member_id"], row["basis_minor"], row["share_minor"], row["platform_minor"])
        found[number] = msgspec.structs.replace(found[number], shares=(*found[number].shares, share))
    return tuple(found.values())
