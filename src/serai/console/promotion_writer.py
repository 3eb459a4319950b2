"""The form in which a promotion is written, tried on carts, saved and copied.

Everything goes through one form that comes back as it was typed: looking for goods and trying the promotion are buttons
of it, so that they work without a script and lose nothing.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.catalogue.api import find_skus, list_categories, search_products
from serai.commerce.checkout.api import Preview, preview_promotion
from serai.commerce.order.api import list_orders, load_order
from serai.commerce.promotion import api
from serai.commerce.promotion.types import Promotion, Terms
from serai.console.desk import AtDesk, Desk, not_found
from serai.console.form import Form, note_refusal, read_form
from serai.console.product import list_choices
from serai.console.promotion import PATH, load_asked
from serai.console.promotion_fill import fill_terms, list_mentioned, new_form
from serai.console.promotion_form import TIERS, note_faults, read_terms
from serai.console.promotion_kind import BY_CODE, Kind, find_kind
from serai.console.promotion_scope import name_skus
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _

CARTS_TRIED = 3
FOUND_SHOWN = 8
LINES_TRIED = 50
MANY = ("categories", "channels")
AnyRequest = Request[Any, Any, Any]


class TriedLine(msgspec.Struct, frozen=True):
    """A line of a cart that was tried: what it costs without the promotion and with it, in minor units."""

    title: str
    quantity: int
    before_minor: int
    after_minor: int
    names: tuple[str, ...]


class TriedCart(msgspec.Struct, frozen=True):
    """A cart that was tried, and in words why the promotion applied or not. ``fault`` where it could not be tried."""

    name: str
    lines: tuple[TriedLine, ...] = ()
    before_minor: int = 0
    after_minor: int = 0
    words: str = ""
    applied: bool = False
    fault: str = ""


WHY = {
    "applied": _("It applies."),
    "add_on": _("It offers its add-on."),
    "scope": _("None of its goods are in this cart."),
    "window": _("It does not hold at this moment."),
    "threshold": _("The cart does not reach its threshold."),
    "better": _("Another promotion gives more, and both do not combine."),
    "excluded": _("Promotions on the lines exclude it."),
    "members": _("It is for members only."),
    "level": _("It is for another level of members."),
    "channel": _("It does not hold in the web shop."),
    "place": _("It does not hold at this place."),
    "group": _("It holds for those who buy in a group."),
    "extra_gone": _("What it adds is sold out."),
    "nothing": _("It takes nothing off this cart."),
}


async def _read_sent(request: AnyRequest) -> tuple[Form, str]:
    """The form and which of its buttons was pressed."""
    sent = await request.form()
    values: dict[str, Any] = {name: sent.get(name) for name in sent}
    values |= {name: " ".join(str(v) for v in sent.getall(name, [])) for name in MANY}
    form = read_form("promotion", values)
    return form, form.values.pop("intent", "save")


def _find_kind(code: str) -> Kind:
    kind = BY_CODE.get(code)
    if kind is None:
        raise not_found()
    return kind


async def _show_writer(
    desk: Desk,
    kind: Kind,
    form: Form,
    *,
    promotion: Promotion | None = None,
    status_code: int = 200,
    **more: Any,
) -> Response[str]:
    async with desk.reading() as tx:
        categories = await list_categories(tx)
    name = desk.say(kind.name)
    crumbs = [(desk.say(_("Promotions")), PATH)]
    if promotion:
        crumbs.append((promotion.terms.label(desk.locale), f"{PATH}/{promotion.promotion_id}"))
    rows = [n for n in range(1, TIERS + 1) if n < 3 or form.values.get(f"tier_least_{n - 1}")]
    defaults: dict[str, Any] = {"goods": None, "tried": None}
    return desk.page(
        "promotion_form.html",
        "promotion",
        desk.say(_("Edit")) if promotion else name,
        crumbs=[*crumbs, (desk.say(_("Edit")) if promotion else name, "")],
        status_code=status_code,
        kind=kind,
        kind_name=name,
        kind_note=desk.say(kind.note),
        form=form,
        promotion=promotion,
        action=f"{PATH}/{promotion.promotion_id}/edit" if promotion else f"{PATH}/new/{kind.code}",
        tier_rows=rows,
        category_choices=[(str(c.category_id), label) for c, label in list_choices(categories, desk.locale)],
        currency=desk.merchant.currency,
        **(defaults | more),
    )


@get("/promotions/new/{code:str}")
async def show_new(desk: AtDesk, code: FromPath[str]) -> Response[str]:
    """An empty form of a kind."""
    desk.require("promotion.write")
    kind = _find_kind(code)
    return await _show_writer(desk, kind, new_form(kind))


@post("/promotions/new/{code:str}", status_code=200)
async def add(request: AnyRequest, desk: AtDesk, code: FromPath[str]) -> Response[Any]:
    """Save a draft, or look for goods, or try it."""
    desk.require("promotion.write")
    return await _answer(request, desk, _find_kind(code), None)


@get("/promotions/{promotion_id:str}/edit")
async def show_edit(desk: AtDesk, promotion_id: FromPath[str]) -> Response[str]:
    """The form of a promotion that stands."""
    desk.require("promotion.write")
    async with desk.reading() as tx:
        promotion = await load_asked(tx, promotion_id)
        skus = await name_skus(tx, list_mentioned(promotion.terms))
    kind = find_kind(promotion.terms)
    if kind is None:
        raise not_found()
    form = fill_terms(kind, promotion.terms, skus, desk.merchant.currency, desk.merchant.zone)
    form.values["version"] = str(promotion.version)
    return await _show_writer(desk, kind, form, promotion=promotion)


@post("/promotions/{promotion_id:str}/edit", status_code=200)
async def edit(request: AnyRequest, desk: AtDesk, promotion_id: FromPath[str]) -> Response[Any]:
    """Save a version, or look for goods, or try it."""
    desk.require("promotion.write")
    async with desk.reading() as tx:
        promotion = await load_asked(tx, promotion_id)
    kind = find_kind(promotion.terms)
    if kind is None:
        raise not_found()
    return await _answer(request, desk, kind, promotion)


@post("/promotions/{promotion_id:str}/copy", status_code=303)
async def copy(request: AnyRequest, desk: AtDesk, promotion_id: FromPath[str]) -> Response[Any]:
    """Make a draft with the same terms."""
    desk.require("promotion.write")
    form = read_form("copy", await request.form())

    async def effect(tx: Transaction) -> dict[str, str]:
        old = await load_asked(tx, promotion_id)
        name = desk.say(_("%(name)s (copy)"), name=old.terms.name)[:120]
        terms = msgspec.structs.replace(old.terms, name=name)
        made = await api.create_promotion(tx, terms=terms, by=desk.by)
        return {"promotion_id": str(made.promotion_id)}

    reply = await desk.do_once(f"promotion.copy.{promotion_id[:40]}", form, effect)
    return desk.go(f"{PATH}/{reply.body['promotion_id']}", _("This is a copy, not live yet."))


async def _answer(request: AnyRequest, desk: Desk, kind: Kind, promotion: Promotion | None) -> Response[Any]:
    form, intent = await _read_sent(request)
    chosen = form.values.pop("add_sku", "")
    if chosen:
        form.values["skus"] = "\n".join(filter(None, [form.values.get("skus", ""), chosen]))
        form.values["scope"] = "some"
    if chosen or intent == "search":
        goods = await _search_goods(desk, form.values.get("goods", ""))
        return await _show_writer(desk, kind, form, promotion=promotion, goods=goods)
    base = promotion.terms if promotion else None
    async with desk.reading() as tx:
        terms = await read_terms(tx, desk, form, kind, base)
    if terms is not None:
        note_faults(desk, form, api.check_terms(terms))
    if form.errors or terms is None:
        return await _show_writer(desk, kind, form, promotion=promotion, status_code=422)
    if intent == "try":
        tried = await _try(desk, form, terms, promotion.promotion_id if promotion else None)
        return await _show_writer(
            desk, kind, form, promotion=promotion, tried=tried, status_code=422 if form.errors else 200
        )
    return await _save(desk, kind, form, terms, promotion)


async def _save(
    desk: Desk, kind: Kind, form: Form, terms: Terms, promotion: Promotion | None
) -> Response[Any]:
    sent = form.values.get("version", "")
    version = int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else 0

    async def effect(tx: Transaction) -> dict[str, str]:
        if promotion is None:
            made = await api.create_promotion(tx, terms=terms, by=desk.by)
        else:
            made = await api.edit_promotion(
                tx, promotion_id=promotion.promotion_id, version=version, terms=terms, by=desk.by
            )
        return {"promotion_id": str(made.promotion_id)}

    operation = f"promotion.edit.{promotion.promotion_id}" if promotion else "promotion.create"
    try:
        reply = await desk.do_once(operation, form, effect)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        return await _show_writer(desk, kind, form, promotion=promotion, status_code=error.status)
    message = _("Saved. Carts get it once it is published.")
    return desk.go(f"{PATH}/{reply.body['promotion_id']}", message)


async def _search_goods(desk: Desk, words: str) -> list[tuple[str, str]]:
    """Goods that match, as (SKU, title); what the shop's search finds."""
    if not words:
        return []
    async with desk.reading() as tx:
        found = await search_products(tx, query=words[:100], limit=FOUND_SHOWN)
        ids = {card.sku_id: card.label(desk.locale) for card in found.page.items if card.sku_id}
        codes = await name_skus(tx, ids)
    return [(codes[sku_id], label) for sku_id, label in ids.items() if sku_id in codes]


