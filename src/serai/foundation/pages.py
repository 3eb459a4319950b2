"""Pages from Jinja templates in the reader's language, and static files whose address changes with their content."""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextvars import ContextVar
from datetime import UTC, date, datetime, tzinfo
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID

import jinja2
import msgspec
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal
from litestar import Request, Response
from litestar.enums import MediaType
from litestar.utils.scope.state import ScopeState
from markupsafe import Markup

from serai.foundation import clock
from serai.foundation.i18n import (
    LANGUAGE_NAMES,
    LANGUAGE_TAGS,
    LOCALE_COOKIE,
    LOCALES,
    choose_locale,
    translate,
    translations,
)
from serai.foundation.money import format_money
from serai.foundation.page_store import TOKEN_MARK, PageStore, keep_page

STATIC = Path(str(files("serai") / "static"))
# In which time zone a page shows moments: its merchant's.
ZONE: ContextVar[tzinfo] = ContextVar("zone", default=UTC)


@cache
def asset(name: str) -> str:
    """Address of a static file with its content's hash, so browsers may keep it for ever. KeyError if there is none."""
    path = STATIC / name
    if not path.is_file():
        raise KeyError(f"no static file {name}; `make assets` brings those under vendor/")
    return f"/static/{name}?v={hashlib.blake2b(path.read_bytes(), digest_size=6).hexdigest()}"


def request_locale(request: Request[Any, Any, Any]) -> str:
    """The locale of this request: cookie first, then the browser's languages."""
    return choose_locale(request.cookies.get(LOCALE_COOKIE), request.headers.get("accept-language"))


class Pages:
    """Templates of some packages, one environment per locale (compiled once, rendered without a switch of language)."""

    def __init__(self, packages: tuple[str, ...]) -> None:
        folders = [str(files(package) / "templates") for package in packages]
        self._environments = {locale: _make_environment(folders, locale) for locale in LOCALES}

    def render_text(
        self, name: str, locale: str, context: Mapping[str, Any], block: str | None = None
    ) -> str:
        """A template as text; with ``block``, only that block of it (imports it needs stand inside the block)."""
        template = self._environments[locale].get_template(name)
        token = ZONE.set(getattr(context.get("merchant"), "zone", UTC))
        try:
            if block is None:
                return template.render(context)
            page = template.new_context(dict(context))
            return "".join(template.blocks[block](page))
        finally:
            ZONE.reset(token)


def _make_environment(folders: list[str], locale: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=1000,
    )
    catalogue = translations(locale)
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the extension
        catalogue.gettext, catalogue.ngettext, newstyle=True, pgettext=catalogue.pgettext
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals.update(
        asset=asset,
        locale=locale,
        language_tag=LANGUAGE_TAGS[locale],
        language_names=LANGUAGE_NAMES,
        now=clock.now,
    )
    environment.filters.update(
        money=lambda minor, currency: format_money(minor, currency, locale),
        date=lambda value, style="medium": _date(value, style, locale),
        datetime=lambda value, style="short": format_datetime(value, style, tzinfo=ZONE.get(), locale=locale),
        local=lambda value: value.astimezone(ZONE.get()),
        ago=lambda value: format_timedelta(value - clock.now(), add_direction=True, locale=locale),
        number=lambda value: format_decimal(value, locale=locale),
        message=lambda text, data=None: translate(text, locale, data),
    )
    return environment


def _date(value: date | datetime, style: str, locale: str) -> str:
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(ZONE.get())
    return format_date(value, style, locale=locale)


class PageSlot(msgspec.Struct, frozen=True):
    """Where the page of a request may be kept: see ``page_store``."""

    store: PageStore
    address: Hashable
    mark: int


def csrf_token(request: Request[Any, Any, Any]) -> str:
    """The form token of this visitor."""
    token = ScopeState.from_scope(request.scope).csrf_token
    return token if isinstance(token, str) else request.cookies.get("csrftoken", "")


def csrf_input(token: str) -> Markup:
    """The hidden field that every form with an effect carries."""
    return Markup('<input type="hidden" name="_csrf_token" value="{}">').format(token)


def render(
    request: Request[Any, Any, Any],
    name: str,
    *,
    status_code: int = 200,
    block: str | None = None,
    headers: dict[str, str] | None = None,
    shown_ids: Callable[[], Iterable[UUID]] | None = None,
    **context: Any,
) -> Response[str]:
    """A page as a response. Templates also see ``request``, ``path``, ``csrf_input``, ``merchant`` and ``locale``.

    With ``shown_ids``, which gives the ids of all that the page shows, it is kept for others where the request allows it.
    """
    pages: Pages = request.app.state.pages
    locale = request_locale(request)
    state = request.scope.get("state", {})
    context.setdefault("merchant", state.get("merchant"))
    slot: PageSlot | None = state.get("page_slot") if shown_ids and status_code == 200 else None
    token = csrf_token(request)
    text = pages.render_text(
        name,
        locale,
        {
            **context,
            "request": request,
            "path": request.url.path,
            "csrf_input": csrf_input(TOKEN_MARK if slot else token),
        },
        block,
    )
    if slot and shown_ids:
        slot.store.put(context["merchant"].merchant_id, slot.address, keep_page(text, shown_ids()), slot.mark)
        text = text.replace(TOKEN_MARK, token)
    return Response(text, media_type=MediaType.HTML, status_code=status_code, headers=headers or {})
