"""How a refused form answers: beside the page for htmx, else as a notice where the shopper came from."""

from typing import Any

from litestar import Response
from litestar.response import Redirect

from serai.foundation.errors import Refused
from serai.foundation.i18n import translate
from serai.foundation.pages import request_locale
from serai.storefront.notice import Notice, leave_notice
from serai.storefront.view import Asked, show, wants_fragment


def answer_refusal(request: Asked, refusal: Refused, next_url: str) -> Response[Any]:
    """Why nothing was done, where the shopper is."""
    notice = Notice("danger", translate(refusal.message, request_locale(request), refusal.data))
    if wants_fragment(request):
        return show(
            request,
            "parts/notice.html",
            shell=None,
            status_code=refusal.status,
            fragment="notice",
            notice=notice,
        )
    response = Redirect(next_url, status_code=303)
    leave_notice(request, response, notice)
    return response
