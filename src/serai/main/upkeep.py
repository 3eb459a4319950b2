"""Upkeep: partitions of the event log, and forgetting what is no longer needed."""

from datetime import date

from serai.commerce.cart.api import delete_old_carts
from serai.foundation.database import Database
from serai.foundation.ids import MerchantId
from serai.identity.merchant.api import list_merchants
from serai.identity.session.api import delete_expired_sessions
from serai.main.platform import Platform

PARTITION_DAYS = 7
REPLY_HOURS = 48
INBOX_DAYS = 14


async def make_partitions(owner: Database, first_day: date) -> int:
    """Make the event log's partitions for a week from a day on. Returns how many were missing."""
    made: int = await owner.fetchval(
        "SELECT foundation.make_event_partitions($1::date, $2)", first_day, PARTITION_DAYS
    )
    return made


async def keep_house(platform: Platform) -> None:
    """Forget stored replies past 48 hours, inbox rows past two weeks, sessions that are over and forgotten carts."""
    await platform.owner.execute(
        "DELETE FROM foundation.reply WHERE created_at < now() - make_interval(hours => $1)", REPLY_HOURS
    )
    await platform.owner.execute(
        "DELETE FROM foundation.inbox WHERE taken_at < now() - make_interval(days => $1)", INBOX_DAYS
    )
    for merchant in await list_merchants(platform.db):
        async with platform.db.transaction(MerchantId(merchant.merchant_id)) as tx:
            await delete_expired_sessions(tx)
            await delete_old_carts(tx)
