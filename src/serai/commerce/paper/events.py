"""What happens to papers."""

from uuid import UUID

import msgspec


class PaperIssued(msgspec.Struct, frozen=True):
    """An invoice or a credit note has got its number and stands as it is."""

    paper_id: UUID
    order_id: UUID
    kind: str
    number: str
    total_minor: int
    currency: str
    by: str
