"""Addresses, one-time links, passwords, sessions, consent and erasure of members."""

import asyncio
from datetime import timedelta

import pytest

from serai.foundation import clock
from serai.foundation.errors import Conflict, Invalid, Limited, NotFound, Unauthorised
from serai.identity.address import api as address
from serai.identity.address.types import AddressFields
from serai.identity.consent import api as consent
from serai.identity.member import api as member_api
from serai.identity.passkey import api as passkey
from serai.identity.passkey.types import Site
from serai.identity.session import api as session

EMAIL, PASSWORD = "ann@example.org", "a calm sentence"
HOME = AddressFields(
    label="Home", name="Ann", country="US", region="OH", city="X", line1="1 Vine", postcode="45202"
)


@pytest.fixture
async def token(db, merchant_id):
    return await member_api.register_member(db, merchant_id, email=EMAIL, password=PASSWORD, name="Ann")


@pytest.fixture
async def member(db, merchant_id, token):
    async with db.transaction(merchant_id, "read") as tx:
        return await member_api.find_member(tx, token=token)


async def ask(db, merchant_id, purpose="sign_in", email=EMAIL, ip=""):
    async with db.transaction(merchant_id) as tx:
        return await member_api.ask_link(tx, purpose=purpose, email=email, ip=ip)


async def test_the_first_address_is_the_default_and_another_one_follows_it(db, merchant_id, member):
    async with db.transaction(merchant_id) as tx:
        first = await address.add_address(tx, member_id=member.member_id, fields=HOME)
        second = await address.add_address(tx, member_id=member.member_id, fields=HOME)
        await address.choose_default(tx, member_id=member.member_id, address_id=second)
        kept = await address.list_addresses(tx, member_id=member.member_id)
        assert [(a.address_id, a.is_default) for a in kept] == [(second, True), (first, False)]
        await address.remove_address(tx, member_id=member.member_id, address_id=second)
        kept = await address.list_addresses(tx, member_id=member.member_id)
        assert [(a.address_id, a.is_default) for a in kept] == [(first, True)]


async def test_addresses_added_at_the_same_moment_leave_one_default(db, merchant_id, member):
    async def add():
        async with db.transaction(merchant_id) as tx:
            await address.add_address(tx, member_id=member.member_id, fields=HOME, make_default=True)

    await asyncio.gather(*(add() for _ in range(30)), return_exceptions=True)
    async with db.transaction(merchant_id, "read") as tx:
        kept = await address.list_addresses(tx, member_id=member.member_id)
    assert len(kept) == address.ADDRESS_LIMIT
    assert sum(a.is_default for a in kept) == 1


async def test_nobody_reaches_an_address_of_somebody_else(db, merchant_id, member):
    other_token = await member_api.register_member(
        db, merchant_id, email="eve@example.org", password=PASSWORD, name="Eve"
    )
    async with db.transaction(merchant_id) as tx:
        eve = await member_api.find_member(tx, token=other_token)
        mine = await address.add_address(tx, member_id=member.member_id, fields=HOME)
        for act in (address.remove_address, address.choose_default, address.load_address):
            with pytest.raises(NotFound):
                await act(tx, member_id=eve.member_id, address_id=mine)
        with pytest.raises(NotFound):
            await address.edit_address(tx, member_id=eve.member_id, address_id=mine, fields=HOME)
        assert len(await address.list_addresses(tx, member_id=member.member_id)) == 1


async def test_a_sign_in_link_works_once_and_proves_the_address(db, merchant_id, member):
    assert member.email_verified_at is None
    asked = await ask(db, merchant_id)
    answers = await asyncio.gather(
        *(member_api.sign_in_by_link(db, merchant_id, token=asked.token) for _ in range(8)),
        return_exceptions=True,
    )
    [opened] = [a for a in answers if isinstance(a, str)]
    assert all(isinstance(a, NotFound) for a in answers if not isinstance(a, str))
    async with db.transaction(merchant_id, "read") as tx:
        found = await member_api.find_member(tx, token=opened)
    assert found.member_id == member.member_id
    assert found.email_verified_at is not None


