"""What happens to photographs when nobody looks: the deleted ones go for good after their undo window."""

import logging

from serai.commerce.media.api import purge_photos
from serai.commerce.types import Commerce
from serai.foundation.ids import MerchantId

log = logging.getLogger("serai.commerce")


async def purge_deleted_photos(commerce: Commerce, merchant_ids: list[MerchantId]) -> int:
    """Purge for each merchant. Returns how many files' worth of photographs went; a failing merchant is tried again."""
    gone = 0
    for merchant_id in merchant_ids:
        try:
            async with commerce.db.transaction(merchant_id) as tx:
                gone += await purge_photos(tx, commerce.blobs)
        except Exception:
            log.exception("deleted photographs of %s could not be purged", merchant_id)
    return gone
