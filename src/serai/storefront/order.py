"""An order as its shopper sees it: by the link that guests get, or in the account; paying (again), waiting, cancelling."""

from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, post
from litestar.params import FromPath
from litestar.response import Redirect

from serai.commerce.aftersale import api as aftersale_api
from serai.commerce.catalogue import api as catalogue
from serai.commerce.checkout import api as checkout_api
from serai.commerce.fulfilment import api as fulfilment
from serai.commerce.gift.api import find_gift
from serai.commerce.order import api as order_api
from serai.commerce.order.types import Order
from serai.commerce.protection import api as protection
from serai.commerce.returns import api as returns_api
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, Outside, Refused, _
from serai.foundation.i18n import translate
from serai.foundation.money import format_money
from serai.foundation.pages import request_locale
from serai.storefront.arrival import tell_order
from serai.storefront.country import write_address
from serai.storefront.form import read_values
from serai.storefront.grouping import find_order_group
from serai.storefront.member import client_ip
from serai.storefront.notice import Notice, leave_notice
from serai.storefront.order_link import OrderLink, read_link
from serai.storefront.parcel import view_parcels
from serai.storefront.pay_later import list_order_later, promise, read_promise
from serai.storefront.paying import device_of, go_to_pay, list_order_ways, read_choice
from serai.storefront.presale import use_coupon
from serai.storefront.saving import share_adjustments
from serai.storefront.sellers import Seller
from serai.storefront.tender_words import list_backs, list_paid
from serai.storefront.view import (
    Asked,
    Shell,
    commerce_of,
    database_of,
    load_shell,
    merchant_id_of,
    show,
    wants_fragment,
)

CANCELLABLE = ("awaiting_payment", "awaiting_deposit", "awaiting_balance", "paid")


async def show_guest_order(request: Asked, order_id: UUID) -> Response[str]:
    """The order behind a guest's link; ``?key=`` is its unguessable part."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        order = await _load_by_link(request, tx, order_id)
        shell = await load_shell(request, tx)
        return await show_order(
            request, tx, shell, order, link=read_link(request, order_id), is_account=False
        )


async def wait_for_payment(request: Asked, order_id: UUID) -> Response[Any]:
    """Where the provider sends the shopper back to: ask it once, then wait or go on to the order.

    Asking runs the same command as the provider's own message, so it does not matter which of the two comes first.
    """
    link = read_link(request, order_id)
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        order = await _load_by_link(request, tx, order_id)
        shell = await load_shell(request, tx)
    if awaits_payment(order):
        # Nobody is told no because the provider is slow: the page goes on asking, and the webhook may come first.
        with suppress(Outside):
            order = await checkout_api.refresh_payment(
                commerce_of(request), merchant_id_of(request), order_id=order_id
            )
    if is_settled(order):
        address = link.to("", new="1")
        if wants_fragment(request):
            return Response(b"", headers={"hx-redirect": address})
        return Redirect(address, status_code=303)
    return show(
        request,
        "parts/wait.html" if wants_fragment(request) else "wait.html",
        shell=shell,
        fragment="wait" if wants_fragment(request) else None,
        here_url=link.to("return"),
        number=order.number,
        link=link,
    )


async def pay_guest_order(request: Asked, order_id: UUID) -> Response[Any]:
    """Begin the payment (again)."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        await _load_by_link(request, tx, order_id)
    return await begin_payment(request, order_id, link=read_link(request, order_id))


@post("/orders/{order_id:uuid}/coupon", include_in_schema=False)
async def use_guest_coupon(request: Asked, order_id: FromPath[UUID]) -> Response[Any]:
    """Use a coupon on the balance, by the guest's link."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        order = await _load_by_link(request, tx, order_id)
    return await use_coupon(request, order, read_link(request, order_id).to(""))


async def cancel_guest_order(request: Asked, order_id: UUID) -> Response[Any]:
    """Cancel by the guest's link."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        await _load_by_link(request, tx, order_id)
    return await cancel(request, order_id, link=read_link(request, order_id))


