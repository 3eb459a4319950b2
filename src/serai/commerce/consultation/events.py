"""What happens to questions."""

from uuid import UUID

import msgspec


class QuestionAsked(msgspec.Struct, frozen=True):
    """A shopper has asked something about a product; ``answered`` tells whether its facts answered at once."""

    question_id: UUID
    product_id: UUID
    answered: bool


class QuestionAnswered(msgspec.Struct, frozen=True):
    """Staff have answered a question."""

    question_id: UUID
    answer_id: UUID
    product_id: UUID
    by: str
