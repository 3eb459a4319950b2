"""How a member gets in: password, passkeys, and the browsers that are signed in now."""

import base64
import binascii
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from serai.foundation.errors import Invalid, NotFound, Refused, _
from serai.foundation.i18n import translate
from serai.foundation.limit import take_token
from serai.foundation.pages import request_locale
from serai.identity.member import api as member_api
from serai.identity.passkey import api as passkey_api
from serai.identity.passkey.types import Asked as AskedPasskey
from serai.identity.passkey.types import Site
from serai.identity.session import api as session_api
from serai.storefront.form import Form, read_values
from serai.storefront.member import (
    client_agent,
    client_ip,
    enter,
    go,
    load_member,
    member_token,
    sign_in_first,
)
from serai.storefront.view import (
    Asked,
    database_of,
    load_shell,
    merchant_id_of,
    merchant_of,
    parse_uuid,
    show,
)

PATH = "/account/security"
CREDENTIAL_LIMIT = 16_000
# Questions to authenticators are cheap to ask and cost a row each.
QUESTIONS, HOUR_S = 60, 3600


@get(PATH, include_in_schema=False)
async def show_security(request: Asked) -> Response[Any]:
    """Password, passkeys, sessions."""
    return await _show(request, Form())


async def _show(request: Asked, form: Form, *, status_code: int = 200) -> Response[Any]:
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        if shell.member is None:
            return sign_in_first(PATH)
        member_id = shell.member.member_id
        passkeys = await passkey_api.list_passkeys(tx, kind="member", subject_id=member_id)
        sessions = await session_api.list_sessions(
            tx, kind="member", subject_id=member_id, token=member_token(request)
        )
    return show(
        request,
        "security.html",
        shell=shell,
        status_code=status_code,
        form=form,
        passkeys=[(base64.urlsafe_b64encode(key.credential_id).decode(), key) for key in passkeys],
        sessions=sessions,
        describe_agent=describe_agent,
    )


def describe_agent(agent: str) -> str:
    """A browser and its system in two words, as well as its own word tells; names of products, so in every language."""
    browsers = (("Edg", "Edge"), ("OPR", "Opera"), ("MicroMessenger", "WeChat"), ("Firefox", "Firefox"),
                ("Chrome", "Chrome"), ("Safari", "Safari"))  # fmt: skip
    systems = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
               ("Mac OS", "macOS"), ("Linux", "Linux"))  # fmt: skip
    found = [next((name for sign, name in table if sign in agent), "") for table in (browsers, systems)]
    return " · ".join(name for name in found if name)


@post(f"{PATH}/password", include_in_schema=False)
async def change_password(request: Asked) -> Response[Any]:
    """Change the password; everybody else who is signed in is signed out."""
    form = Form(values=await read_values(request))
    locale = request_locale(request)
    for name, words in (
        ("present", _("Please write your present password.")),
        ("password", _("Please choose a password.")),
    ):
        if not form.values.get(name):
            form.errors[name] = translate(words, locale)
    if form.is_good:
        async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
            member = await load_member(request, tx)
        try:
            await member_api.change_password(
                database_of(request),
                merchant_id_of(request),
                member_id=member.member_id,
                token=member_token(request),
                present=form.values["present"],
                password=form.values["password"],
            )
            return go(request, PATH, _("Your password is changed. Other browsers are signed out."))
        except Refused as refusal:
            form.take_refusal(refusal, locale=locale)
    return await _show(request, form, status_code=422)


@post(f"{PATH}/sessions/end", include_in_schema=False)
async def end_others(request: Asked) -> Response[Any]:
    """Sign out everywhere but here."""
    async with database_of(request).transaction(merchant_id_of(request)) as tx:
        member = await load_member(request, tx)
        await session_api.close_sessions_of(
            tx, kind="member", subject_id=member.member_id, but_token=member_token(request)
        )
    return go(request, PATH, _("Every other browser is signed out."))


@post(f"{PATH}/sessions/{{session_id:str}}/end", include_in_schema=False)
async def end_session(request: Asked, session_id: FromPath[str]) -> Response[Any]:
    """Sign out one browser."""
    async with database_of(request).transaction(merchant_id_of(request)) as tx:
        member = await load_member(request, tx)
        await session_api.close_session_of(
            tx, kind="member", subject_id=member.member_id, session_id=session_id
        )
    return go(request, PATH, _("That browser is signed out."))


