"""Letters with one-time links: sign in without a password, choose a new one, confirm an address.

Whoever asks is told the same whether there is an account or not. A link opens a page with a button, and only the
button spends it: mail programs that look at links beforehand do no harm.
"""

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from serai.foundation.database import Transaction
from serai.foundation.errors import Limited, Refused, _
from serai.foundation.i18n import translate
from serai.foundation.mail import queue_letter
from serai.foundation.pages import request_locale
from serai.identity.link.types import Purpose
from serai.identity.member import api as member_api
from serai.storefront.form import Form, read_values
from serai.storefront.letter import write_link_letter
from serai.storefront.member import client_agent, client_ip, enter, go, load_member
from serai.storefront.view import Asked, database_of, load_shell, merchant_id_of, safe_next, show

PATHS: dict[Purpose, str] = {
    "sign_in": "/account/link",
    "reset": "/account/password",
    "verify": "/account/verify",
}


async def send_link(tx: Transaction, *, purpose: Purpose, email: str, locale: str, ip: str = "") -> None:
    """Queue the letter with a link for an address, if it has an account. Limited ``limit.reached``."""
    asked = await member_api.ask_link(tx, purpose=purpose, email=email, ip=ip)
    if asked is None:
        return
    letter = write_link_letter(
        purpose,
        email=email,
        name=asked.member.name,
        locale=locale,
        path=f"{PATHS[purpose]}/{asked.token}",
        minutes=asked.minutes,
    )
    await queue_letter(tx, letter)


@get("/account/link", include_in_schema=False)
async def show_ask_link(request: Asked) -> Response[str]:
    """The form to ask for a link to sign in."""
    return await _show_ask(request, "sign_in", Form(values={"email": request.query_params.get("email", "")}))


@post("/account/link", include_in_schema=False)
async def ask_link(request: Asked) -> Response[Any]:
    """Send a link to sign in."""
    return await _ask(request, "sign_in")


@get("/account/password", include_in_schema=False)
async def show_ask_reset(request: Asked) -> Response[str]:
    """The form for who has forgotten the password."""
    return await _show_ask(request, "reset", Form(values={"email": request.query_params.get("email", "")}))


@post("/account/password", include_in_schema=False)
async def ask_reset(request: Asked) -> Response[Any]:
    """Send a link to choose a new password."""
    return await _ask(request, "reset")


async def _ask(request: Asked, purpose: Purpose) -> Response[Any]:
    form = Form(values=await read_values(request))
    locale = request_locale(request)
    email = form.require_email("email", locale=locale).lower()
    if form.is_good:
        try:
            async with database_of(request).transaction(merchant_id_of(request)) as tx:
                await send_link(tx, purpose=purpose, email=email, locale=locale, ip=client_ip(request))
                shell = await load_shell(request, tx)
            return show(request, "link_sent.html", shell=shell, email=email, purpose=purpose)
        except Refused as refusal:
            form.take_refusal(refusal, locale=locale)
            status = refusal.status
            return await _show_ask(request, purpose, form, status_code=status)
    return await _show_ask(request, purpose, form, status_code=422)


async def _show_ask(request: Asked, purpose: Purpose, form: Form, *, status_code: int = 200) -> Response[str]:
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
    return show(request, "ask_link.html", shell=shell, form=form, purpose=purpose, status_code=status_code)


@get("/account/link/{token:str}", include_in_schema=False)
async def show_link(request: Asked, token: FromPath[str]) -> Response[str]:
    """The button that signs in."""
    return await _show_link(request, "sign_in", token, Form())


@post("/account/link/{token:str}", include_in_schema=False)
async def use_link(request: Asked, token: FromPath[str]) -> Response[Any]:
    """Sign in."""
    try:
        opened = await member_api.sign_in_by_link(
            database_of(request),
            merchant_id_of(request),
            token=token,
            ip=client_ip(request),
            agent=client_agent(request),
        )
    except Refused as refusal:
        return await _refuse_link(request, "sign_in", token, refusal)
    return enter(request, opened, safe_next("/account"))


@get("/account/password/{token:str}", include_in_schema=False)
async def show_reset(request: Asked, token: FromPath[str]) -> Response[str]:
    """The form for a new password."""
    return await _show_link(request, "reset", token, Form())


@post("/account/password/{token:str}", include_in_schema=False)
async def reset_password(request: Asked, token: FromPath[str]) -> Response[Any]:
    """Choose a new password and be signed in."""
    values = await read_values(request)
    try:
        opened = await member_api.reset_password(
            database_of(request),
            merchant_id_of(request),
            token=token,
            password=values.get("password", ""),
            ip=client_ip(request),
            agent=client_agent(request),
        )
    except Refused as refusal:
        return await _refuse_link(request, "reset", token, refusal)
    return enter(request, opened, "/account")


@get("/account/verify/{token:str}", include_in_schema=False)
async def show_verify(request: Asked, token: FromPath[str]) -> Response[str]:
    """The button that confirms the address."""
    return await _show_link(request, "verify", token, Form())


@post("/account/verify/{token:str}", include_in_schema=False)
async def verify_email(request: Asked, token: FromPath[str]) -> Response[Any]:
    """The address is confirmed."""
    try:
        async with database_of(request).transaction(merchant_id_of(request)) as tx:
            await member_api.verify_email(tx, token=token)
    except Refused as refusal:
        return await _refuse_link(request, "verify", token, refusal)
    return go(request, "/account", _("Thank you, your e-mail address is confirmed."))


@post("/account/verify", include_in_schema=False)
async def ask_verify(request: Asked) -> Response[Any]:
    """Send the letter that confirms the address (again)."""
    try:
        async with database_of(request).transaction(merchant_id_of(request)) as tx:
            member = await load_member(request, tx)
            if member.email and member.email_verified_at is None:
                locale = request_locale(request)
                await send_link(
                    tx, purpose="verify", email=member.email, locale=locale, ip=client_ip(request)
                )
    except Limited as refusal:
        return go(request, "/account", refusal.message, "warn", **refusal.data)
    return go(request, "/account", _("A letter is on its way. Please look into your mailbox."))


async def _show_link(
    request: Asked, purpose: Purpose, token: str, form: Form, *, status_code: int = 200
) -> Response[str]:
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
    return show(
        request,
        "use_link.html",
        shell=shell,
        status_code=status_code,
        here_url="/account",
        form=form,
        purpose=purpose,
        action=f"{PATHS[purpose]}/{token}" if token.isascii() and token.isprintable() else PATHS[purpose],
        ask_path=PATHS[purpose],
        is_over=status_code == 404,
    )


async def _refuse_link(request: Asked, purpose: Purpose, token: str, refusal: Refused) -> Response[Any]:
    form = Form()
    if refusal.status == 404:
        form.general = translate(refusal.message, request_locale(request), refusal.data)
    else:
        form.take_refusal(refusal, locale=request_locale(request))
    return await _show_link(request, purpose, token, form, status_code=refusal.status)
