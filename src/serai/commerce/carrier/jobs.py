"""What must happen when nobody asks: labels without an answer are looked up, parcels followed, needless labels taken back."""

import logging
from datetime import timedelta

from serai.commerce.carrier import store
from serai.commerce.carrier.buy_label import settle_label
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.ids import MerchantId

log = logging.getLogger("serai.commerce")

ANSWER_S = 20
FOLLOW_MINUTES = 30
BATCH = 100


async def settle_labels(commerce: Commerce, owner: Database) -> int:
    """Ask carriers about labels that are due. Returns how many; one that fails does not stop the others."""
    now = clock.now()
    due = await store.list_due(
        owner, now - timedelta(seconds=ANSWER_S), now - timedelta(minutes=FOLLOW_MINUTES), BATCH
    )
    for row in due if commerce.carriers else ():
        try:
            await settle_label(commerce, MerchantId(row["merchant_id"]), label_id=row["label_id"])
        except Exception:
            log.exception("label %s could not be settled", row["label_id"])
    return len(due)
