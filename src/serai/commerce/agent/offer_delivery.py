"""The ways in which an agent's goods can be delivered, each at the price that a quote comes to with it."""

from datetime import UTC, date, datetime, time
from uuid import UUID

from serai.commerce.agent.types import Agent, Content, Destination, Option
from serai.commerce.checkout.api import Address, Quote, quote_cart
from serai.commerce.delivery.types import Option as Way
from serai.commerce.settings import CommerceSettings
from serai.commerce.tax.types import TaxPlace
from serai.foundation.database import Transaction

LOCALE = "en"
# Each option is quoted, since promotions may pay for one and not for another; those behind have their own price.
MOST_QUOTED = 8


def chosen_destination(content: Content) -> Destination | None:
    """The address that was selected, None while there is none."""
    wanted = content.destination_id
    return next((each for each in content.destinations if each.destination_id == wanted), None)


def address_of(agent: Agent, to: Destination) -> Address:
    """Where to deliver; a test agent's address may say its country alone."""
    if not agent.is_test:
        return Address(to.country, to.region, to.city, "", to.line1, to.line2, to.postcode)
    postcode = to.postcode or {"US": "00000", "DE": "00000"}.get(to.country, "")
    return Address(to.country, to.region or "-", to.city or "-", "", to.line1 or "-", to.line2, postcode)


async def quote_options(
    tx: Transaction, settings: CommerceSettings, *, agent: Agent, owner: str, cart_id: UUID, content: Content
) -> tuple[Quote, tuple[Option, ...]]:
    """The quote with the chosen option, and the options for the selected address."""
    to = chosen_destination(content)
    address = address_of(agent, to) if to else None

    async def quote(code: str | None) -> Quote:
        return await quote_cart(
            tx,
            settings=settings,
            owner=owner,
            cart_id=cart_id,
            channel="agent",
            destination=TaxPlace(address.country, address.region) if address else None,
            postcode=address.postcode if address else "",
            delivery_option=code,
        )

    chosen = await quote(content.option_code or None)
    if to is None:
        return chosen, ()
    options = []
    taken = chosen.delivery.option.code if chosen.delivery.option else ""
    for number, way in enumerate(chosen.options):
        price_minor = way.price_minor
        if way.code == taken:
            price_minor = chosen.shipping_minor
        elif number < MOST_QUOTED:
            price_minor = (await quote(way.code)).shipping_minor
        options.append(_name_option(way, price_minor))
    return chosen, tuple(options)


def _name_option(way: Way, price_minor: int) -> Option:
    """An option; one that costs nothing says so."""
    title, promise = way.label(LOCALE), way.promise
    return Option(
        way.code,
        title if price_minor else f"Free {title}",
        price_minor,
        way.carrier,
        _at(promise.from_day, time.min) if promise else None,
        _at(promise.until_day, time(23, 59, 59)) if promise else None,
    )


def _at(day: date, moment: time) -> datetime:
    return datetime.combine(day, moment, UTC)
