"""Payouts: what a market owes its members leaves its account, once, with a statement of what it is made of.

PLAN      per member all that was ever booked as owed, by reason, less what earlier payouts were made of: so nothing falls
          between two statements, whenever it was booked
PAY       one group in the market's books; payouts are numbered and a group's id follows from its number, so two people
          who pay at the same moment make one payout
BOOK      per member one group in its own books: the money has reached its bank; repeated by a job where a process died
A payout is called back by the opposite transfers, never changed. A member that owes the market waits for the next run.
"""

from collections.abc import Sequence
from uuid import UUID

from serai.commerce.market import keep_payout
from serai.commerce.market.load_checkout import list_members
from serai.commerce.market.types import (
    MARKET,
    Payout,
    PayoutLine,
    bank,
    settlement_due,
)
from serai.commerce.payment.types import psp_clearing
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, NotFound, _
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger.api import sum_by_reason
from serai.ledger.types import Group, Transfer, Write, posted

PAYOUTS_SHOWN = 50


async def plan_payout(tx: Transaction, *, currency: str) -> tuple[PayoutLine, ...]:
    """What every member would get now, in the order of joining; members that are owed nothing, or owe, are among them."""
    paid = {row["member_id"]: row for row in await keep_payout.sum_paid(tx, currency)}
    lines = []
    for member in await list_members(tx):
        account = settlement_due(member.member_id, currency)
        booked = await sum_by_reason(tx, account_id=account.account_id)
        before = paid.get(member.member_id, {"sales": 0, "discounts": 0, "commission": 0, "refunds": 0})
        sales = booked.get("sold", 0) - before["sales"]
        discounts = booked.get("discount", 0) + booked.get("discount back", 0) - before["discounts"]
        commission = -booked.get("commission", 0) - booked.get("commission back", 0) - before["commission"]
        refunds = -booked.get("refund", 0) - before["refunds"]
        lines.append(
            PayoutLine(
                member.member_id,
                sales,
                discounts,
                commission,
                refunds,
                sales + discounts - commission - refunds,
            )
        )
    return tuple(lines)


async def pay_members(commerce: Commerce, market_id: MerchantId, *, currency: str, by: str) -> Payout:
    """Pay every member what it is owed. At the same moment as another call, the payout of that one.

    Conflict ``market.nothing_due`` when nobody is owed anything.
    """
    async with commerce.db.transaction(market_id, "read") as tx:
        number = await keep_payout.count_payouts(tx) + 1
        lines = tuple(line for line in await plan_payout(tx, currency=currency) if line.net_minor > 0)
    if not lines:
        raise Conflict("market.nothing_due", _("No member is owed anything at the moment."))
    payout = Payout(
        derive_id("market payout", market_id, number),
        number,
        currency,
        commerce.default_provider,
        clock.now(),
        by,
        None,
        None,
        lines,
    )
    clearing = psp_clearing(payout.provider, currency)
    transfers = tuple(
        posted(
            derive_id(payout.payout_id, line.member_id),
            settlement_due(line.member_id, currency),
            clearing,
            line.net_minor,
            "payout",
        )
        for line in lines
    )
    details = {"number": number, "net_minor": sum(line.net_minor for line in lines)}
    await commerce.lane.submit(
        market_id,
        Group(
            payout.payout_id,
            transfers,
            (
                Write(keep_payout.insert_payouts, payout),
                Write(
                    record_rows,
                    AuditRow(by, "market.paid_out", "payout", str(payout.payout_id), None, details),
                ),
            ),
            document_id=payout.payout_id,
        ),
    )
    return await finish_payout(commerce, market_id, payout_id=payout.payout_id)


async def reverse_payout(commerce: Commerce, market_id: MerchantId, *, payout_id: UUID, by: str) -> Payout:
    """Call a payout back: the money did not reach the members. What it was made of is owed again.

    Raises:
        NotFound: ``market.payout_unknown``. Conflict: ``market.payout_reversed`` when that was done before.
    """
    async with commerce.db.transaction(market_id, "read") as tx:
        payout = await load_payout(tx, payout_id=payout_id)
    if payout.reversed_at is not None:
        raise Conflict("market.payout_reversed", _("This payout has been called back already."))
    group_id = derive_id("market payout back", payout_id)
    clearing = psp_clearing(payout.provider, payout.currency)
    await commerce.lane.submit(
        market_id,
        Group(
            group_id,
            tuple(
                posted(
                    derive_id(group_id, line.member_id),
                    clearing,
                    settlement_due(line.member_id, payout.currency),
                    line.net_minor,
                    "payout back",
                )
                for line in payout.lines
            ),
            (
                Write(keep_payout.stamp_reversed, (payout_id, clock.now(), by)),
                Write(
                    record_rows, AuditRow(by, "market.payout_reversed", "payout", str(payout_id), None, {})
                ),
            ),
            document_id=payout_id,
        ),
    )
    return await finish_payout(commerce, market_id, payout_id=payout_id)


async def finish_payout(commerce: Commerce, market_id: MerchantId, *, payout_id: UUID) -> Payout:
    """Book a payout, or its reversal, with every member that lacks it. Repeating it changes nothing."""
    async with commerce.db.transaction(market_id, "read") as tx:
        payout = await load_payout(tx, payout_id=payout_id)
    held, own = psp_clearing(MARKET, payout.currency), bank(payout.currency)
    for line in payout.lines:
        steps: list[tuple[bool, Transfer]] = []
        group_id = derive_id("member payout", payout_id, line.member_id)
        if line.booked_at is None:
            steps.append((False, posted(derive_id(group_id, "in"), own, held, line.net_minor, "payout")))
        if payout.reversed_at is not None and line.returned_at is None:
            steps.append(
                (True, posted(derive_id(group_id, "back"), held, own, line.net_minor, "payout back"))
            )
        for is_return, transfer in steps:
            await commerce.lane.submit(
                MerchantId(line.member_id),
                Group(derive_id(group_id, is_return), (transfer,), document_id=payout_id),
            )
            async with commerce.db.transaction(market_id) as tx:
                await keep_payout.stamp_member(tx, payout_id, line.member_id, is_return, clock.now())
    async with commerce.db.transaction(market_id, "read") as tx:
        return await load_payout(tx, payout_id=payout_id)


async def load_payout(tx: Transaction, *, payout_id: UUID) -> Payout:
    """A payout with its lines. NotFound ``market.payout_unknown``."""
    row = await keep_payout.find_payout(tx, payout_id)
    if row is None:
        raise NotFound("market.payout_unknown", _("There is no such payout."))
    return _read(row, await keep_payout.list_lines(tx, [payout_id]))


def _read(row: keep_payout.Row, lines: Sequence[keep_payout.Row]) -> Payout:
    own = [each for each in lines if each["payout_id"] == row["payout_id"]]
    return Payout(*(*row.values(), tuple(PayoutLine(*list(each.values())[1:]) for each in own)))


async def list_payouts(tx: Transaction) -> list[Payout]:
    """The newest payouts with their lines."""
    rows = await keep_payout.list_payouts(tx, PAYOUTS_SHOWN)
    lines = await keep_payout.list_lines(tx, [row["payout_id"] for row in rows])
    return [_read(row, lines) for row in rows]
