"""Checkout on one page: contact, delivery, address, review; then the order is placed and the payment begins.

The form carries the digest of the quote that the shopper saw. Prices, totals and stock come from commerce alone, so a
forged or outdated form is told the present total instead of being charged an old one. Sending the form twice places
one order: commerce answers the second time with the first one's.
"""

import re
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response
from litestar.response import Redirect

from serai.commerce.checkout import api as checkout_api
from serai.commerce.checkout.types import Delivery, Quote
from serai.commerce.delivery.types import Destination
from serai.commerce.order.types import Address, Contact
from serai.commerce.place import api as place_api
from serai.commerce.place.types import Place
from serai.commerce.tax.api import TaxPlace, has_rates
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, Refused, _
from serai.foundation.i18n import translate
from serai.foundation.pages import request_locale
from serai.identity.address import api as address_api
from serai.identity.address.types import AddressFields
from serai.storefront.after_order import keep_typed_address, keep_word
from serai.storefront.arrival import guess_destination
from serai.storefront.checkout_way import (
    keep_option,
    list_delivery_ways,
    list_own_countries,
    tell_change,
    tell_new_days,
    tell_way_problem,
)
from serai.storefront.country import Country, choose_country
from serai.storefront.coupon import change_coupons
from serai.storefront.form import Form, read_values
from serai.storefront.grouping import find_seat, way_back
from serai.storefront.order import begin_payment
from serai.storefront.order_link import link_guest
from serai.storefront.pay_later import tell_ways
from serai.storefront.presale import presale_path, tell_problem
from serai.storefront.saving import tell_savings
from serai.storefront.tender import change_tenders
from serai.storefront.tender_words import tell_tenders
from serai.storefront.view import (
    CHECKOUT,
    GROUP_CHECKOUT,
    Asked,
    Shell,
    book_of,
    buying_owner_of,
    commerce_of,
    database_of,
    is_group_checkout,
    load_shell,
    merchant_id_of,
    merchant_of,
    parse_uuid,
    show,
    wants_fragment,
)

NOTE_LIMIT = 500
OPTION_CODE = re.compile("[a-z0-9][a-z0-9_-]{0,39}")
GIFT_LIMIT = 300
LABEL_LIMIT = 40
ADDRESS_PARTS = ("region", "city", "district", "line1", "line2", "postcode")


class CheckoutForm(Form):
    """The checkout's fields, with how the goods travel (by which ``option``, where one was chosen) and what commerce found
    changed."""

    delivery: Delivery = "ship"
    option: str | None = None
    country: Country = choose_country(None, "en")
    place_id: UUID | None = None
    changes: tuple[str, ...] = ()
    is_outdated: bool = False

    @property
    def is_phone_required(self) -> bool:
        """Carriers in some countries do not deliver without a number to call."""
        return self.delivery == "ship" and self.country.is_phone_required


async def show_checkout(request: Asked) -> Response[Any]:
    """An empty form, filled as far as the shop knows the shopper."""
    locale = request_locale(request)
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        store = shell.place if shell.place and shell.place.kind == "store" else None
        values = await fill_known(request, tx, shell)
        form = CheckoutForm(
            values=values,
            delivery="pickup" if store else "ship",
            country=choose_country(
                values.get("country") or guess_destination(book_of(request), locale).country, locale
            ),
            place_id=store.place_id if store else None,
        )
        return await _show_form(request, tx, shell, form)


async def fill_known(request: Asked, tx: Transaction, shell: Shell) -> dict[str, str]:
    """What the account tells: the member and, of the kept addresses, the one asked for (``?address=``) or the default."""
    if shell.member is None:
        return {}
    values = {"email": shell.member.email or "", "name": shell.member.name}
    addresses = await address_api.list_addresses(tx, member_id=shell.member.member_id)
    wanted = parse_uuid(request.query_params.get("address"))
    chosen = next((a for a in addresses if a.address_id == wanted), addresses[0] if addresses else None)
    if chosen is None:
        return values
    kept = msgspec.structs.asdict(chosen)
    return values | {name: value for name, value in kept.items() if isinstance(value, str) and value}


async def send_checkout(request: Asked) -> Response[Any]:
    """``intent=refresh`` counts again for another delivery or country; ``intent=pay`` places the order."""
    form = read_form(await read_values(request), request_locale(request))
    # A code that was typed but not entered is entered before anything is ordered, so that nobody pays without it.
    changed = await change_coupons(request, form)
    changed = await change_tenders(request, form) or changed
    if form.values.get("intent") == "pay" and not changed:
        check_form(form, request_locale(request))
        if form.is_good:
            return await _place(request, form)
    await keep_option(request, form.values.get("cart_id"), form.option)
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        return await _show_form(request, tx, shell, form)


