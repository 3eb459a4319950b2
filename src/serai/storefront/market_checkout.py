"""Checkout: the shop's own page, or at a market one checkout over all shops of the basket, placed with all or with none."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.response import Redirect

from serai.commerce.market import api as market_api
from serai.commerce.order.types import Address, Contact
from serai.commerce.tax.api import has_rates
from serai.foundation.errors import NotFound, Refused, _
from serai.foundation.pages import request_locale
from serai.identity.address import api as address_api
from serai.storefront import checkout, market_cart
from serai.storefront.after_order import keep_typed_address
from serai.storefront.checkout import CheckoutForm
from serai.storefront.checkout_way import DeliveryWay, tell_way_problem
from serai.storefront.country import choose_country, list_countries
from serai.storefront.form import read_values
from serai.storefront.market_basket import find_cart
from serai.storefront.market_order import begin_payment, link_checkout
from serai.storefront.view import (
    CHECKOUT,
    Asked,
    Shell,
    commerce_of,
    database_of,
    is_market,
    load_mall,
    load_market_shell,
    merchant_id_of,
    merchant_of,
    owner_of,
    parse_uuid,
    show,
    wants_fragment,
)


@get("/checkout", include_in_schema=False)
async def show_checkout(request: Asked) -> Response[Any]:
    """An empty form, filled as far as the shop or the market knows the shopper."""
    if not is_market(request):
        return await checkout.show_checkout(request)
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_market_shell(request, tx)
        values = await checkout.fill_known(request, tx, shell)
    country = choose_country(values.get("country"), request_locale(request))
    return await _show_form(request, shell, CheckoutForm(values=values, country=country))


@post("/checkout", include_in_schema=False)
async def send_checkout(request: Asked) -> Response[Any]:
    """``intent=refresh`` counts again for another country; ``intent=pay`` places the order, or every shop's."""
    if not is_market(request):
        return await checkout.send_checkout(request)
    form = checkout.read_form(await read_values(request), request_locale(request))
    form.delivery = "ship"
    shell = await load_market_shell(request)
    changed = await _change_coupons(request, form, shell)
    if form.values.get("intent") == "pay" and not changed:
        checkout.check_form(form, request_locale(request))
        if form.is_good:
            return await _place(request, shell, form)
    return await _show_form(request, shell, form)


async def _change_coupons(request: Asked, form: CheckoutForm, shell: Shell) -> bool:
    """Enter or take out the coupon that the form names. True when it named one, whatever came of it."""
    code, dropped = form.values.get("code", "").strip(), parse_uuid(form.values.get("drop_coupon"))
    if not code and dropped is None:
        return form.values.get("intent") == "coupon"
    try:
        if dropped is not None:
            await market_cart.drop_coupon(request, dropped)
        else:
            await market_cart.add_coupon(request, code[:80], shell.member)
            form.values["code"] = ""
    except Refused as refusal:
        form.take_refusal(refusal, locale=request_locale(request))
    return True


async def _place(request: Asked, shell: Shell, form: CheckoutForm) -> Response[Any]:
    """Place every shop's order and go on to one payment; on a refusal show the form again with what stands in the way."""
    owner, locale = owner_of(request), request_locale(request)
    basket_id = parse_uuid(form.values.get("cart_id"))
    try:
        if owner is None or basket_id is None:
            raise NotFound("cart.unknown", _("There is no such cart. It may have been ordered already."))
        placed = await market_api.place_basket(
            commerce_of(request),
            merchant_id_of(request),
            owner=owner,
            basket_id=basket_id,
            expected_digest=form.values.get("digest", ""),
            contact=Contact(email=form.text("email"), name=form.text("name"), phone=form.text("phone")),
            address=checkout.read_address(form),
            member_id=shell.member.member_id if shell.member else None,
            member_level=shell.member.level or None if shell.member else None,
            locale=locale,
            note=form.values.get("note", "").strip(),
        )
    except Refused as refusal:
        if refusal.code in ("cart.unknown", "checkout.empty"):
            return Redirect("/cart", status_code=303)
        checkout.take_refusal(form, refusal, merchant_of(request).currency, locale)
        return await _show_form(request, shell, form, status_code=refusal.status)
    if shell.member and form.values.get("keep_address"):
        await keep_typed_address(request, shell.member, checkout.read_fields(form))
    link = link_checkout(request, placed.checkout_id)
    if placed.paid_at is not None or placed.total_minor == 0:
        return Redirect(link.to("", new="1"), status_code=303)
    return await begin_payment(request, placed.checkout_id, link=link)


async def _show_form(
    request: Asked, shell: Shell, form: CheckoutForm, *, status_code: int = 200
) -> Response[Any]:
    locale = request_locale(request)
    address = Address(form.country.code, form.text("region"), postcode=form.text("postcode"))
    found = await find_cart(request, shell.member, await load_mall(request), address=address)
    if found is None or not found.cart.lines or found.has_presale:
        return _redirect(request, "/cart")
    quote = found.quote
    if quote.changes and request.method == "GET":
        return _redirect(request, "/cart")
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        kept = await address_api.list_addresses(tx, member_id=shell.member.member_id) if shell.member else []
    return show(
        request,
        "parts/checkout.html" if wants_fragment(request) else "checkout.html",
        shell=shell,
        status_code=422 if form.errors and status_code == 200 else status_code,
        fragment="checkout" if wants_fragment(request) else None,
        form=form,
        kept_addresses=kept,
        quote=quote,
        savings=found.savings,
        # Gift cards, points and red packets pay in the shop that issued them.
        tenders=[],
        heads=found.heads,
        part_sums=found.sums,
        labels={line.sku_id: line.label(locale) for line in quote.lines},
        options=[DeliveryWay("ship", quote.shipping_minor, is_chosen=True)],
        way_problem=tell_way_problem(quote, form.country.code, locale),
        store_options=[],
        country_options=list_countries(locale),
        region_options=form.country.list_regions(locale),
        is_taxed=await _is_taxed(request, [line.merchant_id for line in (await load_mall(request)).sellers]),
        checkout_url=CHECKOUT,
        presale_problem="",
        seat=None,
    )


async def _is_taxed(request: Asked, sellers: list[UUID]) -> bool:
    """Whether the region decides about taxes with any of the shops."""
    for seller_id in sellers:
        async with database_of(request).transaction(seller_id, "read") as tx:  # type: ignore[arg-type]
            if await has_rates(tx):
                return True
    return False


def _redirect(request: Asked, address: str) -> Response[Any]:
    """To another page; htmx is told by a header."""
    if wants_fragment(request):
        return Response(b"", status_code=200, headers={"hx-redirect": address})
    return Redirect(address, status_code=303)
