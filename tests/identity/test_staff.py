"""Staff, roles and keys: who may do what, who may change it, and that all of it is recorded."""

import asyncio

import pytest

from serai.foundation.errors import Conflict, Forbidden, Invalid, NotFound, Unauthorised
from serai.foundation.ids import new_id
from serai.identity.apikey.api import SCOPES, create_key, list_keys, revoke_key
from serai.identity.audit.api import list_entries, record
from serai.identity.staff.api import (
    change_password,
    change_staff,
    find_staff,
    invite_staff,
    list_staff,
    require,
    reset_password,
    sign_in_staff,
)
from serai.identity.staff.types import PERMISSIONS, ROLES


async def invite(db, merchant_id, role, email=None):
    """(Staff, password) of somebody new."""
    async with db.transaction(merchant_id) as tx:
        return await invite_staff(tx, email=email or f"{role}@example.com", name=role, role=role, by="system")


async def change(db, merchant_id, staff_id, role, active=True):
    async with db.transaction(merchant_id) as tx:
        return await change_staff(tx, staff_id=staff_id, role=role, active=active, by="owner@example.com")


async def roles_of(db, merchant_id):
    async with db.transaction(merchant_id, "read") as tx:
        return {staff.email: (staff.role, staff.active) for staff in await list_staff(tx)}


async def actions_of(db, merchant_id):
    async with db.transaction(merchant_id, "read") as tx:
        return [entry.action for entry in reversed(await list_entries(tx))]


def test_each_role_may_do_all_that_the_role_below_may_and_more():
    clerk, manager, owner = (PERMISSIONS[role] for role in ("clerk", "manager", "owner"))
    assert clerk < manager < owner
    assert not clerk & {"order.refund", "price.write", "product.write", "staff.manage", "apikey.manage"}
    assert not manager & {"staff.manage", "apikey.manage", "settings.write"}


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_allows_exactly_its_permissions(db, merchant_id, role):
    staff, _password = await invite(db, merchant_id, role)
    for permission in PERMISSIONS["owner"] | {"no.such.thing"}:
        if permission in PERMISSIONS[role]:
            require(staff, permission)
        else:
            with pytest.raises(Forbidden) as refused:
                require(staff, permission)
            assert refused.value.data["permission"] == permission


async def test_somebody_deactivated_may_nothing_and_every_session_of_theirs_ends(db, merchant_id):
    await invite(db, merchant_id, "owner")
    staff, password = await invite(db, merchant_id, "manager")
    tokens = [await sign_in_staff(db, merchant_id, email=staff.email, password=password) for _ in range(2)]
    gone = await change(db, merchant_id, staff.staff_id, "manager", active=False)
    assert not gone.may("order.read")
    async with db.transaction(merchant_id, "read") as tx:
        assert [await find_staff(tx, token=token) for token in tokens] == [None, None]
        assert not await tx.fetchval(
            "SELECT count(*) FROM identity.session WHERE merchant_id = $1 AND subject_id = $2",
            merchant_id,
            staff.staff_id,
        )
    with pytest.raises(Unauthorised):
        await sign_in_staff(db, merchant_id, email=staff.email, password=password)


@pytest.mark.parametrize(("role", "active"), [("manager", True), ("owner", False), ("clerk", False)])
async def test_the_last_owner_stays(db, merchant_id, role, active):
    owner, _password = await invite(db, merchant_id, "owner")
    await invite(db, merchant_id, "manager")
    before = await actions_of(db, merchant_id)
    with pytest.raises(Conflict) as refused:
        await change(db, merchant_id, owner.staff_id, role, active)
    assert refused.value.code == "staff.last_owner"
    assert (await roles_of(db, merchant_id))[owner.email] == ("owner", True)
    assert await actions_of(db, merchant_id) == before


async def test_two_owners_who_step_down_at_once_leave_one(db, merchant_id):
    for _ in range(5):
        people = [(await invite(db, merchant_id, "owner", f"{new_id()}@example.com"))[0] for _ in range(2)]
        others = [
            email
            for email, (role, active) in (await roles_of(db, merchant_id)).items()
            if role == "owner" and active and email not in {p.email for p in people}
        ]
        async with db.transaction(merchant_id, "read") as tx:
            everybody = {staff.email: staff for staff in await list_staff(tx)}
        for email in others:
            await change(db, merchant_id, everybody[email].staff_id, "clerk")
        answers = await asyncio.gather(
            *(change(db, merchant_id, person.staff_id, "clerk") for person in people),
            return_exceptions=True,
        )
        assert sum(isinstance(answer, Conflict) for answer in answers) == 1
        owners = [
            email for email, kept in (await roles_of(db, merchant_id)).items() if kept == ("owner", True)
        ]
        assert len(owners) == 1


async def test_nobody_of_another_merchant_can_be_changed(db, merchant_id, shop):
    other = new_id()
    stranger, password = await invite(db, other, "owner", "stranger@example.com")
    await invite(db, other, "owner", "second@example.com")
    await invite(db, merchant_id, "owner")
    with pytest.raises(NotFound):
        await change(db, merchant_id, stranger.staff_id, "clerk", active=False)
    with pytest.raises(NotFound):
        async with db.transaction(merchant_id) as tx:
            await reset_password(tx, staff_id=stranger.staff_id, by="owner@example.com")
    with pytest.raises(Unauthorised):
        await sign_in_staff(db, merchant_id, email="stranger@example.com", password=password)
    assert (await roles_of(db, other))["stranger@example.com"] == ("owner", True)
    token = await sign_in_staff(db, other, email="stranger@example.com", password=password)
    async with db.transaction(merchant_id, "read") as tx:
        assert await find_staff(tx, token=token) is None


