"""Delivery: what is offered for an address, what an order was promised, and what staff say about both."""

from collections.abc import Sequence
from uuid import UUID

from serai.commerce.delivery import store
from serai.commerce.delivery.edit_options import (
    add_option,
    edit_option,
    list_rows,
    load_calendar,
    load_row,
    place_options,
    save_calendar,
    set_weights,
)
from serai.commerce.delivery.load_book import Book, load_book
from serai.commerce.delivery.offer_options import choose_offered, choose_option, offer_options, weigh_goods
from serai.commerce.delivery.types import (
    STANDARD,
    Destination,
    Goods,
    Offered,
    Option,
    OrderDelivery,
    Promise,
)
from serai.commerce.settings import CommerceSettings
from serai.foundation.database import Transaction

__all__ = [
    "STANDARD",
    "Book",
    "Destination",
    "Goods",
    "Offered",
    "Option",
    "OrderDelivery",
    "Promise",
    "add_option",
    "choose_option",
    "edit_option",
    "find_order_delivery",
    "insert_order_deliveries",
    "keep_choice",
    "list_codes",
    "list_options",
    "list_rows",
    "load_book",
    "load_calendar",
    "load_row",
    "offer_options",
    "place_options",
    "preview_options",
    "save_calendar",
    "set_weights",
    "weigh_goods",
]


async def list_options(
    tx: Transaction, *, settings: CommerceSettings, destination: Destination, goods: Sequence[Goods]
) -> Offered:
    """The options for goods at an address (as far as it is known), each with price and promise, in the merchant's order.

    A merchant without options of its own has one, ``standard``, at the price of its terms and without a promise.
    """
    return await offer_options(
        tx, await load_book(tx, settings=settings), destination=destination, goods=goods
    )


def preview_options(
    book: Book, destination: Destination, goods: Sequence[Goods] = (), *, grams: int = 0
) -> Offered:
    """The options of a place for goods of some weight: what can be said before anything is chosen. Nothing is asked."""
    return choose_offered(book, destination, goods, grams=grams, chains={})


async def list_codes(tx: Transaction, *, sku_ids: Sequence[UUID]) -> list[str]:
    """The codes of goods that an option does not carry; of what has been deleted there is none any more."""
    return [row["sku"] for row in await store.list_codes(tx, sku_ids)] if sku_ids else []


def keep_choice(option: Option) -> OrderDelivery:
    """What an order keeps of the option that it chose."""
    promise = option.promise
    return OrderDelivery(
        option.code,
        option.title,
        option.translations,
        option.carrier,
        promise.from_day if promise else None,
        promise.until_day if promise else None,
        promise.late_from if promise else None,
    )


async def insert_order_deliveries(tx: Transaction, rows: Sequence[tuple[UUID, OrderDelivery]]) -> None:
    """Write what orders chose, beside the orders; a writer for the lane's batches."""
    await store.insert_order_deliveries(tx, rows)


async def find_order_delivery(tx: Transaction, *, order_id: UUID) -> OrderDelivery | None:
    """What an order chose and was promised; None for a pick-up and for orders of shops without options."""
    row = await store.find_order_delivery(tx, order_id)
    return OrderDelivery(*row.values()) if row else None