def read_form(values: dict[str, str], locale: str) -> CheckoutForm:
    """The form as it was sent, nothing judged yet. The way is ``pickup``, ``ship``, or ``ship:`` and an option's code."""
    way, _colon, option = values.get("delivery", "").partition(":")
    return CheckoutForm(
        values=values,
        delivery="pickup" if way == "pickup" else "ship",
        option=option if OPTION_CODE.fullmatch(option) else None,
        country=choose_country(values.get("country"), locale),
        place_id=parse_uuid(values.get("place")),
    )


def check_form(form: CheckoutForm, locale: str) -> None:
    """Find what is missing or misshapen, in the order of the page, so that the shopper hears of all of it at once."""
    form.require_email("email", locale=locale)
    form.require("name", _("Please write your name."), locale=locale, limit=100)
    check_phone(form, locale)
    if form.delivery == "pickup":
        if form.place_id is None:
            form.errors["place"] = translate(_("Please choose the store."), locale)
    else:
        check_address(form, locale)
    form.limit("note", locale=locale, limit=NOTE_LIMIT)
    form.limit("gift_message", locale=locale, limit=GIFT_LIMIT)


def check_phone(form: CheckoutForm, locale: str) -> None:
    """A number to call, where the country's carriers want one."""
    if form.is_phone_required:
        form.require(
            "phone", _("Please write a phone number; the carrier needs it."), locale=locale, limit=30
        )
    phone = form.limit("phone", locale=locale, limit=30)
    if (
        phone
        and "phone" not in form.errors
        and (sum(c.isdigit() for c in phone) < 5 or not set(phone) <= set("+0123456789 ()-./"))
    ):
        form.errors["phone"] = translate(_("That is not a phone number."), locale)


def check_address(form: CheckoutForm, locale: str) -> None:
    """Each part of the country's address."""
    for part in form.country.parts:
        if part.is_required:
            form.require(part.name, part.missing, locale=locale, limit=part.maxlength)
        else:
            form.limit(part.name, locale=locale, limit=part.maxlength)
        value = form.text(part.name)
        if not value or part.name in form.errors:
            continue
        if part.is_choice and value not in form.country.regions:
            form.errors[part.name] = translate(part.missing, locale)
        if part.name == "postcode" and not form.country.fits_postcode(value):
            form.errors[part.name] = translate(form.country.postcode_words, locale)


def read_address(form: CheckoutForm) -> Address | None:
    """Where the parcel goes; None for pick-up."""
    if form.delivery == "pickup":
        return None
    given = {part.name for part in form.country.parts}
    parts = {name: form.text(name) if name in given else "" for name in ADDRESS_PARTS}
    return Address(country=form.country.code, **parts)


async def _place(request: Asked, form: CheckoutForm) -> Response[Any]:
    """Place the order and go on to pay; on a refusal show the form again with what stands in the way."""
    owner = buying_owner_of(request)
    locale = request_locale(request)
    cart_id = parse_uuid(form.values.get("cart_id"))
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
    try:
        if owner is None or cart_id is None:
            raise NotFound("cart.unknown", _("There is no such cart. It may have been ordered already."))
        placed = await checkout_api.place_order(
            commerce_of(request),
            merchant_id_of(request),
            owner=owner,
            cart_id=cart_id,
            contact=Contact(email=form.text("email"), name=form.text("name"), phone=form.text("phone")),
            address=read_address(form),
            delivery=form.delivery,
            place_id=form.place_id if form.delivery == "pickup" else None,
            expected_digest=form.values.get("digest", ""),
            member_id=shell.member.member_id if shell.member else None,
            locale=locale,
            note=form.values.get("note", "").strip(),
            gift_message=form.values.get("gift_message", ""),
            presale_agreed=bool(form.values.get("agree")),
            delivery_option=form.option if form.delivery == "ship" else None,
        )
    except Refused as refusal:
        if refusal.code in ("cart.unknown", "checkout.empty"):
            return Redirect("/cart", status_code=303)
        take_refusal(form, refusal, merchant_of(request).currency, locale)
        async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
            return await _show_form(request, tx, shell, form, status_code=refusal.status)
    await keep_word(request, form, placed.order_id)
    if shell.member and form.delivery == "ship" and form.values.get("keep_address"):
        await keep_typed_address(request, shell.member, read_fields(form))
    link = link_guest(placed.order_id, placed.access_token)
    if placed.due_minor == 0:
        return Redirect(link.to("", new="1"), status_code=303)
    return await begin_payment(request, placed.order_id, link=link, values=form.values)


def read_fields(form: CheckoutForm) -> AddressFields:
    """What a form holds of a member's address; fields that the country does not have stay empty."""
    given = {part.name for part in form.country.parts}
    parts = {name: form.text(name) if name in given else "" for name in ADDRESS_PARTS}
    return AddressFields(
        label=form.text("label")[:LABEL_LIMIT],
        name=form.text("name"),
        phone=form.text("phone"),
        country=form.country.code,
        **parts,
    )


