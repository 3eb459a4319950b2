"""An entry of the audit log."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class AuditEntry(msgspec.Struct, frozen=True):
    """Who (an e-mail address, ``api:<key>`` or ``system``) did what to which subject, with the values around it."""

    audit_id: UUID
    at: datetime
    actor: str
    action: str
    subject_kind: str
    subject_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
