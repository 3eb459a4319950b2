"""Save a cart's line for later, and put it back. Saved goods belong to whom the cart belongs; nothing is reserved."""

from datetime import timedelta
from uuid import UUID

from serai.commerce.cart import api as cart_api
from serai.commerce.cart.types import Cart
from serai.commerce.catalogue.api import list_sale_items
from serai.commerce.saved import store
from serai.commerce.saved.types import SavedLine
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, NotFound, _

__all__ = ["SavedLine", "list_saved", "restore_line", "save_line"]

SAVED_LIMIT = 100
KEEP_DAYS = 180


async def list_saved(tx: Transaction, *, owner: str) -> list[SavedLine]:
    """What the owner of a cart keeps for later, the newest first."""
    rows = await store.list_lines(tx, cart_api.owner_digest(owner))
    items = await list_sale_items(tx, sku_ids=[row["sku_id"] for row in rows])
    return [SavedLine(items[row["sku_id"]], row["quantity"]) for row in rows if row["sku_id"] in items]


async def save_line(tx: Transaction, *, owner: str, line_id: UUID) -> None:
    """Take a line out of the owner's cart and keep it.

    Raises:
        NotFound: ``cart.unknown``, ``cart.line_unknown``. Conflict: ``saved.too_many``.
    """
    cart: Cart = await cart_api.load_cart(tx, owner=owner)
    line = next((line for line in cart.lines if line.line_id == line_id), None)
    if line is None:
        raise NotFound("cart.line_unknown", _("This line is not in the cart any more."))
    digest = cart_api.owner_digest(owner)
    await cart_api.remove_line(tx, owner=owner, cart_id=cart.cart_id, line_id=line_id)
    await store.save_line(tx, digest, line.sku_id, line.quantity, clock.now())
    if len(await store.list_lines(tx, digest)) > SAVED_LIMIT:
        raise Conflict(
            "saved.too_many", _("You can keep at most %(limit)s things for later."), limit=SAVED_LIMIT
        )


async def restore_line(tx: Transaction, *, owner: str, sku_id: UUID) -> None:
    """Put saved goods back into the cart.

    Raises:
        NotFound: ``saved.unknown``, and what ``add_line`` of the cart raises: then the goods stay saved.
    """
    quantity = await store.delete_line(tx, cart_api.owner_digest(owner), sku_id)
    if quantity is None:
        raise NotFound("saved.unknown", _("That is not among the things you kept for later."))
    await cart_api.add_line(tx, owner=owner, sku_id=sku_id, quantity=quantity)


async def forget_line(tx: Transaction, *, owner: str, sku_id: UUID) -> None:
    """Keep it no longer."""
    await store.delete_line(tx, cart_api.owner_digest(owner), sku_id)


async def delete_old_lines(tx: Transaction) -> None:
    """Forget what was kept for half a year."""
    await store.delete_old(tx, clock.now() - timedelta(days=KEEP_DAYS))
