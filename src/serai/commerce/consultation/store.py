"""SQL of consultation."""

from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction

QUESTION = "question_id, product_id, member_id, email, name, locale, words, asked_at, published, answered_at, closed_at"
STATES = {
    "waiting": "answered_at IS NULL AND closed_at IS NULL",
    "answered": "answered_at IS NOT NULL AND closed_at IS NULL",
    "closed": "closed_at IS NOT NULL",
}


async def insert_question(
    tx: Transaction,
    question_id: UUID,
    product_id: UUID,
    member_id: UUID | None,
    email: str,
    name: str,
    locale: str,
    words: str,
    now: datetime,
    answered_at: datetime | None,
) -> None:
    await tx.execute(
        "INSERT INTO commerce.question (merchant_id, question_id, product_id, member_id, email, name, locale, words,"
        "   asked_at, answered_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        tx.merchant_id,
        question_id,
        product_id,
        member_id,
        email,
        name,
        locale,
        words,
        now,
        answered_at,
    )


async def insert_answer(
    tx: Transaction,
    answer_id: UUID,
    question_id: UUID,
    source: str,
    words: str,
    answered_by: str,
    facts: list[str],
    confidence: int | None,
    now: datetime,
) -> None:
    await tx.execute(
        "INSERT INTO commerce.answer (merchant_id, answer_id, question_id, source, words, answered_by, facts, confidence,"
        "   answered_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        tx.merchant_id,
        answer_id,
        question_id,
        source,
        words,
        answered_by,
        facts,
        confidence,
        now,
    )


async def lock_question(tx: Transaction, question_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {QUESTION} FROM commerce.question WHERE merchant_id = $1 AND question_id = $2 FOR NO KEY UPDATE",
        tx.merchant_id,
        question_id,
    )


async def find_question(tx: Transaction, question_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {QUESTION} FROM commerce.question WHERE merchant_id = $1 AND question_id = $2",
        tx.merchant_id,
        question_id,
    )


async def update_question(
    tx: Transaction,
    question_id: UUID,
    published: bool,
    answered_at: datetime | None,
    closed_at: datetime | None,
) -> None:
    await tx.execute(
        "UPDATE commerce.question SET published = $3, answered_at = $4, closed_at = $5"
        " WHERE merchant_id = $1 AND question_id = $2",
        tx.merchant_id,
        question_id,
        published,
        answered_at,
        closed_at,
    )


async def list_published(tx: Transaction, product_id: UUID, limit: int) -> list[Any]:
    return await tx.fetch(
        f"SELECT {QUESTION} FROM commerce.question WHERE merchant_id = $1 AND product_id = $2 AND published"
        " ORDER BY asked_at DESC, question_id LIMIT $3",
        tx.merchant_id,
        product_id,
        limit,
    )


async def list_queue(
    tx: Transaction, state: str, before: tuple[datetime, UUID] | None, limit: int
) -> list[Any]:
    """Waiting ones the oldest first (whoever waits longest is next), others the newest first."""
    order, sign = ("ASC", ">") if state == "waiting" else ("DESC", "<")
    at, question_id = before or (None, None)
    return await tx.fetch(
        f"SELECT {QUESTION} FROM commerce.question WHERE merchant_id = $1 AND {STATES[state]}"  # sql: a constant
        f" AND ($2::timestamptz IS NULL OR (asked_at, question_id) {sign} ($2, $3::uuid))"  # sql: a constant
        f" ORDER BY asked_at {order}, question_id {order} LIMIT $4",  # sql: a constant
        tx.merchant_id,
        at,
        question_id,
        limit,
    )


async def list_of_member(tx: Transaction, member_id: UUID) -> list[Any]:
    return await tx.fetch(
        f"SELECT {QUESTION} FROM commerce.question WHERE merchant_id = $1 AND member_id = $2"
        " ORDER BY asked_at DESC LIMIT 200",
        tx.merchant_id,
        member_id,
    )


async def count_states(tx: Transaction) -> Any:
    return await tx.fetchrow(
        "SELECT count(*) FILTER (WHERE answered_at IS NULL AND closed_at IS NULL)::int AS waiting,"
        "   count(*) FILTER (WHERE answered_at IS NOT NULL AND closed_at IS NULL)::int AS answered,"
        "   count(*) FILTER (WHERE closed_at IS NOT NULL)::int AS closed"
        " FROM commerce.question WHERE merchant_id = $1",
        tx.merchant_id,
    )


async def list_answers(tx: Transaction, question_ids: list[UUID]) -> list[Any]:
    return await tx.fetch(
        "SELECT answer_id, question_id, source, words, answered_by, confidence, answered_at,"
        "   (SELECT count(*)::int FROM commerce.answer_vote v WHERE v.merchant_id = a.merchant_id"
        "     AND v.answer_id = a.answer_id AND v.helpful) AS helpful,"
        "   (SELECT count(*)::int FROM commerce.answer_vote v WHERE v.merchant_id = a.merchant_id"
        "     AND v.answer_id = a.answer_id AND NOT v.helpful) AS unhelpful"
        " FROM commerce.answer a WHERE merchant_id = $1 AND question_id = ANY ($2) ORDER BY answered_at, answer_id",
        tx.merchant_id,
        question_ids,
    )


async def vote(tx: Transaction, answer_id: UUID, voter: bytes, helpful: bool) -> bool:
    """Only answers on a page can be voted for."""
    done: str = await tx.execute(
        "INSERT INTO commerce.answer_vote (merchant_id, answer_id, voter, helpful)"
        " SELECT $1, a.answer_id, $3, $4 FROM commerce.answer a JOIN commerce.question q"
        "   ON q.merchant_id = a.merchant_id AND q.question_id = a.question_id"
        " WHERE a.merchant_id = $1 AND a.answer_id = $2 AND q.published"
        " ON CONFLICT (merchant_id, answer_id, voter) DO UPDATE SET helpful = excluded.helpful",
        tx.merchant_id,
        answer_id,
        voter,
        helpful,
    )
    return done.endswith(" 1")


async def blank_member(tx: Transaction, member_id: UUID, email: str) -> None:
    await tx.execute(
        "UPDATE commerce.question SET email = '', name = '', member_id = NULL WHERE merchant_id = $1"
        " AND (member_id = $2 OR email = $3)",
        tx.merchant_id,
        member_id,
        email,
    )
