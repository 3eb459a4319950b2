"""Bodies of checkout's JSON calls."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from serai.commerce.checkout.types import Delivery
from serai.commerce.order.types import Address, Contact
from serai.commerce.promotion.types import Terms

MAX_LINES = 100
Quantity = Annotated[int, Meta(ge=1, le=100_000)]
OptionCode = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9_-]{0,39}$")]
# What a card in the parcel says.
GiftMessage = Annotated[str, Meta(max_length=300)]


class NewCart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new cart, with a store where one was chosen."""

    place_id: UUID | None = None


class NewLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something to put in. Prices are never taken from a request."""

    sku_id: UUID
    quantity: Quantity = 1


class LineEdit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new quantity; 0 takes the line out."""

    quantity: Annotated[int, Meta(ge=0, le=100_000)]


class DeliveryChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the goods get to the buyer: as a parcel by one of the merchant's options (the cheapest without ``option``), or
    picked up at a store."""

    delivery: Delivery
    place_id: UUID | None = None
    option: OptionCode | None = None


class Completion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The quote that the buyer agreed to. ``gift_message`` is what a card in the parcel says.
    ``presale_agreed``: the buyer takes the terms of a presale in it."""

    digest: Annotated[str, Meta(min_length=1, max_length=100)]
    note: Annotated[str, Meta(max_length=500)] = ""
    gift_message: GiftMessage = ""
    presale_agreed: bool = False


class OrderItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sku_id: UUID
    quantity: Quantity


class OrderBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole order in one call. ``expected_total_minor``, where given, must be what it comes to; ``gift_message`` is what
    a card in the parcel says. ``member_id``: whose order it is, with that member's prices and coupons; that takes the
    scope ``tender:write``."""

    lines: Annotated[list[OrderItem], Meta(min_length=1, max_length=MAX_LINES)]
    contact: Contact
    address: Address | None = None
    delivery: Delivery = "ship"
    delivery_option: OptionCode | None = None
    place_id: UUID | None = None
    expected_total_minor: int | None = None
    locale: Literal["en", "zh_Hans", "zh_Hant"] = "en"
    note: Annotated[str, Meta(max_length=500)] = ""
    gift_message: GiftMessage = ""
    coupon_codes: Annotated[list[Annotated[str, Meta(max_length=100)]], Meta(max_length=12)] = []
    gift_card_codes: Annotated[list[Annotated[str, Meta(max_length=100)]], Meta(max_length=5)] = []
    add_ons: Annotated[dict[UUID, Annotated[int, Meta(ge=1, le=1000)]], Meta(max_length=20)] = {}
    member_id: UUID | None = None


class CouponCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A coupon's code, as it was given out."""

    code: Annotated[str, Meta(min_length=1, max_length=100)]


class AddOnChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many pieces of what a promotion offers; 0 takes none."""

    quantity: Annotated[int, Meta(ge=0, le=1000)]


class GroupChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The buying group to join, or the promotion of which the order opens one; neither: to buy alone again."""

    group_id: UUID | None = None
    promotion_id: UUID | None = None


class PreviewBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A promotion and the goods to try it on; ``promotion_id`` names the one that it would replace."""

    terms: Terms
    lines: Annotated[list[OrderItem], Meta(min_length=1, max_length=MAX_LINES)]
    promotion_id: UUID | None = None
    channel: Annotated[str, Meta(max_length=60)] = "web"
    member_level: Annotated[str, Meta(max_length=60)] | None = None


class PaymentStart(msgspec.Struct, frozen=True):
    """Where the buyer pays."""

    pay_url: str
