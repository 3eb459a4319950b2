"""How the console calls the channels on which products are shown, and which products say otherwise than the web shop."""

from collections.abc import Sequence
from uuid import UUID

from serai.commerce.catalogue.api import CHANNELS, list_channel_states
from serai.console.desk import Desk
from serai.foundation.database import Transaction
from serai.foundation.errors import _

CHANNEL_NAMES = {
    "web": _("Web shop"),
    "app": _("App"),
    "pos": _("Tills"),
    "agent": _("Shopping agents"),
    "market": _("Markets"),
}


async def tell_channels(
    tx: Transaction, desk: Desk, product_ids: Sequence[UUID]
) -> dict[UUID, list[tuple[str, bool]]]:
    """What some products say for themselves, in words: (channel, shown). Those that follow the web shop are left out."""
    states = await list_channel_states(tx, product_ids=product_ids)
    told: dict[UUID, list[tuple[str, bool]]] = {}
    for channel in CHANNELS:
        for product_id in product_ids:
            shown = states.get((product_id, channel))
            if shown is not None:
                told.setdefault(product_id, []).append((desk.say(CHANNEL_NAMES[channel]), shown))
    return told


def list_channels(desk: Desk) -> list[tuple[str, str]]:
    """The channels beside the web shop, as choices."""
    return [(channel, desk.say(CHANNEL_NAMES[channel])) for channel in CHANNELS]
