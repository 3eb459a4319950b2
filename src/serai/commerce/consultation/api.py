"""Consultation: ask, answer at once from facts where those suffice, else wait for staff; publish, close, vote.

Questions are shown on a product's page only after staff published them, so the page cannot be written on by strangers.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.commerce.catalogue.api import load_product
from serai.commerce.consultation import store
from serai.commerce.consultation.events import QuestionAnswered, QuestionAsked
from serai.commerce.consultation.logic import match_facts, may_answer
from serai.commerce.consultation.types import (
    QUEUE_STATES,
    Answer,
    KnownFact,
    Match,
    Question,
    QueueState,
)
from serai.commerce.types import Page
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import new_id
from serai.foundation.limit import take_token
from serai.foundation.mail import ADDRESS
from serai.identity.audit import api as audit

__all__ = ["QUEUE_STATES", "Answer", "KnownFact", "Match", "Question", "QueueState", "ask_question"]

LEAST, MOST, ANSWER_MOST = 5, 600, 2000
PER_ADDRESS, PER_CLIENT, DAY_S = 6, 15, 86_400
VOTES, HOUR_S = 40, 3600
LINK = re.compile(r"https?:|www\.|[a-z0-9-]+\.(com|net|org|ru|cn|top|xyz|shop|info)\b", re.IGNORECASE)


async def ask_question(
    tx: Transaction,
    *,
    product_id: UUID,
    words: str,
    email: str,
    name: str,
    locale: str,
    facts: Sequence[KnownFact],
    member_id: UUID | None = None,
    ip: str = "",
) -> Question:
    """Ask about a published product; facts that explain enough of the question answer it at once.

    Raises:
        NotFound: ``product.unknown``.
        Invalid: ``question.length`` , ``question.link``, ``email.invalid``, each with its ``field``.
        Limited: ``limit.reached``, per address and client.
    """
    words, name = " ".join(words.split()), " ".join(name.split())[:60]
    email = email.strip().lower()
    if not LEAST <= len(words) <= MOST:
        raise Invalid(
            "question.length",
            _("Please ask in %(least)s to %(most)s characters."),
            field="question",
            least=LEAST,
            most=MOST,
        )
    if LINK.search(words):
        raise Invalid("question.link", _("Please ask without links."), field="question")
    if not ADDRESS.fullmatch(email):
        raise Invalid("email.invalid", _("That is not an e-mail address."), field="email")
    product = await load_product(tx, product_id=product_id, published=True)
    await take_token(tx, name="question", who=email, most=PER_ADDRESS, per_s=DAY_S)
    if ip:
        await take_token(tx, name="question.client", who=ip, most=PER_CLIENT, per_s=DAY_S)
    match = match_facts(words, facts, f"{product.label(locale)} {product.title} {product.brand}")
    question_id, now, answered = new_id(), clock.now(), may_answer(match)
    await store.insert_question(
        tx, question_id, product_id, member_id, email, name, locale, words, now, now if answered else None
    )
    if answered:
        await store.insert_answer(
            tx, new_id(), question_id, "facts", match.words, "", list(match.keys), match.confidence, now
        )
    await append_facts(tx, [Fact(question_id, QuestionAsked(question_id, product_id, answered))])
    return await load_question(tx, question_id=question_id)


async def load_question(tx: Transaction, *, question_id: UUID) -> Question:
    """A question with its answers. NotFound ``question.unknown``."""
    row = await store.find_question(tx, question_id)
    if row is None:
        raise _unknown()
    return (await _with_answers(tx, [row]))[0]


def _unknown() -> NotFound:
    return NotFound("question.unknown", _("There is no such question."))


async def _with_answers(tx: Transaction, rows: Sequence[Any]) -> list[Question]:
    answers = [
        Answer(*row.values()) for row in await store.list_answers(tx, [r["question_id"] for r in rows])
    ]
    return [
        Question(**dict(row), answers=tuple(a for a in answers if a.question_id == row["question_id"]))
        for row in rows
    ]


async def list_published(tx: Transaction, *, product_id: UUID, limit: int = 20) -> list[Question]:
    """What stands on a product's page: the most helpful answers first, then the newest."""
    found = await _with_answers(tx, await store.list_published(tx, product_id, min(limit, 100)))
    return sorted(found, key=lambda q: -max((a.helpful - a.unhelpful for a in q.answers), default=0))