async def _try(desk: Desk, form: Form, terms: Terms, promotion_id: UUID | None) -> list[TriedCart]:
    """The promotion on the cart that was typed, else on those of the last orders."""
    async with desk.reading() as tx:
        carts = await _read_typed_cart(tx, desk, form)
        if not carts and not form.errors:
            carts = await _load_last_carts(tx)
        tried = []
        for name, wanted in carts:
            try:
                preview = await preview_promotion(
                    tx,
                    settings=desk.commerce.settings,
                    terms=terms,
                    wanted=wanted,
                    promotion_id=promotion_id,
                    member_level=next(iter(terms.audience.member_levels), None),
                )
                tried.append(_tell_preview(desk, name, preview, wanted))
            except Refused as error:
                tried.append(TriedCart(name, fault=desk.explain(error)))
    return tried


async def _read_typed_cart(tx: Transaction, desk: Desk, form: Form) -> list[tuple[str, dict[UUID, int]]]:
    wanted: dict[str, int] = {}
    for line in form.values.get("cart", "").splitlines()[:LINES_TRIED]:
        code, _space, number = line.strip().rpartition(" ")
        if not (code and number.isascii() and number.isdigit() and 0 < len(number) < 6 and int(number)):
            code, number = line.strip(), "1"
        if code:
            wanted[code.strip()] = int(number)
    found = await find_skus(tx, skus=list(wanted)) if wanted else {}
    unknown = next((code for code in wanted if code not in found), None)
    if unknown is not None:
        form.errors["cart"] = desk.say(_("There is no SKU “%(sku)s”."), sku=unknown[:60])
        return []
    cart = {found[code][0]: number for code, number in wanted.items()}
    return [(desk.say(_("The cart you typed")), cart)] if cart else []


