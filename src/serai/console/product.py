"""One product: edit with an eye on what others changed meanwhile, price, publish."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.catalogue.api import (
    edit_product,
    find_product,
    list_barcodes,
    list_categories,
    list_prices,
    load_product,
    load_variant,
    name_code,
    publish_product,
    set_price,
)
from serai.commerce.catalogue.types import Category, PriceEntry, Product, Variant
from serai.commerce.media import api as media
from serai.commerce.stock.api import list_levels
from serai.commerce.stock.types import StockLevel
from serai.console.chart import StepsChart, draw_price_steps
from serai.console.desk import AtDesk, Desk, not_found
from serai.console.form import Form, fill_form, note_refusal, parse_uuid, read_form, take_amount, take_text
from serai.console.merge import Difference, apply_choices, merge_edits, pack_base
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, Refused, _
from serai.foundation.money import minor_digits

PATH = "/console/products"
GTIN = re.compile(r"\d{8}|\d{12,14}")
AnyRequest = Request[Any, Any, Any]


class VariantView(msgspec.Struct, frozen=True):
    """A variant with what surrounds it on its product's page."""

    variant: Variant
    levels: list[StockLevel]
    prices: list[PriceEntry]
    chart: StepsChart | None
    form: Form
    form_open: bool


def list_choices(categories: Sequence[Category], locale: str) -> list[tuple[Category, str]]:
    """Categories as a tree in one list: each department followed by its children, indented by an em space."""
    children: dict[UUID | None, list[Category]] = {}
    for category in categories:
        children.setdefault(category.parent_id, []).append(category)
    choices = []
    for department in children.get(None, []):
        choices.append((department, department.label(locale)))
        choices += [
            (child, f"\N{EM SPACE}{child.label(locale)}")
            for child in children.get(department.category_id, [])
        ]
    return choices


def explain_amount(desk: Desk) -> str:
    """What an amount looks like in the merchant's currency."""
    digits = minor_digits(desk.merchant.currency)
    example = "12." + "50".ljust(digits, "0")[:digits] if digits else "12"
    return desk.say(_("Please give an amount such as %(example)s."), example=example)


def take_details(desk: Desk, form: Form) -> dict[str, str]:
    """The fields that adding and editing share, checked."""
    texts = {
        "title": take_text(
            form,
            "title",
            limit=200,
            missing=desk.say(_("Please give a title.")),
            too_long=desk.say(_("A title has at most 200 characters.")),
        ),
        "brand": take_text(form, "brand", limit=100, too_long=desk.say(_("That is too long."))),
        "description": take_text(form, "description", limit=5000, too_long=desk.say(_("That is too long."))),
        "gtin": form.values.get("gtin", "").replace(" ", ""),
        "content_text": take_text(form, "content_text", limit=40, too_long=desk.say(_("That is too long."))),
    }
    if texts["gtin"] and not GTIN.fullmatch(texts["gtin"]):
        form.errors["gtin"] = desk.say(_("A GTIN has 8, 12, 13 or 14 digits."))
    return texts


# ---- One product --------------------------------------------------------------------------------------------------


async def _load(desk: Desk, product_id: str, tx: Transaction) -> Product:
    wanted = parse_uuid(product_id)
    product = await find_product(tx, product_id=wanted, published=None) if wanted else None
    if product is None:
        raise not_found()
    return product


def _edit_form(product: Product) -> Form:
    first = product.variants[0] if product.variants else None
    return fill_form(
        "edit",
        title=product.title,
        brand=product.brand,
        category_id=product.category_id,
        description=product.description,
        gtin=first.gtin if first else "",
        content_text=first.content_text if first else "",
        version=product.version,
    )


LABELS = {
    "title": _("Title"),
    "brand": _("Brand"),
    "category_id": _("Category"),
    "description": _("Description"),
    "gtin": _("GTIN"),
    "content_text": _("Content"),
}


async def _view_variant(
    tx: Transaction, desk: Desk, variant: Variant, price_form: tuple[UUID, Form] | None
) -> VariantView:
    prices = await list_prices(tx, sku_id=variant.sku_id)
    form = fill_form(f"price-{variant.sku_id}", amount="", reason="")
    is_open = price_form is not None and price_form[0] == variant.sku_id
    chart = draw_price_steps(
        [(entry.valid_from, entry.amount_minor) for entry in reversed(prices)],
        until=clock.now(),
        currency=variant.currency,
        locale=desk.locale,
    )
    return VariantView(
        variant,
        await list_levels(tx, sku_id=variant.sku_id),
        prices,
        chart,
        price_form[1] if is_open and price_form else form,
        is_open,
    )


