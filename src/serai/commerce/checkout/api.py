"""Checkout: quote a cart, place it, start and settle its payment."""

from uuid import UUID

from serai.commerce.checkout.draft_order import draft_order
from serai.commerce.checkout.enter_coupon import choose_add_on, enter_coupon, remove_coupon
from serai.commerce.checkout.logic import check_address, check_contact
from serai.commerce.checkout.place_order import (
    Draft,
    check_total,
    describe_placed,
    place_order,
    price_items,
    submit_draft,
)
from serai.commerce.checkout.preview_promotion import Preview, preview_promotion
from serai.commerce.checkout.price_goods import Goods, Priced, Shopper, price_goods
from serai.commerce.checkout.quote_cart import choose_place, quote_cart, shipping_price
from serai.commerce.checkout.settle_payment import refresh_payment, settle_payment
from serai.commerce.checkout.take_seat import join_group, seats_of, start_group
from serai.commerce.checkout.types import DeliveryOption, PlacedOrder, Quote
from serai.commerce.order.api import access_token, check_move, load_order
from serai.commerce.order.types import Address, Contact, Order, amount_due
from serai.commerce.payment import api as payment
from serai.commerce.types import Commerce, PaymentRequest
from serai.foundation.errors import Conflict, _
from serai.foundation.i18n import translate
from serai.foundation.ids import MerchantId

__all__ = [
    "Address",
    "Contact",
    "DeliveryOption",
    "Draft",
    "Goods",
    "PlacedOrder",
    "Preview",
    "Priced",
    "Quote",
    "Shopper",
    "check_address",
    "check_contact",
    "check_total",
    "choose_add_on",
    "choose_place",
    "describe_placed",
    "draft_order",
    "enter_coupon",
    "join_group",
    "place_order",
    "preview_promotion",
    "price_goods",
    "price_items",
    "quote_cart",
    "refresh_payment",
    "remove_coupon",
    "seats_of",
    "settle_payment",
    "shipping_price",
    "start_group",
    "start_payment",
    "submit_draft",
]

MAX_ATTEMPTS = 20


def _list_payables(order: Order) -> tuple[tuple[str, int, int], ...]:
    """What the provider's page shows: (title, minor units, quantity) of goods, delivery and taxes on top."""
    rows = [(line.title, line.net_minor, line.quantity) for line in order.lines]
    if order.shipping_minor:
        rows.append((translate(_("Delivery"), order.locale), order.shipping_minor, 1))
    return tuple(rows + [(tax.name, tax.tax_minor, 1) for tax in order.tax_sums if not tax.included])


async def start_payment(commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, base_url: str) -> str:
    """Open a payment at the provider and return the address where the shopper pays.

    An attempt that is still open is used again; after a decline there is a new one.

    Args:
        base_url: where this shop answers, for the provider's webhook and the way back.

    Raises:
        NotFound: ``order.unknown``.
        Conflict: ``order.cannot_pay`` when the order does not wait for a payment; ``payment.too_many_attempts``.
        Outside: the provider does not answer; the order stands and can be paid later.
    """
    async with commerce.db.transaction(merchant_id) as tx:
        order = await load_order(tx, order_id=order_id)
        check_move(order, "pay")
        if order.channel == "market":
            raise Conflict(
                "order.paid_at_market", _("This order is part of a checkout at a market and is paid there.")
            )
        last = order.payments[-1] if order.payments else None
        attempt = last.attempt if last else 1
        if last and last.state in ("failed", "voided", "expired"):
            attempt += 1
        if attempt > MAX_ATTEMPTS:
            raise Conflict("payment.too_many_attempts", _("There were too many attempts to pay this order."))
        intent = await payment.open_intent(
            tx,
            order_id=order_id,
            provider=commerce.default_provider,
            amount_minor=amount_due(order),
            currency=order.currency,
            attempt=attempt,
        )
    base = (commerce.settings.public_url or base_url).rstrip("/")
    token = access_token(commerce.secret, order_id)
    request = PaymentRequest(
        intent.intent_id,
        intent.amount_minor,
        intent.currency,
        order.number,
        f"{base}/orders/{order_id}/return?key={token}",
        f"{base}/webhooks/{intent.provider}",
        order.locale,
        _list_payables(order),
    )
    opened = await commerce.providers[intent.provider].create_payment(merchant_id, request)
    async with commerce.db.transaction(merchant_id) as tx:
        await payment.note_provider(
            tx,
            intent_id=intent.intent_id,
            provider_payment_id=opened.provider_payment_id,
            pay_url=opened.pay_url,
        )
    if opened.pay_url is None:
        raise Conflict("payment.closed", _("This payment has ended. Please try again."))
    return opened.pay_url
