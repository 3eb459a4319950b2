"""What shoppers keep: wish lists (shared by link), things for later, and alerts for a lower price or goods that are back."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from serai.commerce.alert import api as alert_api
from serai.commerce.alert.types import AlertKind
from serai.commerce.catalogue import api as catalogue
from serai.commerce.catalogue.types import SaleItem
from serai.commerce.saved import api as saved_api
from serai.commerce.wish import api as wish_api
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, Refused, _
from serai.foundation.i18n import translate
from serai.foundation.mail import queue_letter
from serai.foundation.pages import request_locale
from serai.storefront.form import Form, read_values
from serai.storefront.letter import write_confirm_letter
from serai.storefront.member import client_ip, go, load_member, sign_in_first
from serai.storefront.price import load_item_prices
from serai.storefront.view import (
    Asked,
    Shell,
    database_of,
    find_signed_in,
    load_shell,
    merchant_id_of,
    owner_of,
    parse_uuid,
    safe_next,
    show,
)

LISTS = "/account/lists"
ALERTS = "/account/alerts"


@get(LISTS, include_in_schema=False)
async def show_lists(request: Asked) -> Response[Any]:
    """All lists of the member; the first one is open."""
    return await _show_lists(request, None)


@get(f"{LISTS}/{{list_id:uuid}}", include_in_schema=False)
async def show_list(request: Asked, list_id: FromPath[UUID]) -> Response[Any]:
    """One list."""
    return await _show_lists(request, list_id)


async def _show_lists(
    request: Asked, list_id: UUID | None, form: Form | None = None, status_code: int = 200
) -> Response[Any]:
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        if shell.member is None:
            return sign_in_first(f"{LISTS}/{list_id}" if list_id else LISTS)
        member_id = shell.member.member_id
        lists = await wish_api.list_lists(tx, member_id=member_id)
        chosen = list_id or (lists[0].list_id if lists else None)
        opened = await wish_api.open_list(tx, member_id=member_id, list_id=chosen) if chosen else None
        photos = await load_photos(tx, opened.items if opened else ())
        own_prices = await load_item_prices(
            tx, opened.items if opened else (), shell, request_locale(request)
        )
    return show(
        request,
        "wish_lists.html",
        shell=shell,
        status_code=status_code,
        here_url=f"{LISTS}/{chosen}" if chosen else LISTS,
        form=form or Form(),
        lists=lists,
        opened=opened,
        photos=photos,
        own_prices=own_prices,
        base=str(request.base_url).rstrip("/"),
    )


async def load_photos(tx: Transaction, items: Any) -> dict[UUID, Any]:
    """The pictures of some goods, by product."""
    cards = await catalogue.find_cards(tx, product_ids=list({item.product_id for item in items}))
    return {card.product_id: card for card in cards}


@get("/lists/{token:str}", include_in_schema=False)
async def show_shared_list(request: Asked, token: FromPath[str]) -> Response[Any]:
    """A list by its link, for whoever has it."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        opened = await wish_api.open_shared(tx, share_token=token)
        shell = await load_shell(request, tx)
        photos = await load_photos(tx, opened.items)
        own_prices = await load_item_prices(tx, opened.items, shell, request_locale(request))
    return show(
        request,
        "shared_list.html",
        shell=shell,
        here_url=f"/lists/{token}",
        opened=opened,
        photos=photos,
        own_prices=own_prices,
    )


@post(LISTS, include_in_schema=False)
async def make_list(request: Asked) -> Response[Any]:
    """A new list."""
    form = Form(values=await read_values(request))
    try:
        async with database_of(request).transaction(merchant_id_of(request)) as tx:
            member = await load_member(request, tx)
            list_id = await wish_api.make_list(tx, member_id=member.member_id, name=form.text("name"))
    except Refused as refusal:
        if refusal.status == 401:
            raise
        form.take_refusal(refusal, locale=request_locale(request))
        return await _show_lists(request, None, form, refusal.status)
    return go(request, f"{LISTS}/{list_id}")


