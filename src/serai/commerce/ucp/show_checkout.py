"""Checkouts, orders, the shop's profile and refusals in the words of the Universal Commerce Protocol."""

from typing import Any

import msgspec

from serai.commerce.agent.types import AgentOrder, Destination, Item, Session, Stand
from serai.commerce.order.types import Order
from serai.foundation.errors import Refused
from serai.foundation.i18n import translate

VERSION = "2026-01-11"
CAPABILITIES = ("checkout", "order", "discount", "fulfillment", "buyer_consent")
EXTENSIONS = ("discount", "fulfillment", "buyer_consent")
SPEC = "https://ucp.dev/specification"
SCHEMA = "https://ucp.dev/schemas/shopping"
METHOD = "shipping_1"
GROUP = "group_1"
STATES = {"placed": "complete_in_progress", "completed": "completed", "canceled": "canceled"}
# What an agent learns from a refusal's status, by its code; others keep the status of their kind.
STATUSES = {
    "agent.item_unknown": 400,
    "agent.short": 400,
    "checkout.short": 400,
    "agent.incomplete": 400,
    "agent.quantity_invalid": 400,
    "agent.currency": 400,
    "agent.version": 400,
    "agent.body_malformed": 400,
    "agent.fulfillment_type": 400,
    "agent.payment_invalid": 400,
    "agent.payment_declined": 402,
    "payment.token_refused": 402,
    "idempotency.body_differs": 409,
}
ERROR_CODES = {
    "agent.short": "out_of_stock",
    "checkout.short": "out_of_stock",
    "agent.item_unknown": "invalid",
    "agent.incomplete": "missing",
    "agent.payment_declined": "payment_declined",
    "payment.token_refused": "payment_declined",
}
HANDLERS = {
    "mock_payment_handler": ("dev.ucp.mock_payment", {"supported_tokens": ["success_token", "fail_token"]}),
    "google_pay": ("google.pay", {"environment": "TEST"}),
    "shop_pay": ("com.shopify.shop_pay", {"shop_id": "serai-test-shop"}),
}


def list_handlers(*, is_test: bool) -> list[dict[str, Any]]:
    """How a shop can be paid by an agent. Those of others are offered where an agent of tests shops, and nowhere else."""
    names = list(HANDLERS) if is_test else ["mock_payment_handler"]
    return [
        {
            "id": name,
            "name": HANDLERS[name][0],
            "version": VERSION,
            "spec": f"{SPEC}/payment-handler-guide",
            "config_schema": f"{SCHEMA}/types/payment_handler.json",
            "instrument_schemas": [f"{SCHEMA}/types/card_payment_instrument.json"],
            "config": HANDLERS[name][1],
        }
        for name in names
    ]


def show_profile(base_url: str, key: dict[str, str], *, is_test: bool) -> dict[str, Any]:
    """The shop's profile, as at ``/.well-known/ucp``."""
    capabilities = []
    for name in CAPABILITIES:
        entry = {
            "name": f"dev.ucp.shopping.{name}",
            "version": VERSION,
            "spec": f"{SPEC}/{name.replace('_', '-')}",
            "schema": f"{SCHEMA}/{name}.json",
        }
        capabilities.append(
            {**entry, "extends": "dev.ucp.shopping.checkout"} if name in EXTENSIONS else entry
        )
    service = {
        "version": VERSION,
        "spec": f"{SPEC}/overview",
        "rest": {
            "schema": "https://ucp.dev/services/shopping/rest.openapi.json",
            "endpoint": f"{base_url}/ucp/v1",
        },
        "mcp": {
            "schema": "https://ucp.dev/services/shopping/mcp.openrpc.json",
            "endpoint": f"{base_url}/mcp",
        },
    }
    return {
        "ucp": {"version": VERSION, "services": {"dev.ucp.shopping": service}, "capabilities": capabilities},
        "payment": {"handlers": list_handlers(is_test=is_test)},
        "signing_keys": [key],
    }


def _meta(*names: str) -> dict[str, Any]:
    listed = [{"name": f"dev.ucp.shopping.{name}", "version": VERSION} for name in names]
    return {"version": VERSION, "capabilities": listed}


def _total(kind: str, amount: int, text: str = "") -> dict[str, Any]:
    return {"type": kind, "amount": amount, **({"display_text": text} if text else {})}


