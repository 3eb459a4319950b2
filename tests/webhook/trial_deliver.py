"""A worker of its own process that sends what is due until it is killed. Argument: the database's address."""

import asyncio
import sys

from serai.commerce.settings import CommerceSettings
from serai.commerce.types import Commerce
from serai.commerce.webhook.jobs import send_webhooks
from serai.foundation.database import open_database
from serai.ledger.api import Lane


async def work(url: str) -> None:
    db = await open_database(url, size=4)
    owner = await open_database(url, role=None, size=2)
    terms = CommerceSettings(webhook_loopback=True, webhook_timeout_s=30, webhook_retry_s="5,30,120")
    commerce = Commerce(db, Lane(db), {}, terms, b"the secret of these tests")
    await send_webhooks(commerce, owner, asyncio.Event())


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))
