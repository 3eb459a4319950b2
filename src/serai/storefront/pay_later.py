"""Ways to pay that need no provider, as a shopper sees them: on delivery, or by invoice."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response
from litestar.response import Redirect

from serai.commerce.checkout import api as checkout_api
from serai.commerce.checkout.types import Quote
from serai.commerce.method.api import list_methods
from serai.commerce.method.types import MethodOffer, Wanted
from serai.commerce.order.types import Order
from serai.commerce.pledge.types import PROMISES
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _
from serai.foundation.i18n import translate
from serai.foundation.pages import request_locale
from serai.storefront.notice import Notice, leave_notice
from serai.storefront.order_link import OrderLink
from serai.storefront.paying import list_ways
from serai.storefront.view import Asked, commerce_of, merchant_id_of

FIELD = "pay_with"
ONLINE = "online"
WORDS = {
    "cash_on_delivery": _("Cash on delivery"),
    "invoice": _("On invoice"),
}


class Later(msgspec.Struct, frozen=True):
    """The methods that are offered beside paying online; ``is_online`` says whether that is offered at all."""

    offers: tuple[MethodOffer, ...]
    chosen: str
    is_online: bool

    @property
    def is_choice(self) -> bool:
        """Whether there is anything to choose."""
        return bool(self.offers)

    def label(self, code: str) -> str:
        return WORDS[code]


def _sort(offers: tuple[MethodOffer, ...], wanted: str) -> Later:
    is_online = any(offer.code == ONLINE and offer.is_open for offer in offers)
    later = tuple(offer for offer in offers if offer.code in PROMISES and offer.is_open)
    first = ONLINE if is_online or not later else later[0].code
    return Later(later, wanted if any(offer.code == wanted for offer in later) else first, is_online)


async def list_later(
    tx: Transaction, quote: Quote, *, country: str, member_id: UUID | None, wanted: str
) -> Later:
    """What is offered for a cart that is about to be ordered."""
    terms = Wanted(quote.due_minor, quote.currency, country, member_id, is_presale=quote.presale is not None)
    return _sort(await list_methods(tx, wanted=terms), wanted)


async def tell_ways(
    request: Asked,
    tx: Transaction,
    quote: Quote,
    values: dict[str, str],
    *,
    country: str,
    member_id: UUID | None,
) -> dict[str, Any]:
    """What a checkout's page says about paying: at which provider, or later."""
    wanted = values.get(FIELD, "")
    amount_minor = quote.presale.deposit_minor if quote.presale else quote.due_minor
    return {
        "currency": quote.currency,
        "later": await list_later(tx, quote, country=country, member_id=member_id, wanted=wanted),
        "pay_ways": await list_ways(
            request, tx, amount_minor=amount_minor, currency=quote.currency, wanted=wanted[:40]
        ),
    }


async def list_order_later(tx: Transaction, order: Order) -> Later:
    """What is offered for an order that waits for its payment."""
    return _sort(await checkout_api.list_order_methods(tx, order=order), "")


def read_promise(values: dict[str, str]) -> str | None:
    """The method without a provider that a form names, if it names one."""
    chosen = values.get(FIELD, "")
    return chosen if chosen in PROMISES else None


async def promise(request: Asked, order_id: UUID, method: str, *, link: OrderLink) -> Response[Any]:
    """Accept the order so; back to its page, with a word when that is not possible and it waits for another way."""
    try:
        await checkout_api.accept_promise(
            commerce_of(request), merchant_id_of(request), order_id=order_id, method=method, by="shopper"
        )
    except Refused as refusal:
        response = Redirect(link.to(""), status_code=303)
        text = translate(refusal.message, request_locale(request), refusal.data)
        leave_notice(request, response, Notice("warn", text))
        return response
    return Redirect(link.to("", new="1"), status_code=303)
