"""Members: register, sign in and out, look up, edit."""

from uuid import UUID

from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, Unauthorised, _
from serai.foundation.ids import MerchantId, new_id
from serai.identity.member import store
from serai.identity.member.types import Member
from serai.identity.session import api as session

__all__ = ["Member", "add_card_members", "edit_member", "find_member", "register_member", "sign_in_member"]

MAX_NAME = 100


async def register_member(
    db: Database, merchant_id: MerchantId, *, email: str, password: str, name: str
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
        return await session.open_session(tx, kind="member", subject_id=member_id, email=email)


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
        raise NotFound("member.unknown", _("There is no such account."))
    return Member(*row.values())


async def add_card_members(
    tx: Transaction, *, member_ids: list[UUID], numbers: list[str], names: list[str]
) -> None:
    """Members that hold a card and have no account yet (three columns of one length); known ones stay as they are."""
    await store.insert_members(tx, member_ids, numbers, names)
