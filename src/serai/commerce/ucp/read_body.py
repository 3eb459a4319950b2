"""What agents send in the Universal Commerce Protocol, and what it means for a checkout here.

Fields that are unknown are passed over: newer versions and extensions add some. Prices and titles are never read.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from babel.core import get_global
from msgspec import Meta

from serai.commerce.agent.types import Buyer, Change, Credential, Destination
from serai.foundation.errors import Invalid, _

Text = Annotated[str, Meta(max_length=2000)]
Quantity = Annotated[int, Meta(ge=1, le=1_000_000_000)]
INSTRUMENT = ("id", "handler_id", "type", "brand", "last_digits")
CONSENTS = ("analytics", "preferences", "marketing", "sale_of_data")
MAX_INSTRUMENTS = 10


class ItemRef(msgspec.Struct, frozen=True):
    id: Text


class LineBody(msgspec.Struct, frozen=True):
    item: ItemRef
    quantity: Quantity


class BuyerBody(msgspec.Struct, frozen=True):
    email: Text | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    full_name: Text | None = None
    fullName: Text | None = None  # noqa: N815  # as some agents spell it
    phone_number: Text | None = None
    consent: dict[str, bool | None] | None = None


class AddressBody(msgspec.Struct, frozen=True):
    id: Text | None = None
    street_address: Text | None = None
    extended_address: Text | None = None
    address_locality: Text | None = None
    address_region: Text | None = None
    address_country: Text | None = None
    postal_code: Text | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    full_name: Text | None = None
    phone_number: Text | None = None


class GroupBody(msgspec.Struct, frozen=True):
    id: Text | None = None
    selected_option_id: Text | None = None


class MethodBody(msgspec.Struct, frozen=True):
    type: Text = "shipping"
    destinations: Annotated[list[AddressBody], Meta(max_length=50)] | None = None
    selected_destination_id: Text | None = None
    groups: Annotated[list[GroupBody], Meta(max_length=50)] | None = None


class FulfillmentBody(msgspec.Struct, frozen=True):
    methods: Annotated[list[MethodBody], Meta(max_length=10)] | None = None


class DiscountsBody(msgspec.Struct, frozen=True):
    codes: Annotated[list[Text], Meta(max_length=50)] | None = None


class CheckoutBody(msgspec.Struct, frozen=True):
    """A checkout to be made or changed."""

    line_items: Annotated[list[LineBody], Meta(max_length=500)] | None = None
    currency: Text | None = None
    buyer: BuyerBody | None = None
    fulfillment: FulfillmentBody | None = None
    discounts: DiscountsBody | None = None
    payment: dict[str, Any] | None = None


class CompleteBody(msgspec.Struct, frozen=True):
    """What pays. ``payment_data`` is the instrument that was chosen; newer versions send it in a list."""

    payment_data: dict[str, Any] | None = None
    payment: dict[str, Any] | None = None


class LinePart(msgspec.Struct, frozen=True):
    id: Text
    quantity: Annotated[int, Meta(ge=1)]


class EventReport(msgspec.Struct, frozen=True):
    """A shipment that an agent reports."""

    id: Text
    occurred_at: datetime
    type: Text
    line_items: Annotated[list[LinePart], Meta(max_length=200)]
    tracking_number: Text | None = None
    tracking_url: Text | None = None
    carrier: Text | None = None
    description: Text | None = None


class AdjustmentReport(msgspec.Struct, frozen=True):
    """A refund or return that an agent reports, or asks for."""

    id: Text
    type: Text
    occurred_at: datetime
    status: Literal["pending", "completed", "failed"]
    line_items: Annotated[list[LinePart], Meta(max_length=200)] | None = None
    amount: int | None = None
    description: Text | None = None


class OrderFulfillment(msgspec.Struct, frozen=True):
    events: list[EventReport] | None = None


class OrderBody(msgspec.Struct, frozen=True):
    """An order as an agent would have it. Only its events and adjustments are read."""

    id: Text
    fulfillment: OrderFulfillment | None = None
    adjustments: list[AdjustmentReport] | None = None


def read_change(body: CheckoutBody, currency: str) -> Change:
    """What a body wants of a checkout.

    Raises:
        Invalid: ``agent.currency`` for another one than the shop's; ``agent.fulfillment_type``.
    """
    if body.currency is not None and body.currency.upper() != currency:
        raise Invalid("agent.currency", _("This shop sells in %(currency)s only."), currency=currency)
    method = body.fulfillment.methods[0] if body.fulfillment and body.fulfillment.methods else None
    if method is not None and method.type != "shipping":
        raise Invalid("agent.fulfillment_type", _("Goods are shipped only."))
    group = method.groups[0] if method and method.groups else None
    return Change(
        lines=None
        if body.line_items is None
        else tuple((each.item.id, each.quantity) for each in body.line_items),
        buyer=_read_buyer(body.buyer),
        codes=None if body.discounts is None or body.discounts.codes is None else tuple(body.discounts.codes),
        has_shipping=True if method else None,
        destinations=_read_destinations(method),
        destination_id=method.selected_destination_id if method else None,
        option_code=group.selected_option_id if group else None,
        echo=_read_payment(body.payment),
    )


def _read_buyer(body: BuyerBody | None) -> Buyer | None:
    if body is None:
        return None
    consent = {
        name: value for name, value in (body.consent or {}).items() if name in CONSENTS and value is not None
    }
    return Buyer(
        email=body.email or "",
        first_name=body.first_name or "",
        last_name=body.last_name or "",
        full_name=body.full_name or body.fullName or "",
        phone=body.phone_number or "",
        consent=consent,
    )


def _read_destinations(method: MethodBody | None) -> tuple[Destination, ...] | None:
    if method is None or not method.destinations:
        return None
    return tuple(
        Destination(
            destination_id=each.id or "",
            name=" ".join(f"{each.first_name or ''} {each.last_name or ''}".split()) or each.full_name or "",
            phone=each.phone_number or "",
            line1=each.street_address or "",
            line2=each.extended_address or "",
            city=each.address_locality or "",
            region=each.address_region or "",
            postcode=each.postal_code or "",
            country=read_country(each.address_country or ""),
        )
        for each in method.destinations
    )


def read_country(text: str) -> str:
    """A country's two letters; three letters and old codes are understood too."""
    code = text.strip().upper()
    if len(code) != 2:
        found = get_global("territory_aliases").get(code)
        return found[0] if found else code[:60]
    return code


