"""What the shop does when its moment comes: it writes to those whose goods a planned offer has made cheaper."""

import logging
from uuid import UUID

from serai.commerce.alert.api import fire_price_alerts, list_due_prices
from serai.commerce.types import Commerce
from serai.foundation.database import Database
from serai.foundation.ids import MerchantId
from serai.storefront.alerting import write_alerts

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