async def _show_product(
    desk: Desk,
    product: Product,
    *,
    form: Form | None = None,
    price_form: tuple[UUID, Form] | None = None,
    differences: Sequence[Difference] = (),
    photo_form: Form | None = None,
    option_form: Form | None = None,
    variant_form: tuple[UUID, Form] | None = None,
    code_form: tuple[UUID, Form] | None = None,
    status_code: int = 200,
) -> Response[str]:
    async with desk.reading() as tx:
        codes = await list_barcodes(tx, sku_ids=[variant.sku_id for variant in product.variants])
        categories = await list_categories(tx)
        photos = (await media.list_photos(tx, product_ids=[product.product_id]))[product.product_id]
        deleted = await media.list_deleted_photos(tx, product_id=product.product_id)
        variants = [await _view_variant(tx, desk, variant, price_form) for variant in product.variants]
    choices = list_choices(categories, desk.locale)
    category = next((c for c in categories if c.category_id == product.category_id), None)
    return desk.page(
        "product.html",
        "product",
        product.title,
        crumbs=[(desk.say(_("Products")), PATH), (product.label(desk.locale), "")],
        status_code=status_code,
        product=product,
        variants=variants,
        form=form or _edit_form(product),
        base=pack_base(_edit_form(product).values, LABELS),
        category_choices=[(c.category_id, label) for c, label in choices],
        category_label=category.label(desk.locale) if category else "",
        differences=differences,
        photos=photos,
        deleted_photos=deleted,
        photo_form=photo_form or fill_form("photo", alt=""),
        photo_most_mb=desk.commerce.settings.media_file_mb,
        option_form=option_form or fill_options(product),
        variant_forms=[
            variant_form[1]
            if variant_form and variant_form[0] == variant.sku_id
            else fill_variant(product, variant)
            for variant in product.variants
        ],
        open_variant=variant_form[0] if variant_form else code_form[0] if code_form else None,
        codes=[(code.sku_id, code.gtin, *name_code(code.gtin)) for code in codes],
        code_form=code_form,
        copy_form=fill_form("copy"),
        fresh_code_form=lambda sku_id: fill_form(f"codes-{sku_id}", gtin=""),
    )


def fill_options(product: Product) -> Form:
    """The form of a product's options: a name and its values, with commas between, for each."""
    values: dict[str, object] = {"version": product.version}
    for place in range(3):
        option = product.options[place] if place < len(product.options) else None
        values[f"name_{place}"] = option.name if option else ""
        values[f"values_{place}"] = ", ".join(option.values) if option else ""
    return fill_form("options", **values)


def fill_variant(product: Product, variant: Variant) -> Form:
    """The form of one variant."""
    return fill_form(
        f"variant-{variant.sku_id}",
        version=product.version,
        gtin=variant.gtin,
        content_text=variant.content_text,
        measure=f"{variant.unit}-{variant.scale}",
        increment=variant.increment,
        active="1" if variant.active else "",
    )


async def show_details(
    desk: Desk,
    product_id: str,
    *,
    status_code: int,
    photo_form: Form | None = None,
    option_form: Form | None = None,
    variant_form: tuple[UUID, Form] | None = None,
    code_form: tuple[UUID, Form] | None = None,
) -> Response[str]:
    """The product's page with one of its further forms as it was sent."""
    async with desk.reading() as tx:
        product = await _load(desk, product_id, tx)
    return await _show_product(
        desk,
        product,
        photo_form=photo_form,
        option_form=option_form,
        variant_form=variant_form,
        code_form=code_form,
        status_code=status_code,
    )


@get("/products/{product_id:str}")
async def show_product(desk: AtDesk, product_id: FromPath[str]) -> Response[str]:
    """One product: its fields, prices and stock."""
    desk.require("product.read")
    async with desk.reading() as tx:
        product = await _load(desk, product_id, tx)
    return await _show_product(desk, product)


