"""How an order's goods travel: the options that its address has, the one that was chosen, and why there may be none."""

from collections.abc import Sequence
from typing import Any

import msgspec

from serai.commerce.cart.types import Cart, CartLine
from serai.commerce.checkout.types import Delivery, DeliveryOption
from serai.commerce.delivery import api as shipping
from serai.commerce.delivery.types import Destination, Goods, Offered, Option, OrderDelivery
from serai.commerce.place.types import Place
from serai.commerce.settings import CommerceSettings
from serai.commerce.tax.types import TaxPlace
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, _

# Why nothing can be sent, as the buyer is told.
PROBLEM_WORDS = {
    "place": _("We do not deliver to this address. Nothing was ordered or charged."),
    "goods": _("Some of these goods cannot be sent to this address. Nothing was ordered or charged."),
    "weight": _(
        "This is too heavy to be sent as one order. Please order less at a time; nothing was charged."
    ),
}


class Way(msgspec.Struct, frozen=True):
    """The way of one order: what is chosen, and what could be chosen instead."""

    chosen: DeliveryOption
    options: tuple[Option, ...] = ()

    @property
    def price_minor(self) -> int:
        """What it costs before promotions."""
        return self.chosen.price_minor

    def without_promise(self) -> "Way":
        """The way of goods that do not leave as soon as they are paid."""
        option = self.chosen.option
        return Way(
            msgspec.structs.replace(
                self.chosen, option=msgspec.structs.replace(option, promise=None) if option else None
            ),
            tuple(msgspec.structs.replace(each, promise=None) for each in self.options),
        )


async def choose_way(
    tx: Transaction,
    *,
    settings: CommerceSettings,
    delivery: Delivery,
    place: Place,
    destination: Destination,
    goods: Sequence[Goods],
    option: str | None,
) -> Way:
    """The options of a parcel and the one of that code, or the cheapest where it is not among them. A pick-up has none."""
    # Of nothing nothing is sent: a cart whose goods are all gone costs no delivery.
    if delivery == "pickup" or not goods:
        return Way(DeliveryOption(delivery, 0, place.place_id, place.name))
    book = await shipping.load_book(tx, settings=settings)
    offered = await shipping.offer_options(tx, book, destination=destination, goods=goods)
    return take_way(offered, place, option)


def take_way(offered: Offered, place: Place, option: str | None) -> Way:
    """The way of what is offered."""
    chosen = shipping.choose_option(offered.options, option)
    price_minor = chosen.price_minor if chosen else 0
    return Way(
        DeliveryOption("ship", price_minor, place.place_id, place.name, chosen, offered.problem),
        offered.options,
    )


def read_destination(taxed_at: TaxPlace | None, postcode: str) -> Destination:
    """Where the parcel goes, as far as it was said."""
    return Destination(taxed_at.country, taxed_at.region, postcode) if taxed_at else Destination()


def read_option(cart: Cart) -> str | None:
    """The option that was chosen for a cart."""
    kept = cart.details.get("delivery")
    code = kept.get("option") if isinstance(kept, dict) else None
    return code if isinstance(code, str) else None


def list_goods(lines: Sequence[CartLine | Any]) -> list[Goods]:
    """Lines of a cart or an order as delivery prices and weighs them."""
    return [
        Goods(
            line.sku_id,
            line.quantity,
            line.total_minor,
            line.scale,
            line.unit,
            tuple((part.sku_id, part.quantity, part.scale) for part in line.parts),
        )
        for line in lines
    ]


def keep_choice(option: DeliveryOption) -> OrderDelivery | None:
    """What an order keeps of its way; nothing for a pick-up, and of a shop that has one price for every parcel."""
    chosen = option.option
    if chosen is None or (chosen.code == shipping.STANDARD and chosen.promise is None):
        return None
    return shipping.keep_choice(chosen)


def list_digested(option: DeliveryOption) -> list[object]:
    """What of a way is part of a quote's digest beside its price: nothing where no option was written."""
    chosen = option.option
    if option.problem:
        return [option.problem]
    if chosen is None or chosen.promise is None:
        return [chosen.code] if chosen and chosen.code != shipping.STANDARD else []
    return [chosen.code, chosen.promise.from_day, chosen.promise.until_day]


def refuse_way(option: DeliveryOption, *, wanted: str | None = None) -> None:
    """Conflict ``delivery.unserved`` when nothing goes to the address, with ``problem``; Invalid
    ``delivery.option_unavailable`` when it is not the option that is counted on."""
    if option.problem:
        raise Conflict(
            "delivery.unserved", PROBLEM_WORDS[option.problem], problem=option.problem, field="country"
        )
    if wanted is not None and (option.option is None or option.option.code != wanted):
        raise Invalid(
            "delivery.option_unavailable",
            _("This order cannot be sent in the way that was asked for."),
            field="delivery_option",
        )
