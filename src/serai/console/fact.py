"""What is said of one product beyond its text: values of attributes, tags, and the channels it is shown on."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.catalogue.api import (
    CHANNELS,
    Attribute,
    Product,
    Variant,
    find_product,
    list_attributes,
    load_channels,
    set_channels,
    set_facts,
    set_variant_facts,
    show_value,
)
from serai.commerce.catalogue.types import AttributeValue
from serai.console.channel import CHANNEL_NAMES
from serai.console.desk import AtDesk, Desk, not_found
from serai.console.form import Form, fill_form, note_refusal, parse_uuid, read_form
from serai.console.merge import Difference, apply_choices, merge_edits, pack_base
from serai.console.product import PATH
from serai.console.variant import COMMA, read_version
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _

AnyRequest = Request[Any, Any, Any]


class FactField(msgspec.Struct, frozen=True):
    """An attribute as a field of the form; ``choices`` are (value, label), ``general`` is what the product says."""

    name: str
    label: str
    kind: str
    unit: str
    choices: tuple[tuple[str, str], ...]
    general: str = ""


def show_typed(value: AttributeValue | None) -> str:
    """A value as its field holds it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def read_typed(attribute: Attribute, text: str) -> AttributeValue | None:
    """A value from its field; None for an empty one. What makes no sense is left to the catalogue to refuse."""
    if not text:
        return None
    if attribute.kind == "boolean" and text in ("yes", "no"):
        return text == "yes"
    return text.replace(",", ".") if attribute.kind == "number" else text


def build_fields(
    desk: Desk, attributes: Sequence[Attribute], general: Mapping[str, AttributeValue]
) -> list[FactField]:
    """The fields of some attributes, in the reader's words."""
    yes_no = (("yes", desk.say(_("Yes"))), ("no", desk.say(_("No"))))
    fields = []
    for each in attributes:
        choices: tuple[tuple[str, str], ...] = ()
        if each.kind == "choice":
            choices = tuple((value, show_value(each, value, desk.locale)) for value in each.choices)
        elif each.kind == "boolean":
            choices = yes_no
        shown = show_value(each, general[each.code], desk.locale) if each.code in general else ""
        fields.append(
            FactField(
                f"attribute_{each.code}",
                each.label(desk.locale),
                each.kind,
                each.unit,
                choices,
                dict(choices).get(shown, shown),
            )
        )
    return fields


def fill_facts(
    prefix: str, values: Mapping[str, AttributeValue], codes: Sequence[str], **more: object
) -> Form:
    """The form of some attributes' values."""
    typed = {f"attribute_{code}": show_typed(values.get(code)) for code in codes}
    return fill_form(prefix, **typed, **more)


async def load_parts(desk: Desk, product_id: str) -> tuple[Product, list[Attribute], list[Attribute]]:
    """A product, the attributes of its category with those it has values of, and all others."""
    wanted = parse_uuid(product_id)
    async with desk.reading() as tx:
        product = await find_product(tx, product_id=wanted, published=None) if wanted else None
        if product is None:
            raise not_found()
        everything = await list_attributes(tx)
        due = await list_attributes(tx, category_id=product.category_id)
    used = set(product.attributes).union(*(v.attributes for v in product.variants))
    codes = {each.code for each in due}
    due += [each for each in everything if each.code in used and each.code not in codes]
    codes |= used
    return product, due, [each for each in everything if each.code not in codes]


async def show_page(
    desk: Desk,
    product_id: str,
    *,
    form: Form | None = None,
    variant_form: tuple[UUID, Form] | None = None,
    channel_form: Form | None = None,
    merge: bool = False,
    status_code: int = 200,
) -> Response[str]:
    """The page with one of its forms as it was sent; ``merge`` brings the first one up to what was saved meanwhile."""
    product, due, others = await load_parts(desk, product_id)
    codes = [each.code for each in [*due, *others]]
    fresh = fill_facts(
        "facts", product.attributes, codes, tags=", ".join(product.tags), version=product.version
    )
    labels = {f"attribute_{each.code}": each.label(desk.locale) for each in [*due, *others]}
    labels["tags"] = desk.say(_("Tags"))
    differences: list[Difference] = []
    if merge and form is not None:
        names = {value: label for field in build_fields(desk, due, {}) for value, label in field.choices}
        differences = merge_edits(form, saved=fresh.values, labels=labels, names=names)
        form.values["version"] = fresh.values["version"]
    async with desk.reading() as tx:
        shown = await load_channels(tx, product=product)
    return desk.page(
        "product_facts.html",
        "product",
        product.label(desk.locale),
        crumbs=[(desk.say(_("Products")), PATH), (product.label(desk.locale), "")],
        status_code=status_code,
        product=product,
        form=form or fresh,
        base=pack_base(fresh.values, labels),
        differences=differences,
        fields=build_fields(desk, due, {}),
        other_fields=build_fields(desk, others, {}),
        variant_parts=[
            (
                variant,
                build_fields(desk, due, product.attributes),
                variant_form[1]
                if variant_form and variant_form[0] == variant.sku_id
                else fill_variant(variant, [each.code for each in due], product.version),
            )
            for variant in (product.variants if len(product.variants) > 1 else ())
        ],
        open_variant=variant_form[0] if variant_form else None,
        channels=[(name, desk.say(CHANNEL_NAMES[name]), shown[name]) for name in ("web", *CHANNELS)],
        channel_form=channel_form or await fill_channels(desk, product, shown),
    )


