"""What the shop does when its moment comes: it writes to those whose goods a planned offer has made cheaper."""

import logging
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from serai.commerce.alert.api import fire_price_alerts, list_due_prices
from serai.commerce.order.api import access_token, load_order
from serai.commerce.payment.api import find_payment
from serai.commerce.pledge.api import list_overdue, note_reminder
from serai.commerce.pledge.events import InvoiceReminded
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import MerchantId
from serai.foundation.mail import queue_letter
from serai.storefront.alerting import write_alerts
from serai.storefront.pledge_letter import write_reminder

log = logging.getLogger("serai.storefront")


async def tell_begun_offers(commerce: Commerce, owner: Database) -> int:
    """Fire price alerts by offers that have begun since; nobody says so at that moment. Returns how many letters went out.

    An alert that has fired is over, so whatever else fires it in the same moment, one letter is written.
    """
    due: dict[MerchantId, list[UUID]] = {}
    for merchant_id, sku_id in await list_due_prices(owner):
        due.setdefault(MerchantId(merchant_id), []).append(sku_id)
    told = 0
    for merchant_id, sku_ids in due.items():
        try:
            async with commerce.db.transaction(merchant_id) as tx:
                fired = await fire_price_alerts(tx, sku_ids=sku_ids)
                await write_alerts(tx, fired)
            told += len(fired)
        except Exception:
            log.exception("alerts of merchant %s could not be told", merchant_id)
    return told


async def remind_invoices(commerce: Commerce, owner: Database) -> int:
    """Write to customers whose invoices are overdue, and again after some days. Returns how many letters went out."""
    asked_before = clock.now() - timedelta(days=commerce.settings.invoice_reminder_days)
    told = 0
    for merchant_id, intent_id in await list_overdue(owner, asked_before=asked_before):
        try:
            told += await _remind(commerce, MerchantId(merchant_id), intent_id)
        except Exception:
            log.exception("the buyer of payment %s could not be reminded", intent_id)
    return told


async def _remind(commerce: Commerce, merchant_id: MerchantId, intent_id: UUID) -> bool:
    asked_before = clock.now() - timedelta(days=commerce.settings.invoice_reminder_days)
    async with commerce.db.transaction(merchant_id) as tx:
        number = await note_reminder(tx, intent_id=intent_id, asked_before=asked_before)
        found = await find_payment(tx, intent_id=intent_id)
        if number is None or found is None or found.pledge is None:
            return False
        order = await load_order(tx, order_id=found.order_id)
        told = InvoiceReminded(order.order_id, intent_id, found.open_minor, number)
        await append_facts(tx, [Fact(order.order_id, told)])
        if not order.email:
            return False
        query = urlencode({"key": access_token(commerce.secret, order.order_id)})
        path = f"/orders/{order.order_id}?{query}"
        await queue_letter(tx, write_reminder(order, found.pledge, number, path=path))
    return True