def show_checkout(stand: Stand, *, base_url: str, is_test: bool) -> dict[str, Any]:
    """A checkout as an agent sees it."""
    session, content = stand.session, stand.session.content
    shown: dict[str, Any] = {
        "ucp": _meta("checkout", "discount", "fulfillment", "buyer_consent"),
        "id": str(session.session_id),
        "status": _status(stand),
        "currency": stand.currency,
        "line_items": [_show_item(item, base_url) for item in stand.items],
        "totals": _show_totals(stand),
        "messages": [_show_problem(each) for each in stand.problems],
        "links": _show_links(base_url),
        "payment": {
            "handlers": list_handlers(is_test=is_test),
            "selected_instrument_id": content.echo.get("selected_instrument_id"),
            "instruments": content.echo.get("instruments", []),
        },
        "discounts": _show_discounts(stand),
    }
    if content.buyer is not None:
        shown["buyer"] = _show_buyer(stand)
    if content.has_shipping:
        shown["fulfillment"] = {"methods": [_show_method(stand)]}
    if stand.pay_url:
        shown["continue_url"] = stand.pay_url
    if stand.order_url and session.state in ("placed", "completed"):
        shown["order"] = {"id": str(session.order_id), "permalink_url": base_url + stand.order_url}
    return shown


def _status(stand: Stand) -> str:
    state = stand.session.state
    if state == "open":
        return "ready_for_complete" if stand.is_ready else "incomplete"
    if state == "placed" and stand.pay_url:
        return "requires_escalation"
    return STATES[state]


def _show_item(item: Item, base_url: str) -> dict[str, Any]:
    totals = [_total("subtotal", item.total_minor)]
    if item.discount_minor:
        totals.append(_total("items_discount", item.discount_minor))
    totals.append(_total("total", item.total_minor - item.discount_minor))
    shown = {"id": item.item_id, "title": item.title, "price": item.price_minor}
    if item.photo:
        shown["image_url"] = f"{base_url}/media/{item.photo}/480.webp"
    return {"id": item.line_id, "item": shown, "quantity": item.quantity, "totals": totals}


def _show_totals(stand: Stand) -> list[dict[str, Any]]:
    totals = [_total("subtotal", stand.items_minor)]
    if stand.discount_minor:
        totals.append(_total("discount", stand.discount_minor))
    if stand.session.order_id or any(
        each.code == stand.session.content.option_code for each in stand.options
    ):
        totals.append(_total("fulfillment", stand.shipping_minor))
    if stand.tax_minor:
        totals.append(_total("tax", stand.tax_minor))
    return [*totals, _total("total", stand.total_minor)]


def _show_problem(problem: Any) -> dict[str, Any]:
    if not problem.is_error:
        return {"type": "warning", "code": problem.code, "path": problem.path, "content": problem.text}
    return {
        "type": "error",
        "code": problem.code,
        "path": problem.path,
        "content": problem.text,
        "severity": "recoverable",
    }


def _show_links(base_url: str) -> list[dict[str, str]]:
    return [
        {"type": "privacy_policy", "url": f"{base_url}/help#privacy"},
        {"type": "terms_of_service", "url": f"{base_url}/help"},
    ]


def _show_discounts(stand: Stand) -> dict[str, Any]:
    applied = []
    positions = {item.line_id: index for index, item in enumerate(stand.items)}
    for each in stand.discounts:
        entry: dict[str, Any] = {"title": each.title, "amount": each.amount_minor, "automatic": not each.code}
        if each.code:
            entry["code"] = each.code
        allocations = [
            {"path": f"$.line_items[{positions[key]}]", "amount": amount}
            for key, amount in each.shares
            if key in positions and amount
        ]
        if (
            sum(amount for key, amount in each.shares if key in positions) == each.amount_minor
            and allocations
        ):
            entry["allocations"] = allocations
        applied.append(entry)
    return {"codes": list(stand.session.content.codes), "applied": applied}


def _show_buyer(stand: Stand) -> dict[str, Any]:
    buyer = stand.session.content.buyer
    assert buyer is not None
    named = {
        "email": buyer.email,
        "first_name": buyer.first_name,
        "last_name": buyer.last_name,
        "full_name": buyer.full_name,
        "phone_number": buyer.phone,
        "consent": buyer.consent,
    }
    return {name: value for name, value in named.items() if value}


def _show_method(stand: Stand) -> dict[str, Any]:
    content, lines = stand.session.content, [item.line_id for item in stand.items]
    method: dict[str, Any] = {"id": METHOD, "type": "shipping", "line_item_ids": lines}
    if content.destinations:
        method["destinations"] = [
            {"id": each.destination_id, **show_address(each)} for each in content.destinations
        ]
    if content.destination_id:
        method["selected_destination_id"] = content.destination_id
        group: dict[str, Any] = {
            "id": GROUP,
            "line_item_ids": lines,
            "options": [_show_option(each) for each in stand.options],
        }
        if any(each.code == content.option_code for each in stand.options):
            group["selected_option_id"] = content.option_code
        method["groups"] = [group]
    return method


