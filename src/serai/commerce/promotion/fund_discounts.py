"""Who pays for a discount: what promotions take off an order is posted to the seller, the platform or the brand.

An order's goods are worth what the buyer pays plus what was taken off. ``discounted_sales`` is that second part;
``discount:FUNDER`` is who bears it: ``discount:seller`` is a cost of our own, ``discount:platform`` and ``discount:brand``
are what those owe us. The postings are claims of the order: pending when it is placed, posted when it is paid, void or
given back when it is called off, and taken back in step with its refunds.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from serai.commerce.promotion.types import Adjustment, Claim
from serai.foundation.ids import derive_id
from serai.ledger.api import DocumentTransfer
from serai.ledger.types import Account, Phase, Transfer, account, currency_unit, posted

FUNDERS = ("seller", "platform", "brand")
FUNDING_KINDS = frozenset(f"{funder}_discount" for funder in FUNDERS)
PREFIX = "discount:"


def discount_by(funder: str, currency: str) -> Account:
    """What a funder bears of our promotions: a cost where we are the seller, else what it owes us."""
    return account(f"{PREFIX}{funder}", currency_unit(currency))


def discounted_sales(currency: str) -> Account:
    """The part of our goods' worth that buyers did not have to pay."""
    return account("discounted_sales", currency_unit(currency), normal="C")


def name_funder(kind: str) -> str:
    """Who bears a claim of one of the ``FUNDING_KINDS``."""
    return kind.removesuffix("_discount")


def fund_discount(adjustment: Adjustment) -> tuple[Claim, ...]:
    """The claim that posts an adjustment to whoever funds it; none for prices from a price list, which are prices."""
    promotion_id = adjustment.promotion_id
    if promotion_id is None or not adjustment.amount_minor:
        return ()
    return split_funding(promotion_id, {adjustment.funded_by: adjustment.amount_minor})


def split_funding(promotion_id: UUID, parts: dict[str, int]) -> tuple[Claim, ...]:
    """Claims that post parts of one discount to their funders: minor units by ``seller``, ``platform`` or ``brand``."""
    return tuple(
        Claim(f"{funder}_discount", promotion_id, promotion_id, parts[funder])  # type: ignore[arg-type]  # one per funder
        for funder in FUNDERS
        if parts.get(funder)
    )


def sum_funding(claims: Iterable[Claim]) -> dict[str, int]:
    """What each funder bears of an order, in minor units."""
    sums: dict[str, int] = {}
    for claim in claims:
        if claim.kind in FUNDING_KINDS:
            funder = name_funder(claim.kind)
            sums[funder] = sums.get(funder, 0) + claim.amount
    return sums


def read_funded(moved: Sequence[DocumentTransfer]) -> dict[str, int]:
    """What stands posted to each funder for an order, by its transfers."""
    sums: dict[str, int] = {}
    for each in moved:
        if each.phase not in (Phase.POSTED, Phase.POST):
            continue
        if each.credit_kind == "discounted_sales" and each.debit_kind.startswith(PREFIX):
            funder, amount = each.debit_kind.removeprefix(PREFIX), each.amount
        elif each.debit_kind == "discounted_sales" and each.credit_kind.startswith(PREFIX):
            funder, amount = each.credit_kind.removeprefix(PREFIX), -each.amount
        else:
            continue
        sums[funder] = sums.get(funder, 0) + amount
    return sums


def return_discounts(moved: Sequence[DocumentTransfer], group_id: UUID, currency: str) -> list[Transfer]:
    """The transfers that take back whatever of an order still stands with its funders: it was called off."""
    return [
        _take_back(derive_id(group_id, "discount", funder), funder, amount, currency)
        for funder, amount in sorted(read_funded(moved).items())
        if amount > 0
    ]


def refund_discounts(
    claims: Iterable[Claim],
    refund_id: UUID,
    currency: str,
    *,
    total_minor: int,
    before_minor: int,
    minor: int,
) -> list[Transfer]:
    """The transfers that take a refund's share back from the funders: of all refunds together the same part as of the
    order's total, everything in the end.

    Args:
        total_minor: what the order came to; ``before_minor`` of it was refunded before, ``minor`` is refunded now.
    """
    transfers = []
    for funder, funded in sorted(sum_funding(claims).items()):
        amount = part_back(funded, total_minor, before_minor, minor)
        if amount:
            transfers.append(_take_back(refund_discount_id(refund_id, funder), funder, amount, currency))
    return transfers


def refund_discount_id(refund_id: UUID, funder: str) -> UUID:
    """The transfer by which a refund takes a funder's share back."""
    return derive_id(refund_id, "discount", funder)


def restore_discounts(moved: Sequence[DocumentTransfer], refund_id: UUID, currency: str) -> list[Transfer]:
    """The transfers that post again what a refund had taken back: it has failed."""
    taken = {refund_discount_id(refund_id, funder): funder for funder in FUNDERS}
    return [
        posted(
            derive_id(each.transfer_id, "failed"),
            discount_by(taken[each.transfer_id], currency),
            discounted_sales(currency),
            each.amount,
            "refund failed",
        )
        for each in moved
        if each.transfer_id in taken
    ]


def part_back(amount: int, total_minor: int, before_minor: int, minor: int) -> int:
    """What of an amount goes back with a refund of ``minor`` after ``before_minor``: over all refunds it is their share."""
    if total_minor <= 0:
        return 0
    before = min(total_minor, before_minor)
    after = min(total_minor, before_minor + minor)
    return amount * after // total_minor - amount * before // total_minor


def _take_back(transfer_id: UUID, funder: str, amount: int, currency: str) -> Transfer:
    return posted(
        transfer_id, discounted_sales(currency), discount_by(funder, currency), amount, "discount back"
    )
