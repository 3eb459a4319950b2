"""Orders on the shop's pages, and at a market: a checkout with the orders of every shop, each order, paying, cancelling.

An order of a market lies in its shop's rows and is read there; the checkout that it belongs to lies in the market's. Both
are reached by unguessable links, which an account keeps for its member.
"""

from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from serai.commerce.aftersale import api as aftersale_api
from serai.commerce.market import api as market_api
from serai.commerce.market.types import MarketCheckout, MarketRefund
from serai.commerce.order import api as order_api
from serai.commerce.order.types import Order
from serai.foundation import clock
from serai.foundation.errors import NotFound, Outside, Refused, _
from serai.foundation.i18n import translate
from serai.foundation.ids import MerchantId
from serai.foundation.pages import request_locale
from serai.identity.member.types import Member
from serai.storefront import order as shop_order
from serai.storefront.notice import Notice, leave_notice
from serai.storefront.order_link import KEY_LIMIT, OrderLink, link_guest, read_link
from serai.storefront.view import (
    Asked,
    Shell,
    commerce_of,
    database_of,
    is_market,
    load_mall,
    load_market_shell,
    merchant_id_of,
    show,
    wants_fragment,
)

CHECKOUTS_SHOWN = 20


class SoldOrder(msgspec.Struct, frozen=True):
    """One shop's order of a checkout, and where its page is. ``refunds`` are what the market paid back of it."""

    seller: str
    order: Order
    link: OrderLink
    refunds: tuple[MarketRefund, ...] = ()

    @property
    def kept_minor(self) -> int:
        """What was held back of its refunds since the rest no longer earned a discount; below zero: let go again."""
        return sum(each.kept_minor for each in self.refunds if each.failed_at is None)


def link_checkout(request: Asked, checkout_id: UUID) -> OrderLink:
    """The link that a shopper gets to a checkout."""
    key = order_api.access_token(commerce_of(request).secret, checkout_id)
    return OrderLink(f"/checkouts/{checkout_id}", key)


def _check_link(request: Asked, checkout_id: UUID) -> OrderLink:
    link = link_checkout(request, checkout_id)
    if not is_market(request) or request.query_params.get("key", "")[:KEY_LIMIT] != link.key:
        raise NotFound("order.unknown", _("There is no such order, or the link is not complete."))
    return link


