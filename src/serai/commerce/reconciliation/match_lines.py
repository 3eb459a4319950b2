"""Holding a statement's lines against our books, and settling what agrees. Repeatable: a line is judged once.

READ    the whole file, or nothing of it; the same content is the same statement
KEEP    statement and lines commit, each movement once however many files tell it; lines are ``new``
JUDGE   line by line, one group each: what agrees is settled (``bank`` and ``psp_fees ← psp_clearing``), with the verdict
        beside it. Its name is the line's, so a repeat, a rival or a restart settles it once
GAPS    what we have booked within the time of the file and no line tells is ``missing_there``
"""

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from serai.commerce.payment.api import find_payment, list_refunds
from serai.commerce.payment.types import Payment, psp_clearing
from serai.commerce.reconciliation import store
from serai.commerce.reconciliation.events import StatementRead
from serai.commerce.reconciliation.logic import Judgement, find_id, judge_line, list_captures
from serai.commerce.reconciliation.logic import list_refunds as list_refund_parts
from serai.commerce.reconciliation.read_statement import read_statement
from serai.commerce.reconciliation.types import JudgedLine, Line, Statement, bank, psp_fees
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit import api as audit
from serai.ledger.types import Group, Transfer, Write, posted

log = logging.getLogger("serai.commerce")
BATCH = 500
MAX_GAPS = 1_000
# Providers' days end elsewhere than ours, and what was taken in a file's last minutes may stand in the next one.
GAP_MARGIN = timedelta(hours=6)


async def take_statement(
    commerce: Commerce, merchant_id: MerchantId, *, provider: str, file_name: str, content: bytes, by: str
) -> Statement:
    """Read a provider's file, keep it and hold it against our books. The same content again changes nothing.

    Raises:
        Invalid: ``statement.unreadable`` with ``line``, ``statement.too_large``, ``statement.unknown_format``. Nothing of
            the file was kept.
    """
    form, lines = read_statement(content)
    digest = hashlib.sha256(content).hexdigest()
    return await keep_lines(
        commerce,
        merchant_id,
        provider=provider,
        form=form,
        file_name=file_name,
        name=digest,
        lines=lines,
        by=by,
    )


async def keep_lines(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    provider: str,
    form: str,
    file_name: str,
    name: str,
    lines: Sequence[Line],
    by: str,
    span: tuple[datetime, datetime] | None = None,
) -> Statement:
    """Keep lines under a name that stands for their content, and judge them.

    ``span``: from when until when they tell everything; without, from the first of them to the last.
    """
    statement_id = derive_id("statement", merchant_id, provider, name)
    first = min((line.happened_at for line in lines), default=None)
    last = max((line.happened_at for line in lines), default=None)
    now = clock.now()
    statement = Statement(statement_id, provider, form, file_name[:200], len(lines), 0, first, last, by, now)
    async with commerce.db.transaction(merchant_id) as tx:
        is_new = await store.insert_statement(
            tx, (statement_id, provider, form, file_name[:200], len(lines), 0, first, last, by, now)
        )
        if is_new:
            added = await store.insert_lines(tx, provider, statement_id, _columns(lines))
            await store.set_known(tx, statement_id, len(lines) - added)
            told = StatementRead(statement_id, provider, len(lines), by)
            await append_facts(tx, [Fact(statement_id, told)])
            await audit.record(
                tx,
                actor=by,
                action="statement.read",
                subject_kind="statement",
                subject_id=str(statement_id),
                before=None,
                after={"provider": provider, "file": statement.file_name, "lines": len(lines)},
            )
    await judge_new(commerce, merchant_id)
    if span is not None:
        # The last hours of the day before were left to this one.
        await note_gaps(commerce, merchant_id, provider, statement_id, span[0] - GAP_MARGIN, span[1])
    elif first is not None and last is not None:
        await note_gaps(commerce, merchant_id, provider, statement_id, first, last)
    async with commerce.db.transaction(merchant_id, "read") as tx:
        found = await load_statement(tx, statement_id=statement_id)
    return msgspec.structs.replace(found, is_repeat=not is_new)


def _columns(lines: Sequence[Line]) -> tuple[list[object], ...]:
    return (
        [line.row_key[:200] for line in lines],
        [line.kind for line in lines],
        [line.reference[:200] for line in lines],
        [line.payment_ref[:200] for line in lines],
        [line.refund_ref[:200] for line in lines],
        [line.amount_minor for line in lines],
        [line.fee_minor for line in lines],
        [line.currency for line in lines],
        [line.happened_at for line in lines],
    )


async def load_statement(tx: Transaction, *, statement_id: UUID) -> Statement:
    """A statement with the number of its lines per verdict, and of those that are ``open``."""
    row = await store.find_statement(tx, statement_id)
    assert row is not None, "asked for by an id that was just made or listed"
    return (await with_counts(tx, [Statement(**dict(row))]))[0]


async def with_counts(tx: Transaction, found: Sequence[Statement]) -> list[Statement]:
    """Statements with what their lines came to."""
    counts: dict[UUID, dict[str, int]] = {each.statement_id: {"open": 0} for each in found}
    for statement_id, verdict, lines, waiting in await store.count_lines(tx, list(counts)):
        counts[statement_id][verdict] = lines
        counts[statement_id]["open"] += waiting
    return [msgspec.structs.replace(each, counts=counts[each.statement_id]) for each in found]


