"""Words at the console: which mean the same, which products come first for a search, and what shoppers then see."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from serai.commerce.catalogue.api import ProductCard, find_cards, list_products, search_products
from serai.commerce.search import api as search
from serai.console.desk import AtDesk, Desk, link
from serai.console.form import Form, fill_form, note_refusal, parse_uuid, read_form
from serai.console.variant import COMMA
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _

PATH = "/console/search-words"
PERMISSION = "product.write"
AnyRequest = Request[Any, Any, Any]
TRIED = 10
FOUND_SHOWN = 8


class Tried(msgspec.Struct, frozen=True):
    """What a shopper would see for a query: how its words are widened, how many are found, and the first of them."""

    query: str
    widened: tuple[tuple[str, tuple[str, ...]], ...]
    total: int
    pinned: int
    cards: tuple[ProductCard, ...]
    instead_of: str | None
    meant: str | None


def tell_language(text: str) -> str:
    """In which language a word holds: it is told by its script."""
    return "zh" if any("\u2e80" <= sign <= "\u9fff" for sign in text) else "latin"


async def try_query(tx: Transaction, query: str) -> Tried | None:
    """What the shop's own search does with a query."""
    if not query:
        return None
    found = await search_products(tx, query=query, limit=TRIED)
    prepared = await search.prepare_query(tx, found.query)
    terms = [term.text for term in prepared.terms] if prepared else []
    meanings = await search.load_meanings(tx, terms=terms) if terms else {}
    return Tried(
        found.query,
        tuple((term, tuple(meanings.get(term, ()))) for term in terms),
        found.facets.total,
        found.pinned,
        found.page.items,
        found.instead_of,
        found.meant,
    )


def fill_synonym(synonym: search.Synonym | None) -> Form:
    """The form of a word and what it also finds."""
    if synonym is None:
        return fill_form("synonym", term="", also_means="", both_ways="1", seen="")
    meant = ", ".join(synonym.also_means)
    return fill_form(
        "synonym",
        term=synonym.typed,
        also_means=meant,
        both_ways="1" if synonym.both_ways else "0",
        seen="\n".join(synonym.also_means),
    )


def fill_pin(pin: search.Pin | None, query: str = "") -> Form:
    """The form of what comes first for a query."""
    order = " ".join(str(each) for each in pin.product_ids) if pin else ""
    return fill_form("pin", query=pin.typed if pin else query, order=order, seen=order, goods="")


def read_order(text: str) -> list[UUID]:
    """Product ids between spaces, each once."""
    ids = [parse_uuid(part) for part in text.split()[:60]]
    return list(dict.fromkeys(each for each in ids if each is not None))


async def show_page(
    desk: Desk,
    *,
    synonym_form: Form | None = None,
    pin_form: Form | None = None,
    searched: bool = False,
    status_code: int = 200,
) -> Response[str]:
    """The page with one of its forms as it was sent."""
    query, word, pinned = desk.query("q"), desk.query("word"), desk.query("pin")
    async with desk.reading() as tx:
        synonyms = await search.list_synonyms(tx)
        pins = await search.list_pins(tx)
        tried = await try_query(tx, query)
        if synonym_form is None:
            synonym_form = fill_synonym(next((each for each in synonyms if each.term == word), None))
        if pin_form is None:
            pin_form = fill_pin(next((each for each in pins if each.term == pinned), None), query)
        ids = read_order(pin_form.values.get("order", ""))
        cards = {card.product_id: card for card in await find_cards(tx, product_ids=ids)}
        named = await find_cards(tx, product_ids=list({each for pin in pins for each in pin.product_ids}))
        goods: Sequence[ProductCard] | None = None
        if searched:
            words = pin_form.values.get("goods", "")
            goods = (await list_products(tx, query=words, limit=FOUND_SHOWN)).items if words else ()
    return desk.page(
        "search_word.html",
        "product",
        desk.say(_("Search words")),
        crumbs=[(desk.say(_("Products")), "/console/products"), (desk.say(_("Search words")), "")],
        status_code=status_code,
        query=query,
        tried=tried,
        synonyms=[(each, tell_language(each.term)) for each in synonyms],
        synonym_form=synonym_form,
        synonym_open=bool(word) or bool(synonym_form.errors),
        pins=pins,
        titles={card.product_id: card.label(desk.locale) for card in named},
        pin_form=pin_form,
        pin_open=bool(pinned) or searched or bool(pin_form.errors) or bool(pin_form.values.get("order")),
        pin_cards=[cards[each] for each in ids if each in cards],
        goods=goods,
    )


