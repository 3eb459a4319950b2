"""Checkouts, the discovery document and refusals in the words of the Agentic Commerce Protocol."""

from typing import Any

from serai.commerce.agent.types import Destination, Item, Problem, Stand
from serai.foundation.errors import Refused
from serai.foundation.i18n import translate

VERSION = "2026-04-17"
VERSIONS = (VERSION, "2026-01-30", "2026-01-16")
HANDLER = "card_tokenized"
HANDLERS = frozenset({HANDLER})
DECLINED = "payment_declined"
STATUSES = {
    "agent.item_unknown": 400,
    "agent.short": 400,
    "checkout.short": 400,
    "agent.incomplete": 400,
    "agent.quantity_invalid": 400,
    "agent.currency": 400,
    "agent.version": 400,
    "agent.fulfillment_type": 400,
    "agent.payment_invalid": 400,
    "agent.body_malformed": 400,
    "agent.body_invalid": 400,
    "agent.text_too_long": 400,
    "agent.too_many": 400,
    "idempotency.key_needed": 400,
    "idempotency.key_invalid": 400,
    "agent.payment_declined": 402,
    "payment.token_refused": 402,
}
CODES = {
    "agent.item_unknown": "invalid_item_id",
    "agent.short": "out_of_stock",
    "checkout.short": "out_of_stock",
    "agent.incomplete": "missing",
    "agent.version": "unsupported_api_version",
    "agent.payment_declined": "payment_declined",
    "payment.token_refused": "payment_declined",
    "idempotency.key_needed": "idempotency_key_required",
    "idempotency.body_differs": "idempotency_conflict",
    "idempotency.in_flight": "idempotency_in_flight",
    "agent.body_malformed": "invalid",
    "agent.body_invalid": "invalid",
    "agent.signature": "invalid_signature",
}
MESSAGES = {
    "out_of_stock": "out_of_stock",
    "missing": "missing",
    "invalid": "invalid",
    "agent_limit": "maximum_exceeded",
    DECLINED: DECLINED,
}
# Where a checkout's problem lies, in this protocol's fields.
PARAMS = {
    "$.buyer.email": "$.buyer.email",
    "$.fulfillment": "$.selected_fulfillment_options",
    "$.fulfillment.methods[0].destinations": "$.fulfillment_details.address",
}


def show_discovery(base_url: str, currency: str) -> dict[str, Any]:
    """The discovery document, as at ``/.well-known/acp.json``."""
    return {
        "protocol": {"name": "acp", "version": VERSION, "supported_versions": list(VERSIONS)},
        "api_base_url": f"{base_url}/acp",
        "transports": ["rest", "mcp"],
        "capabilities": {
            "services": ["checkout"],
            "extensions": [{"name": "discount"}],
            "intervention_types": [],
            "supported_currencies": [currency.lower()],
            "supported_locales": ["en", "zh-CN"],
        },
    }


def _handlers() -> list[dict[str, Any]]:
    return [
        {
            "id": HANDLER,
            "name": "dev.acp.tokenized.card",
            "version": VERSION,
            "spec": "https://acp.dev/handlers/tokenized.card",
            "requires_delegate_payment": True,
            "requires_pci_compliance": False,
            "psp": "sandbox",
            "config_schema": "https://acp.dev/schemas/handlers/tokenized.card/config.json",
            "instrument_schemas": ["https://acp.dev/schemas/handlers/tokenized.card/instrument.json"],
            "config": {"environment": "sandbox", "supports_3ds": False},
        }
    ]


def _total(kind: str, text: str, amount: int) -> dict[str, Any]:
    return {"type": kind, "display_text": text, "amount": amount}


def show_session(stand: Stand, *, base_url: str) -> dict[str, Any]:
    """A checkout as an agent sees it."""
    session, content = stand.session, stand.session.content
    items = [item.item_id for item in stand.items]
    shown: dict[str, Any] = {
        "id": str(session.session_id),
        "protocol": {"version": VERSION},
        "capabilities": {
            "payment": {"handlers": _handlers()},
            "interventions": {"supported": []},
            "extensions": [{"name": "discount"}],
        },
        "status": _status(stand),
        "currency": stand.currency.lower(),
        "line_items": [_show_item(item) for item in stand.items],
        "fulfillment_options": [
            _show_option(each) for each in stand.options if session.state == "open" or each.title
        ],
        "totals": _show_totals(stand),
        "messages": [
            _show_problem(each) for each in stand.problems if each.is_error or each.code == DECLINED
        ],
        "links": [
            {"type": "terms_of_use", "url": f"{base_url}/help"},
            {"type": "return_policy", "url": f"{base_url}/help"},
        ],
        "discounts": _show_discounts(stand),
        "created_at": session.created_at.isoformat(),
        "updated_at": session.updated_at.isoformat(),
    }
    buyer = content.buyer
    if buyer is not None and buyer.email:
        named = {
            "email": buyer.email,
            "first_name": buyer.first_name,
            "last_name": buyer.last_name,
            "full_name": buyer.full_name,
            "phone_number": buyer.phone,
        }
        shown["buyer"] = {name: value for name, value in named.items() if value}
    if content.destinations:
        shown["fulfillment_details"] = _show_details(stand, content.destinations[0])
    if any(each.code == content.option_code for each in stand.options):
        choice = {"type": "shipping", "option_id": content.option_code, "item_ids": items}
        shown["selected_fulfillment_options"] = [choice]
    if stand.pay_url:
        shown["continue_url"] = stand.pay_url
    if session.state == "completed":
        shown["order"] = {
            "id": str(session.order_id),
            "checkout_session_id": str(session.session_id),
            "order_number": stand.order_number,
            "permalink_url": base_url + stand.order_url,
            "status": "confirmed",
        }
    return shown


