"""Staff, their roles, and what each role may do."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

Role = Literal["owner", "manager", "clerk"]
ROLES: tuple[Role, ...] = ("owner", "manager", "clerk")

CLERK = frozenset(
    {"order.read", "order.fulfil", "order.cancel", "stock.read", "stock.write", "product.read", "board.read"}
)
MANAGER = CLERK | {
    "order.refund",
    "product.write",
    "price.write",
    "promotion.write",
    "tender.write",
    "audit.read",
    "overload.write",
}
OWNER = MANAGER | {"staff.manage", "apikey.manage", "settings.write"}
PERMISSIONS: dict[str, frozenset[str]] = {"owner": OWNER, "manager": MANAGER, "clerk": CLERK}


class Staff(msgspec.Struct, frozen=True):
    """Somebody at the console."""

    staff_id: UUID
    email: str
    name: str
    role: Role
    active: bool
    must_change_password: bool
    created_at: datetime
    last_seen_at: datetime | None

    def may(self, permission: str) -> bool:
        """Whether the role allows it, e.g. ``price.write``."""
        return self.active and permission in PERMISSIONS[self.role]