def _read_payment(payment: dict[str, Any] | None) -> dict[str, Any] | None:
    """What is said back of the means of payment that an agent has at hand: never a credential."""
    if payment is None:
        return None
    listed = payment.get("instruments")
    instruments = [
        {name: each[name][:200] for name in INSTRUMENT}
        for each in (listed[:MAX_INSTRUMENTS] if isinstance(listed, list) else [])
        if isinstance(each, dict) and all(isinstance(each.get(name), str) for name in INSTRUMENT)
    ]
    selected = payment.get("selected_instrument_id")
    return {
        "instruments": instruments,
        "selected_instrument_id": selected[:200] if isinstance(selected, str) else None,
    }


def read_credential(body: CompleteBody, handlers: frozenset[str]) -> Credential:
    """What pays a checkout. Invalid ``agent.payment_invalid`` when there is nothing that could."""
    instrument: Any = body.payment_data
    if instrument is None and body.payment:
        listed = body.payment.get("instruments")
        instrument = listed[0] if isinstance(listed, list) and listed else None
    credential = instrument.get("credential") if isinstance(instrument, dict) else None
    if not isinstance(credential, dict):
        raise _no_payment()
    if instrument.get("handler_id") not in handlers:
        raise Invalid(
            "agent.payment_invalid", _("This shop does not know that payment handler."), field="handler_id"
        )
    token, number = credential.get("token"), credential.get("number")
    if isinstance(token, str) and 0 < len(token) <= 500 and token.isprintable():
        return Credential("token", token)
    if isinstance(number, str) and number.isascii() and number.isdigit() and 12 <= len(number) <= 19:
        return Credential("card", number)
    raise _no_payment()


def _no_payment() -> Invalid:
    return Invalid(
        "agent.payment_invalid", _("Please give a means of payment with its token."), field="payment_data"
    )
