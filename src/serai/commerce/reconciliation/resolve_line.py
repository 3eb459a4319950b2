"""What staff decide on a line on which a statement and our books differ.

note      somebody has looked at it; nothing is booked
accept    the statement is right: what it says is settled, and the rest of ours is a difference
fee       as above, but the difference is what the provider keeps
refund    money that came to us and is nobody's order goes back through the provider
"""

from uuid import UUID

from serai.commerce.payment.api import find_payment, provider_of
from serai.commerce.payment.types import psp_clearing
from serai.commerce.reconciliation import store
from serai.commerce.reconciliation.events import DifferenceResolved
from serai.commerce.reconciliation.types import (
    JudgedLine,
    Resolution,
    bank,
    psp_differences,
    psp_fees,
)
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger.types import Account, Group, Transfer, Write, posted

# What may be decided on which verdict.
ALLOWED: dict[str, frozenset[str]] = {
    "missing_here": frozenset({"note", "accept", "refund"}),
    "missing_there": frozenset({"note", "accept", "fee"}),
    "amount_differs": frozenset({"note", "accept", "fee"}),
    "currency_differs": frozenset({"note"}),
    "other": frozenset({"note", "accept", "fee"}),
}


async def resolve_line(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    provider: str,
    row_key: str,
    resolution: Resolution,
    note: str,
    by: str,
) -> JudgedLine:
    """Say what becomes of a difference. Saying it again changes nothing.

    Raises:
        NotFound: ``statement.line_unknown``.
        Invalid: ``statement.note_missing``, a note without words.
        Conflict: ``statement.cannot_resolve`` when the line does not allow it, or was resolved otherwise.
        Outside: the provider does not answer a refund; nothing is resolved.
    """
    note = " ".join(note.split())[:500]
    async with commerce.db.transaction(merchant_id, "read") as tx:
        line = await load_line(tx, provider=provider, row_key=row_key)
    if line.resolution == resolution:
        return line
    if line.resolved_at is not None or resolution not in ALLOWED.get(line.verdict, frozenset()):
        raise _impossible(line)
    if resolution == "note" and not note:
        raise Invalid("statement.note_missing", _("Please write what you found out."), field="note")
    if resolution == "refund":
        await _send_back(commerce, merchant_id, line)
    name, end = derive_id("resolve line", provider, row_key), Resolved(line, resolution, by, note)
    transfers = plan_resolution(line, resolution, name)
    told = DifferenceResolved(provider, row_key, resolution, line.amount_minor, by)
    audited = AuditRow(
        by,
        "statement.resolved",
        "statement",
        str(line.statement_id),
        {"verdict": line.verdict, "ours_minor": line.ours_minor},
        {"resolution": resolution, "note": note, "line": row_key, "amount_minor": line.amount_minor},
    )
    if transfers:
        await commerce.lane.submit(
            merchant_id,
            Group(
                name,
                transfers,
                (Write(resolve_rows, end), Write(record_rows, audited)),
                (Fact(line.order_id or line.statement_id, told),),
                document_id=line.order_id,
            ),
        )
    else:
        async with commerce.db.transaction(merchant_id) as tx:
            await resolve_rows(tx, [end])
            await record_rows(tx, [audited])
    async with commerce.db.transaction(merchant_id, "read") as tx:
        line = await load_line(tx, provider=provider, row_key=row_key)
    if line.resolution != resolution:
        raise _impossible(line)
    return line


def _impossible(line: JudgedLine) -> Conflict:
    return Conflict(
        "statement.cannot_resolve",
        _("This is not possible for this line (any more)."),
        verdict=line.verdict,
        resolution=line.resolution,
    )


async def load_line(tx: Transaction, *, provider: str, row_key: str) -> JudgedLine:
    """One line. NotFound ``statement.line_unknown``."""
    row = await store.find_line(tx, provider, row_key)
    if row is None:
        raise NotFound("statement.line_unknown", _("There is no such line."))
    return JudgedLine(**dict(row))


class Resolved(tuple[JudgedLine, str, str, str]):
    """A line with what was decided, by whom, and the note."""

    def __new__(cls, line: JudgedLine, resolution: str, by: str, note: str) -> "Resolved":
        return super().__new__(cls, (line, resolution, by, note))


async def resolve_rows(tx: Transaction, rows: list[Resolved]) -> None:
    """Keep decisions; a writer for the lane's batches."""
    now = clock.now()
    await store.resolve_lines(
        tx,
        (
            [line.provider for line, _resolution, _by, _note in rows],
            [line.row_key for line, _resolution, _by, _note in rows],
            [resolution for _line, resolution, _by, _note in rows],
            [by for _line, _resolution, by, _note in rows],
            [now for _row in rows],
            [note for _line, _resolution, _by, note in rows],
        ),
    )


def plan_resolution(line: JudgedLine, resolution: str, name: UUID) -> tuple[Transfer, ...]:
    """The transfers of a decision. What a provider holds for us by our books is cleared; what it has is in the bank."""
    if resolution not in ("accept", "fee"):
        return ()
    currency = line.currency
    money, clearing = bank(currency), psp_clearing(line.provider, currency)
    rest_to = psp_fees(currency) if resolution == "fee" else psp_differences(currency)
    theirs = 0 if line.verdict == "missing_there" else line.amount_minor
    ours = line.ours_minor or 0
    is_in = line.kind != "refund"
    transfers: list[Transfer] = []

    def move(what: str, into: Account, out: Account, minor: int) -> None:
        """Money that came in; of a refund the other way round."""
        if minor:
            debit, credit = (into, out) if (minor > 0) == is_in else (out, into)
            transfers.append(posted(derive_id(name, what), debit, credit, abs(minor), resolution))

    if line.verdict == "other":
        # Neither a payment nor a refund: what it says has happened to the money, for whatever reason.
        transfers.append(posted(derive_id(name, "other"), rest_to, money, line.amount_minor, resolution))
        return tuple(transfers)
    move("agreed", money, clearing, min(theirs, ours))
    move("theirs", money, rest_to, max(0, theirs - ours))
    move("ours", rest_to, clearing, max(0, ours - theirs))
    if line.fee_minor and line.verdict != "missing_there":
        into, out = (psp_fees(currency), money) if line.fee_minor > 0 else (money, psp_fees(currency))
        transfers.append(posted(derive_id(name, "fee"), into, out, abs(line.fee_minor), "provider's fee"))
    return tuple(transfers)


async def _send_back(commerce: Commerce, merchant_id: MerchantId, line: JudgedLine) -> None:
    """Ask the provider to give back what came to us and is nobody's order. The line names it, so it leaves once."""
    if line.kind != "capture" or not line.payment_ref:
        raise Conflict(
            "statement.cannot_resolve",
            _("Only a payment that the provider names can be given back."),
            verdict=line.verdict,
            resolution=line.resolution,
        )
    async with commerce.db.transaction(merchant_id, "read") as tx:
        paid = await find_payment(tx, intent_id=line.intent_id) if line.intent_id else None
    refund_id = derive_id("statement refund", line.provider, line.row_key)
    payment_ref = (paid.provider_payment_id if paid else None) or line.payment_ref
    answer = await provider_of(commerce, line.provider).refund(
        merchant_id, payment_ref, refund_id, line.amount_minor
    )
    if answer == "failed":
        raise Conflict(
            "statement.refund_refused",
            _("The provider refuses to give this back."),
            verdict=line.verdict,
        )