async def list_of_member(tx: Transaction, *, member_id: UUID) -> list[Question]:
    """A member's own questions, the newest first."""
    return await _with_answers(tx, await store.list_of_member(tx, member_id))


async def list_queue(
    tx: Transaction, *, state: QueueState = "waiting", cursor: str | None = None, limit: int = 30
) -> Page[Question]:
    """The staff's queue. Invalid ``list.cursor_invalid``."""
    rows = await store.list_queue(tx, state, _read_cursor(cursor), limit + 1)
    items = tuple(await _with_answers(tx, rows[:limit]))
    more = f"{items[-1].asked_at.isoformat()}|{items[-1].question_id}" if len(rows) > limit else None
    return Page(items, more)


def _read_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    if not cursor:
        return None
    try:
        moment, _bar, question_id = cursor.partition("|")
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None:
            raise ValueError(moment)
        return at, UUID(question_id)
    except (ValueError, OverflowError) as error:
        raise Invalid("list.cursor_invalid", _("This list cannot be continued from there.")) from error


async def count_queue(tx: Transaction) -> dict[QueueState, int]:
    """Number of questions by state."""
    row = await store.count_states(tx)
    return {state: row[state] for state in QUEUE_STATES}


async def answer_question(
    tx: Transaction, *, question_id: UUID, words: str, by: str, published: bool
) -> Question:
    """Answer as staff; the asker is written to.

    Raises:
        NotFound: ``question.unknown``. Invalid: ``answer.length``. Conflict: ``question.closed``.
    """
    words = words.strip()
    if not 1 <= len(words) <= ANSWER_MOST:
        raise Invalid(
            "answer.length", _("An answer has 1 to %(most)s characters."), field="answer", most=ANSWER_MOST
        )
    row = await _lock(tx, question_id)
    if row["closed_at"] is not None:
        raise Conflict("question.closed", _("This question is closed."))
    answer_id, now = new_id(), clock.now()
    await store.insert_answer(tx, answer_id, question_id, "staff", words, by, [], None, now)
    await store.update_question(tx, question_id, published, now, None)
    await _note(tx, by, "question.answered", question_id, {"published": published})
    event = QuestionAnswered(question_id, answer_id, row["product_id"], by)
    await append_facts(tx, [Fact(question_id, event)])
    return await load_question(tx, question_id=question_id)


async def _lock(tx: Transaction, question_id: UUID) -> Any:
    row = await store.lock_question(tx, question_id)
    if row is None:
        raise _unknown()
    return row


async def _note(tx: Transaction, by: str, action: str, question_id: UUID, after: dict[str, Any]) -> None:
    await audit.record(
        tx, actor=by, action=action, subject_kind="question", subject_id=question_id, after=after
    )


async def publish_question(tx: Transaction, *, question_id: UUID, published: bool, by: str) -> None:
    """Show an answered question on the product's page, or hide it. Conflict ``question.unanswered``."""
    row = await _lock(tx, question_id)
    if published and row["answered_at"] is None:
        raise Conflict("question.unanswered", _("Only an answered question can be shown."))
    await store.update_question(tx, question_id, published, row["answered_at"], row["closed_at"])
    await _note(tx, by, "question.published" if published else "question.hidden", question_id, {})


async def close_question(tx: Transaction, *, question_id: UUID, by: str) -> None:
    """Close a question without an answer (junk, or settled elsewhere); it leaves queue and page."""
    row = await _lock(tx, question_id)
    await store.update_question(tx, question_id, False, row["answered_at"], clock.now())
    await _note(tx, by, "question.closed", question_id, {})


async def vote_answer(tx: Transaction, *, answer_id: UUID, voter: str, helpful: bool, ip: str = "") -> None:
    """Say whether a published answer helped; one voice per voter, the last word counts.

    Raises:
        NotFound: ``answer.unknown``. Limited: ``limit.reached`` per client.
    """
    await take_token(tx, name="vote", who=ip or voter, most=VOTES, per_s=HOUR_S)
    digest = hashlib.blake2b(voter.encode(), digest_size=16).digest()
    if not await store.vote(tx, answer_id, digest, helpful):
        raise NotFound("answer.unknown", _("There is no such answer."))


async def blank_questions_of(tx: Transaction, *, member_id: UUID, email: str) -> None:
    """Take name and address off a member's questions; published words stay, as nobody's."""
    await store.blank_member(tx, member_id, email)