def take_refusal(form: CheckoutForm, refusal: Refused, currency: str, locale: str) -> None:
    """Show at its place what commerce refused."""
    match refusal.code:
        case "checkout.changed":
            form.is_outdated = True
            changes = (tell_change(change, currency, locale) for change in refusal.data.get("changes", ()))
            form.changes = tuple(text for text in changes if text)
            form.general = translate(
                _("The total has changed since you saw it. Nothing was charged. Please look at it again."),
                locale,
            )
        case "checkout.short":
            # The quote that is shown again names every line that is short.
            form.general = translate(
                _("Not everything is there any more. Nothing was ordered or charged."), locale
            )
        case "delivery.unserved":
            # The page says it at the ways to choose from.
            form.general = translate(refusal.message, locale)
        case _:
            form.take_refusal(refusal, locale=locale)


async def _show_form(
    request: Asked, tx: Transaction, shell: Shell, form: CheckoutForm, *, status_code: int = 200
) -> Response[Any]:
    locale = request_locale(request)
    stores = await place_api.list_places(tx, kind="store")
    if form.delivery == "pickup" and form.place_id is None and stores:
        form.place_id = _preferred_store(shell, stores).place_id
    quote = await _find_quote(request, tx, form, shell.member.member_id if shell.member else None)
    # An empty cart, or one with prices that nobody has agreed to yet, is settled on the cart's own page.
    if quote is None or not quote.lines or (quote.changes and request.method == "GET"):
        return _redirect(request, way_back(request, quote))
    form.values["place"] = str(form.place_id or "")
    if form.is_outdated:
        form.general = tell_new_days(form.values, quote, locale) or form.general
    ways = await list_delivery_ways(
        request,
        tx,
        quote,
        delivery=form.delivery,
        destination=Destination(form.country.code, form.text("region"), form.text("postcode")),
        has_stores=bool(stores),
    )
    kept = (
        await address_api.list_addresses(tx, member_id=shell.member.member_id)
        if shell.member and form.delivery == "ship"
        else []
    )
    return show(
        request,
        "parts/checkout.html" if wants_fragment(request) else "checkout.html",
        shell=shell,
        status_code=422 if form.errors and status_code == 200 else status_code,
        fragment="checkout" if wants_fragment(request) else None,
        form=form,
        kept_addresses=kept,
        quote=quote,
        savings=await tell_savings(tx, quote, locale),
        tenders=tell_tenders(quote, locale),
        labels={line.sku_id: line.label(locale) for line in quote.lines},
        options=ways,
        way_problem=tell_way_problem(quote, form.country.code, locale),
        store_options=[(str(place.place_id), place.name) for place in stores],
        country_options=list_own_countries(book_of(request), form.country.code, locale),
        region_options=form.country.list_regions(locale),
        is_taxed=book_of(request).asks_address or await has_rates(tx),
        checkout_url=checkout_path(request),
        presale_problem=tell_problem(quote, locale),
        seat=await find_seat(request, tx, quote),
        **await tell_ways(
            request,
            tx,
            quote,
            form.values,
            country=form.country.code if form.delivery == "ship" else "",
            member_id=shell.member.member_id if shell.member else None,
        ),
    )


def checkout_path(request: Asked) -> str:
    """The address of this checkout: of the cart, of something bought in a group, or of a presale."""
    if presale_id := parse_uuid(request.query_params.get("presale")):
        return presale_path(presale_id)
    return GROUP_CHECKOUT if is_group_checkout(request) else CHECKOUT


async def _find_quote(
    request: Asked, tx: Transaction, form: CheckoutForm, member_id: UUID | None
) -> Quote | None:
    """What the cart comes to with the chosen delivery, None without a cart."""
    owner = buying_owner_of(request)
    if owner is None:
        return None
    try:
        return await checkout_api.quote_cart(
            tx,
            settings=commerce_of(request).settings,
            owner=owner,
            delivery=form.delivery,
            place_id=form.place_id if form.delivery == "pickup" else None,
            member_id=member_id,
            destination=TaxPlace(form.country.code, form.text("region")),
            postcode=form.text("postcode"),
            delivery_option=form.option,
        )
    except NotFound as refusal:
        if refusal.code == "cart.unknown":
            return None
        raise


def _preferred_store(shell: Shell, stores: list[Place]) -> Place:
    chosen = shell.place.place_id if shell.place else None
    return next((place for place in stores if place.place_id == chosen), stores[0])


def _redirect(request: Asked, address: str) -> Response[Any]:
    """To another page; htmx is told by a header, since it would follow a redirect and paste the page into this one."""
    if wants_fragment(request):
        return Response(b"", status_code=200, headers={"hx-redirect": address})
    return Redirect(address, status_code=303)