@post(f"{LISTS}/{{list_id:uuid}}", include_in_schema=False)
async def change_list(request: Asked, list_id: FromPath[UUID]) -> Response[Any]:
    """``do=rename``, ``share``, ``unshare``, ``remove`` or ``take`` (one product off it)."""
    form = Form(values=await read_values(request))
    back = f"{LISTS}/{list_id}"
    try:
        async with database_of(request).transaction(merchant_id_of(request)) as tx:
            member = await load_member(request, tx)
            whose = {"member_id": member.member_id, "list_id": list_id}
            match form.values.get("do"):
                case "rename":
                    await wish_api.rename_list(tx, name=form.text("name"), **whose)
                case "share":
                    await wish_api.share_list(tx, shared=True, **whose)
                case "unshare":
                    await wish_api.share_list(tx, shared=False, **whose)
                case "remove":
                    await wish_api.remove_list(tx, **whose)
                    back = LISTS
                case "take":
                    sku_id = parse_uuid(form.values.get("sku_id"))
                    if sku_id:
                        await wish_api.remove_item(tx, sku_id=sku_id, **whose)
    except Refused as refusal:
        if refusal.status in (401, 404):
            raise
        form.take_refusal(refusal, locale=request_locale(request))
        return await _show_lists(request, list_id, form, refusal.status)
    return go(request, back)


@post("/wish", include_in_schema=False)
async def add_wish(request: Asked) -> Response[Any]:
    """Put goods on the member's first list, which is made when there is none."""
    values = await read_values(request)
    back = safe_next(values.get("next"))
    locale = request_locale(request)
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        if await find_signed_in(request, tx) is None:
            return sign_in_first(back)
    try:
        async with database_of(request).transaction(merchant_id_of(request)) as tx:
            member = await load_member(request, tx)
            sku_id = parse_uuid(values.get("sku_id"))
            if sku_id is None:
                raise NotFound("cart.product_unknown", _("This product is not sold here (any more)."))
            wish_list = await wish_api.add_item(
                tx,
                member_id=member.member_id,
                sku_id=sku_id,
                list_id=parse_uuid(values.get("list_id")),
                name=translate(_("My list"), locale),
            )
    except Refused as refusal:
        return go(request, back, refusal.message, "danger", **refusal.data)
    return go(request, back, _("It is on your list “%(name)s”."), name=wish_list.name)


@post("/cart/saved", include_in_schema=False)
async def change_saved(request: Asked) -> Response[Any]:
    """``do=save`` takes a line out of the cart for later, ``restore`` puts it back, ``forget`` drops it."""
    values = await read_values(request)
    owner = owner_of(request)
    try:
        if owner is None:
            raise NotFound("cart.unknown", _("There is no such cart. It may have been ordered already."))
        async with database_of(request).transaction(merchant_id_of(request)) as tx:
            match values.get("do"), parse_uuid(values.get("line_id")), parse_uuid(values.get("sku_id")):
                case "save", UUID() as line_id, _sku:
                    await saved_api.save_line(tx, owner=owner, line_id=line_id)
                case "restore", _line, UUID() as sku_id:
                    await saved_api.restore_line(tx, owner=owner, sku_id=sku_id)
                case "forget", _line, UUID() as sku_id:
                    await saved_api.forget_line(tx, owner=owner, sku_id=sku_id)
    except Refused as refusal:
        return go(request, "/cart", refusal.message, "danger", **refusal.data)
    return go(request, "/cart")


