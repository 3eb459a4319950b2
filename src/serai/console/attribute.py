"""What can be said of products: attributes with their kinds and words, and which categories have which."""

import re
from typing import Any, cast
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.catalogue.api import (
    Attribute,
    count_attribute_uses,
    delete_attribute,
    list_attributes,
    list_categories,
    list_category_sets,
    mark_of,
    save_attribute,
    set_category_attributes,
)
from serai.commerce.catalogue.types import AttributeKind
from serai.console.desk import AtDesk, Desk, link, not_found
from serai.console.form import Form, fill_form, note_refusal, read_form
from serai.console.product import list_choices
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _

PATH = "/console/attributes"
AnyRequest = Request[Any, Any, Any]
KINDS = {
    "text": _("Text"),
    "number": _("Number"),
    "choice": _("Choice"),
    "boolean": _("Yes or no"),
}
MADE_CODE = re.compile(r"[^a-z0-9]+")
MAX_POSITION = 10_000


class AttributeRow(msgspec.Struct, frozen=True):
    """An attribute in the list: its kind in words, how many have a value of it, and the categories that name it."""

    attribute: Attribute
    kind: str
    uses: int
    categories: tuple[str, ...]


@get("/attributes")
async def show_attributes(desk: AtDesk) -> Response[str]:
    """All attributes, and the set of one category (``?category=``)."""
    desk.require("product.read")
    slug = desk.query("category")
    async with desk.reading() as tx:
        attributes = await list_attributes(tx)
        uses = await count_attribute_uses(tx)
        sets = await list_category_sets(tx)
        categories = await list_categories(tx)
        chosen = next((c for c in categories if c.slug == slug), None)
    labels = {c.category_id: c.label(desk.locale) for c in categories}
    parents = {c.category_id: c.parent_id for c in categories}
    rows = [
        AttributeRow(
            each,
            desk.say(KINDS[each.kind]),
            uses.get(each.code, 0),
            tuple(labels[at] for at, codes in sets.items() if each.code in codes and at in labels),
        )
        for each in attributes
    ]
    own = set(sets.get(chosen.category_id, ())) if chosen else set()
    inherited: dict[str, str] = {}
    at: UUID | None = parents.get(chosen.category_id) if chosen else None
    while at is not None and at in labels:
        inherited |= dict.fromkeys(sets.get(at, ()), labels[at])
        at = parents.get(at)
    return desk.page(
        "attribute_list.html",
        "product",
        desk.say(_("Attributes")),
        crumbs=[(desk.say(_("Products")), "/console/products"), (desk.say(_("Attributes")), "")],
        rows=rows,
        category=chosen,
        category_label=chosen.label(desk.locale) if chosen else "",
        category_choices=[
            (c.slug, label, len(sets.get(c.category_id, ())))
            for c, label in list_choices(categories, desk.locale)
        ],
        own=own,
        inherited=inherited,
        set_form=fill_form("set"),
    )


@post("/attributes/sets/{slug:str}", status_code=200)
async def save_set(request: AnyRequest, desk: AtDesk, slug: FromPath[str]) -> Response[Any]:
    """Say which attributes the products of a category have."""
    desk.require("product.write")
    sent = await request.form()
    form = read_form("set", sent)
    codes = [str(code) for code in sent.getall("code", []) if isinstance(code, str)]
    async with desk.reading() as tx:
        category = next((c for c in await list_categories(tx) if c.slug == slug), None)
        order = [each.code for each in await list_attributes(tx)]
    if category is None:
        raise not_found()
    form.values["code"] = " ".join(codes)

    async def effect(tx: Transaction) -> dict[str, int]:
        wanted = [code for code in order if code in codes]
        await set_category_attributes(
            tx, category_id=category.category_id, codes=wanted + sorted(set(codes) - set(order)), by=desk.by
        )
        return {"count": len(wanted)}

    back = link(PATH, category=slug) + "#set"
    try:
        await desk.do_once(f"attribute.set.{category.category_id}", form, effect)
    except Refused as error:
        return desk.go(back, error.message, tone="bad", **error.data)
    return desk.go(
        back,
        _("The attributes of “%(category)s” are saved."),
        category=category.label(desk.locale),
    )


# ---- One attribute ------------------------------------------------------------------------------------------------


def fill_attribute(attribute: Attribute | None) -> Form:
    """The form of an attribute; choices are lines of ``value = Chinese label``."""
    if attribute is None:
        return fill_form(
            "attribute", code="", name="", name_zh="", kind="text", unit="", choices="", position="", seen=""
        )
    return fill_form(
        "attribute",
        name=attribute.name,
        name_zh=attribute.translations.get("zh_Hans", ""),
        kind=attribute.kind,
        unit=attribute.unit,
        choices="\n".join(
            f"{value} = {labels['zh_Hans']}" if labels.get("zh_Hans") else value
            for value, labels in attribute.choices.items()
        ),
        position=attribute.position,
        filterable="1" if attribute.filterable else "",
        seen=mark_of(attribute),
    )


