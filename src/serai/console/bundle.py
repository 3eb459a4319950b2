"""Bundles at the console: what a variant consists of, what that costs apart, and how many of them there are to sell.

One form: looking for goods, taking them, and seeing what would come of it are buttons of it, so that they work without a
script and lose nothing.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.cart.api import parse_amount
from serai.commerce.catalogue.api import (
    Bundle,
    BundlePart,
    Product,
    SaleItem,
    Variant,
    find_bundle,
    find_product,
    list_products,
    list_sale_items,
    load_parts,
    set_bundle,
    set_price,
    spread_price,
    sum_parts,
)
from serai.commerce.catalogue.types import show_amount, show_steps
from serai.commerce.stock.api import list_bundle_levels
from serai.commerce.stock.types import StockLevel
from serai.console.desk import AtDesk, Desk, not_found
from serai.console.form import Form, fill_form, note_refusal, parse_uuid, read_form, take_amount
from serai.console.merge import Difference, apply_choices, merge_edits, pack_base, read_base
from serai.console.product import PATH, explain_amount
from serai.console.product_bulk import read_percent
from serai.console.variant import read_version
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, Refused, _
from serai.foundation.money import minor_digits

AnyRequest = Request[Any, Any, Any]
FOUND_SHOWN = 8
MAX_PARTS = 20


class PartRow(msgspec.Struct, frozen=True):
    """A part in the form: its field, and what it comes to apart and as a share of the bundle's price, in minor units."""

    item: SaleItem
    name: str
    amount: str
    apart_minor: int | None
    share_minor: int | None


class BundleView(msgspec.Struct, frozen=True):
    """What would be sold: its price beside that of its parts apart, and what the parts at each place make."""

    rows: tuple[PartRow, ...]
    apart_minor: int | None
    price_minor: int | None
    saving_minor: int | None
    levels: tuple[StockLevel, ...]


async def _load(desk: Desk, product_id: str) -> tuple[Product, Variant]:
    wanted = parse_uuid(product_id)
    async with desk.reading() as tx:
        product = await find_product(tx, product_id=wanted, published=None) if wanted else None
    if product is None or not product.variants:
        raise not_found()
    sku = desk.query("sku")
    return product, next((v for v in product.variants if v.sku == sku), product.variants[0])


def name_field(sku_id: UUID) -> str:
    return f"quantity_{sku_id}"


def list_named(form: Form) -> list[UUID]:
    """The parts that the form has fields for, in its order."""
    ids = [parse_uuid(text) for text in form.values.get("order", "").split()]
    return list(dict.fromkeys(each for each in ids if each is not None))[: 2 * MAX_PARTS]


async def fill_bundle(tx: Transaction, product: Product, variant: Variant, bundle: Bundle | None) -> Form:
    """The form of a bundle, or of what could become one."""
    parts = bundle.parts if bundle else ()
    minor = variant.price_minor
    digits = minor_digits(variant.currency)
    price = "" if minor is None else show_steps(minor, digits)
    return fill_form(
        "bundle",
        version=product.version,
        pricing=bundle.pricing if bundle else "own",
        discount=show_steps(bundle.discount_bp, 2) if bundle and bundle.discount_bp else "",
        amount=price,
        order=" ".join(str(part.sku_id) for part in parts),
        **{name_field(part.sku_id): show_steps(part.quantity, part.scale) for part in parts},
    )


def read_parts(desk: Desk, form: Form, items: dict[UUID, SaleItem]) -> list[tuple[UUID, int]]:
    """Parts with their steps; an empty or zero quantity leaves one out. Faults stand at their fields."""
    parts = []
    for sku_id in list_named(form):
        item, text = items.get(sku_id), form.values.get(name_field(sku_id), "")
        if item is None or text in ("", "0"):
            continue
        try:
            parts.append((sku_id, parse_amount(text, scale=item.scale, unit=item.unit)))
        except Invalid as error:
            form.errors[name_field(sku_id)] = desk.explain(error)
    return parts


def read_discount(desk: Desk, form: Form) -> int:
    """Hundredths of a percent off the parts' sum; the fault stands at the field."""
    text = form.values.get("discount", "")
    try:
        off = read_percent(text) if text.strip(" %0.,") else 0
    except Invalid:
        off = -1
    if not 0 <= off <= 10_000:
        form.errors["discount"] = desk.say(_("Please give a percentage from 0 to 100, such as 10 or 7.5."))
        return 0
    return off