@post("/products/{product_id:str}", status_code=200)
async def save_product(request: AnyRequest, desk: AtDesk, product_id: FromPath[str]) -> Response[Any]:
    """Save the fields, unless somebody else saved the product after this form was opened: then show both."""
    desk.require("product.write")
    form = read_form("edit", await request.form())
    async with desk.reading() as tx:
        product = await _load(desk, product_id, tx)
    apply_choices(form, LABELS)
    texts = take_details(desk, form)
    category_id = parse_uuid(form.values.get("category_id", ""))
    if category_id is None:
        form.errors["category_id"] = desk.say(_("Please choose a category."))
    version = form.values.get("version", "")
    form.values["version"] = version if version.isdecimal() and len(version) < 10 else "0"
    if form.errors or category_id is None:
        return await _show_product(desk, product, form=form, status_code=422)

    # With several variants the form does not hold what belongs to one of them.
    has_one = len(product.variants) == 1

    async def effect(tx: Transaction) -> dict[str, int]:
        saved = await edit_product(
            tx,
            product_id=product.product_id,
            version=int(form.values["version"]),
            by=desk.by,
            title=texts["title"],
            brand=texts["brand"],
            description=texts["description"],
            category_id=category_id,
            gtin=texts["gtin"] if has_one else None,
            content_text=texts["content_text"] if has_one else None,
        )
        return {"version": saved.version}

    try:
        await desk.do_once(f"product.edit.{product.product_id}", form, effect)
    except Conflict as error:
        if error.code != "product.edited_meanwhile":
            note_refusal(form, error, desk.explain(error))
            return await _show_product(desk, product, form=form, status_code=error.status)
        return await _show_conflict(desk, product.product_id, form)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        return await _show_product(desk, product, form=form, status_code=error.status)
    return desk.go(f"{PATH}/{product.product_id}", _("Saved."))


async def _show_conflict(desk: Desk, product_id: UUID, form: Form) -> Response[str]:
    """Both versions side by side, merged as far as they do not contradict.

    Fields that only the other has changed are taken over, fields that only this form has changed are kept; where both
    have changed the same field, the reader chooses. Sending the form again saves what it holds then.
    """
    async with desk.reading() as tx:
        product = await load_product(tx, product_id=product_id)
        names = {str(c.category_id): c.label(desk.locale) for c in await list_categories(tx)}
    saved = _edit_form(product).values
    labels = {name: desk.say(label) for name, label in LABELS.items()}
    differences = merge_edits(form, saved=saved, labels=labels, names=names)
    form.values["version"] = saved["version"]
    return await _show_product(desk, product, form=form, differences=differences, status_code=409)


@post("/products/{product_id:str}/prices", status_code=200)
async def change_price(request: AnyRequest, desk: AtDesk, product_id: FromPath[str]) -> Response[Any]:
    """A new price from now on, with its reason; the history keeps the old one."""
    desk.require("price.write")
    sent = await request.form()
    async with desk.reading() as tx:
        product = await _load(desk, product_id, tx)
    sku_id = parse_uuid(str(sent.get("sku_id", "")))
    variant = next((v for v in product.variants if v.sku_id == sku_id), None)
    if variant is None:
        raise not_found()
    form = read_form(f"price-{variant.sku_id}", sent)
    amount_minor = take_amount(form, "amount", variant.currency, wrong=explain_amount(desk), positive=False)
    reason = take_text(
        form,
        "reason",
        limit=200,
        missing=desk.say(_("Please give a reason.")),
        too_long=desk.say(_("That is too long.")),
    )
    if form.errors:
        return await _show_product(desk, product, price_form=(variant.sku_id, form), status_code=422)

    async def effect(tx: Transaction) -> dict[str, str]:
        # Asked in here, since a form sent twice finds its own price already set.
        if (await load_variant(tx, sku_id=variant.sku_id)).price_minor == amount_minor:
            raise Invalid("console.price_same", _("This is the price already."), field="amount")
        entry = await set_price(
            tx, sku_id=variant.sku_id, amount_minor=amount_minor, reason=reason, by=desk.by
        )
        return {"price_id": str(entry.price_id)}

    try:
        await desk.do_once(f"price.set.{variant.sku_id}", form, effect)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        return await _show_product(desk, product, price_form=(variant.sku_id, form), status_code=error.status)
    return desk.go(f"{PATH}/{product.product_id}", _("The new price holds from now on."))


@post("/products/{product_id:str}/publish", status_code=303)
async def publish(desk: AtDesk, product_id: FromPath[str]) -> Response[Any]:
    """Show the product in the shop."""
    return await _set_published(desk, product_id, True)


@post("/products/{product_id:str}/unpublish", status_code=303)
async def unpublish(desk: AtDesk, product_id: FromPath[str]) -> Response[Any]:
    """Take the product out of the shop; orders that have it are not touched."""
    return await _set_published(desk, product_id, False)


async def _set_published(desk: Desk, product_id: str, published: bool) -> Response[Any]:
    desk.require("product.write")
    async with desk.db.transaction(desk.merchant_id) as tx:
        product = await _load(desk, product_id, tx)
        await publish_product(tx, product_id=product.product_id, by=desk.by, published=published)
    message = _("“%(title)s” is in the shop now.") if published else _("“%(title)s” is out of the shop.")
    return desk.go(f"{PATH}/{product.product_id}", message, title=product.title)
