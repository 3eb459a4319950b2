"""Letting go of what was pledged: the buyer owes the order less, or the pledge came to nothing."""

from uuid import UUID

import msgspec

from serai.commerce.capture.book_capture import restore_credit
from serai.commerce.order.types import Order
from serai.commerce.payment.types import Payment, order_due
from serai.commerce.pledge import api as pledges
from serai.commerce.pledge.events import PledgeLost, PledgeReleased
from serai.commerce.pledge.types import Step, claim_account, uncollected
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger.types import Group, Outcome, Transfer, Write, posted


class Release(msgspec.Struct, frozen=True):
    """What a group books to let go of pledges: its transfers, rows and facts."""

    transfers: tuple[Transfer, ...] = ()
    writes: tuple[Write, ...] = ()
    facts: tuple[Fact, ...] = ()


# Parts of pledges to let go: the payment, and how much.
Parts = tuple[tuple[Payment, int], ...]


def release_parts(order: Order, parts: Parts, release_id: UUID, *, reason: str, by: str) -> Release:
    """Let go of parts of an order's pledges, in a group of the caller's. Whose sale it was is the caller's business.

    ``release_id`` names the step of a single part.
    """
    transfers: list[Transfer] = []
    writes: list[Write] = []
    facts: list[Fact] = []
    now = clock.now()
    for paid, minor in parts:
        assert paid.pledge is not None, "only what was pledged is let go"
        step_id = release_id if len(parts) == 1 else derive_id(release_id, paid.intent_id)
        claim = claim_account(paid.pledge.kind, paid.intent_id, order.currency)
        money_id = derive_id(step_id, "money")
        transfers.append(
            posted(money_id, order_due(order.order_id, order.currency), claim, minor, "released")
        )
        transfers += restore_credit(paid.pledge, step_id, minor)
        step = Step(step_id, paid.intent_id, "release", minor, reason, by, now, done_at=now)
        writes.append(Write(pledges.insert_steps, step))
        facts.append(Fact(order.order_id, PledgeReleased(order.order_id, paid.intent_id, minor, reason, by)))
    return Release(tuple(transfers), tuple(writes), tuple(facts))


async def lose_pledge(
    commerce: Commerce, merchant_id: MerchantId, order: Order, intent: Payment, *, reason: str, by: str
) -> Outcome:
    """Write off what is open of a pledge: the goods have left and nobody will pay."""
    pledge = intent.pledge
    assert pledge is not None, "only what was pledged is written off"
    minor = pledge.capturable_minor
    if not minor:
        return Outcome(False)
    group_id = derive_id("loss", intent.intent_id, len(pledge.steps))
    claim = claim_account(pledge.kind, intent.intent_id, intent.currency)
    now = clock.now()
    step = Step(derive_id(group_id, "step"), intent.intent_id, "loss", minor, reason, by, now, done_at=now)
    details = {"amount_minor": minor, "reason": reason, "method": pledge.kind}
    return await commerce.lane.submit(
        merchant_id,
        Group(
            group_id,
            (
                posted(derive_id(group_id, "loss"), uncollected(intent.currency), claim, minor, "lost"),
                *restore_credit(pledge, group_id, minor),
            ),
            (
                Write(pledges.insert_steps, step),
                Write(
                    record_rows,
                    AuditRow(by, "order.written_off", "order", str(order.order_id), None, details),
                ),
            ),
            (Fact(order.order_id, PledgeLost(order.order_id, intent.intent_id, minor, reason, by)),),
            document_id=order.order_id,
        ),
    )
