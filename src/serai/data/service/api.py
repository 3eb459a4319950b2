"""How the service does, for the console's board."""

import asyncio

from serai.data.service.logic import assess
from serai.data.service.types import Lookout, Service
from serai.foundation import clock

__all__ = ["load_service"]


async def load_service(lookout: Lookout) -> Service:
    """Ask every process and the database, and judge what they say."""
    seen, lags = await asyncio.gather(lookout.gather(), lookout.list_lags())
    return assess(seen, lags, int(clock.now().timestamp()))
