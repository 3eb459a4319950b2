"""Passwords (argon2id), lock-out after failures, and opaque session tokens of which only a digest is stored."""

import asyncio
import hashlib
import re
import secrets
from datetime import timedelta
from functools import cache
from typing import Literal
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, Limited, _
from serai.identity.session import store
from serai.identity.session.types import DEFAULTS, OpenSession

Kind = Literal["staff", "member"]
EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
MAX_EMAIL, MAX_PASSWORD = 200, 200


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _unknown_hash() -> str:
    return _hasher().hash(secrets.token_hex(16))


async def hash_password(password: str) -> str:
    """The argon2id hash of a password, made in a thread since it is slow on purpose.

    Raises:
        Invalid: ``password.weak`` when it is too short or too long.
    """
    if not DEFAULTS.password_min <= len(password) <= MAX_PASSWORD:
        raise Invalid(
            "password.weak",
            _("Please choose a password of at least %(least)s characters."),
            field="password",
            least=DEFAULTS.password_min,
        )
    return await asyncio.to_thread(_hasher().hash, password)


async def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether the password fits. An unknown person (None) takes as long as a known one."""
    try:
        matches = await asyncio.to_thread(
            _hasher().verify, password_hash or _unknown_hash(), password[:MAX_PASSWORD]
        )
    except (VerificationError, InvalidHashError):
        return False
    return matches and password_hash is not None


def normalise_email(email: str) -> str:
    """The address in lower case without surrounding space. Invalid ``email.invalid`` when it is none."""
    email = email.strip().lower()
    if len(email) > MAX_EMAIL or not EMAIL.fullmatch(email):
        raise Invalid("email.invalid", _("That is not an e-mail address."), field="email")
    return email


async def count_attempt(tx: Transaction, *, kind: Kind, email: str) -> None:
    """Count an attempt for an address, known or not, as failed until :func:`open_session` forgets it.

    Counted before the password is looked at: of a thousand attempts at once, only as many as the limit are tried.

    Raises:
        Limited: ``sign_in.locked`` with ``minutes`` after too many failures; such an attempt does not lengthen the lock.
    """
    now = clock.now()
    lasts = timedelta(minutes=DEFAULTS.lock_minutes)
    row = await store.find_failure(tx, kind, email)
    left = row["last_at"] + lasts - now if row else timedelta()
    if row and row["failures"] >= DEFAULTS.failures and left > timedelta():
        raise _locked(left)
    if await store.count_failure(tx, kind, email, now, now - lasts) > DEFAULTS.failures:
        raise _locked(lasts)


async def forget_attempts(tx: Transaction, *, kind: Kind, email: str) -> None:
    """The person has shown the password: what was counted against the address is over."""
    await store.clear_failures(tx, kind, email)


def _locked(left: timedelta) -> Limited:
    minutes = int(left.total_seconds() // 60) + 1
    return Limited(
        "sign_in.locked",
        _("Too many failed attempts. Please try again in %(minutes)s minutes."),
        minutes=minutes,
        retry_after_s=minutes * 60,
    )


async def open_session(
    tx: Transaction, *, kind: Kind, subject_id: UUID, email: str, ip: str = "", agent: str = ""
) -> str:
    """Open a session and return its token; failures of the address are forgotten."""
    token = secrets.token_urlsafe(32)
    lasts = timedelta(hours=DEFAULTS.staff_hours) if kind == "staff" else timedelta(days=DEFAULTS.member_days)
    await store.clear_failures(tx, kind, email)
    await store.insert_session(tx, digest_token(token), kind, subject_id, clock.now() + lasts, ip, agent)
    return token


async def find_session_subject(tx: Transaction, *, kind: Kind, token: str) -> UUID | None:
    """Whose session the token opens, None when it is unknown or over."""
    return await store.find_subject(tx, digest_token(token), kind, clock.now())


async def close_session(tx: Transaction, *, token: str) -> None:
    """End one session."""
    await store.delete_session(tx, digest_token(token))


async def close_sessions_of(
    tx: Transaction, *, kind: Kind, subject_id: UUID, but_token: str | None = None
) -> None:
    """End all sessions of somebody, all but one where a token is given."""
    keep = digest_token(but_token) if but_token else None
    await store.delete_sessions_of(tx, kind, subject_id, keep)


async def list_sessions(
    tx: Transaction, *, kind: Kind, subject_id: UUID, token: str = ""
) -> list[OpenSession]:
    """Somebody's open sessions, the newest first; the one that ``token`` opens is marked."""
    here = digest_token(token)
    return [
        OpenSession(
            row["token_digest"].hex(), row["token_digest"] == here, row["created_at"], row["ip"], row["agent"]
        )
        for row in await store.list_sessions(tx, kind, subject_id, clock.now())
    ]


async def close_session_of(tx: Transaction, *, kind: Kind, subject_id: UUID, session_id: str) -> None:
    """End one of somebody's own sessions; one that is over already needs no ending."""
    try:
        digest = bytes.fromhex(session_id[:64])
    except ValueError:
        return
    await store.delete_session_of(tx, kind, subject_id, digest)


async def delete_expired_sessions(tx: Transaction) -> None:
    """Forget sessions that are over."""
    await store.delete_expired(tx, clock.now())


def digest_token(token: str) -> bytes:
    """What is stored of a secret token."""
    return hashlib.blake2b(token.encode(), digest_size=32).digest()
