"""A cart of the JSON API with what was said about it so far: how it travels, where to, and whose it is."""

from uuid import UUID

import msgspec

from serai.commerce.call.api import Caller
from serai.commerce.cart import api as cart_api
from serai.commerce.cart.types import Cart
from serai.commerce.checkout.enter_tender import member_of
from serai.commerce.checkout.quote_cart import quote_cart
from serai.commerce.checkout.read_body import DeliveryChoice
from serai.commerce.checkout.types import Quote
from serai.commerce.order.types import Address
from serai.commerce.tax.types import TaxPlace


async def quote_api_cart(caller: Caller, cart_id: UUID) -> Quote:
    """What an order of a key's cart comes to now. NotFound ``cart.unknown``."""
    async with caller.commerce.db.reading(caller.merchant_id) as tx:
        cart = await cart_api.load_cart(tx, owner=caller.owner, cart_id=cart_id)
        choice, address = choice_of(cart), _address_of(cart)
        return await quote_cart(
            tx,
            settings=caller.commerce.settings,
            owner=caller.owner,
            cart_id=cart_id,
            delivery=choice.delivery,
            place_id=choice.place_id,
            channel="api",
            member_id=member_of(cart),
            destination=TaxPlace(address.country, address.region) if address else None,
            postcode=address.postcode if address else "",
        )


def _address_of(cart: Cart) -> Address | None:
    kept = cart.details.get("address")
    return msgspec.convert(kept, Address) if kept else None


def choice_of(cart: Cart) -> DeliveryChoice:
    """How the goods travel; as a parcel until something else is said."""
    return msgspec.convert(cart.details.get("delivery", {"delivery": "ship"}), DeliveryChoice)
