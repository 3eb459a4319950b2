"""Staff: sign in and out, invite, roles, passwords. Every change is recorded in the audit log."""

import secrets
from uuid import UUID

from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Conflict, Forbidden, Invalid, NotFound, Unauthorised, _
from serai.foundation.ids import MerchantId, new_id
from serai.identity.audit import api as audit
from serai.identity.merchant.api import edit_merchant, requires_passkeys
from serai.identity.merchant.types import Merchant
from serai.identity.passkey import api as passkey
from serai.identity.session import api as session
from serai.identity.staff import store
from serai.identity.staff.types import ROLES, Role, Staff

__all__ = ["ROLES", "Role", "Staff", "find_staff", "invite_staff", "list_staff", "require", "sign_in_staff"]


def require(staff: Staff, permission: str) -> None:
    """Forbidden ``staff.not_allowed`` unless the role allows it."""
    if not staff.may(permission):
        raise Forbidden("staff.not_allowed", _("Your role does not allow this."), permission=permission)


async def sign_in_staff(
    db: Database, merchant_id: MerchantId, *, email: str, password: str, ip: str = "", agent: str = ""
) -> str:
    """Sign somebody in and return the session's token.

    Raises:
        Unauthorised: ``sign_in.wrong``, whichever part was wrong; ``sign_in.passkey_needed`` where the merchant requires
            passkeys and this person has one.
        Limited: ``sign_in.locked`` with ``minutes``.
    """
    email = email.strip().lower()[:200]
    async with db.transaction(merchant_id) as tx:
        await session.count_attempt(tx, kind="staff", email=email)
        row = await store.find_credentials(tx, email)
    known = row["password_hash"] if row and row["active"] else None
    if not await session.verify_password(known, password):
        async with db.transaction(merchant_id) as tx:
            await audit.record(
                tx,
                actor=email,
                action="staff.sign_in_failed",
                subject_kind="staff",
                subject_id=email,
                after={"ip": ip},
            )
        raise Unauthorised("sign_in.wrong", _("E-mail address and password do not match."))
    async with db.transaction(merchant_id) as tx:
        if await requires_passkeys(tx) and await passkey.list_passkeys(
            tx, kind="staff", subject_id=row["staff_id"]
        ):
            raise Unauthorised("sign_in.passkey_needed", _("Please sign in with your passkey."))
        await store.touch(tx, row["staff_id"])
        await audit.record(
            tx,
            actor=email,
            action="staff.signed_in",
            subject_kind="staff",
            subject_id=row["staff_id"],
            after={"ip": ip},
        )
        return await session.open_session(
            tx, kind="staff", subject_id=row["staff_id"], email=email, ip=ip, agent=agent
        )


async def sign_in_known(tx: Transaction, *, staff_id: UUID, ip: str = "", agent: str = "") -> str:
    """Open a session for somebody who has shown a passkey. Unauthorised ``passkey.refused`` for who may not come in."""
    row = await store.find_by_id(tx, staff_id)
    staff = Staff(*row.values()) if row else None
    if staff is None or not staff.active:
        raise Unauthorised("passkey.refused", _("This passkey does not open any account here."))
    await store.touch(tx, staff_id)
    await audit.record(
        tx,
        actor=staff.email,
        action="staff.signed_in",
        subject_kind="staff",
        subject_id=staff_id,
        after={"ip": ip, "by": "passkey"},
    )
    return await session.open_session(
        tx, kind="staff", subject_id=staff_id, email=staff.email, ip=ip, agent=agent
    )


async def require_passkeys(tx: Transaction, *, version: int, required: bool, staff: Staff) -> Merchant:
    """Let staff sign in with passkeys only, or with passwords too. Who requires them has one.

    Raises:
        Conflict: ``staff.passkey_missing``, ``merchant.edited_meanwhile``.
    """
    if required and not await passkey.list_passkeys(tx, kind="staff", subject_id=staff.staff_id):
        raise Conflict(
            "staff.passkey_missing", _("Make a passkey of your own first, or you would be locked out.")
        )
    return await edit_merchant(tx, version=version, by=staff.email, staff_passkeys=required)


async def find_staff(tx: Transaction, *, token: str) -> Staff | None:
    """Who is signed in with this token; None when nobody is, or no longer."""
    staff_id = await session.find_session_subject(tx, kind="staff", token=token)
    row = await store.find_by_id(tx, staff_id) if staff_id else None
    return Staff(*row.values()) if row and row["active"] else None


async def sign_out_staff(tx: Transaction, *, token: str) -> None:
    """End the session."""
    await session.close_session(tx, token=token)


async def list_staff(tx: Transaction) -> list[Staff]:
    """Everybody, the active first."""
    return [Staff(*row.values()) for row in await store.list_staff(tx)]


