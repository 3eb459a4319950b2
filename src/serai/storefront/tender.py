"""Points, gift cards and red packets in the shop: entered at the checkout, told in words, shown in the account."""

from typing import Any

from litestar import Response, get, post

from serai.commerce.checkout import api as checkout_api
from serai.commerce.tender import api as tender
from serai.commerce.tender.types import GiftCard, Kind
from serai.foundation.errors import Invalid, NotFound, Refused, _
from serai.foundation.i18n import translate
from serai.foundation.money import format_money, minor_digits
from serai.foundation.pages import request_locale
from serai.storefront.attempt import take_attempt
from serai.storefront.form import Form, read_values
from serai.storefront.member import sign_in_first
from serai.storefront.tender_words import MOVED
from serai.storefront.view import (
    Asked,
    buying_owner_of,
    database_of,
    find_signed_in,
    load_shell,
    merchant_id_of,
    merchant_of,
    show,
)

CODE_LIMIT = 80
ENTRIES_SHOWN = 20


async def change_tenders(request: Asked, form: Form) -> bool:
    """Enter or take out what a checkout's form names. True when it named something, whatever came of it."""
    values, locale = form.values, request_locale(request)
    code, key, intent = (
        values.get("card_code", "").strip(),
        values.get("drop_tender", ""),
        values.get("intent", ""),
    )
    if not code and not key and intent not in ("gift_card", "points", "wallet"):
        return False
    try:
        # What goes out needs no code; a code that was typed counts as an attempt before it is looked at.
        if key:
            await _change(request, drop=key[:60])
        elif intent in ("points", "wallet"):
            await _change(
                request, kind="points" if intent == "points" else "wallet", wanted=_read_points(values)
            )
        else:
            await take_attempt(request, "card_code")
            await _change(request, kind="gift_card", code=code)
            values["card_code"] = ""
    except Refused as refusal:
        if refusal.data.get("field") == "code":
            refusal.data["field"] = "card_code"
        form.take_refusal(refusal, locale=locale)
    return True


def _read_points(values: dict[str, str]) -> int | None:
    """How many points to use; None for as many as go, and for red packets."""
    text = values.get("points", "").strip().replace(",", "")
    if values.get("intent") != "points" or not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 12 and int(text)):
        raise Invalid("tender.units_invalid", _("Please give a whole number of points."), field="points")
    return int(text)


async def _change(
    request: Asked, *, kind: Kind | None = None, code: str = "", wanted: int | None = None, drop: str = ""
) -> None:
    owner = buying_owner_of(request)
    if owner is None:
        raise NotFound("cart.unknown", _("There is no such cart. It may have been ordered already."))
    async with database_of(request).transaction(merchant_id_of(request), "write") as tx:
        if drop:
            await checkout_api.drop_tender(tx, owner=owner, key=drop)
        elif kind == "gift_card":
            if not code:
                raise Invalid(
                    "gift_card.code_missing", _("Please write the code of the gift card."), field="code"
                )
            await checkout_api.enter_gift_card(tx, owner=owner, code=code[:CODE_LIMIT])
        elif kind is not None:
            member = await find_signed_in(request, tx)
            await checkout_api.use_balance(
                tx,
                owner=owner,
                kind=kind,
                member_id=member.member_id if member else None,
                wanted=wanted,
            )


@get("/account/wallet", include_in_schema=False)
async def show_wallet(request: Asked) -> Response[Any]:
    """A member's points and red packets, and how they came about; ``?kind=wallet`` shows the red packets'."""
    kind: Kind = "wallet" if request.query_params.get("kind") == "wallet" else "points"
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        if shell.member is None:
            return sign_in_first("/account/wallet")
        currency = merchant_of(request).currency
        page = await tender.list_entries(
            tx,
            kind=kind,
            subject_id=shell.member.member_id,
            currency=currency,
            cursor=request.query_params.get("cursor"),
            limit=ENTRIES_SHOWN,
        )
        return show(
            request,
            "wallet.html",
            shell=shell,
            kind=kind,
            page=page,
            moved={word: translate(text, request_locale(request)) for word, text in MOVED.items()},
            purse=await tender.load_purse(tx, member_id=shell.member.member_id, currency=currency),
            terms=await tender.load_terms(tx),
            currency=currency,
            one_unit=format_money(10 ** minor_digits(currency), currency, request_locale(request)),
        )


@get("/gift-card", include_in_schema=False)
async def show_card_form(request: Asked) -> Response[str]:
    """The form that asks what a gift card holds."""
    return await _show_card(request, Form())


@post("/gift-card", include_in_schema=False)
async def check_card(request: Asked) -> Response[str]:
    """What the gift card with a code holds. The code is in no address and no log."""
    form = Form(values=await read_values(request))
    code = form.values.get("card_code", "").strip()
    card: GiftCard | None = None
    status = 200
    try:
        if not code:
            raise Invalid(
                "gift_card.code_missing", _("Please write the code of the gift card."), field="code"
            )
        await take_attempt(request, "card_code")
        async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
            card = await tender.find_card_by_code(tx, code=code[:CODE_LIMIT])
    except Refused as refusal:
        refusal.data["field"] = "card_code"
        form.take_refusal(refusal, locale=request_locale(request))
        status = refusal.status
    return await _show_card(request, form, card=card, status_code=status)


async def _show_card(
    request: Asked, form: Form, *, card: GiftCard | None = None, status_code: int = 200
) -> Response[str]:
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
    return show(request, "gift_card.html", shell=shell, form=form, card=card, status_code=status_code)
