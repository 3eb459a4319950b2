"""Prices of a product beside its list price: what holds for whom, what is planned, what was; and claims on fallen prices."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.catalogue.api import find_product
from serai.commerce.catalogue.types import Product, Variant
from serai.commerce.order.api import find_order
from serai.commerce.place.api import list_places
from serai.commerce.price.api import (
    NewOffer,
    OfferKind,
    PriceOffer,
    add_offer,
    end_offer,
    find_offer,
    list_history,
    list_price_offers,
)
from serai.commerce.protection.api import claim_price, list_claims
from serai.console.chart import draw_price_steps
from serai.console.desk import AtDesk, Desk, link, not_found
from serai.console.form import (
    Form,
    fill_form,
    note_refusal,
    parse_uuid,
    read_form,
    take_amount,
    take_quantity,
    take_text,
)
from serai.console.product import explain_amount
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _
from serai.foundation.money import format_money

PATH = "/console/products"
CLAIMS = "/console/price-claims"
PAGE_SIZE = 50
AnyRequest = Request[Any, Any, Any]
KINDS: dict[OfferKind, str] = {
    "sale": _("Reduction"),
    "clearance": _("Clearance"),
    "member": _("Member price"),
    "tier": _("Quantity price"),
    "local": _("Price of a channel or store"),
    "list": _("Next list price"),
}
CHANNELS = {"web": _("Web shop"), "app": _("App"), "pos": _("Till"), "api": _("API"), "agent": _("Agents")}


class OfferView(msgspec.Struct, frozen=True):
    """An offer with its kind, for whom it is, and where it stands, in words."""

    offer: PriceOffer
    kind: str
    audience: str
    state: str
    can_end: bool


async def _load(tx: Transaction, product_id: str) -> Product:
    wanted = parse_uuid(product_id)
    product = await find_product(tx, product_id=wanted, published=None) if wanted else None
    if product is None or not product.variants:
        raise not_found()
    return product


def _choose(product: Product, sku: str) -> Variant:
    return next((v for v in product.variants if str(v.sku_id) == sku or v.sku == sku), product.variants[0])


def describe_audience(desk: Desk, offer: PriceOffer, places: dict[UUID, str]) -> str:
    """For whom an offer is, in the reader's language."""
    parts = []
    if offer.channel:
        parts.append(desk.say(CHANNELS.get(offer.channel, offer.channel)))
    if offer.place_id:
        parts.append(places.get(offer.place_id, str(offer.place_id)))
    if offer.member_level:
        parts.append(desk.say(_("Level %(level)s"), level=offer.member_level))
    if offer.min_quantity > 1:
        parts.append(desk.say(_("From %(num)s"), num=offer.min_quantity))
    return " · ".join(parts) or desk.say(_("Everybody"))


def view_offers(
    desk: Desk, offers: Sequence[PriceOffer], places: dict[UUID, str], now: datetime
) -> list[OfferView]:
    """Offers as the page lists them: those that hold first, then what is planned, then what is over."""
    order = {"live": 0, "planned": 1, "over": 2}
    views = []
    for offer in offers:
        state = offer.state(now)
        if offer.kind == "list" and state == "live":
            # A list price to come that holds is in the history of the list price.
            state = "over"
        views.append(
            OfferView(
                offer,
                desk.say(KINDS[offer.kind]),
                describe_audience(desk, offer, places),
                state,
                state != "over",
            )
        )
    return sorted(views, key=lambda view: order[view.state])


def _new_form() -> Form:
    return fill_form(
        "offer", kind="sale", amount="", channel="", place_id="", member_level="", min_quantity="1",
        valid_from="", valid_to="", reason="",
    )  # fmt: skip


async def _show(
    desk: Desk, product: Product, variant: Variant, *, form: Form | None = None, status_code: int = 200
) -> Response[str]:
    now = clock.now()
    async with desk.reading() as tx:
        offers = await list_price_offers(tx, sku_id=variant.sku_id)
        history = await list_history(tx, sku_id=variant.sku_id)
        places = await list_places(tx)
    names = {place.place_id: place.name for place in places}
    title = product.label(desk.locale)
    return desk.page(
        "price.html",
        "product",
        desk.say(_("Prices")),
        crumbs=[
            (desk.say(_("Products")), PATH),
            (title, f"{PATH}/{product.product_id}"),
            (desk.say(_("Prices")), ""),
        ],
        status_code=status_code,
        product=product,
        variant=variant,
        offers=view_offers(desk, offers, names, now),
        spans=list(reversed(history.spans))[:60],
        reduction=history.reduction,
        chart=draw_price_steps(
            [(span.start, span.amount_minor) for span in history.spans],
            until=now,
            currency=variant.currency,
            locale=desk.locale,
        ),
        form=form or _new_form(),
        form_open=form is not None,
        kind_choices=[(kind, desk.say(label)) for kind, label in KINDS.items()],
        channel_choices=[(channel, desk.say(label)) for channel, label in CHANNELS.items()],
        place_choices=[(place.place_id, place.name) for place in places],
    )


@get("/products/{product_id:str}/prices")
async def show_prices(desk: AtDesk, product_id: FromPath[str]) -> Response[str]:
    """Every price of a variant: what holds, what is planned, what was, and what everybody paid over time."""
    desk.require("product.read")
    async with desk.reading() as tx:
        product = await _load(tx, product_id)
    return await _show(desk, product, _choose(product, desk.query("sku")))