def read_attribute(desk: Desk, form: Form, code: str, before: Attribute | None) -> Attribute | None:
    """The attribute that a form describes; None with the faults noted. Words in other languages stay as they were."""
    name = " ".join(form.values.get("name", "").split())
    code = code or MADE_CODE.sub("_", form.values.get("code", "").strip().lower()).strip("_")
    if not name:
        form.errors["name"] = desk.say(_("Please give a name."))
    if not code or not code[0].isalpha():
        form.errors["code"] = desk.say(
            _("Please give a code that begins with a letter, such as roast_level.")
        )
    kind = form.values.get("kind", "")
    if kind not in KINDS:
        form.errors["kind"] = desk.say(_("Please choose a kind."))
    choices = read_choices(form.values.get("choices", ""), before) if kind == "choice" else {}
    if kind == "choice" and not choices:
        form.errors["choices"] = desk.say(_("Please give at least one value to choose from."))
    position = form.values.get("position", "") or "0"
    if (
        not position.isdecimal()
        or not position.isascii()
        or len(position) > 5
        or int(position) > MAX_POSITION
    ):
        form.errors["position"] = desk.say(_("Please give a whole number up to %(most)s."), most=MAX_POSITION)
    if form.errors:
        return None
    translations = with_word(before.translations if before else {}, form.values.get("name_zh", ""))
    return Attribute(
        code,
        cast(AttributeKind, kind),
        name,
        translations,
        form.values.get("unit", "") if kind == "number" else "",
        choices,
        int(position),
        form.values.get("filterable") == "1" and kind != "text",
    )


def with_word(words: dict[str, str], chinese: str) -> dict[str, str]:
    """Translations with another Chinese one, or none."""
    rest = {locale: text for locale, text in words.items() if locale != "zh_Hans"}
    chinese = " ".join(chinese.split())
    return {**rest, "zh_Hans": chinese} if chinese else rest


def read_choices(text: str, before: Attribute | None) -> dict[str, dict[str, str]]:
    """Choices from lines of ``value = label``."""
    known = before.choices if before else {}
    found: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        value, _sign, label = line.replace("＝", "=").partition("=")
        value = " ".join(value.split())
        if value:
            found[value] = with_word(known.get(value, {}), label)
    return found


async def _show_form(
    desk: Desk, form: Form, attribute: Attribute | None, status_code: int = 200
) -> Response[str]:
    uses = 0
    if attribute:
        async with desk.reading() as tx:
            uses = (await count_attribute_uses(tx)).get(attribute.code, 0)
    title = attribute.label(desk.locale) if attribute else desk.say(_("New attribute"))
    return desk.page(
        "attribute.html",
        "product",
        title,
        crumbs=[
            (desk.say(_("Products")), "/console/products"),
            (desk.say(_("Attributes")), PATH),
            (title, ""),
        ],
        status_code=status_code,
        form=form,
        attribute=attribute,
        uses=uses,
        kind_choices=[(kind, desk.say(label)) for kind, label in KINDS.items()],
        delete_form=fill_form("delete"),
    )


async def _load(desk: Desk, code: str) -> Attribute:
    async with desk.reading() as tx:
        found = next((each for each in await list_attributes(tx) if each.code == code), None)
    if found is None:
        raise not_found()
    return found


@get("/attributes/new")
async def show_new(desk: AtDesk) -> Response[str]:
    """The empty form."""
    desk.require("product.write")
    return await _show_form(desk, fill_attribute(None), None)


@get("/attributes/{code:str}")
async def show_attribute(desk: AtDesk, code: FromPath[str]) -> Response[str]:
    """One attribute."""
    desk.require("product.read")
    attribute = await _load(desk, code)
    return await _show_form(desk, fill_attribute(attribute), attribute)


@post("/attributes/new", status_code=200)
async def add(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Define an attribute."""
    desk.require("product.write")
    return await _save(desk, read_form("attribute", await request.form()), "", None)


@post("/attributes/{code:str}", status_code=200)
async def save(request: AnyRequest, desk: AtDesk, code: FromPath[str]) -> Response[Any]:
    """Define an attribute anew, or with ``what=delete`` take it away."""
    desk.require("product.write")
    form = read_form("attribute", await request.form())
    attribute = await _load(desk, code)
    if form.values.get("what") == "delete":
        return await _delete(desk, form, attribute)
    return await _save(desk, form, code, attribute)


async def _save(desk: Desk, form: Form, code: str, before: Attribute | None) -> Response[Any]:
    wanted = read_attribute(desk, form, code, before)
    if wanted is None:
        return await _show_form(desk, form, before, 422)
    seen = form.values.get("seen", "")

    async def effect(tx: Transaction) -> dict[str, str]:
        return {"code": (await save_attribute(tx, attribute=wanted, by=desk.by, seen=seen)).code}

    try:
        await desk.do_once(f"attribute.save.{wanted.code}", form, effect)
    except Refused as error:
        if error.code == "attribute.edited_meanwhile":
            if before is None:
                form.errors["code"] = desk.say(_("There is an attribute with this code already."))
                return await _show_form(desk, form, None, error.status)
            # Looked at again from here on: sending once more is a decision.
            form.values["seen"] = mark_of(before)
            form.errors[""] = desk.say(
                _("Somebody changed this attribute after you opened it. It reads now: %(text)s."),
                text=tell_attribute(desk, before),
            )
        else:
            note_refusal(form, error, desk.explain(error))
        return await _show_form(desk, form, before, error.status)
    return desk.go(PATH, _("The attribute “%(name)s” is saved."), name=wanted.name)


def tell_attribute(desk: Desk, attribute: Attribute) -> str:
    """A definition in a line, for whoever is about to overwrite it."""
    parts = [attribute.name, desk.say(KINDS[attribute.kind]), attribute.unit, ", ".join(attribute.choices)]
    return " · ".join(part for part in parts if part)


async def _delete(desk: Desk, form: Form, attribute: Attribute) -> Response[Any]:
    async def effect(tx: Transaction) -> dict[str, str]:
        await delete_attribute(tx, code=attribute.code, by=desk.by)
        return {}

    try:
        await desk.do_once(f"attribute.delete.{attribute.code}", form, effect)
    except Refused as error:
        return desk.go(f"{PATH}/{attribute.code}", error.message, tone="bad", **error.data)
    return desk.go(PATH, _("The attribute “%(name)s” is gone."), name=attribute.name)
