"""Give and take back consent; the log is only ever added to, and its newest entry of a topic counts."""

from uuid import UUID

from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.ids import new_id
from serai.identity.consent import store
from serai.identity.consent.types import TOPICS, Consent, Topic

__all__ = ["TOPICS", "Consent", "Topic", "list_consents", "load_choices", "set_consent"]


async def set_consent(tx: Transaction, *, member_id: UUID, topic: Topic, granted: bool, words: str) -> bool:
    """Note a choice; repeating the present one adds nothing. ``words``: what the member read. Whether it was new."""
    if (await load_choices(tx, member_id=member_id))[topic] == granted:
        return False
    await store.insert_consent(tx, new_id(), member_id, topic, granted, words, clock.now())
    return True


async def load_choices(tx: Transaction, *, member_id: UUID) -> dict[Topic, bool]:
    """What counts now, by topic; what was never asked is no."""
    found = {row["topic"]: row["granted"] for row in await store.list_newest(tx, member_id)}
    return {topic: found.get(topic, False) for topic in TOPICS}


async def list_consents(tx: Transaction, *, member_id: UUID) -> list[Consent]:
    """The log, the newest first."""
    return [Consent(*row.values()) for row in await store.list_consents(tx, member_id)]