def _status(stand: Stand) -> str:
    if stand.session.state == "open":
        return "ready_for_payment" if stand.is_ready else "not_ready_for_payment"
    states = {"placed": "complete_in_progress", "completed": "completed", "canceled": "canceled"}
    return states[stand.session.state]


def _show_item(item: Item) -> dict[str, Any]:
    net = item.total_minor - item.discount_minor
    return {
        "id": item.line_id,
        "item": {"id": item.item_id},
        "quantity": item.quantity,
        "name": item.title,
        "unit_amount": item.price_minor,
        "totals": [
            _total("items_base_amount", "Price", item.total_minor),
            _total("items_discount", "Discount", item.discount_minor),
            _total("subtotal", "Subtotal", net),
            _total("total", "Total", net),
        ],
    }


def _show_option(option: Any) -> dict[str, Any]:
    shown = {
        "type": "shipping",
        "id": option.code,
        "title": option.title,
        "totals": [_total("total", option.title, option.price_minor)],
    }
    if option.carrier:
        shown["carrier"] = option.carrier
    if option.earliest and option.latest:
        shown["earliest_delivery_time"] = option.earliest.isoformat()
        shown["latest_delivery_time"] = option.latest.isoformat()
    return shown


def _show_totals(stand: Stand) -> list[dict[str, Any]]:
    net = stand.items_minor - stand.discount_minor
    return [
        _total("items_base_amount", "Goods", stand.items_minor),
        _total("items_discount", "Discount", stand.discount_minor),
        _total("subtotal", "Subtotal", net),
        _total("fulfillment", "Delivery", stand.shipping_minor),
        _total("tax", "Tax", stand.tax_minor),
        _total("total", "Total", stand.total_minor),
    ]


def _show_problem(problem: Problem) -> dict[str, Any]:
    return {
        "type": "error",
        "code": MESSAGES.get(problem.code, "invalid"),
        "param": PARAMS.get(problem.path, problem.path or "$"),
        "content_type": "plain",
        "content": problem.text,
        "resolution": "recoverable",
    }


def _show_discounts(stand: Stand) -> dict[str, Any]:
    content = stand.session.content
    applied = []
    for number, each in enumerate(stand.discounts, start=1):
        entry: dict[str, Any] = {
            "id": f"discount_{number}",
            "coupon": {"id": each.code or f"automatic_{number}", "name": each.title},
            "amount": each.amount_minor,
            "automatic": not each.code,
        }
        applied.append({**entry, "code": each.code} if each.code else entry)
    rejected = [{"code": code, "reason": "discount_code_invalid"} for code in content.unknown_codes]
    return {"codes": list(content.codes), "applied": applied, "rejected": rejected}


def _show_details(stand: Stand, to: Destination) -> dict[str, Any]:
    buyer = stand.session.content.buyer
    name = to.name or (buyer.name if buyer else "")
    address = {
        "name": name,
        "line_one": to.line1,
        "line_two": to.line2,
        "city": to.city,
        "state": to.region,
        "country": to.country,
        "postal_code": to.postcode,
    }
    details: dict[str, Any] = {"name": name, "address": address}
    if to.phone:
        details["phone_number"] = to.phone
    if buyer is not None and buyer.email:
        details["email"] = buyer.email
    return details


def render_refusal(refusal: Refused) -> tuple[int, dict[str, Any]]:
    """A refusal as (status, body)."""
    status = STATUSES.get(refusal.code, refusal.status)
    body: dict[str, Any] = {
        "type": "invalid_request" if status < 500 else "service_unavailable",
        "code": CODES.get(refusal.code, refusal.code.replace(".", "_")),
        "message": translate(refusal.message, "en", refusal.data),
    }
    if refusal.code in ("agent.payment_declined", "payment.token_refused", "agent.payment_pending"):
        body["type"] = "processing_error"
    problems = refusal.data.get("problems")
    path = refusal.data.get("path") or (problems[0].get("path") if problems else None)
    if path:
        body["param"] = PARAMS.get(path, path)
    if refusal.code == "agent.version":
        body["supported_versions"] = list(VERSIONS)
    return status, body
