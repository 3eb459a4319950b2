"""One's own passkeys at the console, and signing in with one."""

import base64
import binascii
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect

from serai.console.desk import AtDesk, is_secure, safe_back
from serai.console.form import parse_uuid, read_form
from serai.console.sign_in import open_session, show_form
from serai.foundation.database import Database
from serai.foundation.errors import Conflict, Invalid, NotFound, Refused, _
from serai.foundation.i18n import translate
from serai.foundation.ids import MerchantId
from serai.foundation.limit import take_token
from serai.foundation.pages import request_locale
from serai.identity.audit import api as audit
from serai.identity.merchant.types import Merchant
from serai.identity.passkey import api as passkeys
from serai.identity.passkey.types import Asked, Site
from serai.identity.staff.api import sign_in_known

PATH = "/console/passkeys"
CREDENTIAL_LIMIT = 16_000
QUESTIONS, HOUR_S = 60, 3600
AnyRequest = Request[Any, Any, Any]


def site_of(request: AnyRequest) -> Site:
    """Where passkeys are bound to: the host of the page."""
    merchant: Merchant = request.scope["state"]["merchant"]
    return Site(request.url.hostname or "", f"{request.url.scheme}://{request.url.netloc}", merchant.name)


def answer_question(asked: Asked) -> Response[Any]:
    """A question for the browser's script."""
    options = msgspec.json.decode(asked.options_json)
    return Response({"challenge_id": str(asked.challenge_id), "options": options}, status_code=200)


async def read_credential(request: AnyRequest) -> tuple[UUID, str, str]:
    """The challenge's id, the credential as JSON text, and the passkey's name. Invalid ``passkey.wrong``."""
    form = read_form("passkey", await request.form())
    challenge_id, credential = (
        parse_uuid(form.values.get("challenge_id", "")),
        form.values.get("credential", ""),
    )
    if challenge_id is None or not 0 < len(credential) <= CREDENTIAL_LIMIT:
        raise Invalid(
            "passkey.wrong", _("The passkey could not be checked. Nothing was kept; please try again.")
        )
    return challenge_id, credential, form.values.get("name", "")[:60]


@get("/passkeys")
async def show_passkeys(desk: AtDesk) -> Response[str]:
    """One's own passkeys."""
    async with desk.reading() as tx:
        found = await passkeys.list_passkeys(tx, kind="staff", subject_id=desk.staff.staff_id)
    return desk.page(
        "passkey.html",
        "",
        desk.say(_("Passkeys")),
        keys=[(base64.urlsafe_b64encode(key.credential_id).decode(), key) for key in found],
        must_make=desk.merchant.staff_passkeys and not found,
        needs_one=desk.merchant.staff_passkeys,
    )


@post("/passkeys/question")
async def ask_new_passkey(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """What the authenticator is asked to make a passkey."""
    async with desk.db.transaction(desk.merchant_id) as tx:
        asked = await passkeys.ask_new_passkey(
            tx,
            kind="staff",
            subject_id=desk.staff.staff_id,
            user_name=desk.staff.email,
            display_name=desk.staff.name,
            site=site_of(request),
        )
    return answer_question(asked)


@post("/passkeys", status_code=303)
async def add_passkey(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Keep the passkey that was made."""
    try:
        challenge_id, credential, name = await read_credential(request)
        await passkeys.add_passkey(
            desk.db,
            desk.merchant_id,
            kind="staff",
            subject_id=desk.staff.staff_id,
            challenge_id=challenge_id,
            credential_json=credential,
            site=site_of(request),
            name=name,
        )
    except Refused as error:
        return desk.go(PATH, error.message, tone="bad", **error.data)
    async with desk.db.transaction(desk.merchant_id) as tx:
        await audit.record(
            tx,
            actor=desk.by,
            action="staff.passkey_added",
            subject_kind="staff",
            subject_id=desk.staff.staff_id,
            after={"name": name},
        )
    return desk.go(PATH, _("Your passkey is kept. Next time you can sign in with it."))


@post("/passkeys/remove", status_code=303)
async def remove_passkey(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Take a passkey's power away; the last one stays while passkeys are required."""
    form = read_form("passkey", await request.form())
    try:
        credential_id = base64.urlsafe_b64decode(form.values.get("passkey", ""))
    except (binascii.Error, ValueError):
        credential_id = b""

    try:
        async with desk.db.transaction(desk.merchant_id) as tx:
            found = await passkeys.list_passkeys(tx, kind="staff", subject_id=desk.staff.staff_id)
            if desk.merchant.staff_passkeys and len(found) < 2:
                raise Conflict(
                    "passkey.last", _("Passkeys are required here. Make another one before this one goes.")
                )
            await passkeys.remove_passkey(
                tx, kind="staff", subject_id=desk.staff.staff_id, credential_id=credential_id
            )
            await audit.record(
                tx,
                actor=desk.by,
                action="staff.passkey_removed",
                subject_kind="staff",
                subject_id=desk.staff.staff_id,
            )
    except (Conflict, NotFound) as error:
        return desk.go(PATH, error.message, tone="bad", **error.data)
    return desk.go(PATH, _("The passkey is removed here. You may delete it on your device too."))


@post("/passkey/question")
async def ask_passkey(request: AnyRequest) -> Response[Any]:
    """What the authenticator is asked for a sign-in; nobody is named."""
    merchant: Merchant = request.scope["state"]["merchant"]
    db: Database = request.app.state.db
    ip = request.client.host if request.client else ""
    async with db.transaction(MerchantId(merchant.merchant_id)) as tx:
        await take_token(tx, name="staff.passkey", who=ip, most=QUESTIONS, per_s=HOUR_S)
        asked = await passkeys.ask_passkey(tx, kind="staff", site=site_of(request))
    return answer_question(asked)


@post("/passkey", status_code=200)
async def sign_in_by_passkey(request: AnyRequest) -> Response[Any]:
    """Sign in with the passkey's answer."""
    merchant: Merchant = request.scope["state"]["merchant"]
    db: Database = request.app.state.db
    merchant_id = MerchantId(merchant.merchant_id)
    back = safe_back((await request.form()).get("next"))
    try:
        challenge_id, credential, _name = await read_credential(request)
        staff_id = await passkeys.check_passkey(
            db,
            merchant_id,
            kind="staff",
            challenge_id=challenge_id,
            credential_json=credential,
            site=site_of(request),
        )
        async with db.transaction(merchant_id) as tx:
            token = await sign_in_known(
                tx,
                staff_id=staff_id,
                ip=request.client.host if request.client else "",
                agent=request.headers.get("user-agent", "")[:200],
            )
    except Refused as error:
        form = read_form("sign-in", {"email": ""})
        form.errors[""] = translate(error.message, request_locale(request), error.data)
        return show_form(request, form, back, error.status)
    return open_session(Redirect(back, status_code=303), token, is_secure(request))
