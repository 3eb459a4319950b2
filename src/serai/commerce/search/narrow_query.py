"""A query together with what a list is narrowed to: each choice is a token of the index, so that it is looked up, not read
row by row."""

from uuid import UUID

from serai.commerce.search.make_document import mark_of, merchant_token
from serai.commerce.search.types import Wanted


def narrow(merchant_id: UUID, match: str | None, wanted: Wanted) -> str:
    """The text of a tsquery for all that is wanted but prices and publication. Without any words or choices it is the
    merchant's token, which every product carries."""
    groups = [
        [f"c={category_id}" for category_id in wanted.category_ids or ()],
        [f"b={brand}" for brand in wanted.brands],
        *([f"a={code}={value}" for value in values] for code, values in wanted.attributes),
    ]
    parts = [f"({match})"] if match else []
    parts += [f"({' | '.join(_quote(mark_of(choice)) for choice in group)})" for group in groups if group]
    return " & ".join(parts) if parts else _quote(merchant_token(merchant_id))


def _quote(token: str) -> str:
    return f"'{token}'"