async def _load_checkout(request: Asked, checkout_id: UUID) -> tuple[MarketCheckout, bool]:
    """A checkout that stands, and whether its last payment was declined."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        checkout = await market_api.find_checkout(tx, checkout_id=checkout_id)
        if checkout is None or checkout.placed_at is None:
            raise NotFound("order.unknown", _("There is no such order, or the link is not complete."))
        return checkout, await market_api.is_declined(tx, checkout_id=checkout_id)


async def list_sold(request: Asked, checkout: MarketCheckout) -> list[SoldOrder]:
    """The orders of a checkout, each read with its shop."""
    mall = await load_mall(request)
    db, secret = database_of(request), commerce_of(request).secret
    async with db.transaction(merchant_id_of(request), "read") as tx:
        refunds = await market_api.list_refunds(tx, checkout_id=checkout.checkout_id)
    sold = []
    for each in checkout.orders:
        async with db.transaction(MerchantId(each.member_id), "read") as tx:
            order = await order_api.load_order(tx, order_id=each.order_id)
        link = link_guest(each.order_id, order_api.access_token(secret, each.order_id))
        own = tuple(refund for refund in refunds if refund.order_id == each.order_id)
        sold.append(SoldOrder(mall.name_of(each.member_id), order, link, own))
    return sold


@get("/checkouts/{checkout_id:uuid}", include_in_schema=False)
async def show_checkout_orders(request: Asked, checkout_id: FromPath[UUID]) -> Response[str]:
    """A checkout behind its link: what became of it, and the order of every shop."""
    link = _check_link(request, checkout_id)
    checkout, is_declined = await _load_checkout(request, checkout_id)
    sold = await list_sold(request, checkout)
    left = (checkout.expires_at - clock.now()).total_seconds() if checkout.expires_at else 0
    return show(
        request,
        "market_checkout.html",
        shell=await load_market_shell(request),
        here_url=link.to(""),
        checkout=checkout,
        sold=sold,
        link=link,
        state=find_state(checkout, sold),
        is_new="new" in request.query_params,
        is_declined=is_declined,
        minutes_left=max(0, int(left) // 60),
    )


def find_state(checkout: MarketCheckout, sold: list[SoldOrder]) -> str:
    """Where a checkout stands: ``awaiting_payment``, ``paid``, or ``ended`` when none of its orders stands any more."""
    states = {each.order.state for each in sold}
    if states <= {"cancelled", "expired"}:
        return "ended"
    return "paid" if checkout.paid_at is not None else "awaiting_payment"


@get("/checkouts/{checkout_id:uuid}/return", include_in_schema=False)
async def wait_for_checkout(request: Asked, checkout_id: FromPath[UUID]) -> Response[Any]:
    """Where the provider sends the shopper back to: ask it once, then wait or go on."""
    link = _check_link(request, checkout_id)
    checkout, is_declined = await _load_checkout(request, checkout_id)
    if checkout.paid_at is None and not is_declined:
        with suppress(Outside):
            await market_api.refresh_checkout(
                commerce_of(request), merchant_id_of(request), checkout_id=checkout_id
            )
        checkout, is_declined = await _load_checkout(request, checkout_id)
    if checkout.paid_at is not None or is_declined or checkout.lapsed_at is not None:
        address = link.to("", new="1")
        if wants_fragment(request):
            return Response(b"", headers={"hx-redirect": address})
        return Redirect(address, status_code=303)
    return show(
        request,
        "parts/wait.html" if wants_fragment(request) else "wait.html",
        shell=await load_market_shell(request),
        fragment="wait" if wants_fragment(request) else None,
        here_url=link.to("return"),
        number=order_api.make_number(checkout_id),
        link=link,
    )


@post("/checkouts/{checkout_id:uuid}/pay", include_in_schema=False)
async def pay_checkout(request: Asked, checkout_id: FromPath[UUID]) -> Response[Any]:
    """Begin the one payment of a checkout (again)."""
    return await begin_payment(request, checkout_id, link=_check_link(request, checkout_id))


@post("/checkouts/{checkout_id:uuid}/cancel", include_in_schema=False)
async def cancel_whole_checkout(request: Asked, checkout_id: FromPath[UUID]) -> Response[Any]:
    """Call off a checkout that is not paid, with every shop."""
    link = _check_link(request, checkout_id)
    response = Redirect(link.to(""), status_code=303)
    try:
        await market_api.cancel_checkout(
            commerce_of(request),
            merchant_id_of(request),
            checkout_id=checkout_id,
            by="shopper",
            reason="by the shopper",
        )
    except Refused as refusal:
        text = translate(refusal.message, request_locale(request), refusal.data)
        leave_notice(request, response, Notice("warn", text))
    return response


async def begin_payment(request: Asked, checkout_id: UUID, *, link: OrderLink) -> Response[Any]:
    """To the provider's page; back to the checkout with a word when that is not possible."""
    locale = request_locale(request)
    commerce = commerce_of(request)
    # A market is known by its host name, so the provider has to come back to the one that was asked.
    base = str(request.base_url).rstrip("/")
    try:
        pay_url = await market_api.start_checkout_payment(
            commerce,
            merchant_id_of(request),
            checkout_id=checkout_id,
            return_url=f"{base}{link.to('return')}",
            webhook_url=f"{base}/webhooks/market/{commerce.default_provider}",
        )
        return Redirect(pay_url, status_code=303)
    except Outside:
        text = translate(
            _(
                "Our payment partner does not answer at the moment. Nothing was charged; please try again shortly."
            ),
            locale,
        )
    except Refused as refusal:
        text = translate(refusal.message, locale, refusal.data)
    response = Redirect(link.to(""), status_code=303)
    leave_notice(request, response, Notice("warn", text))
    return response


