"""Checkout: quote a cart, place it, start and settle its payment."""

from uuid import UUID

from serai.commerce.checkout.accept_promise import accept_promise, list_order_methods
from serai.commerce.checkout.adjust_order import Item, read_quote
from serai.commerce.checkout.ask_payment import Asking, ask_payment
from serai.commerce.checkout.choose_delivery import keep_choice, refuse_way
from serai.commerce.checkout.draft_order import draft_order, tax_draft
from serai.commerce.checkout.enter_coupon import choose_add_on, enter_coupon, remove_coupon
from serai.commerce.checkout.enter_tender import drop_tender, enter_gift_card, pay_draft, use_balance
from serai.commerce.checkout.fix_balance import use_coupon as use_balance_coupon
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
from serai.commerce.checkout.price_goods import Goods, Priced, Shopper, price_each, price_goods
from serai.commerce.checkout.quote_cart import choose_place, quote_cart
from serai.commerce.checkout.quote_presale import refuse_presale
from serai.commerce.checkout.settle_payment import refresh_payment, settle_payment
from serai.commerce.checkout.take_seat import (
    choose_group,
    join_group,
    read_group_price,
    seats_of,
    start_group,
)
from serai.commerce.checkout.types import DeliveryOption, PlacedOrder, Quote
from serai.commerce.method.api import load_methods
from serai.commerce.order.api import access_token, check_move, load_order
from serai.commerce.order.types import Address, Contact, Order
from serai.commerce.payment import api as payment
from serai.commerce.payment.types import Payment
from serai.commerce.types import Commerce, PaymentRequest
from serai.foundation import clock
from serai.foundation.errors import Conflict, NotFound, _
from serai.foundation.ids import MerchantId

__all__ = [
    "Address",
    "Contact",
    "DeliveryOption",
    "Draft",
    "Goods",
    "Item",
    "PlacedOrder",
    "Preview",
    "Priced",
    "Quote",
    "Shopper",
    "accept_promise",
    "check_address",
    "check_contact",
    "check_total",
    "choose_add_on",
    "choose_group",
    "choose_place",
    "describe_placed",
    "draft_order",
    "drop_tender",
    "enter_coupon",
    "enter_gift_card",
    "join_group",
    "keep_choice",
    "list_order_methods",
    "pay_draft",
    "place_order",
    "preview_promotion",
    "price_each",
    "price_goods",
    "price_items",
    "quote_cart",
    "read_quote",
    "read_group_price",
    "refresh_payment",
    "refuse_presale",
    "refuse_way",
    "remove_coupon",
    "seats_of",
    "settle_payment",
    "start_group",
    "start_payment",
    "submit_draft",
    "use_balance_coupon",
    "tax_draft",
    "use_balance",
]

MAX_ATTEMPTS = 20


async def start_payment(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, base_url: str, provider: str | None = None
) -> str:
    """Open a payment at a provider and return the address where the shopper pays.

    Of a presale it asks for the deposit, later for the balance.

    Args:
        base_url: where this shop answers, for the provider's webhook and the way back.
        provider: who takes the payment; the installation's first one without.

    Raises:
        NotFound: ``order.unknown``; ``method.unknown``, there is no such provider.
        Conflict: ``order.cannot_pay`` when the order does not wait for a payment; ``order.balance_not_open``;
            ``payment.too_many_attempts``; ``method.not_offered`` when the merchant takes no payments online.
        Outside: the provider does not answer; the order stands and can be paid later.
    """
    provider = provider or commerce.default_provider
    adapter = commerce.providers.get(provider)
    if adapter is None or provider == "market":
        raise NotFound("method.unknown", _("There is no such payment method."))
    async with commerce.db.transaction(merchant_id) as tx:
        order = await load_order(tx, order_id=order_id)
        check_move(order, "pay")
        if order.channel == "market":
            raise Conflict(
                "order.paid_at_market", _("This order is part of a checkout at a market and is paid there.")
            )
        terms = (await load_methods(tx))["online"]
        if not terms.active and order.presale is None:
            raise Conflict(
                "method.not_offered", _("This way to pay is not offered."), method="online", why="off"
            )
        asking = ask_payment(order, clock.now(), provider)
        if asking.amount_minor <= 0:
            # It was paid between two of the reads that make up the order.
            raise Conflict(
                "order.cannot_pay", _("This is not possible for an order in this state."), state="paid"
            )
        if asking.attempt > MAX_ATTEMPTS:
            raise Conflict("payment.too_many_attempts", _("There were too many attempts to pay this order."))
        intent = await payment.open_intent(
            tx,
            order_id=order_id,
            provider=provider,
            amount_minor=asking.amount_minor,
            currency=order.currency,
            attempt=asking.attempt,
            purpose=asking.purpose,
            # A deposit is counted when it is paid, and not every provider can hold money.
            capture=terms.capture if adapter.can_hold and asking.purpose == "order" else "automatic",
        )
    return await _open_payment(commerce, merchant_id, order, intent, asking, base_url)


async def _open_payment(
    commerce: Commerce, merchant_id: MerchantId, order: Order, intent: Payment, asking: Asking, base_url: str
) -> str:
    base = (commerce.settings.public_url or base_url).rstrip("/")
    token = access_token(commerce.secret, order.order_id)
    request = PaymentRequest(
        intent.intent_id,
        intent.amount_minor,
        intent.currency,
        order.number,
        f"{base}/orders/{order.order_id}/return?key={token}",
        f"{base}/webhooks/{intent.provider}",
        order.locale,
        asking.rows,
        intent.capture,
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
