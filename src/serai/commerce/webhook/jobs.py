"""The worker's loop that sends webhooks: a slow endpoint holds up nobody else."""

import asyncio
import logging

from serai.commerce.types import Commerce
from serai.commerce.webhook.deliver_due import Claim, carry_out, claim_due
from serai.foundation.database import Database

log = logging.getLogger("serai.webhook")

POLL_S = 0.3
RETRY_S = 2.0
# Messages under way at the same time in one worker, over all endpoints.
AT_ONCE = 32
# What is under way when the worker stops gets this long.
STOP_S = 3.0


async def send_webhooks(commerce: Commerce, owner: Database, stopped: asyncio.Event) -> None:
    """Send what is due until stopped, then let what is under way end for some seconds. The database may go and come back."""
    under_way: set[asyncio.Task[None]] = set()
    while not stopped.is_set():
        pause_s = POLL_S
        try:
            claims = await claim_due(commerce, owner, most=AT_ONCE - len(under_way))
            under_way |= {asyncio.create_task(_carry_out(commerce, claim)) for claim in claims}
        except Exception:  # the worker's loop
            log.exception("webhooks could not be chosen")
            pause_s = RETRY_S
        if under_way:
            _done, under_way = await asyncio.wait(
                under_way, timeout=pause_s, return_when=asyncio.FIRST_COMPLETED
            )
        else:
            await asyncio.sleep(pause_s)
    if under_way:
        _done, late = await asyncio.wait(under_way, timeout=STOP_S)
        # Their leases run out, and they are sent again under the same ids.
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


async def _carry_out(commerce: Commerce, claim: Claim) -> None:
    try:
        await carry_out(commerce, claim)
    except Exception:  # the worker's loop: its lease runs out and it is sent again
        log.exception("webhook %s could not be carried out", claim.delivery.delivery_id)