async def _find_sold(request: Asked, order_id: UUID) -> tuple[MarketCheckout, MerchantId]:
    """The checkout of an order behind its link, and the shop whose order it is."""
    key = read_link(request, order_id).key
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        found = await market_api.find_order_checkout(tx, order_id=order_id)
    if found is None or key != order_api.access_token(commerce_of(request).secret, order_id):
        raise NotFound("order.unknown", _("There is no such order, or the link is not complete."))
    return found[0], MerchantId(found[1].member_id)


@get("/orders/{order_id:uuid}", include_in_schema=False)
async def show_guest_order(request: Asked, order_id: FromPath[UUID]) -> Response[str]:
    """The order behind a guest's link; ``?key=`` is its unguessable part."""
    if not is_market(request):
        return await shop_order.show_guest_order(request, order_id)
    checkout, seller_id = await _find_sold(request, order_id)
    mall, shell = await load_mall(request), await load_market_shell(request)
    sold = next(each for each in await list_sold(request, checkout) if each.order.order_id == order_id)
    async with database_of(request).transaction(seller_id, "read") as tx:
        order = await order_api.load_order(tx, order_id=order_id)
        return await shop_order.show_order(
            request,
            tx,
            shell,
            order,
            link=read_link(request, order_id),
            is_account=False,
            seller=mall.find(merchant_id=seller_id),
            sold=sold,
            checkout_link=link_checkout(request, checkout.checkout_id),
        )


@get("/orders/{order_id:uuid}/return", include_in_schema=False)
async def wait_for_payment(request: Asked, order_id: FromPath[UUID]) -> Response[Any]:
    """Where the provider sends the shopper of a shop back to; at a market that is the checkout's page."""
    if not is_market(request):
        return await shop_order.wait_for_payment(request, order_id)
    return await _go_to_checkout(request, order_id)


@post("/orders/{order_id:uuid}/pay", include_in_schema=False)
async def pay_guest_order(request: Asked, order_id: FromPath[UUID]) -> Response[Any]:
    """Begin the payment (again); at a market the whole checkout is paid, from its page."""
    if not is_market(request):
        return await shop_order.pay_guest_order(request, order_id)
    return await _go_to_checkout(request, order_id)


async def _go_to_checkout(request: Asked, order_id: UUID) -> Response[Any]:
    checkout, _seller = await _find_sold(request, order_id)
    return Redirect(link_checkout(request, checkout.checkout_id).to(""), status_code=303)


@post("/orders/{order_id:uuid}/cancel", include_in_schema=False)
async def cancel_guest_order(request: Asked, order_id: FromPath[UUID]) -> Response[Any]:
    """Cancel by the guest's link; at a market one order of a paid checkout, with its shop."""
    if not is_market(request):
        return await shop_order.cancel_guest_order(request, order_id)
    checkout, seller_id = await _find_sold(request, order_id)
    if checkout.paid_at is None:
        return await _go_to_checkout(request, order_id)
    response = Redirect(read_link(request, order_id).to(""), status_code=303)
    try:
        await aftersale_api.cancel_order(
            commerce_of(request), seller_id, order_id=order_id, by="shopper", reason="by the shopper"
        )
    except Refused as refusal:
        text = translate(refusal.message, request_locale(request), refusal.data)
        leave_notice(request, response, Notice("warn", text))
    return response


class Bought(msgspec.Struct, frozen=True):
    """A checkout in an account's list, with the orders of every shop."""

    checkout: MarketCheckout
    link: OrderLink
    sold: list[SoldOrder]
    state: str


async def show_account(request: Asked, shell: Shell, member: Member) -> Response[str]:
    """Who is signed in at the market, and their checkouts, the newest first."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        page = await market_api.list_member_checkouts(
            tx,
            member_id=member.member_id,
            cursor=request.query_params.get("cursor"),
            limit=CHECKOUTS_SHOWN,
        )
    bought = []
    for checkout in page.items:
        sold = await list_sold(request, checkout)
        link = link_checkout(request, checkout.checkout_id)
        bought.append(Bought(checkout, link, sold, find_state(checkout, sold)))
    return show(request, "account.html", shell=shell, page=page, bought=bought)