async def _load_last_carts(tx: Transaction) -> list[tuple[str, dict[UUID, int]]]:
    carts = []
    for row in (await list_orders(tx, limit=CARTS_TRIED)).items:
        order = await load_order(tx, order_id=row.order_id)
        wanted: dict[UUID, int] = {}
        for line in order.lines[:LINES_TRIED]:
            if not line.extra:
                wanted[line.sku_id] = wanted.get(line.sku_id, 0) + line.quantity
        carts.append((order.number, wanted))
    return carts


def _tell_preview(desk: Desk, name: str, preview: Preview, wanted: Mapping[UUID, int]) -> TriedCart:
    before = {line.line_key: line.net_minor for line in preview.before.lines}
    names: dict[str, list[str]] = {}
    for each in preview.after.adjustments:
        for share in each.shares:
            if share.amount_minor:
                names.setdefault(share.line_key, []).append(each.label(desk.locale))
    lines = tuple(
        TriedLine(
            preview.titles.get(line.line_key) or desk.say(_("Gift or add-on")),
            line.quantity,
            before.get(line.line_key, line.list_total_minor if not line.extra else 0),
            line.net_minor,
            tuple(names.get(line.line_key, ())),
        )
        for line in preview.after.lines
    )
    words = desk.say(WHY.get(preview.reason.code, _("It does not apply to this cart.")))
    if preview.faults:
        words = " ".join(desk.say(fault.message, **fault.data) for fault in preview.faults)
    applied = preview.reason.outcome == "applied"
    return TriedCart(name, lines, preview.before.total_minor, preview.after.total_minor, words, applied)
