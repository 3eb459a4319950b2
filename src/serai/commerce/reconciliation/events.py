"""What happens to statements."""

from uuid import UUID

import msgspec


class StatementRead(msgspec.Struct, frozen=True):
    """A provider's statement was read and held against the books."""

    statement_id: UUID
    provider: str
    lines: int
    by: str


class DifferenceResolved(msgspec.Struct, frozen=True):
    """Somebody said what becomes of a line on which a statement and the books differ."""

    provider: str
    row_key: str
    resolution: str
    amount_minor: int
    by: str