def site_of(request: Asked) -> Site:
    """Where passkeys are bound to: the host of the page. A browser never lends a passkey to another one."""
    return Site(
        request.url.hostname or "", f"{request.url.scheme}://{request.url.netloc}", merchant_of(request).name
    )


def answer_question(asked: AskedPasskey) -> Response[Any]:
    """A question for the browser's script."""
    options = msgspec.json.decode(asked.options_json)
    return Response({"challenge_id": str(asked.challenge_id), "options": options}, status_code=200)


@post(f"{PATH}/passkeys/question", include_in_schema=False)
async def ask_new_passkey(request: Asked) -> Response[Any]:
    """What the authenticator is asked to make a passkey."""
    async with database_of(request).transaction(merchant_id_of(request)) as tx:
        member = await load_member(request, tx)
        asked = await passkey_api.ask_new_passkey(
            tx,
            kind="member",
            subject_id=member.member_id,
            user_name=member.email or member.number,
            display_name=member.name,
            site=site_of(request),
        )
    return answer_question(asked)


@post(f"{PATH}/passkeys", include_in_schema=False)
async def add_passkey(request: Asked) -> Response[Any]:
    """Keep the passkey that was made."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        member = await load_member(request, tx)
    challenge_id, credential, name = await read_credential(request)
    try:
        await passkey_api.add_passkey(
            database_of(request),
            merchant_id_of(request),
            kind="member",
            subject_id=member.member_id,
            challenge_id=challenge_id,
            credential_json=credential,
            site=site_of(request),
            name=name or describe_agent(client_agent(request)),
        )
    except Refused as refusal:
        return go(request, PATH, refusal.message, "danger", **refusal.data)
    return go(request, PATH, _("Your passkey is kept. Next time you can sign in with it."))


async def read_credential(request: Asked) -> tuple[Any, str, str]:
    """The challenge's id, the credential as JSON text, and the passkey's name. Invalid ``passkey.wrong``."""
    form = await request.form()
    challenge_id = parse_uuid(form.get("challenge_id"))
    credential, name = form.get("credential"), form.get("name")
    if challenge_id is None or not isinstance(credential, str) or len(credential) > CREDENTIAL_LIMIT:
        raise Invalid(
            "passkey.wrong", _("The passkey could not be checked. Nothing was kept; please try again.")
        )
    return challenge_id, credential, str(name or "")[:60]


@post(f"{PATH}/passkeys/remove", include_in_schema=False)
async def remove_passkey(request: Asked) -> Response[Any]:
    """Take a passkey's power away."""
    values = await read_values(request)
    try:
        credential_id = base64.urlsafe_b64decode(values.get("passkey", ""))
    except (binascii.Error, ValueError) as error:
        raise NotFound("passkey.unknown", _("There is no such passkey.")) from error
    async with database_of(request).transaction(merchant_id_of(request)) as tx:
        member = await load_member(request, tx)
        await passkey_api.remove_passkey(
            tx, kind="member", subject_id=member.member_id, credential_id=credential_id
        )
    return go(request, PATH, _("The passkey is removed here. You may delete it on your device too."))


@post("/account/passkey/question", include_in_schema=False)
async def ask_passkey(request: Asked) -> Response[Any]:
    """What the authenticator is asked for a sign-in; nobody is named."""
    async with database_of(request).transaction(merchant_id_of(request)) as tx:
        await take_token(tx, name="passkey", who=client_ip(request), most=QUESTIONS, per_s=HOUR_S)
        asked = await passkey_api.ask_passkey(tx, kind="member", site=site_of(request))
    return answer_question(asked)


@post("/account/passkey", include_in_schema=False)
async def sign_in_by_passkey(request: Asked) -> Response[Any]:
    """Sign in with the passkey's answer."""
    try:
        challenge_id, credential, _name = await read_credential(request)
        member_id = await passkey_api.check_passkey(
            database_of(request),
            merchant_id_of(request),
            kind="member",
            challenge_id=challenge_id,
            credential_json=credential,
            site=site_of(request),
        )
        async with database_of(request).transaction(merchant_id_of(request)) as tx:
            token = await member_api.sign_in_known(
                tx, member_id=member_id, ip=client_ip(request), agent=client_agent(request)
            )
    except Refused as refusal:
        return go(request, "/account/sign-in", refusal.message, "danger", **refusal.data)
    return enter(request, token, request.query_params.get("next"))
