"""What must happen when nobody asks: goods that came by a way that knows no lots get one."""

import logging

from serai.commerce.lot import store
from serai.commerce.lot.api import align_lots
from serai.commerce.types import Commerce
from serai.foundation.database import Database
from serai.foundation.errors import Refused
from serai.foundation.ids import MerchantId

log = logging.getLogger("serai.commerce")


async def align_all(commerce: Commerce, owner: Database) -> int:
    """Align the lots of all goods that are kept by them. Returns of how many something was wrong."""
    done = 0
    for row in await store.list_all_rules(owner):
        try:
            done += await align_lots(commerce, MerchantId(row["merchant_id"]), sku_id=row["sku_id"])
        except Refused as error:
            log.info("the lots of %s are not aligned: %s", row["sku_id"], error)
        except Exception:
            log.exception("the lots of %s could not be aligned", row["sku_id"])
    return done
