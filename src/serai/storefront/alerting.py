"""The letters of alerts that have fired."""

from collections.abc import Sequence

from serai.commerce.alert.api import FiredAlert
from serai.commerce.catalogue.api import list_sale_items
from serai.foundation.database import Transaction
from serai.foundation.mail import queue_letter
from serai.foundation.money import format_money
from serai.storefront.letter import write_alert_letter


async def write_alerts(tx: Transaction, fired: Sequence[FiredAlert]) -> None:
    """The letters of alerts that have fired."""
    items = await list_sale_items(tx, sku_ids=[one.alert.sku_id for one in fired])
    for one in fired:
        alert, item = one.alert, items[one.alert.sku_id]
        price = (
            format_money(one.price_minor, one.currency, alert.locale) if one.price_minor is not None else ""
        )
        letter = write_alert_letter(
            alert.kind,
            email=alert.email,
            locale=alert.locale,
            title=item.label(alert.locale),
            price=price,
            path=f"/p/{item.slug}",
        )
        await queue_letter(tx, letter)