async def judge_new(commerce: Commerce, merchant_id: MerchantId) -> int:
    """Judge all lines that have no verdict. Returns how many there were."""
    done = 0
    while True:
        async with commerce.db.transaction(merchant_id, "read") as tx:
            rows = [JudgedLine(**dict(row)) for row in await store.list_new(tx, BATCH)]
        if not rows:
            return done
        for row in rows:
            try:
                await _judge(commerce, merchant_id, row)
            except asyncpg.UniqueViolationError:
                # A rival settled the same part by another line in this moment; what is left is judged next.
                log.info("line %s of %s is judged again", row.row_key, row.provider)
        done += len(rows)


async def _judge(commerce: Commerce, merchant_id: MerchantId, row: JudgedLine) -> None:
    """Give one line its verdict, with what it settles."""
    async with commerce.db.transaction(merchant_id, "read") as tx:
        paid, judgement = await _hold_against(tx, row)
    judged = msgspec.structs.replace(
        row,
        verdict=judgement.verdict,
        part_id=judgement.part_id,
        intent_id=paid.intent_id if paid else None,
        order_id=paid.order_id if paid else None,
        ours_minor=judgement.ours_minor,
        judged_at=clock.now(),
    )
    transfers = settle_line(judged)
    if not transfers:
        async with commerce.db.transaction(merchant_id) as tx:
            await judge_lines(tx, [judged])
        return
    await commerce.lane.submit(
        merchant_id,
        Group(
            name_settlement(judged),
            transfers,
            (Write(judge_lines, judged),),
            (),
            document_id=judged.order_id,
        ),
    )


def name_settlement(line: JudgedLine) -> UUID:
    """The group that settles a line."""
    return derive_id("settle line", line.provider, line.row_key)


async def _hold_against(tx: Transaction, row: JudgedLine) -> tuple[Payment | None, Judgement]:
    line = Line(*(getattr(row, name) for name in Line.__struct_fields__))
    intent_id = await store.find_intent(tx, row.provider, find_id(row.reference), row.payment_ref)
    paid = await find_payment(tx, intent_id=intent_id) if intent_id else None
    if paid is None:
        return None, judge_line(line, None, (), frozenset())
    refunds = [r for r in await list_refunds(tx, order_id=paid.order_id) if r.intent_id == paid.intent_id]
    parts = [part.part_id for part in (*list_captures(paid), *list_refund_parts(refunds))]
    taken = frozenset(found[0] for found in await store.list_taken(tx, row.provider, parts))
    return paid, judge_line(line, paid, refunds, taken)


def settle_line(line: JudgedLine) -> tuple[Transfer, ...]:
    """What a line that agrees with our books settles: the provider has confirmed it, less what it keeps."""
    if line.verdict not in ("matched", "fee"):
        return ()
    name, currency = name_settlement(line), line.currency
    money, clearing = bank(currency), psp_clearing(line.provider, currency)
    fee_minor = line.fee_minor or (line.amount_minor if line.verdict == "fee" else 0)
    transfers = []
    if line.verdict == "matched" and line.amount_minor:
        into, out = (money, clearing) if line.kind == "capture" else (clearing, money)
        transfers.append(posted(derive_id(name, "money"), into, out, line.amount_minor, "settled"))
    if fee_minor:
        into, out = (psp_fees(currency), money) if fee_minor > 0 else (money, psp_fees(currency))
        transfers.append(posted(derive_id(name, "fee"), into, out, abs(fee_minor), "provider's fee"))
    return tuple(transfers)


async def judge_lines(tx: Transaction, rows: Sequence[JudgedLine]) -> None:
    """Keep verdicts; a writer for the lane's batches."""
    await store.judge_lines(
        tx,
        (
            [row.provider for row in rows],
            [row.row_key for row in rows],
            [row.verdict for row in rows],
            [row.part_id for row in rows],
            [row.order_id for row in rows],
            [row.intent_id for row in rows],
            [row.ours_minor for row in rows],
            [row.judged_at for row in rows],
        ),
    )
    for row in rows:
        if row.part_id is not None:
            await store.close_gaps(tx, row.provider, [row.part_id], clock.now())


async def note_gaps(
    commerce: Commerce,
    merchant_id: MerchantId,
    provider: str,
    statement_id: UUID,
    first: datetime,
    last: datetime,
) -> int:
    """Keep what we have booked within a time and no line tells. Returns how much there is."""
    async with commerce.db.transaction(merchant_id) as tx:
        gaps = await store.find_gaps(tx, provider, first, last - GAP_MARGIN, MAX_GAPS)
        if gaps:
            await store.insert_gaps(
                tx,
                provider,
                statement_id,
                clock.now(),
                (
                    [f"ours:{gap['part_id']}" for gap in gaps],
                    [gap["kind"] for gap in gaps],
                    [gap["payment_ref"] for gap in gaps],
                    [gap["minor"] for gap in gaps],
                    [gap["currency"] for gap in gaps],
                    [gap["at"] for gap in gaps],
                    [gap["part_id"] for gap in gaps],
                    [gap["order_id"] for gap in gaps],
                    [gap["intent_id"] for gap in gaps],
                ),
            )
    return len(gaps)


async def finish_statements(commerce: Commerce, owner: Database) -> int:
    """Judge what was read and not judged, over all merchants: a process may have died in the middle."""
    done = 0
    for row in await store.list_unfinished(owner, BATCH):
        try:
            done += await judge_new(commerce, MerchantId(row["merchant_id"]))
        except Exception:
            log.exception("statements of merchant %s could not be judged", row["merchant_id"])
    return done
