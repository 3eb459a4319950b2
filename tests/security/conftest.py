"""Two merchants on one installation, each with something of everything."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from tests.conftest import FakeProvider
from tests.identity.conftest import cheap_hasher  # noqa: F401 - hashing is not what these tests are about
from tests.shop import Shop, open_shop

from serai.commerce.aftersale.api import refund_order
from serai.commerce.cart.api import Cart, find_cart
from serai.commerce.catalogue.api import find_variant
from serai.commerce.checkout.api import PlacedOrder, settle_payment, start_payment
from serai.commerce.order.api import load_order
from serai.commerce.types import Commerce
from serai.data.basket.api import load_baskets
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.idempotency import ReplyRow, make_call, save_replies
from serai.foundation.ids import MerchantId, new_id
from serai.identity.member.api import register_member, sign_in_member
from serai.identity.staff.api import invite_staff


class Merchant(msgspec.Struct, frozen=True):
    """A merchant and the ids of what it has."""

    shop: Shop
    sku_id: UUID
    product_id: UUID
    slug: str
    cart_owner: str
    cart: Cart
    placed: PlacedOrder
    member_token: str
    api_secret: str


@pytest.fixture
def make_merchant(
    db: Database, owner: Database, commerce: Commerce, provider: FakeProvider
) -> Callable[[], Awaitable[Merchant]]:
    """Open a shop and let everything happen in it once, so that no table of the first systems stays empty."""

    async def make() -> Merchant:
        merchant_id = MerchantId(new_id())
        shop = await open_shop(owner, commerce, merchant_id, f"m-{merchant_id.hex[-12:]}")
        sku_id = await shop.add_product()
        cart_owner, cart_id = await shop.fill_cart((sku_id, 2))
        placed = await shop.place((sku_id, 1))
        await start_payment(commerce, merchant_id, order_id=placed.order_id, base_url="http://shop.localhost")
        async with db.transaction(merchant_id, "read") as tx:
            order = await load_order(tx, order_id=placed.order_id)
            variant = await find_variant(tx, sku_id=sku_id)
            cart = await find_cart(tx, owner=cart_owner, cart_id=cart_id)
        assert variant is not None
        assert cart is not None
        event = provider.capture(order.payments[-1].intent_id)
        await settle_payment(commerce, merchant_id, event=event, source="webhook")
        await refund_order(
            commerce, merchant_id, order_id=placed.order_id, amount_minor=1, reason="x", by="x", key="x"
        )
        token = await register_member(
            db, merchant_id, email="ann@example.com", password="long enough", name="Ann"
        )
        with pytest.raises(Exception, match="match"):
            await sign_in_member(db, merchant_id, email="ann@example.com", password="wrong")
        slug = await _add_the_rest(db, merchant_id, variant.product_id)
        secret = await shop.make_key()
        return Merchant(shop, sku_id, variant.product_id, slug, cart_owner, cart, placed, token, secret)

    return make


async def _add_the_rest(db: Database, merchant_id: MerchantId, product_id: UUID) -> str:
    """Rows that the journey does not leave. Returns the product's slug."""
    async with db.transaction(merchant_id) as tx:
        await invite_staff(tx, email="olga@example.com", name="Olga", role="owner", by="system")
        await save_replies(tx, [ReplyRow(make_call("test", "test", "k", {}), 200, {})])
        row: tuple[Any, ...] = (clock.now() - timedelta(days=9), 1, 1, None, None, None, 1, 1, 0, 0, 0)
        await load_baskets(tx, rows=[row])
        await tx.execute(
            "INSERT INTO foundation.inbox (merchant_id, subscriber, event_id) VALUES ($1, 'test', $2)",
            merchant_id,
            new_id(),
        )
        slug: str = await tx.fetchval(
            "SELECT slug FROM commerce.product WHERE merchant_id = $1 AND product_id = $2",
            merchant_id,
            product_id,
        )
    return slug
