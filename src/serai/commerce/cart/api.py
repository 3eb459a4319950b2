"""Carts: open, fill, change. Nobody reaches a cart but its owner; prices come from the catalogue, never from a request.

An owner is a text such as ``web:<secret of the browser>`` or ``api:<key id>``; only its digest is stored.
"""

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.cart import store
from serai.commerce.cart.parse_amount import LIMITS, parse_amount, parse_quantity
from serai.commerce.cart.types import Cart, CartChange, CartLine
from serai.commerce.catalogue.api import BundlePart, list_sale_items
from serai.commerce.catalogue.types import show_amount
from serai.commerce.place.api import default_place, load_place
from serai.commerce.price.api import choose_price, price_items
from serai.commerce.price.types import Buyer, SalePrice
from serai.commerce.stock.api import allot
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.ids import derive_id, new_id

__all__ = [
    "Cart",
    "CartChange",
    "CartLine",
    "add_line",
    "find_cart",
    "open_cart",
    "parse_amount",
    "parse_quantity",
    "price_lines",
    "remove_line",
    "set_line",
]


def owner_digest(owner: str) -> bytes:
    """What is stored of an owner."""
    return hashlib.blake2b(owner.encode(), digest_size=20).digest()


async def read_amount(tx: Transaction, *, sku_id: UUID, text: str) -> int:
    """Steps of a SKU out of what somebody typed. Invalid ``cart.quantity_invalid``; NotFound ``cart.product_unknown``."""
    item = (await list_sale_items(tx, sku_ids=[sku_id])).get(sku_id)
    if item is None:
        raise NotFound("cart.product_unknown", _("This product is not for sale."))
    return parse_amount(text, scale=item.scale, unit=item.unit)


async def find_cart(tx: Transaction, *, owner: str, cart_id: UUID | None = None) -> Cart | None:
    """The owner's open cart (the newest, or the one with that id), None when there is none."""
    row = await store.find_cart(tx, owner_digest(owner), cart_id)
    return await _cart(tx, owner, row) if row else None


async def load_cart(tx: Transaction, *, owner: str, cart_id: UUID | None = None) -> Cart:
    """The owner's open cart. NotFound ``cart.unknown``, also for a cart of somebody else."""
    cart = await find_cart(tx, owner=owner, cart_id=cart_id)
    if cart is None:
        raise _unknown()
    return cart


def _unknown() -> NotFound:
    return NotFound("cart.unknown", _("This cart does not exist any more."))


async def find_placed_order(tx: Transaction, *, owner: str, cart_id: UUID) -> UUID | None:
    """The order that this cart of the owner has become, if it has."""
    return await store.find_placed(tx, owner_digest(owner), cart_id)


def read_buyer(owner: str) -> Buyer:
    """For whom a cart shows prices: everybody in the channel that its owner's kind names."""
    return Buyer(channel=owner.partition(":")[0])


async def _cart(tx: Transaction, owner: str, row: Any) -> Cart:
    rows = await store.list_lines(tx, row["cart_id"])
    sku_ids = [line["sku_id"] for line in rows]
    buyer = read_buyer(owner)
    items = await list_sale_items(tx, sku_ids=sku_ids, channel=buyer.channel)
    prices = await price_items(tx, items=items, buyer=buyer)
    online = await default_place(tx)
    # With a store chosen, what either the store or the warehouse has can be bought.
    most, parts = await allot(
        tx,
        wanted=[(line["sku_id"], line["quantity"]) for line in rows],
        place_ids=[online.place_id, row["place_id"]],
    )
    lines = tuple(
        _line(
            line,
            items.get(line["sku_id"]),
            prices.get(line["sku_id"]),
            available,
            parts.get(line["sku_id"], ()),
        )
        for line, available in zip(rows, most, strict=True)
    )
    sellable = [line for line in lines if line.problem != "gone"]
    currency = next((item.currency for item in items.values()), "")
    return Cart(
        row["cart_id"],
        row["version"],
        row["place_id"],
        currency,
        lines,
        sum(line.total_minor for line in sellable),
        sum(line.pieces for line in sellable),
        tuple(_changes(lines)),
        row["details"],
    )


def _line(
    row: Any, item: Any, sale: SalePrice | None, available: int, parts: tuple[BundlePart, ...]
) -> CartLine:
    line_id, sku_id, quantity, seen = row.values()
    if item is None:
        # The variant has been deleted: nothing is known of it but that it cannot be bought.
        return CartLine(
            line_id, sku_id, sku_id, "", "—", {}, "", None, quantity, seen, seen, seen * quantity, 0, "gone"
        )
    price, offer = choose_price(sale.list_minor, sale.offers, quantity) if sale else (seen, None)
    problem: Any = None
    if not item.sellable:
        problem = "gone"
    elif available < quantity or quantity % item.increment:
        problem = "short"
    elif price != seen:
        problem = "price_changed"
    return CartLine(
        line_id,
        sku_id,
        item.product_id,
        item.slug,
        item.title,
        item.translations,
        item.brand,
        item.motif,
        quantity,
        price,
        seen,
        line_total(price, quantity, item.scale),
        available - available % item.increment,
        problem,
        item.photo,
        item.scale,
        sale.list_minor if sale else None,
        offer,
        item.unit,
        item.increment,
        parts,
    )


