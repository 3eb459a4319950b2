"""API keys: make, list, revoke, recognise."""

import secrets
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Forbidden, Invalid, NotFound, Unauthorised, _
from serai.foundation.ids import MerchantId, new_id
from serai.identity.apikey import store
from serai.identity.apikey.types import SCOPES, ApiKey
from serai.identity.audit import api as audit
from serai.identity.session.api import digest_token

__all__ = ["SCOPES", "ApiKey", "KeyRing", "create_key", "list_keys", "revoke_key"]

PREFIX = "sk_"


def _api_key(row: Any) -> ApiKey:
    return ApiKey(*(*row[:3], tuple(row["scopes"]), *row[4:]))


async def create_key(tx: Transaction, *, name: str, scopes: Sequence[str], by: str) -> tuple[ApiKey, str]:
    """Make a key. Returns it with its secret, which is shown once and not kept.

    Raises:
        Invalid: ``apikey.name_missing``, ``apikey.scope_unknown``.
    """
    name = " ".join(name.split())[:100]
    if not name:
        raise Invalid("apikey.name_missing", _("Please give the key a name."), field="name")
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise Invalid("apikey.scope_unknown", _("Please choose what the key may do."), field="scopes")
    secret = PREFIX + secrets.token_urlsafe(32)
    row = await store.insert_key(
        tx, new_id(), name, secret[:9], digest_token(secret), sorted(set(scopes)), by
    )
    key = _api_key(row)
    await audit.record(
        tx,
        actor=by,
        action="apikey.created",
        subject_kind="apikey",
        subject_id=key.key_id,
        after={"name": name, "scopes": list(key.scopes)},
    )
    return key, secret


async def list_keys(tx: Transaction) -> list[ApiKey]:
    """All keys, the newest first, revoked ones too."""
    return [_api_key(row) for row in await store.list_keys(tx)]


async def revoke_key(tx: Transaction, *, key_id: UUID, by: str) -> ApiKey:
    """End a key. NotFound ``apikey.unknown``. Workers that know it forget it within seconds."""
    row = await store.revoke(tx, key_id)
    if row is None:
        raise NotFound("apikey.unknown", _("There is no such key."))
    await audit.record(tx, actor=by, action="apikey.revoked", subject_kind="apikey", subject_id=key_id)
    return _api_key(row)


class KeyRing:
    """Recognises keys, remembering each for a few seconds so that a hot caller costs no query per call."""

    def __init__(self, db: Database, *, remember_s: float = 3.0, limit: int = 10_000) -> None:
        self._db = db
        self._remember_s = remember_s
        self._limit = limit
        self._known: dict[tuple[UUID, bytes], tuple[float, ApiKey]] = {}

    async def recognise(self, merchant_id: MerchantId, authorization: str | None) -> ApiKey:
        """The key behind an ``Authorization: Bearer`` header. Unauthorised ``apikey.missing`` or ``apikey.wrong``."""
        scheme, _space, secret = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not secret.startswith(PREFIX):
            raise Unauthorised("apikey.missing", _("This call needs an API key."))
        digest = digest_token(secret.strip())
        known, now = self._known.get((merchant_id, digest)), time.monotonic()
        if known and known[0] > now:
            return known[1]
        if known and known[0] > now - self._remember_s:
            # One call of a hot caller asks again; those beside it do not wait for the same row.
            self._known[(merchant_id, digest)] = (now + 1.0, known[1])
        async with self._db.transaction(merchant_id) as tx:
            row = await store.find_by_digest(tx, digest)
            if row is None:
                self._known.pop((merchant_id, digest), None)
                raise Unauthorised("apikey.wrong", _("This API key is not valid."))
            await store.touch(tx, row["key_id"])
        if len(self._known) >= self._limit:
            self._known.clear()
        key = _api_key(row)
        self._known[(merchant_id, digest)] = (time.monotonic() + self._remember_s, key)
        return key


def require_scope(key: ApiKey, scope: str) -> None:
    """Forbidden ``apikey.scope`` unless the key has the scope."""
    if scope not in key.scopes:
        raise Forbidden("apikey.scope", _("This API key may not do that."), needed=scope)
