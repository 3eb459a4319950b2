"""What a statement's line comes to against our books. Pure."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from serai.commerce.payment.types import Payment, Refund
from serai.commerce.reconciliation.types import Line, Verdict


class Part(msgspec.Struct, frozen=True):
    """Something of ours that a line may tell of: a capture, or a refund."""

    part_id: UUID
    amount_minor: int


class Judgement(msgspec.Struct, frozen=True):
    """A verdict, and what of ours it is about."""

    verdict: Verdict
    part_id: UUID | None = None
    ours_minor: int | None = None


def find_id(text: str) -> UUID | None:
    """The id that we gave a provider as our own name of something, however it writes it."""
    plain = text.strip().replace("-", "")
    try:
        return UUID(hex=plain) if len(plain) == 32 else None
    except ValueError:
        return None


def list_captures(paid: Payment) -> tuple[Part, ...]:
    """The captures of a payment: of held money one per part that was taken, else the one that took it all."""
    if paid.pledge is None:
        return (Part(paid.intent_id, paid.captured_minor),) if paid.captured_minor else ()
    steps = [s for s in paid.pledge.steps if s.kind == "capture" and s.state == "done"]
    parts = [Part(s.step_id, s.amount_minor) for s in steps]
    # What was taken beyond the pledge came too late; it is a part too.
    late = paid.captured_minor - sum(part.amount_minor for part in parts)
    return (*parts, Part(paid.intent_id, late)) if late > 0 else tuple(parts)


def list_refunds(refunds: Sequence[Refund]) -> tuple[Part, ...]:
    """The refunds of a payment that were paid out."""
    return tuple(
        Part(each.refund_id, each.amount_minor)
        for each in refunds
        if each.state != "failed" and not each.by_hand
    )


def judge_line(
    line: Line, paid: Payment | None, refunds: Sequence[Refund], taken: frozenset[UUID]
) -> Judgement:
    """Hold a line against the payment that it is about.

    Args:
        paid: None when we know no such payment.
        taken: parts that other lines tell of already.
    """
    if line.kind == "fee":
        return Judgement("fee")
    if line.kind == "payout":
        return Judgement("payout")
    if line.kind == "other":
        return Judgement("other")
    if paid is None:
        return Judgement("missing_here")
    if line.currency != paid.currency:
        return Judgement("currency_differs", None, paid.captured_minor)
    parts = list_captures(paid) if line.kind == "capture" else list_refunds(refunds)
    free = [part for part in parts if part.part_id not in taken]
    named = find_id(line.refund_ref) if line.kind == "refund" else None
    if named is not None and any(part.part_id == named for part in parts):
        free = [part for part in free if part.part_id == named]
    if not free:
        return Judgement("missing_here")
    same = next((part for part in free if part.amount_minor == line.amount_minor), None)
    if same is not None:
        return Judgement("matched", same.part_id, same.amount_minor)
    return Judgement("amount_differs", free[0].part_id, free[0].amount_minor)