async def test_a_link_ends_with_its_time_and_with_the_next_one(db, merchant_id, member):
    first, second = await ask(db, merchant_id), await ask(db, merchant_id)
    with pytest.raises(NotFound):
        await member_api.sign_in_by_link(db, merchant_id, token=first.token)
    with clock.clock_shifted(timedelta(minutes=16)), pytest.raises(NotFound):
        await member_api.sign_in_by_link(db, merchant_id, token=second.token)


async def test_a_link_of_one_purpose_serves_no_other(db, merchant_id, member):
    asked = await ask(db, merchant_id, "verify")
    with pytest.raises(NotFound):
        await member_api.sign_in_by_link(db, merchant_id, token=asked.token)
    with pytest.raises(NotFound):
        await member_api.reset_password(db, merchant_id, token=asked.token, password=PASSWORD)


async def test_known_and_unknown_addresses_are_limited_alike(db, merchant_id, member):
    for email in (EMAIL, "nobody@example.org"):
        for _ in range(member_api.LINKS_PER_ADDRESS):
            assert (await ask(db, merchant_id, email=email) is None) == (email != EMAIL)
        with pytest.raises(Limited):
            await ask(db, merchant_id, email=email.upper())
    with clock.clock_shifted(timedelta(minutes=20)):
        assert await ask(db, merchant_id) is not None


async def test_one_client_cannot_ask_for_many_addresses(db, merchant_id):
    for n in range(member_api.LINKS_PER_CLIENT):
        await ask(db, merchant_id, email=f"a{n}@example.org", ip="192.0.2.1")
    with pytest.raises(Limited):
        await ask(db, merchant_id, email="b@example.org", ip="192.0.2.1")


async def test_fifty_askers_at_once_get_no_more_links_than_the_limit(db, merchant_id, member):
    answers = await asyncio.gather(*(ask(db, merchant_id) for _ in range(50)), return_exceptions=True)
    assert sum(not isinstance(a, Exception) for a in answers) == member_api.LINKS_PER_ADDRESS
    assert all(isinstance(a, Limited) for a in answers if isinstance(a, Exception))


async def test_a_new_password_by_link_ends_every_session(db, merchant_id, member, token):
    asked = await ask(db, merchant_id, "reset")
    with pytest.raises(Invalid):
        await member_api.reset_password(db, merchant_id, token=asked.token, password="short")
    opened = await member_api.reset_password(db, merchant_id, token=asked.token, password="another sentence")
    async with db.transaction(merchant_id, "read") as tx:
        assert await member_api.find_member(tx, token=token) is None
        assert await member_api.find_member(tx, token=opened) is not None
    with pytest.raises(Unauthorised):
        await member_api.sign_in_member(db, merchant_id, email=EMAIL, password=PASSWORD)
    await member_api.sign_in_member(db, merchant_id, email=EMAIL, password="another sentence")


async def test_a_password_is_changed_by_who_knows_it_and_others_are_signed_out(
    db, merchant_id, member, token
):
    elsewhere = await member_api.sign_in_member(db, merchant_id, email=EMAIL, password=PASSWORD)

    async def change(present):
        await member_api.change_password(
            db,
            merchant_id,
            member_id=member.member_id,
            token=token,
            present=present,
            password="quite another",
        )

    with pytest.raises(Unauthorised):
        await change("wrong")
    await change(PASSWORD)
    async with db.transaction(merchant_id, "read") as tx:
        assert await member_api.find_member(tx, token=elsewhere) is None
        assert await member_api.find_member(tx, token=token) is not None


async def test_sessions_are_listed_and_ended_one_by_one(db, merchant_id, member, token):
    elsewhere = await member_api.sign_in_member(
        db, merchant_id, email=EMAIL, password=PASSWORD, agent="Phone"
    )
    async with db.transaction(merchant_id) as tx:
        found = await session.list_sessions(tx, kind="member", subject_id=member.member_id, token=token)
        assert [(s.agent, s.is_here) for s in found] == [("Phone", False), ("", True)]
        for wrong in ("zz", "", "00" * 32):
            await session.close_session_of(tx, kind="member", subject_id=member.member_id, session_id=wrong)
        await session.close_session_of(
            tx, kind="member", subject_id=member.member_id, session_id=found[0].session_id
        )
        assert await member_api.find_member(tx, token=elsewhere) is None
        assert await member_api.find_member(tx, token=token) is not None