async def invite_staff(
    tx: Transaction, *, email: str, name: str, role: Role, by: str, must_change: bool = True
) -> tuple[Staff, str]:
    """Add somebody with a generated password, to be shown once and (``must_change``) changed at the first sign-in.

    Raises:
        Invalid: ``email.invalid``, ``staff.role_unknown``, ``staff.name_missing``.
        Conflict: ``staff.email_taken``.
    """
    email = session.normalise_email(email)
    if role not in ROLES:
        raise Invalid("staff.role_unknown", _("There is no such role."), field="role")
    name = " ".join(name.split())[:100]
    if not name:
        raise Invalid("staff.name_missing", _("Please give a name."), field="name")
    password = secrets.token_urlsafe(12)
    password_hash = await session.hash_password(password)
    row = await store.insert_staff(tx, new_id(), email, name, role, password_hash, must_change)
    if row is None:
        raise Conflict(
            "staff.email_taken", _("Somebody with this e-mail address is here already."), field="email"
        )
    staff = Staff(*row.values())
    await audit.record(
        tx,
        actor=by,
        action="staff.invited",
        subject_kind="staff",
        subject_id=staff.staff_id,
        after={"email": email, "name": name, "role": role},
    )
    return staff, password


async def change_staff(tx: Transaction, *, staff_id: UUID, role: Role, active: bool, by: str) -> Staff:
    """Change somebody's role, or let them in or out. Their sessions end when they are let out.

    Raises:
        NotFound: ``staff.unknown``.
        Conflict: ``staff.last_owner``, at least one active owner must remain.
    """
    if role not in ROLES:
        raise Invalid("staff.role_unknown", _("There is no such role."), field="role")
    everybody = {row["staff_id"]: Staff(*row.values()) for row in await store.lock_all(tx)}
    before = everybody.get(staff_id)
    if before is None:
        raise NotFound("staff.unknown", _("There is no such person."))
    owners = [s for s in everybody.values() if s.role == "owner" and s.active and s.staff_id != staff_id]
    if not owners and not (role == "owner" and active):
        raise Conflict("staff.last_owner", _("At least one active owner must remain."))
    after = Staff(*(await store.update_staff(tx, staff_id, role, active)).values())
    if not active:
        await session.close_sessions_of(tx, kind="staff", subject_id=staff_id)
    await audit.record(
        tx,
        actor=by,
        action="staff.changed",
        subject_kind="staff",
        subject_id=staff_id,
        before={"role": before.role, "active": before.active},
        after={"role": role, "active": active},
    )
    return after


async def change_password(
    db: Database, merchant_id: MerchantId, *, staff: Staff, old_password: str, new_password: str, token: str
) -> None:
    """Change one's own password; other sessions end.

    Raises:
        Unauthorised: ``sign_in.wrong`` when the old one does not match.
        Limited: ``sign_in.locked`` after too many wrong ones, so that a stolen session cannot guess.
        Invalid: ``password.weak``.
    """
    async with db.transaction(merchant_id) as tx:
        await session.count_attempt(tx, kind="staff", email=staff.email)
        known = await store.find_hash(tx, staff.staff_id)
    if not await session.verify_password(known, old_password):
        raise Unauthorised(
            "sign_in.wrong", _("E-mail address and password do not match."), field="old_password"
        )
    password_hash = await session.hash_password(new_password)
    async with db.transaction(merchant_id) as tx:
        await session.forget_attempts(tx, kind="staff", email=staff.email)
        await store.update_password(tx, staff.staff_id, password_hash, False)
        await session.close_sessions_of(tx, kind="staff", subject_id=staff.staff_id, but_token=token)
        await audit.record(
            tx,
            actor=staff.email,
            action="staff.password_changed",
            subject_kind="staff",
            subject_id=staff.staff_id,
        )


async def reset_password(tx: Transaction, *, staff_id: UUID, by: str) -> str:
    """Give somebody a new generated password, to be shown once; their passkeys end. NotFound ``staff.unknown``."""
    row = await store.find_by_id(tx, staff_id)
    if row is None:
        raise NotFound("staff.unknown", _("There is no such person."))
    password = secrets.token_urlsafe(12)
    await store.update_password(tx, staff_id, await session.hash_password(password), True)
    await session.close_sessions_of(tx, kind="staff", subject_id=staff_id)
    # Whoever needs a new start may have lost the device, and with it the passkeys.
    await passkey.remove_passkeys_of(tx, kind="staff", subject_id=staff_id)
    await audit.record(tx, actor=by, action="staff.password_reset", subject_kind="staff", subject_id=staff_id)
    return password
