"""A basket becomes a checkout: quoted anew, compared with what the shopper saw, and placed with every shop or with none.

A basket is ordered once: its checkout's id follows from the basket and from how often it failed before, so a second click
and a second tab find the checkout of the first, and a failure never spoils the basket for the next try.
"""

from uuid import UUID

import msgspec

from serai.commerce.checkout.api import check_address, check_contact, refuse_way
from serai.commerce.market import store
from serai.commerce.market.fill_basket import find_any_basket
from serai.commerce.market.load_checkout import find_checkout, load_checkout
from serai.commerce.market.place_checkout import await_twin, describe_checkout, stand_checkout
from serai.commerce.market.quote_basket import BasketQuote, quote_basket
from serai.commerce.market.types import MarketCheckout
from serai.commerce.order.types import Address, Contact
from serai.commerce.types import Commerce
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.ids import MerchantId, derive_id

MAX_NOTE = 500


async def place_basket(
    commerce: Commerce,
    market_id: MerchantId,
    *,
    owner: str,
    basket_id: UUID,
    expected_digest: str,
    contact: Contact,
    address: Address | None,
    member_id: UUID | None = None,
    member_level: str | None = None,
    locale: str = "en",
    note: str = "",
) -> MarketCheckout:
    """Order the owner's basket, delivered. A basket that was ordered gives the checkout that it became.

    ``expected_digest`` is that of the quote the shopper agreed to.

    Raises:
        NotFound: ``cart.unknown``. Invalid: ``checkout.empty``, ``checkout.field_invalid``, ``market.currency_mixed``.
        Conflict: ``checkout.changed`` and ``checkout.short`` with what stood in the way, ``market.presale``,
            ``market.ended``, ``market.under_way``. Nothing is ordered then.
    """
    async with commerce.db.transaction(market_id, "read") as tx:
        basket = await find_any_basket(tx, owner=owner, basket_id=basket_id)
        if basket is None:
            raise NotFound("cart.unknown", _("This cart does not exist any more."))
        if basket.checkout_id is not None:
            return await load_checkout(tx, checkout_id=basket.checkout_id)
        attempt = await store.count_ended(tx, basket_id)
        checkout_id = derive_id("market checkout", basket_id, attempt)
        under_way = await find_checkout(tx, checkout_id=checkout_id)
    if under_way is not None:
        return await await_twin(commerce, market_id, under_way)
    contact, address = check_contact(contact), check_address(address)
    quoted = await quote_basket(
        commerce,
        market_id,
        basket=basket,
        member_id=member_id,
        member_level=member_level,
        checkout_id=checkout_id,
        contact=contact,
        address=address,
        locale=locale,
        note=note.strip()[:MAX_NOTE],
    )
    _check(quoted, expected_digest)
    checkout = describe_checkout(
        commerce, checkout_id, quoted.plan, contact, locale, member_id=member_id, basket_id=basket_id
    )
    return await stand_checkout(commerce, market_id, checkout, quoted.plan)


def _check(quoted: BasketQuote, expected_digest: str) -> None:
    if not quoted.parts:
        raise Invalid("checkout.empty", _("The cart is empty."))
    if any(part.quote.presale is not None for part in quoted.parts):
        raise Conflict(
            "market.presale",
            _("Goods on presale are ordered in the seller’s own shop. Please take them out."),
        )
    shortages = [short for part in quoted.parts for short in part.quote.shortages]
    if shortages:
        raise Conflict(
            "checkout.short",
            _("“%(title)s” is sold out. Nothing was ordered or charged.")
            if shortages[0].available == 0
            else _("Only %(available)s of “%(title)s” are left. Nothing was ordered or charged."),
            title=shortages[0].title,
            available=shortages[0].available,
            wanted=shortages[0].wanted,
            shortages=[{**msgspec.to_builtins(s), "sku_id": str(s.sku_id)} for s in shortages],
        )
    for part in quoted.parts:
        refuse_way(part.quote.delivery)
    changes = [change for part in quoted.parts for change in part.quote.changes]
    if changes or quoted.digest != expected_digest:
        raise Conflict(
            "checkout.changed",
            _("Prices or availability have changed. Please look at your order again; nothing was charged."),
            changes=msgspec.to_builtins(changes),
        )
