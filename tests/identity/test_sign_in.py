"""Signing in: what is answered, when an address is locked, how long a session lasts."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace

import pytest

from serai.foundation.clock import clock_shifted
from serai.foundation.errors import Conflict, Invalid, Limited, Unauthorised
from serai.identity.audit.api import list_entries
from serai.identity.member.api import (
    edit_member,
    find_member,
    register_member,
    sign_in_member,
    sign_out_member,
)
from serai.identity.session import api as session
from serai.identity.session.types import DEFAULTS
from serai.identity.staff.api import find_staff, invite_staff, sign_in_staff, sign_out_staff

EMAIL = "owner@example.com"
WRONG = "not the password"
# As they are at work; conftest makes hashing cheap for all other tests.
REAL_HASHER, REAL_UNKNOWN_HASH = session._hasher, session._unknown_hash


@pytest.fixture
async def password(db, merchant_id):
    """The password of the merchant's owner."""
    async with db.transaction(merchant_id) as tx:
        return (await invite_staff(tx, email=EMAIL, name="Olga Owner", role="owner", by="system"))[1]


async def staff_of(db, merchant_id, token):
    async with db.transaction(merchant_id, "read") as tx:
        return await find_staff(tx, token=token)


async def count_sessions(db, merchant_id):
    async with db.transaction(merchant_id, "read") as tx:
        return await tx.fetchval("SELECT count(*) FROM identity.session WHERE merchant_id = $1", merchant_id)


async def test_the_right_password_opens_a_session_and_signing_out_ends_it(db, merchant_id, password):
    token = await sign_in_staff(db, merchant_id, email=f" {EMAIL.upper()} ", password=password)
    staff = await staff_of(db, merchant_id, token)
    assert (staff.email, staff.role, staff.active, staff.must_change_password) == (EMAIL, "owner", True, True)
    async with db.transaction(merchant_id) as tx:
        await sign_out_staff(tx, token=token)
    assert await staff_of(db, merchant_id, token) is None


async def test_tokens_and_passwords_are_kept_only_as_digests(db, owner, merchant_id, password):
    token = await sign_in_staff(db, merchant_id, email=EMAIL, password=password)
    rows = await owner.fetch(
        "SELECT s::text AS row FROM identity.session s WHERE merchant_id = $1"
        " UNION ALL SELECT s::text FROM identity.staff s WHERE merchant_id = $1"
        " UNION ALL SELECT a::text FROM identity.audit a WHERE merchant_id = $1",
        merchant_id,
    )
    text = "\n".join(row["row"] for row in rows)
    assert EMAIL in text
    assert "$argon2id$" in text
    assert token not in text
    assert password not in text


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.com", "", "x" * 5000, "'; --"])
async def test_a_wrong_sign_in_is_answered_alike_whatever_was_wrong(db, merchant_id, password, email):
    with pytest.raises(Unauthorised) as refused:
        await sign_in_staff(db, merchant_id, email=email, password=WRONG)
    assert (refused.value.code, refused.value.data) == ("sign_in.wrong", {})
    assert await count_sessions(db, merchant_id) == 0


