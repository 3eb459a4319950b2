"""Signing in and out, one's own password, and the language of the console."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect

from serai.console.desk import (
    HOME,
    SESSION_COOKIE,
    AtDesk,
    Desk,
    SignInNeeded,
    is_secure,
    open_desk,
    safe_back,
)
from serai.console.form import Form, fill_form, read_form
from serai.foundation.database import Database
from serai.foundation.errors import Limited, Refused, Unauthorised, _
from serai.foundation.i18n import LOCALE_COOKIE, LOCALES, translate
from serai.foundation.ids import MerchantId
from serai.foundation.pages import render, request_locale
from serai.identity.merchant.types import Merchant
from serai.identity.staff.api import change_password, sign_in_staff, sign_out_staff

AnyRequest = Request[Any, Any, Any]
LOCALE_SECONDS = 365 * 24 * 3600


def show_form(request: AnyRequest, form: Form, back: str, status_code: int) -> Response[str]:
    """The sign-in page with its form as it was sent."""
    title = translate(_("Sign in to the console"), request_locale(request))
    return render(
        request,
        "console/sign_in.html",
        status_code=status_code,
        headers={"cache-control": "no-store"},
        form=form,
        next=back,
        title=title,
    )


@get("/sign-in")
async def show_sign_in(request: AnyRequest) -> Response[Any]:
    """The sign-in page; who is signed in already goes on."""
    back = safe_back(request.query_params.get("next"))
    try:
        await open_desk(request)
    except SignInNeeded:
        return show_form(request, fill_form("sign-in", email=""), back, 200)
    return Redirect(back, status_code=303)


@post("/sign-in", status_code=200)
async def sign_in(request: AnyRequest) -> Response[Any]:
    """Open a session. A refusal never tells which part was wrong."""
    sent = await request.form()
    form = read_form("sign-in", sent)
    back = safe_back(sent.get("next"))
    merchant: Merchant = request.scope["state"]["merchant"]
    db: Database = request.app.state.db
    password = form.values.pop("password", "")
    try:
        token = await sign_in_staff(
            db,
            MerchantId(merchant.merchant_id),
            email=form.values.get("email", ""),
            password=password,
            ip=request.client.host if request.client else "",
            agent=request.headers.get("user-agent", "")[:200],
        )
    except (Unauthorised, Limited) as error:
        form.errors[""] = translate(error.message, request_locale(request), error.data)
        response = show_form(request, form, back, error.status)
        if isinstance(error, Limited):
            response.headers["retry-after"] = str(error.data.get("retry_after_s", 60))
        return response
    return open_session(Redirect(back, status_code=303), token, is_secure(request))


def open_session(answer: Redirect, token: str, secure: bool) -> Redirect:
    """The answer that carries a new session."""
    answer.set_cookie(SESSION_COOKIE, token, path=HOME, httponly=True, samesite="strict", secure=secure)
    return answer


@post("/sign-out", status_code=303)
async def sign_out(request: AnyRequest) -> Redirect:
    """End the session, whether or not it was still alive."""
    merchant: Merchant = request.scope["state"]["merchant"]
    db: Database = request.app.state.db
    token = request.cookies.get(SESSION_COOKIE, "")
    if token:
        async with db.transaction(MerchantId(merchant.merchant_id)) as tx:
            await sign_out_staff(tx, token=token)
    answer = Redirect("/console/sign-in", status_code=303)
    answer.delete_cookie(SESSION_COOKIE, path=HOME)
    return answer


@get("/password")
async def show_password_form(desk: AtDesk) -> Response[str]:
    """The form for a new password of one's own."""
    return _show_password(desk, fill_form("password"), 200)


@post("/password", status_code=200)
async def save_password(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Change one's own password; other sessions end."""
    form = read_form("password", await request.form())
    current, new, again = (form.values.pop(name, "") for name in ("current", "new", "again"))
    if not current:
        form.errors["current"] = desk.say(_("Please give the password that you use now."))
    if new != again:
        form.errors["again"] = desk.say(_("The two new passwords differ."))
    elif new and new == current:
        form.errors["new"] = desk.say(_("Please choose a password that differs from the present one."))
    if not form.errors:
        try:
            await change_password(
                desk.db, desk.merchant_id, staff=desk.staff, old_password=current, new_password=new,
                token=desk.token,
            )  # fmt: skip
        except Unauthorised:
            form.errors["current"] = desk.say(_("This is not your present password."))
        except Refused as error:
            form.errors["new"] = desk.explain(error)
        else:
            return desk.go(HOME, _("Your password is changed. Your other sessions have ended."))
    return _show_password(desk, form, 422)


def _show_password(desk: Desk, form: Form, status_code: int) -> Response[str]:
    return desk.page(
        "password.html",
        "",
        desk.say(_("Change password")),
        status_code=status_code,
        form=form,
        must_change=desk.staff.must_change_password,
    )


@post("/locale", status_code=303)
async def choose_language(request: AnyRequest) -> Redirect:
    """Remember the language and go back to the page."""
    sent = await request.form()
    answer = Redirect(safe_back(sent.get("back")), status_code=303)
    locale = sent.get("locale")
    if locale in LOCALES:
        answer.set_cookie(
            LOCALE_COOKIE, str(locale), max_age=LOCALE_SECONDS, path="/", samesite="lax",
            secure=is_secure(request),
        )  # fmt: skip
    return answer
