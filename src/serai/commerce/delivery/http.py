"""JSON API of delivery: what is offered for goods at an address, the options as staff wrote them, and what goods weigh."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get, patch, post, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from serai.commerce.call.api import API, Asked, answer_in_transaction, check_sent, recognise_caller
from serai.commerce.catalogue.api import list_sale_items, load_parts
from serai.commerce.delivery import api
from serai.commerce.delivery.types import DeliveryOptionRow, Destination, Goods, Offered, OptionTerms
from serai.commerce.price.api import choose_price, price_items
from serai.commerce.price.types import Buyer
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, _

Quantity = Annotated[int, Meta(ge=1, le=100_000)]
Text = Annotated[str, Meta(max_length=120)]


class DeliveryLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Goods to be sent."""

    sku_id: UUID
    quantity: Quantity = 1


class DeliveryQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Goods, and where they would go: an address as far as it is known."""

    lines: Annotated[list[DeliveryLine], Meta(min_length=1, max_length=100)]
    country: Annotated[str, Meta(pattern="^([A-Z]{2})?$")] = ""
    region: Text = ""
    postcode: Text = ""


class NewOption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An option to be offered."""

    code: Annotated[str, Meta(min_length=1, max_length=40)]
    terms: OptionTerms


class OptionEdit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Other terms of an option, or whether it is offered."""

    version: int
    terms: OptionTerms | None = None
    active: bool | None = None


class WeightBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one unit weighs with its packaging; null: nobody knows."""

    weight_g: Annotated[int, Meta(ge=1, le=10_000_000)] | None


@post(f"{API}/delivery-options/offer", tags=["delivery"], status_code=200)
async def post_offer(request: Asked, data: JSONBody[DeliveryQuestion]) -> Offered:
    """The options for goods at an address, each with its price before promotions and the days it promises."""
    caller = await recognise_caller(request, "checkout:write")
    check_sent(request, data)
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.list_options(
            tx,
            settings=caller.commerce.settings,
            destination=Destination(data.country, data.region, data.postcode),
            goods=await _list_goods(tx, data.lines),
        )


async def _list_goods(tx: Transaction, lines: list[DeliveryLine]) -> list[Goods]:
    """The goods at what they cost by the API. Invalid ``cart.product_unknown`` for what is not for sale."""
    sku_ids = [line.sku_id for line in lines]
    items = await list_sale_items(tx, sku_ids=sku_ids, channel="api")
    prices = await price_items(tx, items=items, buyer=Buyer("api"))
    parts = await load_parts(tx, sku_ids=sku_ids)
    goods = []
    for line in lines:
        item, sale = items.get(line.sku_id), prices.get(line.sku_id)
        if item is None or not item.sellable or sale is None:
            raise Invalid("cart.product_unknown", _("This product is not for sale."), sku_id=str(line.sku_id))
        price_minor, _offer = choose_price(sale.list_minor, sale.offers, line.quantity)
        steps = 10**item.scale
        goods.append(
            Goods(
                line.sku_id,
                line.quantity,
                (2 * price_minor * line.quantity + steps) // (2 * steps),
                item.scale,
                item.unit,
                tuple((part.sku_id, part.quantity, part.scale) for part in parts.get(line.sku_id, ())),
            )
        )
    return goods


@get(f"{API}/delivery-options", tags=["delivery"])
async def get_options(request: Asked) -> list[DeliveryOptionRow]:
    """All options with their terms, those that are offered first, in the merchant's order."""
    caller = await recognise_caller(request, "product:write")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.list_rows(tx)


@post(f"{API}/delivery-options", tags=["delivery"])
async def post_option(request: Asked, data: JSONBody[NewOption]) -> Response[Any]:
    """Write an option; it is offered at once."""
    caller = await recognise_caller(request, "product:write")

    async def effect(tx: Transaction) -> DeliveryOptionRow:
        return await api.add_option(tx, code=data.code, terms=data.terms, by=caller.actor)

    return await answer_in_transaction(request, caller, "option", data, effect, status=201)


@patch(f"{API}/delivery-options/{{option_id:uuid}}", tags=["delivery"])
async def patch_option(
    request: Asked, option_id: FromPath[UUID], data: JSONBody[OptionEdit]
) -> Response[Any]:
    """Change an option, or offer it no more. Orders keep what they chose."""
    caller = await recognise_caller(request, "product:write")

    async def effect(tx: Transaction) -> DeliveryOptionRow:
        return await api.edit_option(
            tx,
            option_id=option_id,
            version=data.version,
            terms=data.terms,
            active=data.active,
            by=caller.actor,
        )

    return await answer_in_transaction(request, caller, "edit", data, effect)


@put(f"{API}/variants/{{sku_id:uuid}}/weight", tags=["delivery"])
async def put_weight(request: Asked, sku_id: FromPath[UUID], data: JSONBody[WeightBody]) -> Response[Any]:
    """Say what one unit of goods weighs. Without it, what its content says counts."""
    caller = await recognise_caller(request, "product:write")

    async def effect(tx: Transaction) -> WeightBody:
        await api.set_weights(tx, grams={sku_id: data.weight_g}, by=caller.actor)
        return data

    return await answer_in_transaction(request, caller, "weight", data, effect)


HANDLERS = [post_offer, get_options, post_option, patch_option, put_weight]
