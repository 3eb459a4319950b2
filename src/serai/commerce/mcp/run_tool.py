"""What each tool does: the operations of the other protocols, with the same limits, answered in plain words and numbers."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.agent import api
from serai.commerce.agent.types import Buyer, Change, Credential, Destination, Problem, Stand
from serai.commerce.catalogue.api import find_product, list_hidden, search_products
from serai.commerce.mcp.describe_tools import (
    CartEdit,
    CheckoutEdit,
    CheckoutRef,
    Completion,
    NewCart,
    OrderRef,
    ProductRef,
    Search,
)
from serai.foundation.errors import Conflict, NotFound, _
from serai.foundation.ids import new_id

ADDRESS = "address"
SHORT = 300


async def run_tool(caller: api.AgentCaller, name: str, takes: Any) -> dict[str, Any]:
    """Do what a tool is for, with arguments that were checked. Raises whatever the operation refuses."""
    return await RUNNERS[name](caller, takes)


async def _search(caller: api.AgentCaller, takes: Search) -> dict[str, Any]:
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        found = await search_products(
            tx,
            query=takes.words,
            min_minor=takes.min_price_minor,
            max_minor=takes.max_price_minor,
            cursor=takes.cursor,
            limit=takes.limit,
        )
        cards = found.page.items
        hidden = await list_hidden(tx, product_ids=[card.product_id for card in cards], channel="agent")
    products = [
        {
            "product_id": str(card.product_id),
            "item": card.sku or str(card.sku_id),
            "title": card.title,
            "brand": card.brand,
            "price_minor": card.price_minor,
            "currency": card.currency,
            "variants": card.variant_count,
            "url": f"{caller.base_url}/p/{card.slug}",
        }
        for card in cards
        if card.product_id not in hidden and card.sku_id is not None
    ]
    return {"products": products, "searched_for": found.query, "next_cursor": found.page.next_cursor}


async def _product(caller: api.AgentCaller, takes: ProductRef) -> dict[str, Any]:
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        product = await find_product(tx, product_id=takes.product_id, published=True)
        hidden = await list_hidden(tx, product_ids=[takes.product_id], channel="agent")
    if product is None or hidden:
        raise NotFound("product.unknown", _("There is no such product."))
    return {
        "product_id": str(product.product_id),
        "title": product.title,
        "brand": product.brand,
        "description": product.description[:2000],
        "variants": [
            {
                "item": variant.sku,
                "option": variant.option,
                "price_minor": variant.price_minor,
                "currency": variant.currency,
                "unit": variant.unit,
            }
            for variant in product.variants
            if variant.active
        ],
        "url": f"{caller.base_url}/p/{product.slug}",
    }


async def _create(caller: api.AgentCaller, takes: NewCart) -> dict[str, Any]:
    change = Change(lines=tuple((line.item, line.quantity) for line in takes.lines))
    stand = await api.open_session(
        caller.commerce, caller.merchant_id, agent=caller.agent, protocol="mcp", key=new_id(), change=change
    )
    return show_stand(stand, caller.base_url)


async def _update(caller: api.AgentCaller, takes: CartEdit) -> dict[str, Any]:
    change = Change(
        lines=None if takes.lines is None else tuple((line.item, line.quantity) for line in takes.lines),
        codes=None if takes.codes is None else tuple(takes.codes),
    )
    return show_stand(await _change(caller, takes.checkout_id, change), caller.base_url)


async def _change(caller: api.AgentCaller, session_id: UUID, change: Change) -> Stand:
    return await api.update_session(
        caller.commerce, caller.merchant_id, agent=caller.agent, session_id=session_id, change=change
    )


async def _load(caller: api.AgentCaller, session_id: UUID) -> Stand:
    return await api.load_stand(
        caller.commerce, caller.merchant_id, agent=caller.agent, session_id=session_id
    )


async def _quote(caller: api.AgentCaller, takes: CheckoutRef) -> dict[str, Any]:
    stand = await _load(caller, takes.checkout_id)
    shown = show_stand(stand, caller.base_url)
    pricing = stand.quote.pricing if stand.quote else None
    shown["reasons"] = [
        {"promotion": each.name, "outcome": each.code} for each in (pricing.reasons if pricing else ())
    ]
    return shown


async def _checkout(caller: api.AgentCaller, takes: CheckoutEdit) -> dict[str, Any]:
    to = Destination(
        destination_id=ADDRESS,
        name=takes.buyer.name,
        phone=takes.buyer.phone,
        line1=takes.address.line1,
        line2=takes.address.line2,
        city=takes.address.city,
        region=takes.address.region,
        postcode=takes.address.postcode,
        country=takes.address.country.strip().upper(),
    )
    change = Change(
        buyer=Buyer(email=takes.buyer.email, full_name=takes.buyer.name, phone=takes.buyer.phone),
        has_shipping=True,
        destinations=(to,),
        destination_id=ADDRESS,
        option_code=takes.delivery_option or None,
    )
    stand = await _change(caller, takes.checkout_id, change)
    codes = [option.code for option in stand.options]
    if codes and stand.session.content.option_code not in codes and not takes.delivery_option:
        stand = await _change(caller, takes.checkout_id, Change(option_code=codes[0]))
    return show_stand(stand, caller.base_url)


async def _complete(caller: api.AgentCaller, takes: Completion) -> dict[str, Any]:
    stand = await _load(caller, takes.checkout_id)
    if stand.session.state == "open" and stand.is_ready and stand.total_minor != takes.expected_total_minor:
        raise Conflict(
            "checkout.changed",
            _("Prices or availability have changed. Please look at your order again; nothing was charged."),
            expected_minor=takes.expected_total_minor,
            total_minor=stand.total_minor,
        )
    credential = Credential("token", takes.payment_token) if takes.payment_token else None
    done = await api.complete_session(
        caller.commerce,
        caller.merchant_id,
        agent=caller.agent,
        session_id=takes.checkout_id,
        credential=credential,
        base_url=caller.base_url,
    )
    return show_stand(done, caller.base_url)


async def _order(caller: api.AgentCaller, takes: OrderRef) -> dict[str, Any]:
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        order, mark, session = await api.load_placed(tx, agent=caller.agent, order_id=takes.order_id)
    return {
        "order_id": str(order.order_id),
        "number": order.number,
        "state": order.state,
        "placed_at": order.placed_at.isoformat(),
        "checkout_id": str(mark.session_id),
        "lines": [
            {"title": line.title, "quantity": line.quantity, "net_minor": line.net_minor}
            for line in order.lines
        ],
        "delivery": session.content.option_title,
        "tracking": order.tracking,
        "total_minor": order.total_minor,
        "refunded_minor": order.refunded_minor,
        "currency": order.currency,
        "url": caller.base_url + api.order_path(caller.commerce, order.order_id),
    }


async def _cancel(caller: api.AgentCaller, takes: CheckoutRef) -> dict[str, Any]:
    stand = await api.cancel_session(
        caller.commerce, caller.merchant_id, agent=caller.agent, session_id=takes.checkout_id
    )
    return show_stand(stand, caller.base_url)


def _show_problem(problem: Problem) -> dict[str, Any]:
    return {"code": problem.code, "text": problem.text, "blocks": problem.is_error}


def show_stand(stand: Stand, base_url: str) -> dict[str, Any]:
    """A checkout for a model: amounts in minor units, and what is missing in words."""
    session = stand.session
    states = {"open": "ready" if stand.is_ready else "incomplete", "placed": "awaiting_payment"}
    shown: dict[str, Any] = {
        "checkout_id": str(session.session_id),
        "state": states.get(session.state, session.state),
        "currency": stand.currency,
        "lines": [
            {
                "item": item.item_id,
                "title": item.title[:SHORT],
                "quantity": item.quantity,
                "price_minor": item.price_minor,
                "total_minor": item.total_minor,
                "discount_minor": item.discount_minor,
            }
            for item in stand.items
        ],
        "discounts": [
            {"title": each.title, "amount_minor": each.amount_minor, "code": each.code}
            for each in stand.discounts
        ],
        "delivery_options": [msgspec.to_builtins(option) for option in stand.options],
        "delivery_option": session.content.option_code,
        "items_minor": stand.items_minor,
        "discount_minor": stand.discount_minor,
        "delivery_minor": stand.shipping_minor,
        "tax_minor": stand.tax_minor,
        "total_minor": stand.total_minor,
        "messages": [_show_problem(each) for each in stand.problems],
    }
    if session.order_id is not None and session.state in ("placed", "completed"):
        shown |= {
            "order_id": str(session.order_id),
            "order_number": stand.order_number,
            "order_url": base_url + stand.order_url,
        }
    if stand.pay_url:
        shown["pay_url"] = stand.pay_url
    return shown


Runner = Callable[[api.AgentCaller, Any], Awaitable[dict[str, Any]]]
RUNNERS: dict[str, Runner] = {
    "search_products": _search,
    "get_product": _product,
    "create_cart": _create,
    "update_cart": _update,
    "get_quote": _quote,
    "create_checkout": _checkout,
    "complete_checkout": _complete,
    "get_order": _order,
    "cancel_checkout": _cancel,
}