def line_total(price_minor: int, quantity: int, scale: int) -> int:
    """price x quantity x 10^-scale, rounded half up once (``commerce.md`` section 5)."""
    steps = 10**scale
    return (2 * price_minor * quantity + steps) // (2 * steps)


async def price_lines(tx: Transaction, *, lines: Sequence[CartLine], buyer: Buyer) -> tuple[CartLine, ...]:
    """A cart's lines at the prices of a buyer, who may be at a store or of a level that the cart does not know."""
    items = await list_sale_items(tx, sku_ids=[line.sku_id for line in lines], channel=buyer.channel)
    prices = await price_items(tx, items=items, buyer=buyer)
    priced = []
    for line in lines:
        sale = prices.get(line.sku_id)
        if sale is not None:
            price, offer = choose_price(sale.list_minor, sale.offers, line.quantity)
            line = msgspec.structs.replace(
                line,
                price_minor=price,
                total_minor=line_total(price, line.quantity, line.scale),
                list_price_minor=sale.list_minor,
                offer=offer,
            )
        priced.append(line)
    return tuple(priced)


def _changes(lines: Sequence[CartLine]) -> list[CartChange]:
    changes = []
    for line in lines:
        if line.problem == "gone":
            changes.append(CartChange("gone", line.line_id, line.title, line.quantity, 0))
        elif line.problem == "short":
            changes.append(CartChange("short", line.line_id, line.title, line.quantity, line.available))
        if line.problem != "gone" and line.price_minor != line.seen_price_minor:
            changes.append(
                CartChange("price_changed", line.line_id, line.title, line.seen_price_minor, line.price_minor)
            )
    return changes


async def open_cart(
    tx: Transaction, *, owner: str, place_id: UUID | None = None, fresh: bool = False
) -> Cart:
    """The owner's open cart, made when there is none (or always, with ``fresh``)."""
    return await _cart(tx, owner, await _open(tx, owner, place_id, fresh))


async def _open(tx: Transaction, owner: str, place_id: UUID | None = None, fresh: bool = False) -> Any:
    digest = owner_digest(owner)
    if not fresh:
        await store.lock_owner(tx, int.from_bytes(derive_id(tx.merchant_id, digest.hex()).bytes[:7], "big"))
        row = await store.lock_cart(tx, digest, None)
        if row is not None:
            return row
    place = await load_place(tx, place_id=place_id) if place_id else await default_place(tx)
    return await store.insert_cart(tx, new_id(), digest, place.place_id)


async def _lock(tx: Transaction, owner: str, cart_id: UUID | None) -> Any:
    row = await store.lock_cart(tx, owner_digest(owner), cart_id)
    if row is None:
        raise _unknown()
    return row


async def add_line(
    tx: Transaction, *, owner: str, sku_id: UUID, quantity: int, cart_id: UUID | None = None
) -> Cart:
    """Put something into the cart (opening one if need be); a line of the same SKU grows.

    Raises:
        Invalid: ``cart.quantity_invalid``, ``cart.too_many_lines``.
        NotFound: ``cart.product_unknown``, ``cart.unknown``.
        Conflict: ``cart.short`` with ``title``, ``wanted`` and ``available``.
    """
    buyer = read_buyer(owner)
    items = await list_sale_items(tx, sku_ids=[sku_id], channel=buyer.channel)
    item = items.get(sku_id)
    quantity = parse_quantity(quantity, scale=item.scale if item else 0)
    sale = (await price_items(tx, items=items, buyer=buyer)).get(sku_id)
    if item is None or not item.sellable or sale is None:
        raise NotFound("cart.product_unknown", _("This product is not for sale."))
    _check_increment(quantity, item.increment, item.scale, item.unit)
    row = await _open(tx, owner) if cart_id is None else await _lock(tx, owner, cart_id)
    seen, _offer = choose_price(sale.list_minor, sale.offers, quantity)
    now = await store.add_line(tx, row["cart_id"], new_id(), sku_id, quantity, seen)
    parse_quantity(now, scale=item.scale)
    price, _offer = choose_price(sale.list_minor, sale.offers, now)
    if price != seen:
        await store.see_prices(tx, row["cart_id"], [sku_id], [price])
    await store.touch_cart(tx, row["cart_id"])
    cart = await _cart(tx, owner, await _lock(tx, owner, row["cart_id"]))
    if len(cart.lines) > LIMITS.cart_lines:
        raise Invalid(
            "cart.too_many_lines", _("A cart holds at most %(most)s lines."), most=LIMITS.cart_lines
        )
    line = next(line for line in cart.lines if line.sku_id == sku_id)
    if line.problem == "short":
        raise _short(line)
    return cart


def _check_increment(quantity: int, increment: int, scale: int, unit: str) -> None:
    if quantity % increment:
        raise Invalid(
            "cart.increment",
            _("This is sold in multiples of %(step)s."),
            field="quantity",
            step=show_amount(increment, scale, unit),
        )