async def test_an_unknown_address_costs_the_same_hash_as_a_known_one(
    db, merchant_id, password, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(session, "_hasher", REAL_HASHER)
    monkeypatch.setattr(session, "_unknown_hash", REAL_UNKNOWN_HASH)
    known = await session.hash_password("long enough")
    # Algorithm, version and cost; salt and digest follow.
    assert known.split("$")[1:4] == session._unknown_hash().split("$")[1:4]
    assert known.split("$")[1] == "argon2id"
    tried = []
    verify = REAL_HASHER().verify
    monkeypatch.setattr(
        session, "_hasher", lambda: SimpleNamespace(verify=lambda h, p: tried.append(h) or verify(h, p))
    )
    assert not await session.verify_password(None, WRONG)
    assert tried == [session._unknown_hash()]


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.com"])
async def test_an_address_is_locked_after_five_failures_whether_it_is_known_or_not(
    db, merchant_id, password, email
):
    for _ in range(DEFAULTS.failures):
        with pytest.raises(Unauthorised):
            await sign_in_staff(db, merchant_id, email=email, password=WRONG)
    with pytest.raises(Limited) as refused:
        await sign_in_staff(db, merchant_id, email=email, password=password)
    assert refused.value.code == "sign_in.locked"
    assert 1 <= refused.value.data["minutes"] <= DEFAULTS.lock_minutes + 1
    assert await count_sessions(db, merchant_id) == 0


async def test_a_lock_ends_and_trying_meanwhile_does_not_lengthen_it(db, merchant_id, password):
    for _ in range(DEFAULTS.failures):
        with pytest.raises(Unauthorised):
            await sign_in_staff(db, merchant_id, email=EMAIL, password=WRONG)
    with clock_shifted(timedelta(minutes=DEFAULTS.lock_minutes - 1)), pytest.raises(Limited):
        await sign_in_staff(db, merchant_id, email=EMAIL, password=password)
    with clock_shifted(timedelta(minutes=DEFAULTS.lock_minutes, seconds=5)):
        token = await sign_in_staff(db, merchant_id, email=EMAIL, password=password)
        assert await staff_of(db, merchant_id, token)


async def test_many_attempts_at_once_get_no_more_tries_than_one_after_another(
    db, merchant_id, password, monkeypatch: pytest.MonkeyPatch
):
    tried = 0
    verify = session.verify_password

    async def count(password_hash, text):
        nonlocal tried
        tried += 1
        return await verify(password_hash, text)

    monkeypatch.setattr(session, "verify_password", count)
    answers = await asyncio.gather(
        *(sign_in_staff(db, merchant_id, email=EMAIL, password=WRONG) for _ in range(25)),
        return_exceptions=True,
    )
    assert tried == DEFAULTS.failures
    assert sum(isinstance(a, Unauthorised) for a in answers) == DEFAULTS.failures
    assert sum(isinstance(a, Limited) for a in answers) == 25 - DEFAULTS.failures


async def test_a_success_forgets_the_failures_before_it(db, merchant_id, password):
    for _round in range(2):
        for _ in range(DEFAULTS.failures - 1):
            with pytest.raises(Unauthorised):
                await sign_in_staff(db, merchant_id, email=EMAIL, password=WRONG)
        assert await sign_in_staff(db, merchant_id, email=EMAIL, password=password)


async def test_a_lock_of_one_merchants_staff_does_not_touch_another_merchant_or_members(
    db, merchant_id, password, shop
):
    for _ in range(DEFAULTS.failures):
        with pytest.raises(Unauthorised):
            await sign_in_staff(db, merchant_id, email=EMAIL, password=WRONG)
    with pytest.raises(Unauthorised):
        await sign_in_member(db, merchant_id, email=EMAIL, password=WRONG)


async def test_a_staff_session_ends_after_its_hours_and_a_members_after_its_days(db, merchant_id, password):
    token = await sign_in_staff(db, merchant_id, email=EMAIL, password=password)
    member_token = await register_member(
        db, merchant_id, email="ann@example.com", password="long enough", name="Ann"
    )

    async def member():
        async with db.transaction(merchant_id, "read") as tx:
            return await find_member(tx, token=member_token)

    with clock_shifted(timedelta(hours=DEFAULTS.staff_hours, minutes=-1)):
        assert await staff_of(db, merchant_id, token)
    with clock_shifted(timedelta(hours=DEFAULTS.staff_hours, minutes=1)):
        assert await staff_of(db, merchant_id, token) is None
    with clock_shifted(timedelta(days=DEFAULTS.member_days, minutes=-1)):
        assert (await member()).email == "ann@example.com"
    with clock_shifted(timedelta(days=DEFAULTS.member_days, minutes=1)):
        assert await member() is None


async def test_a_members_token_opens_no_console_and_a_staff_token_no_account(db, merchant_id, password):
    token = await sign_in_staff(db, merchant_id, email=EMAIL, password=password)
    member_token = await register_member(
        db, merchant_id, email="ann@example.com", password="long enough", name="Ann"
    )
    async with db.transaction(merchant_id, "read") as tx:
        assert await find_member(tx, token=token) is None
        assert await find_staff(tx, token=member_token) is None
        assert await find_staff(tx, token="") is None
        assert await find_staff(tx, token="x" * 100_000) is None


@pytest.mark.parametrize("password", ["", "short", "x" * (DEFAULTS.password_min - 1), "x" * 201])
async def test_a_password_that_is_too_short_or_too_long_opens_no_account(db, merchant_id, password):
    with pytest.raises(Invalid) as refused:
        await register_member(db, merchant_id, email="ann@example.com", password=password, name="Ann")
    assert refused.value.code == "password.weak"
    async with db.transaction(merchant_id, "read") as tx:
        count = await tx.fetchval("SELECT count(*) FROM identity.member WHERE merchant_id = $1", merchant_id)
    assert count == 0


@pytest.mark.parametrize(
    "email", ["", "ann", "ann@", "@example.com", "a b@example.com", "ann@example", "ann@.com"]
)
async def test_what_is_no_address_opens_no_account(db, merchant_id, email):
    with pytest.raises(Invalid) as refused:
        await register_member(db, merchant_id, email=email, password="long enough", name="Ann")
    assert refused.value.code == "email.invalid"


async def test_an_address_has_one_account_even_when_registered_many_times_at_once(db, merchant_id):
    answers = await asyncio.gather(
        *(
            register_member(
                db,
                merchant_id,
                email=f"{'ann' if n % 2 else 'Ann'}@example.com",
                password="long enough",
                name="Ann",
            )
            for n in range(6)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, str) for answer in answers) == 1
    refusals = [answer for answer in answers if isinstance(answer, Conflict)]
    assert [refusal.code for refusal in refusals] == ["member.email_taken"] * 5


async def test_a_member_signs_in_edits_the_name_and_signs_out(db, merchant_id):
    await register_member(db, merchant_id, email="ann@example.com", password="long enough", name=" Ann  Lee ")
    token = await sign_in_member(db, merchant_id, email="ANN@example.com", password="long enough")
    async with db.transaction(merchant_id) as tx:
        member = await find_member(tx, token=token)
        assert member.name == "Ann Lee"
        assert (await edit_member(tx, member_id=member.member_id, name="Ann B. Lee")).name == "Ann B. Lee"
        await sign_out_member(tx, token=token)
        assert await find_member(tx, token=token) is None


async def test_sign_ins_and_failures_stand_in_the_audit_log_with_the_address_of_the_caller(
    db, merchant_id, password
):
    with pytest.raises(Unauthorised):
        await sign_in_staff(db, merchant_id, email=EMAIL, password=WRONG, ip="192.0.2.7")
    await sign_in_staff(db, merchant_id, email=EMAIL, password=password, ip="192.0.2.8")
    async with db.transaction(merchant_id, "read") as tx:
        entries = await list_entries(tx, action="staff.sign")
    assert [(e.action, e.actor, e.after) for e in entries] == [
        ("staff.signed_in", EMAIL, {"ip": "192.0.2.8"}),
        ("staff.sign_in_failed", EMAIL, {"ip": "192.0.2.7"}),
    ]