@get("/search-words")
async def show_words(desk: AtDesk) -> Response[str]:
    """Words that mean the same, pinned results, and a query (``?q=``) tried as a shopper would."""
    desk.require("product.read")
    return await show_page(desk)


@post("/search-words/synonyms", status_code=200)
async def save_synonym(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Say what a word also finds; nothing (or ``what=delete``) forgets it."""
    desk.require(PERMISSION)
    form = read_form("synonym", await request.form())
    is_gone = form.values.get("what") == "delete"
    meant = [] if is_gone else COMMA.split(form.values.get("also_means", ""))
    term, seen = form.values.get("term", ""), form.values.get("seen")
    if not is_gone and not any(text.strip() for text in meant):
        form.errors["also_means"] = desk.say(_("Please give at least one word."))
        return await show_page(desk, synonym_form=form, status_code=422)

    async def effect(tx: Transaction) -> dict[str, str]:
        await search.set_synonyms(
            tx,
            term=term,
            also_means=meant,
            both_ways=form.values.get("both_ways") == "1",
            by=desk.by,
            seen=None if seen is None else seen.splitlines(),
        )
        return {}

    try:
        await desk.do_once("search.synonym", form, effect)
    except Refused as error:
        if error.code == "search.edited_meanwhile":
            await _look_again(desk, form, term)
        note_refusal(form, error, desk.explain(error))
        return await show_page(desk, synonym_form=form, status_code=error.status)
    message = _("“%(word)s” stands for itself again.") if is_gone else _("The words are saved.")
    return desk.go(link(PATH, q=term), message, word=term)


async def _look_again(desk: Desk, form: Form, term: str) -> None:
    """Let the form know what is saved by now: sending it once more is a decision."""
    folded = search.fold_word(term)
    async with desk.reading() as tx:
        known = next((each for each in await search.list_synonyms(tx) if each.term == folded), None)
    form.values["seen"] = "\n".join(known.also_means) if known else ""
    if known:
        form.errors["also_means"] = desk.say(_("It reads now: %(text)s."), text=", ".join(known.also_means))


@post("/search-words/pins", status_code=200)
async def save_pin(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Save what comes first for a query; or look for goods, take, move or drop one."""
    desk.require(PERMISSION)
    form = read_form("pin", await request.form())
    intent = form.values.pop("intent", "save")
    order = read_order(form.values.get("order", ""))
    what, _colon, which = intent.partition(":")
    chosen = parse_uuid(which)
    if what in ("search", "take", "drop", "up") and (chosen is not None or what == "search"):
        if chosen is not None:
            order = move(order, chosen, what)
        form.values["order"] = " ".join(str(each) for each in order)
        return await show_page(desk, pin_form=form, searched=bool(form.values.get("goods")))
    if what == "delete":
        order = []
    elif not order:
        form.errors["query"] = desk.say(_("Please take at least one product."))
        return await show_page(desk, pin_form=form, status_code=422)
    query, seen = form.values.get("query", ""), form.values.get("seen")

    async def effect(tx: Transaction) -> dict[str, str]:
        kept = None if seen is None else read_order(seen)
        await search.set_pins(tx, query=query, product_ids=order, by=desk.by, seen=kept)
        return {}

    try:
        await desk.do_once("search.pin", form, effect)
    except Refused as error:
        if error.code == "search.edited_meanwhile":
            async with desk.reading() as tx:
                known = await search.find_pin(tx, query=query)
            form.values["seen"] = " ".join(str(each) for each in known.product_ids) if known else ""
        note_refusal(form, error, desk.explain(error))
        return await show_page(desk, pin_form=form, status_code=error.status)
    message = _("Nothing is pinned any more.") if not order else _("These products come first from now on.")
    return desk.go(link(PATH, q=query), message)


def move(order: list[UUID], chosen: UUID, what: str) -> list[UUID]:
    """An order with one product taken in at its end, dropped, or one place further up."""
    rest = [each for each in order if each != chosen]
    if what == "drop":
        return rest
    place = max(0, order.index(chosen) - 1) if what == "up" and chosen in order else len(rest)
    return [*rest[:place], chosen, *rest[place:]]