@post("/orders/{order_id:uuid}/price-claims/{line_no:int}", include_in_schema=False)
async def claim_guest_price(
    request: Asked, order_id: FromPath[UUID], line_no: FromPath[int]
) -> Response[Any]:
    """Claim what the price of a line has fallen by, by the guest's link."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        await _load_by_link(request, tx, order_id)
    return await claim_price(request, order_id, line_no, link=read_link(request, order_id))


async def _load_by_link(request: Asked, tx: Transaction, order_id: UUID) -> Order:
    key = read_link(request, order_id).key
    order = await order_api.find_order(tx, order_id=order_id, access_token=key) if key else None
    if order is None:
        raise NotFound("order.unknown", _("There is no such order, or the link is not complete."))
    return order


def is_settled(order: Order) -> bool:
    """Whether waiting is over: paid, ended, or the provider said no to the last try."""
    return not awaits_payment(order) or is_declined(order)


def awaits_payment(order: Order) -> bool:
    """Whether a payment is under way: for the order, for a deposit, or for a balance that was begun."""
    last = order.payments[-1] if order.payments else None
    if order.state == "awaiting_balance":
        return last is not None and last.purpose == "balance" and last.state != "captured"
    return order.state in ("awaiting_payment", "awaiting_deposit")


def is_declined(order: Order) -> bool:
    """Whether the last try to pay failed and the shopper may try again."""
    return bool(order.payments) and order.payments[-1].state in ("failed", "voided", "expired")


def keeps_deposit(order: Order) -> bool:
    """Whether a shopper who steps back now loses the deposit, as was agreed."""
    return order.state == "awaiting_balance" and order.presale is not None and order.presale.missed == "keep"


async def show_order(
    request: Asked,
    tx: Transaction,
    shell: Shell,
    order: Order,
    *,
    link: OrderLink,
    is_account: bool,
    seller: Seller | None = None,
    **more: Any,
) -> Response[str]:
    """The page of an order, the same for guests and members. ``seller``: the shop of a market whose order it is, in whose
    rows ``tx`` reads."""
    cards = await catalogue.find_cards(tx, product_ids=[line.product_id for line in order.lines])
    found = await protection.list_claimable(tx, order=order, settings=commerce_of(request).settings)
    claims = await protection.list_order_claims(tx, order_id=order.order_id) if order.refunds else []
    group_state = await find_order_group(tx, order, shell) if order.group else None
    return show(
        request,
        "order.html",
        shell=shell,
        here_url=link.to(""),
        order=order,
        **await view_parcels(tx, commerce_of(request), order, request_locale(request)),
        gift=await find_gift(tx, order_id=order.order_id),
        group_state=group_state,
        share_url=f"{request.base_url}groups/{order.group.group_id}" if order.group else "",
        line_discounts=share_adjustments(order.adjustments, request_locale(request)),
        tender_rows=list_paid(order, request_locale(request)),
        back_rows=list_backs(order, request_locale(request)),
        link=link,
        motifs={card.product_id: card.motif for card in cards},
        slugs={
            card.product_id: seller.place(card.slug) if seller else card.slug
            for card in cards
            if card.published
        },
        labels={card.product_id: card.label(request_locale(request)) for card in cards},
        # What a price has fallen by is claimed in the shop itself, which a market's page does not lead to.
        claimable={} if seller else {claim.line_no: claim for claim in found},
        claims={claim.line_no: claim for claim in claims},
        arrives=tell_order(order.shipping, request_locale(request)),
        address_rows=list_address(order, request_locale(request)),
        **({"returns": [], "can_return": False} if seller else await _read_returns(tx, order)),
        is_account=is_account,
        minutes_left=max(0, int((order.expires_at - clock.now()).total_seconds()) // 60),
        is_new="new" in request.query_params,
        is_declined=is_declined(order),
        can_cancel=order.state == "paid" or (order.state in CANCELLABLE and seller is None),
        keeps_deposit=keeps_deposit(order),
        can_pay_balance=order.presale is not None
        and order.state == "awaiting_balance"
        and order.presale.is_open(clock.now()),
        has_coupon=any(each.coupon_id for each in order.adjustments),
        seller=seller,
        later=await list_order_later(tx, order) if order.state == "awaiting_payment" and not seller else None,
        currency=order.currency,
        pay_ways=await list_order_ways(request, tx, order) if awaits_payment(order) and not seller else None,
        **more,
    )


async def _read_returns(tx: Transaction, order: Order) -> dict[str, Any]:
    """What a page tells of an order's returns. Goods of a market's shops are sent back by the shop's own link."""
    returns = await returns_api.list_order_returns(tx, order_id=order.order_id)
    if order.fulfilled_at is None and order.part_shipped_at is None:
        return {"returns": returns, "can_return": False}
    terms = await returns_api.load_terms(tx)
    returnable = await returns_api.list_returnable(tx, order=order, terms=terms)
    return {"returns": returns, "can_return": any(not line.code for line in returnable)}


