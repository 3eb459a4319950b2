"""What a member decides about their data: consents with their log, a copy of everything, and being forgotten."""

import io
import zipfile
from typing import Any

import msgspec
from litestar import Response, get, post

from serai.commerce.privacy import api as privacy_api
from serai.foundation.errors import Refused, _
from serai.foundation.i18n import translate
from serai.foundation.limit import take_token
from serai.foundation.pages import request_locale
from serai.identity.consent import api as consent_api
from serai.identity.consent.types import TOPICS
from serai.storefront import cookie
from serai.storefront.form import Form, read_values
from serai.storefront.member import go, load_member, sign_in_first
from serai.storefront.view import Asked, database_of, load_shell, merchant_id_of, show

PATH = "/account/privacy"
# The sentence that is agreed to, by topic; the log keeps it as it was read.
CONSENT_WORDS = {
    "newsletter": _("Write to me now and then about new things and offers."),
    "analytics": _("Use what I look at and buy to make the shop better."),
}
EXPORTS, DAY_S = 10, 86_400


@get(PATH, include_in_schema=False)
async def show_privacy(request: Asked) -> Response[Any]:
    """Choices, their log, and the two big buttons."""
    return await _show(request, Form())


async def _show(request: Asked, form: Form, *, status_code: int = 200) -> Response[Any]:
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        if shell.member is None:
            return sign_in_first(PATH)
        member_id = shell.member.member_id
        choices = await consent_api.load_choices(tx, member_id=member_id)
        consents = await consent_api.list_consents(tx, member_id=member_id)
    locale = request_locale(request)
    return show(
        request,
        "privacy.html",
        shell=shell,
        status_code=status_code,
        form=form,
        choices=[(topic, translate(CONSENT_WORDS[topic], locale), choices[topic]) for topic in TOPICS],
        consents=consents,
    )


@post(f"{PATH}/consent", include_in_schema=False)
async def save_consent(request: Asked) -> Response[Any]:
    """Note the choices; an unticked box takes consent back."""
    values = await read_values(request)
    locale = request_locale(request)
    async with database_of(request).transaction(merchant_id_of(request)) as tx:
        member = await load_member(request, tx)
        for topic in TOPICS:
            await consent_api.set_consent(
                tx,
                member_id=member.member_id,
                topic=topic,
                granted=bool(values.get(topic)),
                words=translate(CONSENT_WORDS[topic], locale),
            )
    return go(request, PATH, _("Your choices are noted."))


@post(f"{PATH}/export", include_in_schema=False)
async def export_data(request: Asked) -> Response[Any]:
    """Everything that is held of the member, as JSON in a zip file."""
    async with database_of(request).transaction(merchant_id_of(request)) as tx:
        member = await load_member(request, tx)
        await take_token(tx, name="export", who=str(member.member_id), most=EXPORTS, per_s=DAY_S)
        exported = await privacy_api.export_member(tx, member_id=member.member_id)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for subject, content in exported.items():
            archive.writestr(f"{subject}.json", msgspec.json.format(msgspec.json.encode(content), indent=2))
    return Response(
        packed.getvalue(),
        media_type="application/zip",
        headers={
            "content-disposition": f'attachment; filename="{member.number}.zip"',
            "cache-control": "no-store",
        },
    )


@post(f"{PATH}/erase", include_in_schema=False)
async def erase_account(request: Asked) -> Response[Any]:
    """Forget the member. The member number, typed once more, keeps a slip of the finger from doing it."""
    form = Form(values=await read_values(request))
    locale = request_locale(request)
    try:
        async with database_of(request).transaction(merchant_id_of(request)) as tx:
            member = await load_member(request, tx)
            if form.text("number").upper() != member.number.upper():
                form.errors["number"] = translate(_("Please write your member number."), locale)
            else:
                await privacy_api.erase_member(tx, member_id=member.member_id)
    except Refused as refusal:
        if refusal.status == 401:
            raise
        form.take_refusal(refusal, locale=locale)
    if not form.is_good:
        return await _show(request, form, status_code=422)
    response = go(request, "/", _("Your account is erased. Thank you for having been with us."))
    response.delete_cookie(cookie.MEMBER)
    return response