async def view_bundle(
    tx: Transaction,
    variant: Variant,
    form: Form,
    items: dict[UUID, SaleItem],
    parts: list[tuple[UUID, int]],
    off: int,
) -> BundleView:
    """What the form as it stands would sell."""
    # Typed so far; what is no amount yet leaves the price that stands.
    typed = Form({"amount": form.values.get("amount", "")})
    fixed: int | None = take_amount(typed, "amount", variant.currency, wrong="-", positive=False)
    if typed.errors:
        fixed = variant.price_minor
    steps = dict(parts)
    known = {
        sku_id: BundlePart(sku_id, steps.get(sku_id, 0), item.price_minor, item.scale)
        for sku_id, item in items.items()
    }
    chosen = tuple(known[sku_id] for sku_id, _steps in parts)
    apart = sum_parts(chosen, 0) if chosen else None
    price = sum_parts(chosen, off) if form.values.get("pricing") == "sum" and chosen else fixed
    shares = spread_price(chosen, price) if chosen and price is not None else []
    share_of = dict(zip(steps, shares, strict=False))
    rows = tuple(
        PartRow(
            items[sku_id],
            name_field(sku_id),
            show_amount(steps[sku_id], items[sku_id].scale, items[sku_id].unit) if sku_id in steps else "",
            sum_parts([known[sku_id]], 0) if sku_id in steps else None,
            share_of.get(sku_id),
        )
        for sku_id in list_named(form)
        if sku_id in items
    )
    levels = await list_bundle_levels(tx, sku_id=variant.sku_id, parts=chosen) if chosen else []
    saving = apart - price if apart is not None and price is not None else None
    return BundleView(rows, apart, price, saving, tuple(levels))


async def search_parts(
    tx: Transaction, desk: Desk, words: str, variant: Variant
) -> list[tuple[SaleItem, str]]:
    """Variants that could be parts: with their codes, bundles and the variant itself left out."""
    if not words:
        return []
    page = await list_products(tx, query=words[:100], published=None, limit=FOUND_SHOWN)
    found: dict[UUID, str] = {}
    for card in page.items:
        product = await find_product(tx, product_id=card.product_id, published=None)
        for each in product.variants if product else ():
            if each.active and each.sku_id != variant.sku_id:
                found[each.sku_id] = each.sku
    bundles = await load_parts(tx, sku_ids=list(found))
    items = await list_sale_items(tx, sku_ids=[sku_id for sku_id in found if sku_id not in bundles])
    return [(items[sku_id], sku) for sku_id, sku in found.items() if sku_id in items][: 2 * FOUND_SHOWN]


async def show_page(
    desk: Desk,
    product: Product,
    variant: Variant,
    form: Form | None = None,
    *,
    searched: bool = False,
    differences: Sequence[Difference] = (),
    status_code: int = 200,
) -> Response[str]:
    """The page with its form as it stands."""
    async with desk.reading() as tx:
        bundle = await find_bundle(tx, sku_id=variant.sku_id)
        fresh = await fill_bundle(tx, product, variant, bundle)
        form = form or fresh
        items = await list_sale_items(tx, sku_ids=list_named(form))
        faults = dict(form.errors)
        view = await view_bundle(
            tx, variant, form, items, read_parts(desk, form, items), read_discount(desk, form)
        )
        # Looking is no reason to complain; what was refused before still stands.
        form.errors = faults if faults else (form.errors if searched or status_code != 200 else {})
        found = await search_parts(tx, desk, form.values.get("goods", ""), variant) if searched else None
    names = ["pricing", "discount", "amount", *(name_field(sku_id) for sku_id in list_named(fresh))]
    path = f"{PATH}/{product.product_id}/bundle"
    return desk.page(
        "product_bundle.html",
        "product",
        product.label(desk.locale),
        crumbs=[(desk.say(_("Products")), PATH), (product.label(desk.locale), "")],
        status_code=status_code,
        product=product,
        variant=variant,
        bundle=bundle,
        form=form,
        view=view,
        found=found,
        differences=differences,
        base=form.values.get("base") or pack_base(fresh.values, names),
        path=path,
        action=f"{path}?sku={variant.sku}" if len(product.variants) > 1 else path,
        sum_available=sum(max(0, level.available) for level in view.levels),
        most=MAX_PARTS,
    )


@get("/products/{product_id:str}/bundle")
async def show_bundle(desk: AtDesk, product_id: FromPath[str]) -> Response[str]:
    """What a variant (``?sku=``) consists of."""
    desk.require("product.read")
    return await show_page(desk, *await _load(desk, product_id))