async def test_consent_is_no_until_it_is_given_and_its_log_only_grows(db, merchant_id, member):
    async with db.transaction(merchant_id) as tx:
        who = {"member_id": member.member_id, "topic": "newsletter", "words": "Yes, write to me."}
        assert await consent.load_choices(tx, member_id=member.member_id) == {
            "newsletter": False,
            "analytics": False,
        }
        assert await consent.set_consent(tx, granted=True, **who)
        assert not await consent.set_consent(tx, granted=True, **who)
        assert await consent.set_consent(tx, granted=False, **who)
        assert [c.granted for c in await consent.list_consents(tx, member_id=member.member_id)] == [
            False,
            True,
        ]


async def test_an_erased_member_leaves_a_number_and_nothing_else(
    db, merchant_id, member, token, owner, assert_clean
):
    asked = await ask(db, merchant_id)
    async with db.transaction(merchant_id) as tx:
        await address.add_address(tx, member_id=member.member_id, fields=HOME)
        await member_api.erase_member(tx, member_id=member.member_id)
        with pytest.raises(NotFound):
            await member_api.erase_member(tx, member_id=member.member_id)
    with pytest.raises(NotFound):
        await member_api.sign_in_by_link(db, merchant_id, token=asked.token)
    row = await owner.fetchrow("SELECT * FROM identity.member WHERE member_id = $1", member.member_id)
    assert (row["number"], row["email"], row["name"]) == (member.number, None, "")
    await assert_clean()
    # The address is free for a new account.
    await member_api.register_member(db, merchant_id, email=EMAIL, password=PASSWORD, name="Ann")


SITE = Site("localhost", "http://localhost:8460", "Shop")


@pytest.mark.parametrize(
    "credential",
    ["", "[]", "{}", "null", '{"id": 1}', '{"id": "AA", "rawId": "AA", "response": {}, "type": "public-key"}',
     '{"id": "é", "rawId": "AA", "response": {"attestationObject": "AA", "clientDataJSON": "AA"}, "type": "public-key"}',
     '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"attestationObject": "oA", "clientDataJSON": "e30"}}',
     "[" * 5000, "x" * 20000],
)  # fmt: skip
async def test_hostile_passkey_answers_are_refused_and_spend_the_challenge(
    db, merchant_id, member, credential
):
    async with db.transaction(merchant_id) as tx:
        new = await passkey.ask_new_passkey(
            tx, kind="member", subject_id=member.member_id, user_name=EMAIL, display_name="Ann", site=SITE
        )
        known = await passkey.ask_passkey(tx, kind="member", site=SITE)
    for expected in ("passkey.wrong", "passkey.too_late"):
        with pytest.raises(Invalid) as refused:
            await passkey.add_passkey(
                db, merchant_id, kind="member", subject_id=member.member_id, challenge_id=new.challenge_id,
                credential_json=credential, site=SITE, name="Key",
            )  # fmt: skip
        assert refused.value.code == expected
    for expected in (Unauthorised, Invalid):
        with pytest.raises(expected):
            await passkey.check_passkey(
                db,
                merchant_id,
                kind="member",
                challenge_id=known.challenge_id,
                credential_json=credential,
                site=SITE,
            )
    async with db.transaction(merchant_id, "read") as tx:
        assert await passkey.list_passkeys(tx, kind="member", subject_id=member.member_id) == []


async def test_a_level_is_given_by_staff_and_named_plainly(db, merchant_id, member):
    async with db.transaction(merchant_id) as tx:
        for wrong in ("Gold!", "x" * 50, "a b"):
            with pytest.raises(Invalid):
                await member_api.set_member_level(
                    tx, member_id=member.member_id, level=wrong, by="o@example.org"
                )
        changed = await member_api.set_member_level(
            tx, member_id=member.member_id, level="gold", by="o@example.org"
        )
        assert changed.level == "gold"
        with pytest.raises(Conflict):
            for _ in range(address.ADDRESS_LIMIT + 1):
                await address.add_address(tx, member_id=member.member_id, fields=HOME)
