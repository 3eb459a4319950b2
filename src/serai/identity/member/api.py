"""Members: register, sign in and out, look up, edit."""

import re
from datetime import datetime
from uuid import UUID

from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, Unauthorised, _
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import MerchantId, new_id
from serai.foundation.limit import take_token
from serai.identity.address import api as address
from serai.identity.audit import api as audit
from serai.identity.link import api as link
from serai.identity.link.types import LIFETIMES, Purpose, UsedLink
from serai.identity.member import store
from serai.identity.member.events import MemberErased
from serai.identity.member.types import AskedLink, Member
from serai.identity.passkey import api as passkey
from serai.identity.session import api as session

__all__ = [
    "AskedLink",
    "Member",
    "add_card_members",
    "ask_link",
    "edit_member",
    "erase_member",
    "find_member",
    "list_members",
    "register_member",
    "sign_in_by_link",
    "sign_in_member",
]

MAX_NAME = 100
LEVEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}|")
# How many links an address may be sent and a client may ask for, per hour.
LINKS_PER_ADDRESS, LINKS_PER_CLIENT, HOUR_S = 4, 20, 3600


async def register_member(
    db: Database,
    merchant_id: MerchantId,
    *,
    email: str,
    password: str,
    name: str,
    ip: str = "",
    agent: str = "",
) -> str:
    """Open an account and sign it in. Returns the session's token.

    Raises:
        Invalid: ``email.invalid``, ``password.weak``, ``member.name_invalid``.
        Conflict: ``member.email_taken``.
    """
    email = session.normalise_email(email)
    name = _check_name(name)
    password_hash = await session.hash_password(password)
    async with db.transaction(merchant_id) as tx:
        member_id = new_id()
        row = await store.insert_member(tx, member_id, _number_of(member_id), email, password_hash, name)
        if row is None:
            raise Conflict(
                "member.email_taken",
                _("There is an account with this e-mail address already."),
                field="email",
            )
        return await session.open_session(
            tx, kind="member", subject_id=member_id, email=email, ip=ip, agent=agent
        )


def _number_of(member_id: UUID) -> str:
    return f"M{member_id.int % 10**10:010}"


def _check_name(name: str) -> str:
    name = " ".join(name.split())
    if len(name) > MAX_NAME:
        raise Invalid("member.name_invalid", _("That name is too long."), field="name", limit=MAX_NAME)
    return name


async def sign_in_member(
    db: Database, merchant_id: MerchantId, *, email: str, password: str, ip: str = "", agent: str = ""
) -> str:
    """Sign a member in and return the session's token.

    Raises:
        Unauthorised: ``sign_in.wrong``, whichever part was wrong.
        Limited: ``sign_in.locked`` with ``minutes``.
    """
    email = email.strip().lower()[:200]
    async with db.transaction(merchant_id) as tx:
        await session.count_attempt(tx, kind="member", email=email)
        row = await store.find_credentials(tx, email)
    if not await session.verify_password(row["password_hash"] if row else None, password):
        raise Unauthorised("sign_in.wrong", _("E-mail address and password do not match."))
    async with db.transaction(merchant_id) as tx:
        return await session.open_session(
            tx, kind="member", subject_id=row["member_id"], email=email, ip=ip, agent=agent
        )


async def list_members(
    tx: Transaction, *, query: str = "", before: UUID | None = None, limit: int = 50
) -> list[Member]:
    """Members with an account, the newest first; ``query``: the beginning of an address or number, or part of a name.

    Page on with the last member's id.
    """
    words = query.strip().lower()[:100]
    words = words.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return [Member(*row.values()) for row in await store.list_members(tx, words, before, min(limit, 200))]


