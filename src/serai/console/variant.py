"""A product's versions at the console: its options, and how each variant is coded, measured and sold."""

import re
from typing import Any

from litestar import Request, Response, post
from litestar.params import FromPath

from serai.commerce.catalogue.api import (
    ProductOption,
    VariantEdit,
    add_barcode,
    edit_variant,
    fill_matrix,
    load_variant,
    remove_barcode,
    set_options,
)
from serai.console.desk import AtDesk, not_found
from serai.console.form import note_refusal, parse_uuid, read_form
from serai.console.product import PATH, show_details
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _

AnyRequest = Request[Any, Any, Any]
MAX_OPTIONS = 3
COMMA = re.compile(r"[,，、;；]")


def read_version(text: str) -> int:
    """The version in a form; one that is none never fits."""
    return int(text) if text.isdecimal() and len(text) < 10 else 0


@post("/products/{product_id:str}/options", status_code=200)
async def save_options(request: AnyRequest, desk: AtDesk, product_id: FromPath[str]) -> Response[Any]:
    """Set what the variants differ in; with ``fill`` every combination gets a variant."""
    desk.require("product.write")
    form = read_form("options", await request.form())
    wanted = parse_uuid(product_id)
    if wanted is None:
        raise not_found()
    options = []
    for place in range(MAX_OPTIONS):
        name = form.values.get(f"name_{place}", "")
        values = [v.strip() for v in COMMA.split(form.values.get(f"values_{place}", "")) if v.strip()]
        if name or values:
            options.append(ProductOption(name, tuple(values)))
    fill = form.values.get("fill") == "1"
    if fill:
        desk.require("price.write")

    async def effect(tx: Transaction) -> dict[str, int]:
        product = await set_options(
            tx,
            product_id=wanted,
            version=read_version(form.values.get("version", "")),
            options=options,
            by=desk.by,
        )
        if fill:
            product = await fill_matrix(
                tx, product_id=wanted, version=product.version, by=desk.by, price_minor=None
            )
        return {"variants": len(product.variants)}

    try:
        reply = await desk.do_once(f"product.options.{wanted}", form, effect)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        return await show_details(desk, product_id, option_form=form, status_code=error.status)
    return desk.go(
        f"{PATH}/{product_id}#variants",
        _("The product has %(count)s variants now."),
        count=reply.body["variants"],
    )


@post("/products/{product_id:str}/variants/{sku_id:str}", status_code=200)
async def save_variant(
    request: AnyRequest, desk: AtDesk, product_id: FromPath[str], sku_id: FromPath[str]
) -> Response[Any]:
    """Change one variant."""
    desk.require("product.write")
    variant_id, owner_id = parse_uuid(sku_id), parse_uuid(product_id)
    if variant_id is None or owner_id is None:
        raise not_found()
    form = read_form(f"variant-{variant_id}", await request.form())
    unit, _dash, scale = form.values.get("measure", "").partition("-")
    increment = form.values.get("increment", "")
    edit = VariantEdit(
        gtin=form.values.get("gtin"),
        content_text=form.values.get("content_text"),
        unit=unit or None,
        scale=int(scale) if scale.isdecimal() and len(scale) == 1 else None,
        increment=int(increment) if increment.isdecimal() and len(increment) < 8 else 0,
        active=form.values.get("active") == "1",
    )

    async def effect(tx: Transaction) -> dict[str, str]:
        await edit_variant(
            tx,
            sku_id=variant_id,
            version=read_version(form.values.get("version", "")),
            edit=edit,
            by=desk.by,
        )
        return {}

    try:
        await desk.do_once(f"variant.edit.{variant_id}", form, effect)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        return await show_details(desk, product_id, variant_form=(variant_id, form), status_code=error.status)
    return desk.go(f"{PATH}/{product_id}#variants", _("Saved."))


@post("/products/{product_id:str}/variants/{sku_id:str}/barcodes", status_code=200)
async def save_barcode(
    request: AnyRequest, desk: AtDesk, product_id: FromPath[str], sku_id: FromPath[str]
) -> Response[Any]:
    """Give a variant a further barcode, or with ``drop`` take one off."""
    desk.require("product.write")
    variant_id, owner_id = parse_uuid(sku_id), parse_uuid(product_id)
    if variant_id is None or owner_id is None:
        raise not_found()
    form = read_form(f"codes-{variant_id}", await request.form())
    dropped = form.values.get("drop", "")

    async def effect(tx: Transaction) -> dict[str, str]:
        if (await load_variant(tx, sku_id=variant_id)).product_id != owner_id:
            raise not_found()
        if dropped:
            await remove_barcode(tx, sku_id=variant_id, gtin=dropped, by=desk.by)
        else:
            await add_barcode(tx, sku_id=variant_id, gtin=form.values.get("gtin", ""), by=desk.by)
        return {}

    try:
        await desk.do_once(f"variant.barcode.{variant_id}", form, effect)
    except Refused as error:
        form.values.setdefault("gtin", "")
        note_refusal(form, error, desk.explain(error))
        return await show_details(desk, product_id, code_form=(variant_id, form), status_code=error.status)
    message = _("The barcode is taken off.") if dropped else _("The barcode is added.")
    return desk.go(f"{PATH}/{product_id}#variants", message)
