"""SQL of consents."""

from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction


async def insert_consent(
    tx: Transaction, consent_id: UUID, member_id: UUID, topic: str, granted: bool, words: str, now: datetime
) -> None:
    await tx.execute(
        "INSERT INTO identity.consent (merchant_id, consent_id, member_id, topic, granted, words, given_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        tx.merchant_id,
        consent_id,
        member_id,
        topic,
        granted,
        words,
        now,
    )


async def list_newest(tx: Transaction, member_id: UUID) -> list[Any]:
    return await tx.fetch(
        "SELECT DISTINCT ON (topic) topic, granted FROM identity.consent WHERE merchant_id = $1 AND member_id = $2"
        " ORDER BY topic, given_at DESC, consent_id DESC",
        tx.merchant_id,
        member_id,
    )


async def list_consents(tx: Transaction, member_id: UUID) -> list[Any]:
    return await tx.fetch(
        "SELECT topic, granted, words, given_at FROM identity.consent WHERE merchant_id = $1 AND member_id = $2"
        " ORDER BY given_at DESC, consent_id DESC LIMIT 500",
        tx.merchant_id,
        member_id,
    )
