"""Questions on the product page: ask, get an answer from the product's facts where they suffice, vote; one's own questions."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from serai.commerce.catalogue import api as catalogue
from serai.commerce.catalogue.types import Product, Variant
from serai.commerce.consultation import api as consultation
from serai.commerce.consultation.types import KnownFact
from serai.commerce.stock import api as stock
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, Refused, _
from serai.foundation.i18n import translate
from serai.foundation.money import format_money
from serai.foundation.pages import request_locale
from serai.storefront import cookie
from serai.storefront.form import Form, read_values
from serai.storefront.member import client_ip, go, load_member, sign_in_first
from serai.storefront.price import load_prices
from serai.storefront.view import (
    Asked,
    Shell,
    ShopFacts,
    database_of,
    facts_of,
    find_signed_in,
    load_shell,
    merchant_id_of,
    merchant_of,
    safe_next,
    show,
)

SHOWN = 20
# A field that people do not see; what fills it in is no person.
TRAP = "website"


async def list_facts(
    request: Asked, tx: Transaction, shell: Shell, product: Product, variant: Variant
) -> list[KnownFact]:
    """All that is known of a product and of buying it, as sentences in the reader's language."""
    locale = request_locale(request)

    def say(message: str, **data: Any) -> str:
        return translate(message, locale, data)

    facts = list_terms(facts_of(request), merchant_of(request).currency, locale)
    if variant.price_minor is not None:
        price = format_money(variant.price_minor, variant.currency, locale)
        price += f" / {variant.unit}" if variant.is_weighed else ""
        facts.append(KnownFact("price", say(_("It costs %(price)s at the moment."), price=price)))
    if variant.unit_price_minor is not None and variant.unit_price_per:
        price = format_money(variant.unit_price_minor, variant.currency, locale)
        text = say(_("That is %(price)s per %(amount)s."), price=price, amount=variant.unit_price_per)
        facts.append(KnownFact("unit_price", text))
    facts += await list_stock_facts(tx, shell, variant, locale)
    if product.brand:
        facts.append(KnownFact("brand", say(_("The brand is %(brand)s."), brand=product.brand)))
    if variant.content_text:
        facts.append(
            KnownFact("content", say(_("The content is %(content)s."), content=variant.content_text))
        )
    if variant.gtin:
        facts.append(KnownFact("gtin", say(_("The barcode (GTIN) is %(gtin)s."), gtin=variant.gtin)))
    category = shell.shelves.find(category_id=product.category_id)
    if category:
        name = category.label(locale)
        facts.append(KnownFact("category", say(_("You find it in the department “%(name)s”."), name=name)))
    values = product.as_variant(variant).attributes
    for attribute in await catalogue.list_attributes(tx) if values else []:
        if attribute.code in values:
            name = attribute.label(locale)
            value = catalogue.show_value(attribute, values[attribute.code], locale)
            keywords = (name, attribute.label("en"), attribute.label("zh_Hans"))
            facts.append(KnownFact(f"attribute:{attribute.code}", f"{name}: {value}.", keywords))
    return facts


def tell_time(terms: ShopFacts, locale: str) -> str:
    """When goods arrive: on which days where the shop promises them."""
    if terms.arrives:
        facts = {"days": terms.arrives, "by": terms.order_by}
        return translate(_("What is ordered now: %(days)s, %(by)s."), locale, facts)
    days = {"low": terms.delivery_days_low, "high": terms.delivery_days_high}
    return translate(_("Delivery takes %(low)s to %(high)s working days."), locale, days)


def list_terms(terms: ShopFacts, currency: str, locale: str) -> list[KnownFact]:
    """Delivery and returns, as the shop's terms have them."""

    def money(minor: int) -> str:
        return format_money(minor, currency, locale)

    if not terms.shipping_minor:
        cost = translate(_("Delivery is free of charge."), locale)
    elif terms.free_shipping_from_minor:
        cost = translate(
            _("Delivery costs %(price)s and is free from %(limit)s on."),
            locale,
            {"price": money(terms.shipping_minor), "limit": money(terms.free_shipping_from_minor)},
        )
    else:
        cost = translate(_("Delivery costs %(price)s."), locale, {"price": money(terms.shipping_minor)})
    return [
        KnownFact("delivery_time", tell_time(terms, locale)),
        KnownFact("delivery_cost", cost),
        KnownFact(
            "returns",
            translate(_("You may return it within %(days)s days."), locale, {"days": terms.return_days}),
        ),
    ]