def fill_variant(variant: Variant, codes: Sequence[str], version: int) -> Form:
    """The form of what is said of one variant alone."""
    return fill_facts(f"facts-{variant.sku_id}", variant.attributes, codes, version=version)


async def fill_channels(desk: Desk, product: Product, shown: Mapping[str, bool]) -> Form:
    """The form of the channels: each follows the web shop, or shows or hides for itself."""
    async with desk.reading() as tx:
        own = await load_channels(tx, product=product, own_only=True)
    stands = {name: ("" if name not in own else "show" if own[name] else "hide") for name in CHANNELS}
    return fill_form("channels", version=product.version, **stands)


@get("/products/{product_id:str}/facts")
async def show_facts(desk: AtDesk, product_id: FromPath[str]) -> Response[str]:
    """The values of a product's attributes, its tags and its channels."""
    desk.require("product.read")
    return await show_page(desk, product_id)


@post("/products/{product_id:str}/facts", status_code=200)
async def save_facts(request: AnyRequest, desk: AtDesk, product_id: FromPath[str]) -> Response[Any]:
    """Save them, unless somebody saved the product after this form was opened: then show both."""
    desk.require("product.write")
    form = read_form("facts", await request.form())
    product, due, others = await load_parts(desk, product_id)
    known = [*due, *others]
    apply_choices(form, [f"attribute_{each.code}" for each in known] + ["tags"])
    tags = [part.strip() for part in COMMA.split(form.values.get("tags", "")) if part.strip()]

    async def effect(tx: Transaction) -> dict[str, int]:
        saved = await set_facts(
            tx,
            product_id=product.product_id,
            version=read_version(form.values.get("version", "")),
            attributes=read_values(form, known),
            tags=tags,
            by=desk.by,
        )
        return {"version": saved.version}

    try:
        await desk.do_once(f"product.facts.{product.product_id}", form, effect)
    except Refused as error:
        is_merge = error.code == "product.edited_meanwhile"
        if not is_merge:
            note_refusal(form, error, desk.explain(error))
        return await show_page(desk, product_id, form=form, merge=is_merge, status_code=error.status)
    return desk.go(f"{PATH}/{product.product_id}/facts", _("Saved."))


def read_values(form: Form, attributes: Sequence[Attribute]) -> dict[str, Any]:
    """The values of the attributes that the form has fields for."""
    return {
        each.code: read_typed(each, form.values[f"attribute_{each.code}"])
        for each in attributes
        if f"attribute_{each.code}" in form.values
    }


@post("/products/{product_id:str}/facts/{sku_id:str}", status_code=200)
async def save_variant_facts(
    request: AnyRequest, desk: AtDesk, product_id: FromPath[str], sku_id: FromPath[str]
) -> Response[Any]:
    """Save what is said of one variant alone; an empty field lets it say what the product says."""
    desk.require("product.write")
    variant_id = parse_uuid(sku_id)
    product, due, _others = await load_parts(desk, product_id)
    if variant_id is None or all(v.sku_id != variant_id for v in product.variants):
        raise not_found()
    form = read_form(f"facts-{variant_id}", await request.form())

    async def effect(tx: Transaction) -> dict[str, int]:
        saved = await set_variant_facts(
            tx,
            sku_id=variant_id,
            version=read_version(form.values.get("version", "")),
            attributes=read_values(form, due),
            by=desk.by,
        )
        return {"version": saved.version}

    try:
        await desk.do_once(f"variant.facts.{variant_id}", form, effect)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        form.values["version"] = str(product.version)
        return await show_page(desk, product_id, variant_form=(variant_id, form), status_code=error.status)
    return desk.go(f"{PATH}/{product.product_id}/facts#variants", _("Saved."))


@post("/products/{product_id:str}/channels", status_code=200)
async def save_channels(request: AnyRequest, desk: AtDesk, product_id: FromPath[str]) -> Response[Any]:
    """Show or hide the product on channels beside the web shop."""
    desk.require("product.write")
    form = read_form("channels", await request.form())
    product, _due, _others = await load_parts(desk, product_id)
    states: dict[str, bool | None] = {"": None, "show": True, "hide": False}
    wanted: dict[str, bool | None] = {
        name: states[form.values[name]] for name in CHANNELS if form.values.get(name) in states
    }

    async def effect(tx: Transaction) -> dict[str, bool]:
        return await set_channels(
            tx,
            product_id=product.product_id,
            version=read_version(form.values.get("version", "")),
            channels=wanted,
            by=desk.by,
        )

    try:
        await desk.do_once(f"product.channels.{product.product_id}", form, effect)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        form.values["version"] = str(product.version)
        return await show_page(desk, product_id, channel_form=form, status_code=error.status)
    return desk.go(f"{PATH}/{product.product_id}/facts#channels", _("Saved."))