def _short(line: CartLine) -> Conflict:
    message = (
        _("“%(title)s” is sold out.")
        if line.available == 0
        else _("Only %(available)s of “%(title)s” are available.")
    )
    return Conflict(
        "cart.short",
        message,
        title=line.title,
        wanted=line.quantity,
        available=show_amount(line.available, line.scale, line.unit) if line.scale else line.available,
        field="quantity",
    )


async def set_line(tx: Transaction, *, owner: str, cart_id: UUID, line_id: UUID, quantity: int) -> Cart:
    """Change a line's quantity; 0 removes it.

    Raises:
        Invalid: ``cart.quantity_invalid``; NotFound: ``cart.unknown``, ``cart.line_unknown``; Conflict: ``cart.short``.
    """
    if quantity in (0, "0"):
        return await remove_line(tx, owner=owner, cart_id=cart_id, line_id=line_id)
    row = await _lock(tx, owner, cart_id)
    before = next((each for each in (await _cart(tx, owner, row)).lines if each.line_id == line_id), None)
    quantity = parse_quantity(quantity, scale=before.scale if before else 0)
    if before is not None:
        _check_increment(quantity, before.increment, before.scale, before.unit)
    if before is None or not await store.update_line(tx, row["cart_id"], line_id, quantity):
        raise _no_line()
    await store.touch_cart(tx, row["cart_id"])
    cart = await _cart(tx, owner, await _lock(tx, owner, cart_id))
    line = next(line for line in cart.lines if line.line_id == line_id)
    if line.problem == "price_changed" and before.price_minor == before.seen_price_minor:
        # Another quantity may have another price: that is the shopper's own doing, no news to be told.
        await store.see_prices(tx, row["cart_id"], [line.sku_id], [line.price_minor])
        cart = await _cart(tx, owner, await _lock(tx, owner, cart_id))
    if line.problem == "short":
        raise _short(line)
    return cart


def _no_line() -> NotFound:
    return NotFound("cart.line_unknown", _("This line is not in the cart any more."))


async def remove_line(tx: Transaction, *, owner: str, cart_id: UUID, line_id: UUID) -> Cart:
    """Take a line out. NotFound ``cart.unknown``, ``cart.line_unknown``."""
    row = await _lock(tx, owner, cart_id)
    if not await store.delete_line(tx, row["cart_id"], line_id):
        raise _no_line()
    await store.touch_cart(tx, row["cart_id"])
    return await _cart(tx, owner, await _lock(tx, owner, cart_id))


async def set_cart_place(tx: Transaction, *, owner: str, place_id: UUID, cart_id: UUID | None = None) -> Cart:
    """Choose the store whose stock counts. NotFound ``place.unknown``."""
    place = await load_place(tx, place_id=place_id)
    row = await _open(tx, owner) if cart_id is None else await _lock(tx, owner, cart_id)
    await store.update_place(tx, row["cart_id"], place.place_id)
    return await _cart(tx, owner, await _lock(tx, owner, row["cart_id"]))


async def set_details(tx: Transaction, *, owner: str, cart_id: UUID, **details: Any) -> Cart:
    """Keep what the shopper has told so far (contact, address, delivery) with the cart."""
    row = await _lock(tx, owner, cart_id)
    kept = {**row["details"], **{k: msgspec.to_builtins(v) for k, v in details.items()}}
    await store.update_details(tx, row["cart_id"], kept)
    return await _cart(tx, owner, await _lock(tx, owner, cart_id))


async def accept_changes(tx: Transaction, *, owner: str, cart_id: UUID | None = None) -> Cart:
    """The shopper has seen the new prices and takes them; lines that cannot be had go, short ones shrink."""
    row = await _lock(tx, owner, cart_id)
    cart = await _cart(tx, owner, row)
    for line in cart.lines:
        left = min(line.quantity - line.quantity % line.increment, line.available)
        if line.problem == "gone" or (line.problem == "short" and left == 0):
            await store.delete_line(tx, cart.cart_id, line.line_id)
        elif line.problem == "short":
            await store.update_line(tx, cart.cart_id, line.line_id, left)
    lines = (await _cart(tx, owner, row)).lines
    await store.see_prices(
        tx, cart.cart_id, [line.sku_id for line in lines], [line.price_minor for line in lines]
    )
    await store.touch_cart(tx, cart.cart_id)
    return await _cart(tx, owner, await _lock(tx, owner, cart.cart_id))


class Placed(msgspec.Struct, frozen=True):
    """A cart that became an order, as a row beside the order's group in the lane."""

    cart_id: UUID
    order_id: UUID


async def mark_placed(tx: Transaction, rows: Sequence[Placed]) -> None:
    """Close carts that became orders; a writer for the lane's batches."""
    await store.mark_placed(tx, [row.cart_id for row in rows], [row.order_id for row in rows])


async def delete_old_carts(tx: Transaction, *, days: int = 60) -> int:
    """Forget carts that nobody touched for long. Returns how many."""
    return await store.delete_old(tx, days)
