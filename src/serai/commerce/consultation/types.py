"""Questions and answers as other modules see them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

QueueState = Literal["waiting", "answered", "closed"]
QUEUE_STATES: tuple[QueueState, ...] = ("waiting", "answered", "closed")


class KnownFact(msgspec.Struct, frozen=True):
    """One thing that is known of a product or of buying it: a whole sentence in the reader's language.

    ``key`` names it (``price``, ``stock``, ``attribute:origin``); ``keywords`` are words of a question that ask for it,
    besides those the matcher knows for the key.
    """

    key: str
    words: str
    keywords: tuple[str, ...] = ()


class Match(msgspec.Struct, frozen=True):
    """What the matcher made of a question: an answer out of facts, their keys, and how much of the question they explain.

    ``confidence`` is in percent; ``caution`` says that only a person may answer, whatever the facts say.
    """

    confidence: int
    keys: tuple[str, ...]
    words: str
    caution: bool = False


class Answer(msgspec.Struct, frozen=True):
    """An answer; ``source`` says who wrote it. ``helpful`` and ``unhelpful`` count votes."""

    answer_id: UUID
    question_id: UUID
    source: Literal["facts", "staff"]
    words: str
    answered_by: str
    confidence: int | None
    answered_at: datetime
    helpful: int = 0
    unhelpful: int = 0


class Question(msgspec.Struct, frozen=True):
    """A question about a product. ``answered_at`` is None while it waits for staff."""

    question_id: UUID
    product_id: UUID
    member_id: UUID | None
    email: str
    name: str
    locale: str
    words: str
    asked_at: datetime
    published: bool
    answered_at: datetime | None
    closed_at: datetime | None
    answers: tuple[Answer, ...] = ()

    @property
    def state(self) -> QueueState:
        """Where it stands in the queue."""
        if self.closed_at is not None:
            return "closed"
        return "answered" if self.answered_at is not None else "waiting"