async def test_unknown_roles_missing_names_and_taken_addresses_invite_nobody(db, merchant_id):
    await invite(db, merchant_id, "owner")
    for fields, code in (
        ({"email": "a@example.com", "name": "A", "role": "god"}, "staff.role_unknown"),
        ({"email": "a@example.com", "name": "  ", "role": "clerk"}, "staff.name_missing"),
        ({"email": "a", "name": "A", "role": "clerk"}, "email.invalid"),
        ({"email": "OWNER@example.com", "name": "A", "role": "clerk"}, "staff.email_taken"),
    ):
        with pytest.raises((Invalid, Conflict)) as refused:
            async with db.transaction(merchant_id) as tx:
                await invite_staff(tx, **fields, by="owner@example.com")
        assert refused.value.code == code
    assert await roles_of(db, merchant_id) == {"owner@example.com": ("owner", True)}
    assert await actions_of(db, merchant_id) == ["staff.invited"]


async def test_a_changed_password_ends_other_sessions_and_keeps_ones_own(db, merchant_id):
    staff, password = await invite(db, merchant_id, "owner")
    mine = await sign_in_staff(db, merchant_id, email=staff.email, password=password)
    other = await sign_in_staff(db, merchant_id, email=staff.email, password=password)

    async def choose(old_password, new_password):
        await change_password(
            db, merchant_id, staff=staff, old_password=old_password, new_password=new_password, token=mine
        )

    with pytest.raises(Unauthorised):
        await choose("not the old one", "a new password")
    with pytest.raises(Invalid):
        await choose(password, "short")
    async with db.transaction(merchant_id, "read") as tx:
        assert await find_staff(tx, token=other)
    await choose(password, "a new password")
    async with db.transaction(merchant_id, "read") as tx:
        assert await find_staff(tx, token=other) is None
        assert (await find_staff(tx, token=mine)).must_change_password is False
    with pytest.raises(Unauthorised):
        await sign_in_staff(db, merchant_id, email=staff.email, password=password)
    assert await sign_in_staff(db, merchant_id, email=staff.email, password="a new password")


async def test_a_reset_password_ends_every_session_and_must_be_changed(db, merchant_id):
    staff, password = await invite(db, merchant_id, "clerk")
    token = await sign_in_staff(db, merchant_id, email=staff.email, password=password)
    async with db.transaction(merchant_id) as tx:
        fresh = await reset_password(tx, staff_id=staff.staff_id, by="owner@example.com")
    async with db.transaction(merchant_id, "read") as tx:
        assert await find_staff(tx, token=token) is None
    with pytest.raises(Unauthorised):
        await sign_in_staff(db, merchant_id, email=staff.email, password=password)
    token = await sign_in_staff(db, merchant_id, email=staff.email, password=fresh)
    async with db.transaction(merchant_id, "read") as tx:
        assert (await find_staff(tx, token=token)).must_change_password is True


async def test_every_change_of_staff_and_keys_is_recorded_with_who_did_it(db, merchant_id):
    staff, _password = await invite(db, merchant_id, "clerk")
    await invite(db, merchant_id, "owner")
    await change(db, merchant_id, staff.staff_id, "manager")
    async with db.transaction(merchant_id) as tx:
        key, _secret = await create_key(tx, name="till", scopes=["order:read"], by="owner@example.com")
        await revoke_key(tx, key_id=key.key_id, by="owner@example.com")
        await reset_password(tx, staff_id=staff.staff_id, by="owner@example.com")
    assert await actions_of(db, merchant_id) == [
        "staff.invited",
        "staff.invited",
        "staff.changed",
        "apikey.created",
        "apikey.revoked",
        "staff.password_reset",
    ]
    async with db.transaction(merchant_id, "read") as tx:
        changed = (await list_entries(tx, action="staff.changed"))[0]
        assert {e.subject_id for e in await list_entries(tx, subject_id=str(key.key_id))} == {str(key.key_id)}
    assert (changed.actor, changed.before, changed.after) == (
        "owner@example.com",
        {"role": "clerk", "active": True},
        {"role": "manager", "active": True},
    )


async def test_the_audit_log_pages_from_the_newest_and_commits_only_with_the_change(db, merchant_id):
    async with db.transaction(merchant_id) as tx:
        for n in range(7):
            await record(tx, actor="a", action="test.done", subject_kind="thing", subject_id=n)
    with pytest.raises(ZeroDivisionError):
        async with db.transaction(merchant_id) as tx:
            await record(tx, actor="a", action="test.done", subject_kind="thing", subject_id="never")
            raise ZeroDivisionError
    seen, before = [], None
    async with db.transaction(merchant_id, "read") as tx:
        while page := await list_entries(tx, before=before, limit=3):
            seen += [entry.subject_id for entry in page]
            before = page[-1].audit_id
    assert seen == [str(n) for n in reversed(range(7))]


async def test_a_key_with_no_name_or_a_scope_that_does_not_exist_is_not_made(db, merchant_id):
    for name, scopes in (("", ["order:read"]), ("x", []), ("x", ["order:read", "everything"])):
        with pytest.raises(Invalid):
            async with db.transaction(merchant_id) as tx:
                await create_key(tx, name=name, scopes=scopes, by="a")
    with pytest.raises(NotFound):
        async with db.transaction(merchant_id) as tx:
            await revoke_key(tx, key_id=new_id(), by="a")
    async with db.transaction(merchant_id) as tx:
        assert await list_keys(tx) == []
        key, secret = await create_key(tx, name="x", scopes=SCOPES, by="a")
        assert secret.startswith(key.prefix)
        assert len(secret) > 40
        row = await tx.fetchval("SELECT k::text FROM identity.api_key k WHERE merchant_id = $1", merchant_id)
    assert secret not in row
