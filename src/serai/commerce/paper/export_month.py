"""All papers of a month as one ZIP: first every file is made, some at a time, then the archive is sent as it is read.

Nothing large is ever held whole: files lie one by one in the store, the archive exists only on its way out.
"""

import csv
import hashlib
import io
import zipfile
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from serai.commerce.paper import store
from serai.commerce.paper.render_paper import render_issued
from serai.commerce.paper.types import Export, Paper
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, NotFound, _
from serai.foundation.ids import MerchantId, new_id
from serai.foundation.job import Job, enqueue
from serai.foundation.money import minor_digits
from serai.identity.audit import api as audit
from serai.identity.merchant.api import load_merchant

EXPORT_JOB = "paper.export"
# Papers of one run of the job: a run stays far below a job's lease.
AT_A_TIME = 20
# Papers of one export; a shop with more in a month takes them over the API.
MOST = 50_000


def month_bounds(month: date, zone: str) -> tuple[datetime, datetime]:
    """The first moments of a month and of the next one, where the merchant is."""
    first = datetime(month.year, month.month, 1, tzinfo=ZoneInfo(zone))
    later = (first + timedelta(days=32)).replace(day=1)
    return first, later


async def begin_export(tx: Transaction, *, month: date, by: str) -> Export:
    """Have all papers of a month made; a job begins at once.

    Raises:
        Invalid: ``paper.month_empty``, ``paper.month_large``.
    """
    merchant = await load_merchant(tx)
    since, until = month_bounds(month, merchant.time_zone)
    count = await store.count_papers(tx, since, until)
    if count == 0:
        raise Invalid(
            "paper.month_empty", _("There are no invoices or credit notes of this month."), field="month"
        )
    if count > MOST:
        raise Invalid(
            "paper.month_large", _("That is more than one file can hold. Please use the API."), field="month"
        )
    export_id = new_id()
    await store.insert_export(tx, export_id, month.replace(day=1), count, by, clock.now())
    await enqueue(tx, EXPORT_JOB, {"export_id": str(export_id), "cursor": None, "done": 0})
    await audit.record(
        tx,
        actor=by,
        action="paper.export_begun",
        subject_kind="paper_export",
        subject_id=export_id,
        before=None,
        after={"month": month.isoformat()[:7], "papers": count},
    )
    return await load_export(tx, export_id=export_id)


async def load_export(tx: Transaction, *, export_id: UUID) -> Export:
    """An export. NotFound ``paper.export_unknown``."""
    row = await store.find_export(tx, export_id)
    if row is None:
        raise NotFound("paper.export_unknown", _("There is no such file."))
    return Export(*row.values())


async def list_exports(tx: Transaction, *, limit: int = 10) -> list[Export]:
    """The last exports, the newest first."""
    return [Export(*row.values()) for row in await store.list_exports(tx, limit)]


async def continue_export(commerce: Commerce, job: Job) -> None:
    """Make the next files of an export, and leave the rest to another job. A run that comes twice changes nothing."""
    export_id = UUID(job.payload["export_id"])
    async with commerce.db.transaction(job.merchant_id, "read") as tx:
        export = await load_export(tx, export_id=export_id)
        if export.ended_at is not None:
            return
        papers = await _list_some(tx, export, job.payload["cursor"])
    size = 0
    for paper in papers:
        size += len(await render_issued(commerce, job.merchant_id, paper))
    done = job.payload["done"] + len(papers)
    total = job.payload.get("bytes", 0) + size
    async with commerce.db.transaction(job.merchant_id) as tx:
        if len(papers) < AT_A_TIME:
            digest = hashlib.sha256(f"{export_id}:{done}:{total}".encode()).hexdigest()
            await store.end_export(tx, export_id, digest, total, clock.now())
            return
        await store.set_progress(tx, export_id, min(done, export.papers))
        cursor = [papers[-1].issued_at.isoformat(), str(papers[-1].paper_id)]
        payload = {"export_id": str(export_id), "cursor": cursor, "done": done, "bytes": total}
        await enqueue(tx, EXPORT_JOB, payload)


async def _list_some(tx: Transaction, export: Export, cursor: list[str] | None) -> list[Paper]:
    merchant = await load_merchant(tx)
    since, until = month_bounds(export.month, merchant.time_zone)
    after = (datetime.fromisoformat(cursor[0]), UUID(cursor[1])) if cursor else None
    rows = await store.list_papers(tx, since, until, None, after, AT_A_TIME)
    return [Paper(*row.values()) for row in rows]


class _Sink(io.RawIOBase):
    """Where an archive is written to and at once taken from."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: object) -> int:
        content = bytes(piece)  # type: ignore[call-overload]  # whatever buffer the archive writes
        self._pieces.append(content)
        return len(content)

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


async def stream_export(commerce: Commerce, merchant_id: MerchantId, export: Export) -> AsyncIterator[bytes]:
    """The archive in pieces: a table of contents as CSV at its end, every paper as PDF."""
    sink = _Sink()
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\r\n")
    rows.writerow(["number", "kind", "issued_at", "currency", "total", "tax", "order_id", "corrects"])
    numbers: dict[UUID, str] = {}
    cursor: list[str] | None = None
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        while True:
            async with commerce.db.transaction(merchant_id, "read") as tx:
                papers = await _list_some(tx, export, cursor)
            for paper in papers:
                file = await render_issued(commerce, merchant_id, paper)
                made = zipfile.ZipInfo(
                    f"{paper.number.replace('/', '-')}.pdf", paper.issued_at.timetuple()[:6]
                )
                archive.writestr(made, file)
                numbers[paper.paper_id] = paper.number
                rows.writerow(_row(paper, numbers))
                yield sink.take()
            if len(papers) < AT_A_TIME:
                break
            cursor = [papers[-1].issued_at.isoformat(), str(papers[-1].paper_id)]
        last = zipfile.ZipInfo("papers.csv", export.asked_at.timetuple()[:6])
        archive.writestr(last, "\ufeff" + table.getvalue())
    yield sink.take()


def _row(paper: Paper, numbers: dict[UUID, str]) -> list[str]:
    digits = minor_digits(paper.currency)
    total, tax = (f"{Decimal(minor).scaleb(-digits):f}" for minor in (paper.total_minor, paper.tax_minor))
    corrects = numbers.get(paper.corrects_id, str(paper.corrects_id)) if paper.corrects_id else ""
    return [
        paper.number, paper.kind, paper.issued_at.isoformat(), paper.currency, total, tax, str(paper.order_id), corrects,
    ]  # fmt: skip