def list_address(order: Order, locale: str) -> list[str]:
    """Where the goods go, line by line."""
    if order.delivery == "pickup" or order.address is None:
        return [order.place_name, order.name]
    parts = {name: str(value or "") for name, value in msgspec.to_builtins(order.address).items()}
    return write_address(parts, order.name, locale)


async def begin_payment(
    request: Asked, order_id: UUID, *, link: OrderLink, values: dict[str, str] | None = None
) -> Response[Any]:
    """To the provider's page; back to the order with a word when that is not possible. ``values``: the form with the choice
    of a way to pay."""
    locale = request_locale(request)
    values = await read_values(request) if values is None else values
    if method := read_promise(values):
        return await promise(request, order_id, method, link=link)
    chosen = read_choice(values)
    commerce = commerce_of(request)
    try:
        pay_url = await checkout_api.start_payment(
            commerce,
            merchant_id_of(request),
            order_id=order_id,
            base_url=str(request.base_url),
            provider=chosen,
            device=device_of(request),
            client_ip=client_ip(request),
        )
        access_key = order_api.access_token(commerce.secret, order_id)
        return go_to_pay(request, pay_url, order_id=order_id, access_key=access_key, chosen=chosen)
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


async def cancel(request: Asked, order_id: UUID, *, link: OrderLink) -> Response[Any]:
    """Cancel for the shopper; the page then tells what happens to the money."""
    response = Redirect(link.to(""), status_code=303)
    try:
        await aftersale_api.cancel_order(
            commerce_of(request),
            merchant_id_of(request),
            order_id=order_id,
            by="shopper",
            reason="by the shopper",
            by_buyer=True,
        )
    except Refused as refusal:
        if refusal.code == "order.part_shipped":
            return await cancel_rest(request, order_id, link=link)
        text = translate(refusal.message, request_locale(request), refusal.data)
        leave_notice(request, response, Notice("warn", text))
    return response


async def cancel_rest(request: Asked, order_id: UUID, *, link: OrderLink) -> Response[Any]:
    """Call off what has not left yet; the page tells what goes back."""
    response = Redirect(link.to(""), status_code=303)
    try:
        await fulfilment.cancel_rest(
            commerce_of(request),
            merchant_id_of(request),
            order_id=order_id,
            by="shopper",
            reason="by the shopper",
        )
    except Refused as refusal:
        text = translate(refusal.message, request_locale(request), refusal.data)
        leave_notice(request, response, Notice("warn", text))
    return response


async def claim_price(request: Asked, order_id: UUID, line_no: int, *, link: OrderLink) -> Response[Any]:
    """Claim for the shopper; the page then tells how much goes back."""
    locale = request_locale(request)
    response = Redirect(link.to(""), status_code=303)
    try:
        claim = await protection.claim_price(
            commerce_of(request), merchant_id_of(request), order_id=order_id, line_no=line_no, by="shopper"
        )
        amount = format_money(claim.amount_minor, claim.currency, locale)
        text = translate(_("%(amount)s is on its way back to you."), locale, {"amount": amount})
        leave_notice(request, response, Notice("ok", text))
    except Refused as refusal:
        leave_notice(request, response, Notice("warn", translate(refusal.message, locale, refusal.data)))
    return response
