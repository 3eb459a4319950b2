"""Refusals as pages of the console: with the navigation where somebody is signed in, bare otherwise."""

from typing import Any

from litestar import Request, Response

from serai.console.desk import HOME, Desk, here, list_sections
from serai.foundation.errors import _
from serai.foundation.i18n import translate
from serai.foundation.pages import render, request_locale

TITLES = {
    401: _("Please sign in"),
    403: _("You may not do that"),
    404: _("There is nothing here"),
    409: _("That is no longer possible"),
    413: _("That is too large"),
    422: _("Something in it is not right"),
    429: _("Too much at once"),
    502: _("A partner does not answer"),
    503: _("The console cannot answer just now"),
}


def show_refusal(
    request: Request[Any, Any, Any], status: int, code: str, text: str, data: dict[str, Any]
) -> Response[str]:
    """The page for a refusal anywhere under ``/console``; ``text`` is translated already."""
    locale = request_locale(request)
    state = request.scope.get("state", {})
    desk: Desk | None = state.get("console_desk")
    staff = desk.staff if desk else None
    title = translate(TITLES.get(status, _("Something went wrong on our side")), locale)
    return render(
        request,
        "console/refused.html",
        status_code=status,
        headers={"cache-control": "no-store"},
        # An address that leads nowhere is refused before anybody asked whose shop this is.
        merchant=state.get("merchant") or {"name": "Serai"},
        staff=staff,
        may=staff.may if staff else None,
        nav=list_sections(staff, "", locale) if staff else [],
        title=title,
        crumbs=(),
        flash=None,
        search_text="",
        here=here(request) if request.method == "GET" else HOME,
        status=status,
        reason=text,
        reference=data.get("reference", ""),
    )