@post("/alerts", include_in_schema=False)
async def set_alert(request: Asked) -> Response[Any]:
    """Wait for a lower price or for goods to be back. An address that is not proven yet gets a letter to confirm."""
    values = await read_values(request)
    back = safe_next(values.get("next"))
    locale = request_locale(request)
    kind: AlertKind = "stock" if values.get("kind") == "stock" else "price"
    try:
        async with database_of(request).transaction(merchant_id_of(request)) as tx:
            member = await find_signed_in(request, tx)
            sku_id = parse_uuid(values.get("sku_id"))
            if sku_id is None:
                raise NotFound("cart.product_unknown", _("This product is not sold here (any more)."))
            email = (member.email or "") if member else values.get("email", "")
            alert = await alert_api.set_alert(
                tx,
                kind=kind,
                sku_id=sku_id,
                email=email,
                locale=locale,
                member_id=member.member_id if member else None,
                is_proven=bool(member and member.email_verified_at),
                ip=client_ip(request),
            )
            if not alert.is_confirmed:
                item = await load_item(tx, sku_id)
                await queue_letter(
                    tx,
                    write_confirm_letter(
                        kind,
                        email=email.strip().lower(),
                        locale=locale,
                        title=item.label(locale),
                        token=alert.token,
                    ),
                )
    except Refused as refusal:
        return go(request, back, refusal.message, "danger", **refusal.data)
    if alert.is_confirmed:
        return go(request, back, _("We write to you as soon as it happens, once."))
    return go(request, back, _("Please look into your mailbox and confirm; then we write to you once."))


async def load_item(tx: Transaction, sku_id: UUID) -> SaleItem:
    """The goods of an alert. NotFound ``cart.product_unknown``."""
    item = (await catalogue.list_sale_items(tx, sku_ids=[sku_id])).get(sku_id)
    if item is None:
        raise NotFound("cart.product_unknown", _("This product is not sold here (any more)."))
    return item


@get("/alerts/{token:str}", include_in_schema=False)
async def show_alert(request: Asked, token: FromPath[str]) -> Response[Any]:
    """The page of a letter's link: confirm, or end it."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        alert = await alert_api.load_alert(tx, token=token)
        item = await load_item(tx, alert.sku_id)
    return show(
        request, "alert.html", shell=shell, here_url="/", alert=alert, item=item, action=f"/alerts/{token}"
    )


@post("/alerts/{token:str}", include_in_schema=False)
async def answer_alert(request: Asked, token: FromPath[str]) -> Response[Any]:
    """``do=confirm`` lets the alert wait; anything else ends it."""
    values = await read_values(request)
    async with database_of(request).transaction(merchant_id_of(request)) as tx:
        if values.get("do") == "confirm":
            alert = await alert_api.confirm_alert(tx, token=token)
            item = await load_item(tx, alert.sku_id)
            return go(
                request, f"/p/{item.slug}", _("Thank you. We write to you as soon as it happens, once.")
            )
        await alert_api.end_alert(tx, token=token)
    return go(request, "/", _("The alert is ended. Nothing more will be sent for it."))


@get(ALERTS, include_in_schema=False)
async def show_alerts(request: Asked) -> Response[Any]:
    """What the member waits for."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell: Shell = await load_shell(request, tx)
        if shell.member is None:
            return sign_in_first(ALERTS)
        alerts = await alert_api.list_alerts(tx, member_id=shell.member.member_id)
        items = await catalogue.list_sale_items(tx, sku_ids=[alert.sku_id for alert in alerts])
    return show(
        request,
        "alert_list.html",
        shell=shell,
        alerts=[(alert, items[alert.sku_id]) for alert in alerts if alert.sku_id in items],
    )


@post(f"{ALERTS}/{{alert_id:uuid}}/end", include_in_schema=False)
async def end_alert(request: Asked, alert_id: FromPath[UUID]) -> Response[Any]:
    """End one of the member's alerts."""
    async with database_of(request).transaction(merchant_id_of(request)) as tx:
        member = await load_member(request, tx)
        await alert_api.end_own_alert(tx, member_id=member.member_id, alert_id=alert_id)
    return go(request, ALERTS, _("The alert is ended. Nothing more will be sent for it."))