def _show_option(option: Any) -> dict[str, Any]:
    shown = {
        "id": option.code,
        "title": option.title,
        "totals": [_total("subtotal", option.price_minor), _total("total", option.price_minor)],
    }
    if option.carrier:
        shown["carrier"] = option.carrier
    if option.earliest and option.latest:
        shown["earliest_fulfillment_time"] = option.earliest.isoformat()
        shown["latest_fulfillment_time"] = option.latest.isoformat()
    return shown


def show_address(to: Destination) -> dict[str, str]:
    """An address without its id."""
    named = {
        "full_name": to.name,
        "phone_number": to.phone,
        "street_address": to.line1,
        "extended_address": to.line2,
        "address_locality": to.city,
        "address_region": to.region,
        "postal_code": to.postcode,
        "address_country": to.country,
    }
    return {name: value for name, value in named.items() if value}


def show_order(order: Order, mark: AgentOrder, session: Session, *, url: str) -> dict[str, Any]:
    """An order as its agent sees it: what was ordered, what is expected, what has happened."""
    content = session.content
    is_shipped = order.fulfilled_at is not None
    parts = [{"id": str(line.line_no), "quantity": line.quantity} for line in order.lines]
    lines = []
    for line in order.lines:
        item_id = content.items.get(str(line.sku_id), str(line.sku_id))
        lines.append(
            {
                "id": str(line.line_no),
                "item": {"id": item_id, "title": line.title, "price": line.price_minor},
                "quantity": {"total": line.quantity, "fulfilled": line.quantity if is_shipped else 0},
                "totals": [_total("subtotal", line.total_minor), _total("total", line.net_minor)],
                "status": "fulfilled" if is_shipped else "processing",
            }
        )
    to = next((d for d in content.destinations if d.destination_id == content.destination_id), Destination())
    expectation = {
        "id": "exp_1",
        "line_items": parts,
        "method_type": "shipping" if order.delivery == "ship" else "pickup",
        "destination": show_address(to),
        "description": content.option_title,
        "fulfillable_on": "now",
    }
    totals = [_total("subtotal", order.items_minor)]
    totals += [_total("discount", order.discount_minor)] if order.discount_minor else []
    totals += [_total("fulfillment", order.shipping_minor)]
    totals += [_total("tax", order.tax_minor)] if order.tax_minor else []
    return {
        "ucp": _meta("order"),
        "id": str(order.order_id),
        "checkout_id": str(session.session_id),
        "permalink_url": url,
        "currency": order.currency,
        "line_items": lines,
        "fulfillment": {"expectations": [expectation], "events": _list_events(order, mark, parts)},
        "adjustments": _list_adjustments(order, mark),
        "totals": [*totals, _total("total", order.total_minor)],
    }


def _list_events(order: Order, mark: AgentOrder, parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    events = []
    if order.fulfilled_at is not None:
        event = {
            "id": f"shipped_{order.order_id.hex[:12]}",
            "occurred_at": order.fulfilled_at.isoformat(),
            "type": "shipped",
            "line_items": parts,
        }
        events.append({**event, "tracking_number": order.tracking} if order.tracking else event)
    return [*events, *mark.reports.get("events", [])]


def _list_adjustments(order: Order, mark: AgentOrder) -> list[dict[str, Any]]:
    states = {"done": "completed", "failed": "failed"}
    refunds = [
        {
            "id": str(refund.refund_id),
            "type": "refund",
            "occurred_at": refund.requested_at.isoformat(),
            "status": states.get(refund.state, "pending"),
            "amount": refund.amount_minor,
        }
        for refund in order.refunds
    ]
    return [*refunds, *mark.reports.get("adjustments", [])]


def render_refusal(refusal: Refused) -> tuple[int, dict[str, Any]]:
    """A refusal as (status, body)."""
    text = translate(refusal.message, "en", refusal.data)
    message: dict[str, Any] = {
        "type": "error",
        "code": ERROR_CODES.get(refusal.code, refusal.code),
        "content": text,
        "severity": "recoverable",
    }
    if "path" in refusal.data:
        message["path"] = refusal.data["path"]
    status = STATUSES.get(refusal.code, refusal.status)
    data = msgspec.to_builtins(refusal.data)
    return status, {
        "ucp": {"version": VERSION, "capabilities": []},
        "detail": text,
        "code": refusal.code,
        "messages": [message],
        "data": data,
    }
