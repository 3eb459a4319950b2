"""Many products at once: a change is shown for each of them first, then done; and the list as a file."""

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Stream

from serai.commerce.catalogue.api import (
    CHANNELS,
    BulkChange,
    BulkRow,
    apply_bulk,
    find_category,
    list_categories,
    plan_bulk,
)
from serai.commerce.exporting.api import MEDIA_TYPES, Format, export_products, name_file
from serai.console.channel import list_channels
from serai.console.desk import AtDesk, Desk
from serai.console.form import Form, parse_uuid, read_form
from serai.console.product import PATH
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, Refused, _

AnyRequest = Request[Any, Any, Any]
MAX_CHOSEN = 500


@get("/products/export")
async def export(desk: AtDesk) -> Stream:
    """The products that the list shows, all pages of them, as a file that an import reads."""
    desk.require("product.read")
    kind: Format = "xlsx" if desk.query("format", ("csv", "xlsx")) == "xlsx" else "csv"
    published = {"yes": True, "no": False}.get(desk.query("shown", ("", "yes", "no")))
    query, slug = desk.query("q"), desk.query("category")

    async def stream() -> AsyncIterator[bytes]:
        async with desk.reading() as tx:
            category = await find_category(tx, slug=slug) if slug else None
            async for piece in export_products(
                tx,
                kind=kind,
                category_id=category.category_id if category else None,
                query=query,
                published=published,
            ):
                yield piece

    return Stream(
        stream(),
        media_type=MEDIA_TYPES[kind],
        headers={
            "content-disposition": f'attachment; filename="{name_file(kind)}"',
            "cache-control": "no-store",
        },
    )


def read_change(desk: Desk, form: Form) -> BulkChange:
    """The change that a form asks for. Invalid where its value is missing or none."""
    action = form.values.get("action", "")
    match action:
        case "publish" | "unpublish":
            return BulkChange(published=action == "publish")
        case "category":
            category_id = parse_uuid(form.values.get("category_id", ""))
            if category_id is not None:
                return BulkChange(category_id=category_id)
        case "brand":
            return BulkChange(brand=form.values.get("brand", ""))
        case "channel":
            channel, stand = form.values.get("channel", ""), form.values.get("stand", "")
            if channel in CHANNELS and stand in ("show", "hide", "follow"):
                return msgspec.convert({"channel": channel, "stand": stand}, BulkChange)
        case "price":
            desk.require("price.write")
            return BulkChange(price_bp=read_percent(form.values.get("percent", "")))
    raise Invalid("bulk.nothing", _("Please choose products and what to change about them."))


def read_percent(text: str) -> int:
    """Hundredths of a percent out of ``10``, ``-5.5`` or ``+3 %``. Invalid ``bulk.price_invalid``."""
    typed = text.replace("%", "").replace("％", "").replace("\N{MINUS SIGN}", "-").replace(",", ".").strip()
    try:
        value = Decimal(typed).scaleb(2)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value != value.to_integral_value() or abs(value) > 10**6 or value == 0:
        raise Invalid(
            "bulk.price_invalid", _("A price can fall by 99 % or rise tenfold at most."), field="percent"
        )
    return int(value)


def read_chosen(sent: Mapping[str, Any]) -> dict[UUID, int]:
    """The products of a form with their versions: ``version_<id>`` where it was shown, 0 where it was only marked."""
    chosen: dict[UUID, int] = {}
    for name, value in sent.multi_items():  # type: ignore[attr-defined]  # a form of many values
        if name == "product" and isinstance(value, str) and (product_id := parse_uuid(value)):
            version = str(sent.get(f"version_{product_id}", ""))
            chosen[product_id] = int(version) if version.isdecimal() and len(version) < 10 else 0
    return chosen


@post("/products/bulk", status_code=200)
async def preview(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Show what would become of each marked product; nothing is changed yet."""
    desk.require("product.write")
    sent = await request.form()
    form = read_form("bulk", sent)
    chosen = read_chosen(sent)
    try:
        change = read_change(desk, form)
        async with desk.reading() as tx:
            rows = await plan_bulk(tx, product_ids=list(chosen)[:MAX_CHOSEN], change=change)
    except Refused as error:
        return desk.go(PATH, error.message, tone="bad", **error.data)
    return await _show(desk, form, rows)


async def _show(desk: Desk, form: Form, rows: list[BulkRow], status_code: int = 200) -> Response[str]:
    async with desk.reading() as tx:
        names = {c.category_id: c.label(desk.locale) for c in await list_categories(tx)}
    return desk.page(
        "product_bulk.html",
        "product",
        desk.say(_("Change products together")),
        crumbs=[(desk.say(_("Products")), PATH), (desk.say(_("Change products together")), "")],
        status_code=status_code,
        form=form,
        rows=rows,
        names=names,
        changing=sum(not row.is_same for row in rows),
        channel_names=dict(list_channels(desk)),
        stands={True: desk.say(_("Shown")), False: desk.say(_("Hidden")), None: desk.say(_("As on the web"))},
    )


@post("/products/bulk/apply", status_code=200)
async def apply(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Do what was shown; products that somebody edited since then are left as they are and named."""
    desk.require("product.write")
    sent = await request.form()
    form = read_form("bulk", sent)
    chosen = read_chosen(sent)

    async def effect(tx: Transaction) -> dict[str, Any]:
        reason = form.values.get("reason", "")[:200] or "bulk edit"
        change = read_change(desk, form)
        done = await apply_bulk(tx, versions=chosen, change=change, by=desk.by, reason=reason)
        return {"changed": done.changed, "left": list(done.edited_meanwhile)}

    try:
        reply = await desk.do_once("products.bulk", form, effect)
    except Refused as error:
        return desk.go(PATH, error.message, tone="bad", **error.data)
    left = reply.body["left"]
    if left:
        return desk.go(
            PATH,
            _(
                "%(changed)s products are changed. Somebody edited these meanwhile, so they are left: %(titles)s"
            ),
            tone="warn",
            changed=reply.body["changed"],
            titles=", ".join(left[:5]),
        )
    return desk.go(PATH, _("%(changed)s products are changed."), changed=reply.body["changed"])
