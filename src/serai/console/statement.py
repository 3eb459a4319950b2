"""Providers' statements at the console: uploaded or fetched, line by line, and what is decided where they differ."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath

from serai.commerce.reconciliation import api
from serai.commerce.types import StatementSource
from serai.console.desk import AnyRequest, AtDesk, Desk, link, not_found
from serai.console.form import Form, fill_form, note_refusal, read_form
from serai.foundation import clock
from serai.foundation.errors import NotFound, Outside, Refused, _

PATH = "/console/money/statements"
DIFFERENCES = "/console/money/differences"
READ = "order.read"
WRITE = "order.refund"
MAX_BYTES = 20_000_000


def _providers(desk: Desk) -> list[str]:
    """Whose statements may come: every provider that moves money, and couriers that bring it."""
    return [name for name in desk.commerce.providers if name != "market"] + ["cash_on_delivery"]


async def _show_list(
    desk: Desk, *, form: Form | None = None, fetch_form: Form | None = None, status_code: int = 200
) -> Response[str]:
    async with desk.reading() as tx:
        page = await api.list_statements(tx, cursor=desk.query("cursor") or None)
        differences = await api.count_open(tx)
        standings = await api.list_standings(tx)
        fetches = await api.list_fetches(tx)
    yesterday = clock.now().date() - timedelta(days=1)
    sources = [
        name for name, provider in desk.commerce.providers.items() if isinstance(provider, StatementSource)
    ]
    return desk.page(
        "statement_list.html",
        "money",
        desk.say(_("Statements")),
        status_code=status_code,
        statements=page.items,
        differences=differences,
        standings=standings,
        fetches=fetches,
        form=form or fill_form("statement"),
        form_open=form is not None,
        fetch_form=fetch_form or fill_form("fetch", day=yesterday.isoformat()),
        fetch_open=fetch_form is not None,
        providers=_providers(desk),
        sources=sources,
        example=api.EXAMPLE,
        may_write=desk.staff.may(WRITE),
        next_href=link(PATH, cursor=page.next_cursor) if page.next_cursor else "",
        first_href=PATH if desk.query("cursor") else "",
    )


@get("/money/statements")
async def show_statements(desk: AtDesk) -> Response[str]:
    """Statements, the one that was read last first, and what providers hold by our books."""
    desk.require(READ)
    return await _show_list(desk)


@post("/money/statements", status_code=200, request_max_body_size=MAX_BYTES + 100_000)
async def upload(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Read a provider's file. The same file again is known."""
    desk.require(WRITE)
    sent = await request.form()
    form = read_form("statement", sent)
    file = next((each for each in sent.getall("file", []) if isinstance(each, UploadFile)), None)
    provider = form.values.get("provider", "")
    if provider not in _providers(desk):
        form.errors["provider"] = desk.say(_("Please choose whose statement it is."))
    if file is None or not file.filename:
        form.errors["file"] = desk.say(_("Please choose a file."))
        return await _show_list(desk, form=form, status_code=422)
    if form.errors:
        return await _show_list(desk, form=form, status_code=422)
    content = await file.read(MAX_BYTES + 1)
    try:
        statement = await api.take_statement(
            desk.commerce,
            desk.merchant_id,
            provider=provider,
            file_name=file.filename,
            content=content,
            by=desk.by,
        )
    except Refused as error:
        form.errors["file"] = desk.explain(error)
        return await _show_list(desk, form=form, status_code=error.status)
    return _tell(desk, statement)


def _tell(desk: Desk, statement: Any) -> Any:
    path = f"{PATH}/{statement.statement_id}"
    if statement.is_repeat:
        return desk.go(path, _("This statement was read before. Nothing has changed."), tone="warn")
    if statement.open_count:
        return desk.go(
            path, _("Read: %(count)s lines need your decision."), tone="warn", count=statement.open_count
        )
    return desk.go(path, _("Read: everything agrees with the books."))


