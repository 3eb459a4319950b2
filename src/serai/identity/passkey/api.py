"""Passkeys: make one, sign in with one, list and remove them.

Sign-in names nobody beforehand: the authenticator offers the passkeys it has for this site, so which accounts exist is
never told. Every challenge is spent by its first answer, right or wrong.
"""

import json
from datetime import timedelta
from uuid import UUID

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, Unauthorised, _
from serai.foundation.ids import MerchantId, new_id
from serai.identity.passkey import store
from serai.identity.passkey.types import Asked, Passkey, Site
from serai.identity.session.api import Kind

__all__ = ["Asked", "Passkey", "Site", "add_passkey", "ask_new_passkey", "ask_passkey", "check_passkey"]

CHALLENGE_LASTS = timedelta(minutes=5)
PASSKEY_LIMIT = 20
NAME_LIMIT = 60
CREDENTIAL_LIMIT = 16_000
# What the library raises on answers that no authenticator gives, besides its own errors.
MALFORMED = (
    WebAuthnException,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    RecursionError,
)


async def ask_new_passkey(
    tx: Transaction, *, kind: Kind, subject_id: UUID, user_name: str, display_name: str, site: Site
) -> Asked:
    """Ask for a new passkey of somebody who is signed in. Conflict ``passkey.too_many``."""
    known = await store.list_passkeys(tx, kind, subject_id)
    if len(known) >= PASSKEY_LIMIT:
        raise Conflict("passkey.too_many", _("You can keep at most %(limit)s passkeys."), limit=PASSKEY_LIMIT)
    options = generate_registration_options(
        rp_id=site.host,
        rp_name=site.name,
        user_id=subject_id.bytes,
        user_name=user_name,
        user_display_name=display_name or user_name,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=row["credential_id"]) for row in known],
    )
    return await _note_challenge(tx, kind, subject_id, options.challenge, options_to_json(options))


async def ask_passkey(tx: Transaction, *, kind: Kind, site: Site) -> Asked:
    """Ask whoever sits there for a passkey of this site."""
    options = generate_authentication_options(
        rp_id=site.host, user_verification=UserVerificationRequirement.REQUIRED
    )
    return await _note_challenge(tx, kind, None, options.challenge, options_to_json(options))


async def _note_challenge(
    tx: Transaction, kind: Kind, subject_id: UUID | None, challenge: bytes, options_json: str
) -> Asked:
    challenge_id = new_id()
    await store.insert_challenge(tx, challenge_id, kind, subject_id, challenge, clock.now() + CHALLENGE_LASTS)
    return Asked(challenge_id, options_json)


async def add_passkey(
    db: Database,
    merchant_id: MerchantId,
    *,
    kind: Kind,
    subject_id: UUID,
    challenge_id: UUID,
    credential_json: str,
    site: Site,
    name: str,
) -> None:
    """Keep the passkey that an authenticator has made.

    Raises:
        Invalid: ``passkey.wrong`` when the answer does not fit the question.
        Conflict: ``passkey.known``.
    """
    challenge = await _take_challenge(db, merchant_id, kind, subject_id, challenge_id)
    try:
        made = verify_registration_response(
            credential=_parse(credential_json),
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except MALFORMED as error:
        raise _wrong() from error
    name = " ".join(name.split())[:NAME_LIMIT] or f"{clock.now():%Y-%m-%d}"
    async with db.transaction(merchant_id) as tx:
        if not await store.insert_passkey(
            tx,
            made.credential_id,
            kind,
            subject_id,
            made.credential_public_key,
            made.sign_count,
            name,
            clock.now(),
        ):
            raise Conflict("passkey.known", _("This passkey is kept already."))


async def check_passkey(
    db: Database,
    merchant_id: MerchantId,
    *,
    kind: Kind,
    challenge_id: UUID,
    credential_json: str,
    site: Site,
) -> UUID:
    """Whose passkey has answered. Unauthorised ``passkey.refused`` when none of ours has, or a copied one."""
    challenge = await _take_challenge(db, merchant_id, kind, None, challenge_id)
    try:
        credential = _parse(credential_json)
        credential_id = base64url_to_bytes(str(credential["id"]))
    except MALFORMED as error:
        raise _refused() from error
    async with db.transaction(merchant_id) as tx:
        row = await store.find_passkey(tx, kind, credential_id)
        if row is None:
            raise _refused()
        try:
            used = verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=site.host,
                expected_origin=site.origin,
                credential_public_key=row["public_key"],
                credential_current_sign_count=row["sign_count"],
                require_user_verification=True,
            )
        except MALFORMED as error:
            raise _refused() from error
        if not await store.use_passkey(
            tx, credential_id, row["sign_count"], used.new_sign_count, clock.now()
        ):
            raise _refused()
        subject_id: UUID = row["subject_id"]
        return subject_id


async def _take_challenge(
    db: Database, merchant_id: MerchantId, kind: Kind, subject_id: UUID | None, challenge_id: UUID
) -> bytes:
    """In a transaction of its own, so that a wrong answer spends the challenge too."""
    async with db.transaction(merchant_id) as tx:
        challenge = await store.take_challenge(tx, challenge_id, kind, subject_id, clock.now())
    if challenge is None:
        raise Invalid("passkey.too_late", _("That took too long. Please try again."))
    return challenge


def _parse(credential_json: str) -> dict[str, object]:
    if len(credential_json) > CREDENTIAL_LIMIT:
        raise ValueError("longer than any credential")
    credential = json.loads(credential_json)
    if not isinstance(credential, dict):
        raise TypeError("a credential is an object")
    return credential


def _wrong() -> Invalid:
    return Invalid(
        "passkey.wrong", _("The passkey could not be checked. Nothing was kept; please try again.")
    )


def _refused() -> Unauthorised:
    return Unauthorised("passkey.refused", _("This passkey does not open any account here."))


async def list_passkeys(tx: Transaction, *, kind: Kind, subject_id: UUID) -> list[Passkey]:
    """Somebody's passkeys, the oldest first."""
    return [Passkey(*row.values()) for row in await store.list_passkeys(tx, kind, subject_id)]


async def remove_passkey(tx: Transaction, *, kind: Kind, subject_id: UUID, credential_id: bytes) -> None:
    """Take a passkey's power away. NotFound ``passkey.unknown``."""
    if not await store.delete_passkey(tx, kind, subject_id, credential_id):
        raise NotFound("passkey.unknown", _("There is no such passkey."))


async def remove_passkeys_of(tx: Transaction, *, kind: Kind, subject_id: UUID) -> None:
    """Take all passkeys of somebody away."""
    await store.delete_passkeys_of(tx, kind, subject_id)


async def delete_expired_challenges(tx: Transaction) -> None:
    """Forget questions that nobody answered."""
    await store.delete_expired(tx, clock.now())
