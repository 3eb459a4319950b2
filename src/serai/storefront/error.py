"""Error pages: what happened in plain words, and a way on. They need no database, so they work when it is down."""

from typing import Any

from litestar import Response

from serai.foundation.errors import _
from serai.foundation.i18n import translate
from serai.foundation.pages import request_locale
from serai.storefront.notice import Notice
from serai.storefront.view import Asked, show

# Heading and words by status; other statuses take the nearest of these.
WORDS = {
    400: (
        _("We did not understand that"),
        _("Something in the address or the form was not as it should be."),
    ),
    401: (_("Please sign in first"), _("This page belongs to an account.")),
    403: (
        _("This door is closed"),
        _(
            "The form may have expired, or the page is not meant for you. Going back and reloading often helps."
        ),
    ),
    404: (
        _("There is nothing here"),
        _("The page has moved, the product is no longer sold, or the link was not quite right."),
    ),
    405: (_("That cannot be done here"), _("The page exists, but not for what was asked of it.")),
    409: (
        _("It has changed meanwhile"),
        _("Somebody or something was faster. Please look at the current state and try again."),
    ),
    413: (_("That is too large"), _("What was sent is larger than this shop accepts.")),
    422: (
        _("Something in it is not right"),
        _("Nothing was changed. Please go back and look at what was filled in."),
    ),
    429: (
        _("One moment, please"),
        _("Many requests came from here in a short time. Wait a little, then go on; your cart is safe."),
    ),
    500: (
        _("That went wrong on our side"),
        _("Nothing was charged by this. We have written down what happened."),
    ),
    502: (
        _("A partner does not answer"),
        _(
            "Our payment partner cannot be reached just now. Your order is kept; please try again in a moment."
        ),
    ),
    503: (
        _("The shop is catching its breath"),
        _("It cannot answer just now. Your cart is safe; please try again in a moment."),
    ),
}


def render_error(request: Asked, status: int, code: str, message: str, data: dict[str, Any]) -> Response[str]:
    """A refusal or a fault as a page of the shop, or for htmx as a notice.

    Args:
        message: already in the reader's language.
        data: facts behind it; ``reference`` names a fault in our log.
    """
    locale = request_locale(request)
    heading, words = WORDS.get(status) or WORDS[500 if status >= 500 else 400]
    if request.headers.get("hx-request") == "true":
        response = show(
            request,
            "parts/notice.html",
            shell=None,
            status_code=status,
            fragment="notice",
            notice=Notice("danger", message),
        )
        response.headers["hx-retarget"] = "#notice"
        response.headers["hx-reswap"] = "innerHTML"
        return response
    # A bare framework title repeats the heading; a refusal of ours says more, so it is shown as well.
    detail = (
        message
        if code not in ("not_found", "forbidden", "malformed", "internal", "service.unavailable")
        else ""
    )
    if code.startswith(("http_", "outside.")):
        detail = ""
    return show(
        request,
        "error.html",
        shell=None,
        status_code=status,
        status=status,
        heading=translate(heading, locale),
        words=translate(words, locale),
        detail=detail,
        ways=[(href, translate(text, locale)) for href, text in list_ways(request, status)],
        reference=str(data.get("reference", "")),
        merchant=request.scope.get("state", {}).get("merchant") or {"name": "Serai"},
    )


def list_ways(request: Asked, status: int) -> list[tuple[str, str]]:
    """Where a shopper may go from here: address and message id, the best way first."""
    if status == 401:
        return [("/account/sign-in", _("Sign in")), ("/", _("To the shop"))]
    if status in (409, 422):
        return [("/cart", _("To the cart")), ("/", _("To the shop"))]
    if status in (429, 502, 503) and request.method == "GET":
        return [(request.url.path, _("Try again")), ("/", _("To the shop"))]
    return [("/", _("To the shop")), ("/search", _("See everything"))]
