"""Upkeep: forgetting what is no longer needed."""

from serai.commerce.agent.api import delete_old_sessions
from serai.commerce.alert.api import delete_old_alerts
from serai.commerce.cart.api import delete_old_carts
from serai.commerce.media.jobs import purge_deleted_photos
from serai.commerce.retention.jobs import apply_policies
from serai.commerce.saved.api import delete_old_lines
from serai.commerce.webhook.api import delete_old_deliveries
from serai.foundation.event import delete_old_inbox
from serai.foundation.idempotency import delete_old_replies
from serai.foundation.ids import MerchantId
from serai.foundation.limit import delete_old_buckets
from serai.foundation.shelf import delete_old_changes
from serai.identity.link.api import delete_expired_links
from serai.identity.merchant.api import list_merchants
from serai.identity.passkey.api import delete_expired_challenges
from serai.identity.session.api import delete_expired_sessions
from serai.main.platform import Platform

REPLY_HOURS = 48
INBOX_DAYS = 14
CHANGE_HOURS = 6


async def keep_house(platform: Platform) -> None:
    """Forget stored replies past 48 hours, inbox rows past two weeks, sessions that are over, forgotten
    carts, and deleted photographs past their undo window."""
    await delete_old_replies(platform.owner, hours=REPLY_HOURS)
    await delete_old_inbox(platform.owner, days=INBOX_DAYS)
    await delete_old_buckets(platform.owner)
    await delete_old_changes(platform.owner, hours=CHANGE_HOURS)
    for merchant in await list_merchants(platform.db):
        async with platform.db.transaction(MerchantId(merchant.merchant_id)) as tx:
            await delete_expired_sessions(tx)
            await delete_expired_links(tx)
            await delete_expired_challenges(tx)
            await delete_old_carts(tx)
            await delete_old_lines(tx)
            await delete_old_alerts(tx)
            await delete_old_sessions(tx, hours=platform.commerce.settings.agent_session_hours)
            await delete_old_deliveries(tx, days=platform.commerce.settings.webhook_keep_days)
    merchant_ids = [MerchantId(merchant.merchant_id) for merchant in await list_merchants(platform.db)]
    await purge_deleted_photos(platform.commerce, merchant_ids)


async def forget_old_data(platform: Platform) -> int:
    """Apply every merchant's retention policy. Returns how many orders and members were forgotten."""
    merchant_ids = [MerchantId(merchant.merchant_id) for merchant in await list_merchants(platform.db)]
    return await apply_policies(platform.commerce, merchant_ids)
