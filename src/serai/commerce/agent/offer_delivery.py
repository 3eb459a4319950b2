"""The ways in which an agent's goods can be delivered, each at the price that a quote comes to with it."""

from uuid import UUID

from serai.commerce.agent.types import Content, Destination, Option
from serai.commerce.checkout.api import Quote, quote_cart
from serai.commerce.settings import CommerceSettings
from serai.commerce.tax.types import TaxPlace
from serai.foundation.database import Transaction

STANDARD = "standard"


def chosen_destination(content: Content) -> Destination | None:
    """The address that was selected, None while there is none."""
    wanted = content.destination_id
    return next((each for each in content.destinations if each.destination_id == wanted), None)


async def quote_options(
    tx: Transaction, settings: CommerceSettings, *, owner: str, cart_id: UUID, content: Content
) -> tuple[Quote, tuple[Option, ...]]:
    """The quote with what was chosen, and the options for the selected address."""
    to = chosen_destination(content)
    quote = await quote_cart(
        tx,
        settings=settings,
        owner=owner,
        cart_id=cart_id,
        channel="agent",
        destination=TaxPlace(to.country, to.region) if to else None,
    )
    if to is None:
        return quote, ()
    return quote, (name_option(STANDARD, "Standard Delivery", quote.shipping_minor),)


def name_option(code: str, title: str, price_minor: int) -> Option:
    """An option; one that costs nothing says so."""
    return Option(code, title if price_minor else f"Free {title}", price_minor)
