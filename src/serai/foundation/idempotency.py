"""Idempotency: the answer to a mutating call, stored in the transaction of its effect.

The same key and body again gets the stored answer; the same key with another body is refused (422); a call whose twin is
still under way is refused (409) and may be sent again.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Conflict, Invalid, _
from serai.foundation.ids import MerchantId, derive_id

MAX_KEY = 200
# U+0000 in encoded JSON. Found here, it cannot break a batch of the ledger's lane that others share.
NULL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class Call(msgspec.Struct, frozen=True):
    """Who calls which operation with which key and body (as a hash)."""

    caller: str
    operation: str
    key: str
    body_hash: bytes

    def effect_id(self, merchant_id: MerchantId) -> Any:
        """The id of whatever this call makes: the same for every repeat."""
        return derive_id("call", merchant_id, self.caller, self.operation, self.key)


class Reply(msgspec.Struct, frozen=True):
    """A stored answer."""

    status: int
    body: Any
    replayed: bool = False


class ReplyRow(msgspec.Struct, frozen=True):
    """An answer to be stored beside its effect."""

    call: Call
    status: int
    body: Any


def make_call(caller: str, operation: str, key: str | None, body: Any) -> Call:
    """Describe a call. Bodies that mean the same JSON are the same.

    Raises:
        Invalid: ``idempotency.key_needed`` when the key is missing, ``idempotency.key_invalid`` when it is too long,
            ``text.character_invalid`` for the one character that cannot be stored.
    """
    if not key:
        raise Invalid("idempotency.key_needed", _("This call needs an Idempotency-Key header."))
    if len(key) > MAX_KEY or not key.isprintable():
        raise Invalid("idempotency.key_invalid", _("The Idempotency-Key is too long."), limit=MAX_KEY)
    canonical = msgspec.json.encode(msgspec.to_builtins(body), order="sorted")
    if NULL.search(canonical):
        raise Invalid("text.character_invalid", _("Text may not contain the character U+0000."))
    return Call(caller, operation, key, hashlib.blake2b(canonical, digest_size=16).digest())


async def find_reply(tx: Transaction, call: Call) -> Reply | None:
    """The stored answer of an earlier call with this key. Invalid when that call had another body."""
    row = await tx.fetchrow(
        "SELECT body_hash, status, body FROM foundation.reply"
        " WHERE merchant_id = $1 AND caller = $2 AND operation = $3 AND key = $4",
        tx.merchant_id,
        call.caller,
        call.operation,
        call.key,
    )
    if row is None:
        return None
    if row["body_hash"] != call.body_hash:
        raise Invalid("idempotency.body_differs", _("This Idempotency-Key was used for another request."))
    return Reply(row["status"], row["body"], replayed=True)


async def save_replies(tx: Transaction, rows: Sequence[ReplyRow]) -> None:
    """Store answers; a writer for the lane's batches as well. The first answer to a key is the one that stays."""
    await tx.execute(
        "INSERT INTO foundation.reply (merchant_id, caller, operation, key, body_hash, status, body)"
        " SELECT $1, r.caller, r.operation, r.key, r.body_hash, r.status, r.body::jsonb"
        " FROM unnest($2::text[], $3::text[], $4::text[], $5::bytea[], $6::smallint[], $7::text[])"
        "   r (caller, operation, key, body_hash, status, body)"
        " ON CONFLICT DO NOTHING",
        tx.merchant_id,
        [row.call.caller for row in rows],
        [row.call.operation for row in rows],
        [row.call.key for row in rows],
        [row.call.body_hash for row in rows],
        [row.status for row in rows],
        # As texts: a list of JSON values would be taken for an array of more dimensions when a body is a list itself.
        [msgspec.json.encode(row.body).decode() for row in rows],
    )


async def delete_old_replies(owner: Database, *, hours: int) -> None:
    """Forget replies that nobody will ask for again (owner's role)."""
    await owner.execute(
        "DELETE FROM foundation.reply WHERE created_at < now() - make_interval(hours => $1)", hours
    )


async def run_once(
    db: Database,
    merchant_id: MerchantId,
    call: Call,
    effect: Callable[[Transaction], Awaitable[tuple[int, Any]]],
) -> Reply:
    """Do an effect once per key, in one transaction with its stored answer.

    Raises:
        Conflict: ``idempotency.in_flight`` while a twin of this call is under way.
        Invalid: ``idempotency.body_differs``.
    """
    lock = derive_id("reply", merchant_id, call.caller, call.operation, call.key).int & ((1 << 63) - 1)
    async with db.transaction(merchant_id) as tx:
        if not await tx.fetchval("SELECT pg_try_advisory_xact_lock($1)", lock):
            raise in_flight()
        earlier = await find_reply(tx, call)
        if earlier is not None:
            return earlier
        status, body = await effect(tx)
        await save_replies(tx, [ReplyRow(call, status, msgspec.to_builtins(body))])
    return Reply(status, body)


def in_flight() -> Conflict:
    """The refusal for a call whose twin has not been answered yet."""
    return Conflict("idempotency.in_flight", _("The same request is still being worked on."), retry_after_s=1)
