"""What agents send in the Agentic Commerce Protocol, and what it means for a checkout here.

Prices and names are never read. A field that is ``null`` is cleared where that means something, one that is left out stays.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from serai.commerce.agent.types import Buyer, Change, Credential, Destination
from serai.foundation.errors import Invalid, _

Text = Annotated[str, Meta(max_length=2000)]
Quantity = Annotated[int, Meta(ge=1, le=1_000_000_000)]
ADDRESS = "address"


class ItemBody(msgspec.Struct, frozen=True):
    id: Text
    quantity: Quantity = 1


class BuyerBody(msgspec.Struct, frozen=True):
    email: Text | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    full_name: Text | None = None
    phone_number: Text | None = None


class AddressBody(msgspec.Struct, frozen=True):
    name: Text | None = None
    line_one: Text | None = None
    line_two: Text | None = None
    city: Text | None = None
    state: Text | None = None
    country: Text | None = None
    postal_code: Text | None = None


class DetailsBody(msgspec.Struct, frozen=True):
    name: Text | None = None
    phone_number: Text | None = None
    email: Text | None = None
    address: AddressBody | None = None


class ChoiceBody(msgspec.Struct, frozen=True):
    type: Text
    option_id: Text
    item_ids: Annotated[list[Text], Meta(max_length=500)] = []


class DiscountsBody(msgspec.Struct, frozen=True):
    codes: Annotated[list[Text], Meta(max_length=50)] = []


class SessionBody(msgspec.Struct, frozen=True):
    """A checkout to be made or changed. ``items`` is what versions before 2026 call the goods."""

    line_items: Annotated[list[ItemBody], Meta(max_length=500)] | None = None
    items: Annotated[list[ItemBody], Meta(max_length=500)] | None = None
    currency: Text | None = None
    buyer: BuyerBody | None = None
    fulfillment_details: DetailsBody | None = None
    selected_fulfillment_options: Annotated[list[ChoiceBody], Meta(max_length=20)] | None = None
    discounts: DiscountsBody | None = None
    coupons: Annotated[list[Text], Meta(max_length=50)] | None = None
    order_notes: Text | None = None


class CompleteBody(msgspec.Struct, frozen=True):
    """What pays a checkout."""

    payment_data: dict[str, Any]
    buyer: BuyerBody | None = None


def read_change(body: SessionBody, currency: str) -> Change:
    """What a body wants of a checkout.

    Raises:
        Invalid: ``agent.currency`` for another one than the shop's; ``agent.fulfillment_type``.
    """
    if body.currency is not None and body.currency.upper() != currency:
        raise Invalid("agent.currency", _("This shop sells in %(currency)s only."), currency=currency)
    lines = body.line_items if body.line_items is not None else body.items
    details = body.fulfillment_details
    choices = body.selected_fulfillment_options
    if choices and choices[0].type != "shipping":
        raise Invalid("agent.fulfillment_type", _("Goods are shipped only."))
    codes = body.discounts.codes if body.discounts is not None else body.coupons
    address = _read_address(details)
    return Change(
        lines=None if lines is None else tuple((each.id, each.quantity) for each in lines),
        buyer=read_buyer(body.buyer, details),
        has_shipping=True if details or choices else None,
        destinations=(address,) if address else None,
        destination_id=ADDRESS if address else None,
        option_code=choices[0].option_id if choices else None,
        codes=None if codes is None else tuple(codes),
        echo=None if body.order_notes is None else {"order_notes": body.order_notes[:500]},
    )


def read_buyer(body: BuyerBody | None, details: DetailsBody | None = None) -> Buyer | None:
    """The buyer, or who the delivery names where nothing else was told."""
    if body is not None:
        return Buyer(
            email=body.email or (details.email if details else "") or "",
            first_name=body.first_name or "",
            last_name=body.last_name or "",
            full_name=body.full_name or "",
            phone=body.phone_number or "",
        )
    if details is not None and (details.email or details.name):
        return Buyer(
            email=details.email or "", full_name=details.name or "", phone=details.phone_number or ""
        )
    return None


def _read_address(details: DetailsBody | None) -> Destination | None:
    if details is None or details.address is None:
        return None
    given = details.address
    return Destination(
        destination_id=ADDRESS,
        name=given.name or details.name or "",
        phone=details.phone_number or "",
        line1=given.line_one or "",
        line2=given.line_two or "",
        city=given.city or "",
        region=given.state or "",
        postcode=given.postal_code or "",
        country=(given.country or "").upper()[:60],
    )


def read_credential(body: CompleteBody, handlers: frozenset[str]) -> Credential:
    """What pays a checkout. Invalid ``agent.payment_invalid`` when there is nothing that could."""
    if body.payment_data.get("handler_id") not in handlers:
        raise Invalid(
            "agent.payment_invalid",
            _("This shop does not know that payment handler."),
            path="$.payment_data.handler_id",
        )
    instrument = body.payment_data.get("instrument")
    credential = instrument.get("credential") if isinstance(instrument, dict) else None
    token = credential.get("token") if isinstance(credential, dict) else None
    if isinstance(token, str) and 0 < len(token) <= 500 and token.isprintable():
        return Credential("token", token)
    raise Invalid(
        "agent.payment_invalid",
        _("Please give a means of payment with its token."),
        path="$.payment_data.instrument.credential",
    )
