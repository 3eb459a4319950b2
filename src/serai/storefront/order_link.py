"""The addresses of one order for one shopper."""

from urllib.parse import urlencode
from uuid import UUID

import msgspec

from serai.storefront.view import Asked

KEY_LIMIT = 200


class OrderLink(msgspec.Struct, frozen=True):
    """The addresses of one order for one shopper: by a guest's key, or in the account (no key)."""

    path: str
    key: str = ""

    def to(self, what: str, **more: str) -> str:
        """Address of the order's page, or of something done with it (``pay``, ``cancel``, ``return``)."""
        query = urlencode(({"key": self.key} if self.key else {}) | more)
        path = f"{self.path}/{what}" if what else self.path
        return f"{path}?{query}" if query else path


def link_guest(order_id: UUID, key: str) -> OrderLink:
    """The link that a guest gets to an order."""
    return OrderLink(f"/orders/{order_id}", key)


def read_link(request: Asked, order_id: UUID) -> OrderLink:
    """The link that was asked."""
    return link_guest(order_id, request.query_params.get("key", "")[:KEY_LIMIT])