@post("/money/statements/fetch", status_code=200)
async def fetch(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Ask a provider for its statement of a day."""
    desk.require(WRITE)
    form = read_form("fetch", await request.form())
    try:
        day = date.fromisoformat(form.values.get("day", ""))
        if not date(2000, 1, 1) <= day <= clock.now().date():
            raise ValueError(day)
    except ValueError:
        form.errors["day"] = desk.say(_("Please choose a day until today."))
        return await _show_list(desk, fetch_form=form, status_code=422)
    try:
        statement = await api.fetch_statement(
            desk.commerce, desk.merchant_id, provider=form.values.get("provider", ""), day=day, by=desk.by
        )
    except Outside:
        form.errors["provider"] = desk.say(_("The provider does not answer. Please try again later."))
        return await _show_list(desk, fetch_form=form, status_code=502)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        return await _show_list(desk, fetch_form=form, status_code=error.status)
    return _tell(desk, statement)


@get("/money/statements/{statement_id:uuid}")
async def show_statement(desk: AtDesk, statement_id: FromPath[UUID]) -> Response[str]:
    """A statement's lines, each with what it comes to."""
    desk.require(READ)
    async with desk.reading() as tx:
        try:
            statement = await api.show_statement(tx, statement_id=statement_id)
        except NotFound as error:
            raise not_found() from error
    return await _show_lines(desk, statement=statement)


@get("/money/differences")
async def show_differences(desk: AtDesk) -> Response[str]:
    """All lines that somebody has to look at."""
    desk.require(READ)
    return await _show_lines(desk, statement=None)


async def _show_lines(
    desk: Desk, *, statement: Any, failed: tuple[str, Form] | None = None, status_code: int = 200
) -> Response[str]:
    async with desk.reading() as tx:
        page = await api.list_lines(
            tx,
            statement_id=statement.statement_id if statement else None,
            only_open=statement is None,
            cursor=desk.query("cursor") or None,
        )
        differences = await api.count_open(tx)
    here = f"{PATH}/{statement.statement_id}" if statement else DIFFERENCES
    forms = {f"{line.provider}:{line.row_key}": fill_form("resolve") for line in page.items if line.is_open}
    if failed:
        forms[failed[0]] = failed[1]
    return desk.page(
        "statement.html",
        "money",
        statement.file_name if statement else desk.say(_("Differences")),
        crumbs=[(desk.say(_("Statements")), PATH), (statement.file_name, "")] if statement else [],
        status_code=status_code,
        statement=statement,
        lines=page.items,
        forms=forms,
        failed=failed[0] if failed else "",
        allowed=api.ALLOWED,
        differences=differences,
        may_write=desk.staff.may(WRITE),
        first_href=here if desk.query("cursor") else "",
        next_href=link(here, cursor=page.next_cursor) if page.next_cursor else "",
    )


@post("/money/differences/resolve", status_code=200)
async def resolve(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Say what becomes of a line on which a statement and the books differ."""
    desk.require(WRITE)
    form = read_form("resolve", await request.form())
    values = form.values
    wanted = values.get("resolution", "")
    resolution = next((known for known in ("note", "accept", "fee", "refund") if known == wanted), None)
    provider, row_key = values.get("provider", ""), values.get("row_key", "")
    try:
        if resolution is None:
            raise not_found()
        line = await api.resolve_line(
            desk.commerce,
            desk.merchant_id,
            provider=provider,
            row_key=row_key,
            resolution=resolution,
            note=values.get("note", ""),
            by=desk.by,
        )
    except Outside:
        form.errors["note"] = desk.say(_("The provider does not answer. Please try again later."))
        return await _show_lines(
            desk, statement=None, failed=(f"{provider}:{row_key}", form), status_code=502
        )
    except NotFound as error:
        raise not_found() from error
    except Refused as error:
        form.errors["note"] = desk.explain(error)
        return await _show_lines(
            desk, statement=None, failed=(f"{provider}:{row_key}", form), status_code=error.status
        )
    back = f"{PATH}/{line.statement_id}" if values.get("back") == "statement" else DIFFERENCES
    return desk.go(back, _("Line %(key)s is settled."), key=line.row_key[:40])