@post("/products/{product_id:str}/bundle", status_code=200)
async def save_bundle(request: AnyRequest, desk: AtDesk, product_id: FromPath[str]) -> Response[Any]:
    """Save the parts; or look for goods, take one, or work out what would come of it."""
    desk.require("product.write")
    product, variant = await _load(desk, product_id)
    form = read_form("bundle", await request.form())
    intent, added = form.values.pop("intent", "save"), parse_uuid(form.values.pop("add_sku", ""))
    if added is not None:
        form.values["order"] = f"{form.values.get('order', '')} {added}".strip()
        if form.values.get(name_field(added), "") in ("", "0"):
            form.values[name_field(added)] = "1"
    if added is not None or intent in ("search", "preview"):
        return await show_page(desk, product, variant, form, searched=bool(form.values.get("goods")))
    form.values.pop("goods", None)
    return await _save(desk, product, variant, form)


async def _save(desk: Desk, product: Product, variant: Variant, form: Form) -> Response[Any]:
    apply_choices(form, ["pricing", "discount", "amount", *(name_field(s) for s in list_named(form))])
    async with desk.reading() as tx:
        items = await list_sale_items(tx, sku_ids=list_named(form))
        bundle = await find_bundle(tx, sku_id=variant.sku_id)
    parts, off = read_parts(desk, form, items), read_discount(desk, form)
    pricing = "sum" if form.values.get("pricing") == "sum" else "own"
    amount: int | None = None
    if pricing == "own" and parts and desk.staff.may("price.write") and form.values.get("amount"):
        amount = take_amount(form, "amount", variant.currency, wrong=explain_amount(desk), positive=False)
    if not parts and bundle is None and not form.errors:
        form.errors[""] = desk.say(_("Please take at least one part into the bundle."))
    if form.errors:
        return await show_page(desk, product, variant, form, status_code=422)

    async def effect(tx: Transaction) -> dict[str, int]:
        await set_bundle(
            tx,
            sku_id=variant.sku_id,
            version=read_version(form.values.get("version", "")),
            parts=parts,
            pricing="sum" if pricing == "sum" else "own",
            discount_bp=off if pricing == "sum" else 0,
            by=desk.by,
        )
        if amount is not None and amount != variant.price_minor:
            reason = desk.say(_("Price of the bundle"))
            await set_price(tx, sku_id=variant.sku_id, amount_minor=amount, reason=reason, by=desk.by)
        return {"parts": len(parts)}

    try:
        reply = await desk.do_once(f"bundle.{variant.sku_id}", form, effect)
    except Refused as error:
        if error.code == "product.edited_meanwhile":
            return await _show_conflict(desk, product, variant, form, items)
        note_refusal(form, error, desk.explain(error))
        return await show_page(desk, product, variant, form, status_code=error.status)
    path = f"{PATH}/{product.product_id}/bundle" + (
        f"?sku={variant.sku}" if len(product.variants) > 1 else ""
    )
    if not parts:
        return desk.go(path, _("It is no bundle any more; it has stock of its own again."))
    return desk.go(path, _("The bundle has %(count)s parts now."), count=reply.body["parts"])


async def _show_conflict(
    desk: Desk, product: Product, variant: Variant, form: Form, items: dict[UUID, SaleItem]
) -> Response[str]:
    """Both bundles brought together part by part; a contradiction is asked about."""
    async with desk.reading() as tx:
        saved = await fill_bundle(tx, product, variant, await find_bundle(tx, sku_id=variant.sku_id))
        both = list(dict.fromkeys([*list_named(saved), *list_named(form)]))
        items = items | await list_sale_items(tx, sku_ids=both)
    labels = {
        "pricing": desk.say(_("Price")),
        "discount": desk.say(_("Less")),
        "amount": desk.say(_("Fixed price")),
        **{name_field(sku_id): items[sku_id].label(desk.locale) for sku_id in both if sku_id in items},
    }
    base = read_base(form.values.get("base", "")) or {}
    form.values["base"] = pack_base(base, labels)
    for name in labels:
        form.values.setdefault(name, "")
    form.values["order"] = " ".join(str(sku_id) for sku_id in both)
    names = {"own": desk.say(_("Fixed price")), "sum": desk.say(_("Sum of its parts"))}
    differences = merge_edits(form, saved=saved.values, labels=labels, names=names)
    form.values["version"] = saved.values["version"]
    form.values["base"] = pack_base(saved.values, labels)
    return await show_page(desk, product, variant, form, differences=differences, status_code=409)
