"""Make and use one-time links. A link is bound to a purpose and an address; a newer one ends the older ones."""

import secrets
from uuid import UUID

from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, _
from serai.identity.link import store
from serai.identity.link.types import LIFETIMES, Purpose, UsedLink
from serai.identity.session.api import digest_token

__all__ = ["LIFETIMES", "Purpose", "UsedLink", "make_link", "use_link"]


async def make_link(tx: Transaction, *, purpose: Purpose, member_id: UUID, email: str) -> str:
    """A new link's token, 256 random bits as base64url; only its digest is kept."""
    token = secrets.token_urlsafe(32)
    await store.delete_links(tx, member_id, purpose)
    expires_at = clock.now() + LIFETIMES[purpose]
    await store.insert_link(tx, digest_token(token), purpose, member_id, email, expires_at)
    return token


async def use_link(tx: Transaction, *, purpose: Purpose, token: str) -> UsedLink:
    """Spend a link. Of two at the same moment one wins. NotFound ``link.unknown`` when it is used, over or wrong."""
    row = await store.use_link(tx, digest_token(token[:200]), purpose, clock.now())
    if row is None:
        raise NotFound("link.unknown", _("This link has been used or has run out. Please ask for a new one."))
    return UsedLink(*row.values())


async def end_links_of(tx: Transaction, *, member_id: UUID) -> None:
    """Make every link of a member void."""
    await store.delete_links(tx, member_id, None)


async def delete_expired_links(tx: Transaction) -> None:
    """Forget links that are over."""
    await store.delete_expired(tx, clock.now())