async def ask_link(tx: Transaction, *, purpose: Purpose, email: str, ip: str = "") -> AskedLink | None:
    """A one-time link for whoever reads the address, None when it has no account.

    The caller sends the link there and answers the asker the same either way, so nobody learns who has an account.

    Raises:
        Limited: ``limit.reached`` with ``minutes``, for known and unknown addresses alike.
    """
    email = email.strip().lower()[:200]
    await take_token(tx, name=f"link.{purpose}", who=email, most=LINKS_PER_ADDRESS, per_s=HOUR_S)
    if ip:
        await take_token(tx, name="link.client", who=ip, most=LINKS_PER_CLIENT, per_s=HOUR_S)
    row = await store.find_by_email(tx, email)
    if row is None:
        return None
    member = Member(*row.values())
    token = await link.make_link(tx, purpose=purpose, member_id=member.member_id, email=email)
    return AskedLink(member, token, int(LIFETIMES[purpose].total_seconds() // 60))


async def verify_email(tx: Transaction, *, token: str) -> Member:
    """The address is proven. NotFound ``link.unknown``, also when the account has another address by now."""
    return await _take_proof(tx, await link.use_link(tx, purpose="verify", token=token))


async def _take_proof(tx: Transaction, used: UsedLink) -> Member:
    row = await store.verify_email(tx, used.member_id, used.email, clock.now())
    if row is None:
        raise NotFound("link.unknown", _("This link has been used or has run out. Please ask for a new one."))
    return Member(*row.values())


async def sign_in_by_link(
    db: Database, merchant_id: MerchantId, *, token: str, ip: str = "", agent: str = ""
) -> str:
    """Sign in whoever has the link, and return the session's token. NotFound ``link.unknown``."""
    async with db.transaction(merchant_id) as tx:
        used = await link.use_link(tx, purpose="sign_in", token=token)
        await _take_proof(tx, used)
        return await session.open_session(
            tx, kind="member", subject_id=used.member_id, email=used.email, ip=ip, agent=agent
        )


async def reset_password(
    db: Database, merchant_id: MerchantId, *, token: str, password: str, ip: str = "", agent: str = ""
) -> str:
    """Choose a new password by link: every session ends, a new one is opened; its token is returned.

    Raises:
        NotFound: ``link.unknown``.
        Invalid: ``password.weak``; the link can then be used again.
    """
    password_hash = await session.hash_password(password)
    async with db.transaction(merchant_id) as tx:
        used = await link.use_link(tx, purpose="reset", token=token)
        await _take_proof(tx, used)
        await store.set_password(tx, used.member_id, password_hash)
        await session.close_sessions_of(tx, kind="member", subject_id=used.member_id)
        return await session.open_session(
            tx, kind="member", subject_id=used.member_id, email=used.email, ip=ip, agent=agent
        )


async def change_password(
    db: Database, merchant_id: MerchantId, *, member_id: UUID, token: str, present: str, password: str
) -> None:
    """Change the password of somebody signed in by ``token``; all other sessions end.

    Raises:
        Unauthorised: ``password.wrong`` with ``field`` when ``present`` is not the present one.
        Limited: ``sign_in.locked``. Invalid: ``password.weak``.
    """
    async with db.transaction(merchant_id) as tx:
        row = await store.find_password(tx, member_id)
        email = row["email"] if row and row["email"] else ""
        await session.count_attempt(tx, kind="member", email=email)
    if not await session.verify_password(row["password_hash"] if row else None, present):
        raise Unauthorised("password.wrong", _("That is not your present password."), field="present")
    password_hash = await session.hash_password(password)
    async with db.transaction(merchant_id) as tx:
        await store.set_password(tx, member_id, password_hash)
        await session.forget_attempts(tx, kind="member", email=email)
        await session.close_sessions_of(tx, kind="member", subject_id=member_id, but_token=token)


async def sign_in_known(tx: Transaction, *, member_id: UUID, ip: str = "", agent: str = "") -> str:
    """Open a session for a member who has shown a passkey. NotFound ``member.unknown``."""
    row = await store.find_by_id(tx, member_id)
    if row is None:
        raise _unknown()
    return await session.open_session(
        tx, kind="member", subject_id=member_id, email=row["email"] or "", ip=ip, agent=agent
    )


def _unknown() -> NotFound:
    return NotFound("member.unknown", _("There is no such account."))


async def set_member_level(tx: Transaction, *, member_id: UUID, level: str, by: str) -> Member:
    """Give a member a price level (``gold``; empty: none). Invalid ``member.level_invalid``, NotFound ``member.unknown``."""
    if not LEVEL.fullmatch(level):
        raise Invalid(
            "member.level_invalid",
            _("A level is named with small letters, digits, dashes and underscores."),
            field="level",
        )
    row = await store.set_level(tx, member_id, level)
    if row is None:
        raise _unknown()
    await audit.record(
        tx,
        actor=by,
        action="member.level_set",
        subject_kind="member",
        subject_id=member_id,
        after={"level": level},
    )
    return Member(*row.values())


async def erase_member(tx: Transaction, *, member_id: UUID) -> None:
    """Forget everything personal of a member but the log of consents, which names nobody; the number stays.

    What other systems hold is theirs to blank: the flow that calls this does so in the same transaction.
    NotFound ``member.unknown``, also when it was done before.
    """
    if not await store.blank_member(tx, member_id, clock.now()):
        raise _unknown()
    await address.remove_addresses_of(tx, member_id=member_id)
    await passkey.remove_passkeys_of(tx, kind="member", subject_id=member_id)
    await link.end_links_of(tx, member_id=member_id)
    await session.close_sessions_of(tx, kind="member", subject_id=member_id)
    await audit.record(
        tx, actor="member", action="member.erased", subject_kind="member", subject_id=member_id
    )
    await append_facts(tx, [Fact(member_id, MemberErased(member_id))])


async def list_idle_members(
    tx: Transaction,
    *,
    before: datetime,
    after: UUID | None = None,
    only: UUID | None = None,
    limit: int = 200,
) -> list[UUID]:
    """Members with an account who were last seen before a moment: made before it, and neither a session nor a passkey
    was used since. By id, from after one on; ``only``: whether that one is."""
    return [row[0] for row in await store.list_idle_members(tx, before, after, only, limit)]


async def find_member(
    tx: Transaction, *, token: str | None = None, member_id: UUID | None = None
) -> Member | None:
    """The member of a session's token, or with an id."""
    if token:
        member_id = await session.find_session_subject(tx, kind="member", token=token)
    if member_id is None:
        return None
    row = await store.find_by_id(tx, member_id)
    return Member(*row.values()) if row else None


async def sign_out_member(tx: Transaction, *, token: str) -> None:
    """End the session."""
    await session.close_session(tx, token=token)


async def edit_member(tx: Transaction, *, member_id: UUID, name: str) -> Member:
    """Change what a member may change. NotFound ``member.unknown``."""
    row = await store.update_name(tx, member_id, _check_name(name))
    if row is None:
        raise _unknown()
    return Member(*row.values())


async def add_card_members(
    tx: Transaction, *, member_ids: list[UUID], numbers: list[str], names: list[str]
) -> None:
    """Members that hold a card and have no account yet (three columns of one length); known ones stay as they are."""
    await store.insert_members(tx, member_ids, numbers, names)