async def list_stock_facts(tx: Transaction, shell: Shell, variant: Variant, locale: str) -> list[KnownFact]:
    """What is there now, online and in stores."""
    levels = await stock.list_levels(tx, sku_id=variant.sku_id)
    online_id = shell.online.place_id if shell.online else None
    online = sum(level.available for level in levels if level.place_id == online_id)
    stores = [level.place_name for level in levels if level.place_id != online_id and level.available > 0]
    there = (
        translate(_("It is in stock and can be delivered."), locale)
        if online > 0
        else translate(_("It cannot be delivered at the moment: it is sold out online."), locale)
    )
    in_stores = (
        translate(_("These stores have it: %(stores)s."), locale, {"stores": ", ".join(stores[:6])})
        if stores
        else translate(_("No store has it at the moment."), locale)
    )
    return [KnownFact("stock", there), KnownFact("store_stock", in_stores)]


@get("/p/{slug:str}/questions", include_in_schema=False)
async def show_questions(request: Asked, slug: FromPath[str]) -> Response[Any]:
    """All published questions about a product, and the form to ask one."""
    return await _show(request, slug, Form())


async def _show(
    request: Asked, slug: str, form: Form, *, asked: Any = None, status_code: int = 200
) -> Response[Any]:
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        product, _variant = await _load(tx, slug)
        questions = await consultation.list_published(tx, product_id=product.product_id, limit=SHOWN)
    if shell.member and not form.values:
        form.values = {"name": shell.member.name, "email": shell.member.email or ""}
    return show(
        request,
        "questions.html",
        shell=shell,
        status_code=status_code,
        here_url=f"/p/{product.slug}/questions",
        product=product,
        label=product.label(request_locale(request)),
        questions=questions,
        form=form,
        asked=asked,
    )


async def _load(tx: Transaction, slug: str) -> tuple[Product, Variant]:
    product = await catalogue.find_product(tx, slug=slug, published=True)
    variant = next((v for v in product.variants if v.active), None) if product else None
    if product is None or variant is None:
        raise NotFound("product.unknown", _("This product is not sold here (any more)."))
    return product, variant


@post("/p/{slug:str}/questions", include_in_schema=False)
async def ask(request: Asked, slug: FromPath[str]) -> Response[Any]:
    """Ask. The page that answers shows what the facts say, or that staff will write."""
    form = Form(values=await read_values(request))
    locale = request_locale(request)
    form.require("question", _("Please write your question."), locale=locale, limit=consultation.MOST)
    try:
        async with database_of(request).transaction(merchant_id_of(request)) as tx:
            shell = await load_shell(request, tx)
            member = shell.member
            email = (member.email or "") if member else form.require_email("email", locale=locale)
            if not form.is_good or form.values.get(TRAP):
                return await _show(request, slug, form, status_code=422)
            product, variant, _prices = await load_prices(tx, *await _load(tx, slug))
            asked = await consultation.ask_question(
                tx,
                product_id=product.product_id,
                words=form.text("question"),
                email=email,
                name=member.name if member else form.text("name"),
                locale=locale,
                facts=await list_facts(request, tx, shell, product, variant),
                member_id=member.member_id if member else None,
                ip=client_ip(request),
            )
    except Refused as refusal:
        if refusal.status == 404:
            raise
        form.take_refusal(refusal, locale=locale)
        return await _show(request, slug, form, status_code=refusal.status)
    return await _show(request, slug, Form(), asked=asked)


@post("/answers/{answer_id:uuid}/vote", include_in_schema=False)
async def vote(request: Asked, answer_id: FromPath[UUID]) -> Response[Any]:
    """Say whether an answer helped."""
    values = await read_values(request)
    back = safe_next(values.get("next"))
    try:
        async with database_of(request).transaction(merchant_id_of(request)) as tx:
            member = await find_signed_in(request, tx)
            browser = cookie.read_secret(request, cookie.CART) or client_ip(request)
            await consultation.vote_answer(
                tx,
                answer_id=answer_id,
                voter=str(member.member_id) if member else browser,
                helpful=values.get("helpful") == "1",
                ip=client_ip(request),
            )
    except Refused as refusal:
        return go(request, back, refusal.message, "danger", **refusal.data)
    return go(request, back, _("Thank you, that helps others."))


@get("/account/questions", include_in_schema=False)
async def show_own_questions(request: Asked) -> Response[Any]:
    """The member's own questions with their answers."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        if shell.member is None:
            return sign_in_first("/account/questions")
        member = await load_member(request, tx)
        questions = await consultation.list_of_member(tx, member_id=member.member_id)
        cards = await catalogue.find_cards(tx, product_ids=list({q.product_id for q in questions}))
    return show(
        request,
        "question_list.html",
        shell=shell,
        questions=questions,
        cards={card.product_id: card for card in cards},
    )