def take_moment(desk: Desk, form: Form, name: str) -> datetime | None:
    """A moment out of a field for date and time, in the merchant's time zone as the console shows all moments; None when
    it is empty."""
    text = form.values.get(name, "")
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=desk.merchant.zone).astimezone(UTC)
    except (ValueError, OverflowError):
        form.errors[name] = desk.say(_("Please give a date and a time."))
        return None


def _read_offer(desk: Desk, form: Form, variant: Variant) -> NewOffer:
    too_long = desk.say(_("That is too long."))
    kind = form.values.get("kind", "")
    amount = take_amount(form, "amount", variant.currency, wrong=explain_amount(desk), positive=False)
    form.values.setdefault("min_quantity", "1")
    quantity = take_quantity(form, "min_quantity", wrong=desk.say(_("Please give a quantity of at least 1.")))
    level = take_text(form, "member_level", limit=40, too_long=too_long)
    reason = take_text(
        form, "reason", limit=200, missing=desk.say(_("Please give a reason.")), too_long=too_long
    )
    return NewOffer(
        sku_id=variant.sku_id,
        amount_minor=amount,
        kind=msgspec.convert(kind, OfferKind) if kind in KINDS else "sale",
        channel=form.values.get("channel") or None,
        place_id=parse_uuid(form.values.get("place_id", "")),
        member_level=level or None,
        min_quantity=quantity or 1,
        valid_from=take_moment(desk, form, "valid_from"),
        valid_to=take_moment(desk, form, "valid_to"),
        reason=reason,
    )


@post("/products/{product_id:str}/offers", status_code=200)
async def add(request: AnyRequest, desk: AtDesk, product_id: FromPath[str]) -> Response[Any]:
    """Write down a price for a channel, store, level, quantity or time, or the next list price."""
    desk.require("price.write")
    form = read_form("offer", await request.form())
    async with desk.reading() as tx:
        product = await _load(tx, product_id)
    variant = _choose(product, form.values.get("sku_id", ""))
    offer = _read_offer(desk, form, variant)
    if form.errors:
        return await _show(desk, product, variant, form=form, status_code=422)

    async def effect(tx: Transaction) -> dict[str, str]:
        return {"offer_id": str((await add_offer(tx, offer=offer, by=desk.by)).offer_id)}

    try:
        await desk.do_once(f"offer.add.{variant.sku_id}", form, effect)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        return await _show(desk, product, variant, form=form, status_code=error.status)
    path = link(f"{PATH}/{product.product_id}/prices", sku=variant.sku)
    if offer.valid_from is not None and offer.valid_from > clock.now():
        return desk.go(path, _("The price is planned."))
    return desk.go(path, _("The new price holds from now on."))


@post("/products/{product_id:str}/offers/{offer_id:str}/end", status_code=303)
async def end(desk: AtDesk, product_id: FromPath[str], offer_id: FromPath[str]) -> Response[Any]:
    """End a price now, or call off one that is planned."""
    desk.require("price.write")
    wanted = parse_uuid(offer_id)
    async with desk.reading() as tx:
        product = await _load(tx, product_id)
        offer = await find_offer(tx, offer_id=wanted) if wanted else None
    variant = next((v for v in product.variants if offer and v.sku_id == offer.sku_id), None)
    if offer is None or variant is None:
        raise not_found()
    path = link(f"{PATH}/{product.product_id}/prices", sku=variant.sku)
    try:
        async with desk.db.transaction(desk.merchant_id) as tx:
            await end_offer(tx, offer_id=offer.offer_id, by=desk.by)
    except Refused as error:
        return desk.go(path, desk.explain(error), tone="bad")
    return desk.go(path, _("The price has ended; it stays in the history."))


# ---- Claims on fallen prices ---------------------------------------------------------------------------------------


@get("/price-claims")
async def show_claims(desk: AtDesk) -> Response[str]:
    """What was given back because prices fell after they were paid."""
    desk.require("order.read")
    cursor = desk.query("cursor")
    async with desk.reading() as tx:
        page = await list_claims(tx, cursor=cursor or None, limit=PAGE_SIZE)
    return desk.page(
        "price_claim_list.html",
        "order",
        desk.say(_("Price protection")),
        crumbs=[(desk.say(_("Orders")), "/console/orders"), (desk.say(_("Price protection")), "")],
        claims=page.items,
        days=desk.commerce.settings.price_protection_days,
        first_href=CLAIMS if cursor else "",
        next_href=link(CLAIMS, cursor=page.next_cursor) if page.next_cursor else "",
    )


@post("/orders/{reference:str}/price-claims/{line_no:int}", status_code=303)
async def claim(desk: AtDesk, reference: FromPath[str], line_no: FromPath[int]) -> Response[Any]:
    """Give a shopper back what the price of a line has fallen by."""
    desk.require("order.refund")
    async with desk.reading() as tx:
        order = await find_order(tx, number=reference[:40].upper())
    if order is None:
        raise not_found()
    path = f"/console/orders/{order.number}"
    try:
        granted = await claim_price(
            desk.commerce, desk.merchant_id, order_id=order.order_id, line_no=line_no, by=desk.by
        )
    except Refused as error:
        return desk.go(path, desk.explain(error), tone="bad")
    amount = format_money(granted.amount_minor, granted.currency, desk.locale)
    return desk.go(path, _("%(amount)s is on its way back."), amount=amount)
