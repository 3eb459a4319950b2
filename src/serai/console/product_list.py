"""The list of products, and adding one to it."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.catalogue.api import (
    CHANNELS,
    copy_product,
    count_products,
    create_product,
    find_category,
    list_categories,
    list_channel_products,
    list_products,
    load_product,
    parse_content,
)
from serai.commerce.catalogue.types import NewProduct
from serai.console.channel import list_channels, tell_channels
from serai.console.desk import AtDesk, Desk, link, not_found
from serai.console.form import Form, fill_form, note_refusal, parse_uuid, read_form, take_amount, take_text
from serai.console.product import PATH, explain_amount, list_choices, take_details
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, Refused, _

PAGE_SIZE = 50
COUNT_LIMIT = 10_000
SORTS = ("relevance", "title", "price", "-price", "newest")
AnyRequest = Request[Any, Any, Any]


def join_query(address: str) -> str:
    """The address, ready for one more parameter."""
    return f"{address}{'&' if '?' in address else '?'}"


def list_shown(desk: Desk) -> list[tuple[str, str]]:
    """Whether products are in the shop, as choices."""
    return [
        ("", desk.say(_("In the shop or not"))),
        ("yes", desk.say(_("Published"))),
        ("no", desk.say(_("Not published"))),
    ]


@get("/products")
async def show_products(desk: AtDesk) -> Response[str]:
    """The list: searched, filtered, sorted, paged by cursor; all of it in the address."""
    desk.require("product.read")
    query, slug, cursor = desk.query("q"), desk.query("category"), desk.query("cursor")
    shown = desk.query("shown", ("", "yes", "no"))
    sort = desk.query("sort", SORTS)
    channel = desk.query("channel", ("", *CHANNELS))
    published = {"yes": True, "no": False}.get(shown)
    async with desk.reading() as tx:
        categories = await list_categories(tx)
        category = await find_category(tx, slug=slug) if slug else None
        category_id = category.category_id if category else None
        wanted: dict[str, Any] = {"category_id": category_id, "query": query, "cursor": cursor or None}
        wanted |= {"sort": sort, "limit": PAGE_SIZE}
        if channel:
            # Whether the web shop has them is no question here, and they are not counted.
            shown, count = "", None
            page = await list_channel_products(tx, channel=channel, **wanted)
        else:
            page = await list_products(tx, published=published, **wanted)
            count = await count_products(
                tx, category_id=category_id, query=query, published=published, limit=COUNT_LIMIT
            )
        channel_notes = await tell_channels(tx, desk, [card.product_id for card in page.items])
    kept = {"q": query, "category": category.slug if category else "", "shown": shown, "sort": sort}
    kept["channel"] = channel
    if sort == SORTS[0]:
        kept["sort"] = ""
    return desk.page(
        "product_list.html",
        "product",
        desk.say(_("Products")),
        rows=page.items,
        count=count,
        count_capped=(count or 0) >= COUNT_LIMIT,
        channel=channel,
        channel_choices=list_channels(desk),
        channel_notes=channel_notes,
        query=query,
        category=category.slug if category else "",
        category_choices=[(c.slug, label) for c, label in list_choices(categories, desk.locale)],
        shown=shown,
        shown_choices=list_shown(desk),
        sort=sort,
        sort_choices=[
            ("relevance", desk.say(_("Best match first") if query else _("Best sellers first"))),
            ("title", desk.say(_("By title"))),
            ("price", desk.say(_("Cheapest first"))),
            ("-price", desk.say(_("Dearest first"))),
            ("newest", desk.say(_("Newest first"))),
        ],
        bulk_categories=[(c.category_id, label) for c, label in list_choices(categories, desk.locale)],
        export_href=join_query(
            link(f"{PATH}/export", **{n: v for n, v in kept.items() if n not in ("sort", "channel")})
        ),
        first_href=link(PATH, **kept) if cursor else "",
        next_href=link(PATH, **kept, cursor=page.next_cursor) if page.next_cursor else "",
    )


# ---- A new product ------------------------------------------------------------------------------------------------


async def _show_new(desk: Desk, form: Form, status_code: int = 200) -> Response[str]:
    async with desk.reading() as tx:
        categories = await list_categories(tx)
    return desk.page(
        "product_new.html",
        "product",
        desk.say(_("New product")),
        crumbs=[(desk.say(_("Products")), PATH), (desk.say(_("New product")), "")],
        status_code=status_code,
        form=form,
        category_choices=[(c.category_id, label) for c, label in list_choices(categories, desk.locale)],
    )


@get("/products/new")
async def show_new_product(desk: AtDesk) -> Response[str]:
    """The empty form."""
    desk.require("product.write")
    fields = (
        "title",
        "brand",
        "category_id",
        "sku",
        "gtin",
        "price",
        "content_text",
        "description",
        "published",
    )
    return await _show_new(desk, fill_form("new", **dict.fromkeys(fields, "")))


@post("/products/new", status_code=200)
async def add_product(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Make a product with one variant and its first price."""
    desk.require("product.write")
    desk.require("price.write")
    form = read_form("new", await request.form())
    texts = take_details(desk, form)
    sku = take_text(
        form,
        "sku",
        limit=60,
        missing=desk.say(_("Please give a SKU.")),
        too_long=desk.say(_("A SKU has at most 60 characters.")),
    )
    price_minor = take_amount(
        form, "price", desk.merchant.currency, wrong=explain_amount(desk), positive=False
    )
    category_id = parse_uuid(form.values.get("category_id", ""))
    if category_id is None:
        form.errors["category_id"] = desk.say(_("Please choose a category."))
    if form.errors or category_id is None:
        return await _show_new(desk, form, 422)
    product = NewProduct(
        title=texts["title"],
        sku=sku,
        category_id=category_id,
        price_minor=price_minor,
        currency=desk.merchant.currency,
        brand=texts["brand"],
        description=texts["description"],
        gtin=texts["gtin"] or None,
        content=parse_content(texts["content_text"]),
        published=form.values.get("published") == "1",
    )

    async def effect(tx: Transaction) -> dict[str, str]:
        made = await create_product(tx, product=product, by=desk.by)
        return {"product_id": str(made.product_id)}

    try:
        reply = await desk.do_once("product.create", form, effect)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        return await _show_new(desk, form, error.status)
    return desk.go(f"{PATH}/{reply.body['product_id']}", _("“%(title)s” is added."), title=product.title)


@post("/products/{product_id:str}/copy", status_code=303)
async def copy(request: AnyRequest, desk: AtDesk, product_id: FromPath[str]) -> Response[Any]:
    """Make a product like another one, to be changed from there."""
    desk.require("product.write")
    desk.require("price.write")
    form, wanted = read_form("copy", await request.form()), parse_uuid(product_id)
    if wanted is None:
        raise not_found()

    async def effect(tx: Transaction) -> dict[str, str]:
        old = await load_product(tx, product_id=wanted)
        title = desk.say(_("%(name)s (copy)"), name=old.title)[:200]
        return {
            "product_id": str((await copy_product(tx, product_id=wanted, title=title, by=desk.by)).product_id)
        }

    try:
        reply = await desk.do_once(f"product.copy.{wanted}", form, effect)
    except NotFound as error:
        raise not_found() from error
    except Refused as error:
        return desk.go(f"{PATH}/{wanted}", error.message, tone="bad", **error.data)
    return desk.go(
        f"{PATH}/{reply.body['product_id']}",
        _("This is the copy, not published yet. Photographs and barcodes stayed with the other one."),
    )
