"""The tools of the Model Context Protocol: their names, what they are for, and what each takes, as Structs and JSON Schema."""

from typing import Annotated, Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Meta

Words = Annotated[str, Meta(max_length=200, description="What to look for, in any language of the shop")]
Quantity = Annotated[int, Meta(ge=1, le=100_000, description="How many")]
Item = Annotated[
    str, Meta(min_length=1, max_length=200, description="An item's code or id, as search_products tells it")
]
CheckoutId = Annotated[UUID, Meta(description="The checkout, as create_cart answered")]
Text = Annotated[str, Meta(max_length=200)]


class Search(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    words: Words = ""
    limit: Annotated[int, Meta(ge=1, le=50, description="Most products to answer with")] = 10
    min_price_minor: Annotated[int, Meta(ge=0, description="In minor units, such as cents")] | None = None
    max_price_minor: Annotated[int, Meta(ge=0, description="In minor units, such as cents")] | None = None
    cursor: (
        Annotated[str, Meta(max_length=400, description="Where to go on, as the answer before told")] | None
    ) = None


class ProductRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    product_id: Annotated[UUID, Meta(description="The product, as search_products tells it")]


class CartLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    item: Item
    quantity: Quantity = 1


Lines = Annotated[list[CartLine], Meta(max_length=100, description="All that the cart shall hold")]


class NewCart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    lines: Annotated[Lines, Meta(min_length=1)]


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    email: Text
    name: Text
    phone: Text = ""


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    country: Annotated[str, Meta(max_length=60, description="Two letters of ISO 3166, such as US or CN")]
    line1: Annotated[str, Meta(max_length=200, description="Street and house number")]
    city: Text
    postcode: Text = ""
    region: Annotated[str, Meta(max_length=200, description="State or province")] = ""
    line2: Text = ""


class CartEdit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    checkout_id: CheckoutId
    lines: Lines | None = None
    codes: (
        Annotated[list[Text], Meta(max_length=12, description="All discount codes that shall apply")] | None
    ) = None


class CheckoutRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    checkout_id: CheckoutId


class CheckoutEdit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    checkout_id: CheckoutId
    buyer: Person
    address: Place
    delivery_option: Annotated[
        str,
        Meta(max_length=200, description="One of the options that the answer lists; the first when left out"),
    ] = ""


class Completion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    checkout_id: CheckoutId
    expected_total_minor: Annotated[
        int, Meta(ge=0, description="The total that the person agreed to, in minor units")
    ]
    payment_token: Annotated[
        str,
        Meta(
            max_length=500,
            description="A token that pays; without one the person pays at the answered address",
        ),
    ] = ""


class OrderRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    order_id: Annotated[UUID, Meta(description="The order, as complete_checkout answered")]


class Tool(NamedTuple):
    """A tool: its name, what people and models read of it, what it takes, and the scope that it needs."""

    name: str
    title: str
    about: str
    takes: type[Any]
    scope: str
    changes: bool


TOOLS = (
    Tool(
        "search_products",
        "Search products",
        "Find products of this shop by words. Answers with title, price in minor units and the item code of each.",
        Search,
        "catalogue:read",
        False,
    ),
    Tool(
        "get_product",
        "Get a product",
        "One product with its description and every variant that can be bought.",
        ProductRef,
        "catalogue:read",
        False,
    ),
    Tool(
        "create_cart",
        "Create a cart",
        "Open a cart with items. Answers with a checkout_id, the prices of this moment and what is still missing.",
        NewCart,
        "checkout:write",
        True,
    ),
    Tool(
        "update_cart",
        "Change a cart",
        "Set all items, or all discount codes, of a cart. What is left out stays as it is.",
        CartEdit,
        "checkout:write",
        True,
    ),
    Tool(
        "get_quote",
        "Get a quote",
        "What a cart comes to now: lines, discounts with the reason why each promotion applies or not, delivery, taxes.",
        CheckoutRef,
        "checkout:write",
        False,
    ),
    Tool(
        "create_checkout",
        "Make a checkout",
        "Say who buys, where it goes and how it is delivered. Answers with the delivery options and the total to agree to.",
        CheckoutEdit,
        "checkout:write",
        True,
    ),
    Tool(
        "complete_checkout",
        "Complete a checkout",
        "Place the order at the total that the person agreed to, and pay it. Refused when the total has changed.",
        Completion,
        "checkout:write",
        True,
    ),
    Tool(
        "get_order",
        "Get an order",
        "State, lines, delivery and refunds of an order that was placed with this key.",
        OrderRef,
        "order:read",
        False,
    ),
    Tool(
        "cancel_checkout",
        "Cancel a checkout",
        "Give a checkout up that is not completed.",
        CheckoutRef,
        "checkout:write",
        True,
    ),
)
BY_NAME = {tool.name: tool for tool in TOOLS}


def schema_of(kind: type[Any]) -> dict[str, Any]:
    """What a tool takes as JSON Schema, everything inside one object."""
    (top,), parts = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    schema = dict(parts.pop(kind.__name__)) if "$ref" in top else dict(top)
    return {**schema, "$defs": parts} if parts else schema
