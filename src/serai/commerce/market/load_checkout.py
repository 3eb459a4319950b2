"""Checkouts as they are read: with their orders, and with what the market's promotions took off them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.market import store
from serai.commerce.market.price_basket import is_cross_shop
from serai.commerce.market.types import (
    DiscountShare,
    MarketCheckout,
    MarketDiscount,
    MarketMember,
    MarketOrder,
)
from serai.commerce.promotion.api import list_live_rules
from serai.commerce.promotion.types import Claim, Terms
from serai.commerce.types import Page
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, NotFound, _


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


async def list_offers(tx: Transaction) -> list[Terms]:
    """The market's promotions that hold now for everybody, without a coupon."""
    now = clock.now()
    return [
        rule.terms
        for rule in await list_live_rules(tx)
        if is_cross_shop(rule.terms)
        and not rule.terms.coupon
        and (rule.terms.starts_at is None or rule.terms.starts_at <= now)
        and (rule.terms.ends_at is None or rule.terms.ends_at > now)
    ]


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


async def find_order_checkout(
    tx: Transaction, *, order_id: UUID
) -> tuple[MarketCheckout, MarketOrder] | None:
    """The checkout that an order of a member belongs to, and what the market keeps of the order."""
    row = await store.find_order(tx, order_id)
    if row is None:
        return None
    checkout = await load_checkout(tx, checkout_id=row["checkout_id"])
    return checkout, next(each for each in checkout.orders if each.order_id == order_id)


async def list_member_checkouts(
    tx: Transaction, *, member_id: UUID, cursor: str | None = None, limit: int = 20
) -> Page[MarketCheckout]:
    """The checkouts that a member of the market has placed, with their orders, the newest first.

    Invalid ``list.cursor_invalid``.
    """
    rows = await store.list_member_checkouts(tx, member_id, _read_cursor(cursor), limit + 1)
    checkouts = tuple([await load_checkout(tx, checkout_id=row["checkout_id"]) for row in rows[:limit]])
    more = f"{checkouts[-1].begun_at.isoformat()}|{checkouts[-1].checkout_id}" if len(rows) > limit else None
    return Page(checkouts, more)


def _read_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    if not cursor:
        return None
    try:
        moment, _bar, checkout_id = cursor.partition("|")
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None:
            raise ValueError(moment)
        return at.astimezone(UTC), UUID(checkout_id)
    except (ValueError, OverflowError) as error:
        raise Invalid("list.cursor_invalid", _("This list cannot be continued from there.")) from error
