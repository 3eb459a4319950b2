"""From a quote's adjustments to an order's: lines by number, the claims that go to the ledger, and a claim that is refused."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import msgspec

from serai.commerce.catalogue.types import BundlePart, count_pieces
from serai.commerce.checkout.types import Quote
from serai.commerce.order.types import OrderAdjustment
from serai.commerce.promotion.api import (
    CLAIM_KINDS,
    GroupOrder,
    fund_allowances,
    fund_discount,
    insert_group_orders,
    name_claim,
)
from serai.commerce.promotion.types import SHIPPING, Adjustment, Result
from serai.commerce.types import Commerce
from serai.foundation.errors import Conflict, _
from serai.foundation.ids import MerchantId
from serai.ledger.types import Group, Shortage, Write


class Item(msgspec.Struct, frozen=True):
    """One line of an order to be placed, priced."""

    sku_id: UUID
    product_id: UUID
    title: str
    quantity: int
    price_minor: int
    total_minor: int
    discount_minor: int = 0
    extra: str = ""
    scale: int = 0
    unit: str = "pc"
    parts: tuple[BundlePart, ...] = ()
    list_minor: int | None = None

    @property
    def pieces(self) -> int:
        """How many pieces the line counts as: what is weighed is one."""
        return count_pieces(self.quantity, self.scale)


def read_quote(quote: Quote) -> tuple[tuple[Item, ...], tuple[OrderAdjustment, ...]]:
    """The order's lines, those that promotions add behind those of the cart, and what was taken off them."""
    items = [
        Item(
            line.sku_id,
            line.product_id,
            line.title,
            line.quantity,
            line.price_minor,
            line.total_minor,
            quote.line_discount_minor(line.line_id),
            scale=line.scale,
            unit=line.unit,
            parts=line.parts,
        )
        for line in quote.lines
    ]
    if quote.pricing is None:
        return tuple(items), ()
    keys = [str(line.line_id) for line in quote.lines]
    titles = {extra.sku_id: extra.title for extra in quote.extras}
    parts = {extra.sku_id: extra.parts for extra in quote.extras}
    return add_extras(items, keys, quote.pricing, titles, parts)


def add_extras(
    items: list[Item],
    keys: Sequence[str],
    result: Result,
    titles: Mapping[UUID, str],
    parts: Mapping[UUID, tuple[BundlePart, ...]],
) -> tuple[tuple[Item, ...], tuple[OrderAdjustment, ...]]:
    """Lines with what promotions add to them, and the adjustments by line number. ``keys`` are the lines' in the engine."""
    line_nos = {key: number for number, key in enumerate(keys, 1)}
    lines = list(items)
    for line in result.lines:
        if line.extra:
            lines.append(
                Item(
                    line.sku_id,
                    line.product_id,
                    titles[line.sku_id],
                    line.quantity,
                    line.list_minor,
                    line.list_total_minor,
                    line.discount_minor,
                    line.extra,
                    parts=parts.get(line.sku_id, ()),
                )
            )
            line_nos[line.line_key] = len(lines)
    return tuple(lines), make_adjustments(result.adjustments, line_nos)


def make_adjustments(
    adjustments: Sequence[Adjustment], line_nos: Mapping[str, int]
) -> tuple[OrderAdjustment, ...]:
    """Adjustments as they are written with the order; the delivery is line 0."""
    return tuple(
        OrderAdjustment(
            number,
            each.kind,
            each.layer,
            each.promotion_id,
            each.version,
            each.source_id,
            each.coupon_id,
            each.name,
            each.translations,
            each.funded_by,
            each.returns,
            each.amount_minor,
            (*each.claims, *fund_discount(each)),
            tuple(
                (0 if share.line_key == SHIPPING else line_nos[share.line_key], share.amount_minor)
                for share in each.shares
            ),
        )
        for number, each in enumerate(adjustments, 1)
    )


async def fund_claims(
    commerce: Commerce, merchant_id: MerchantId, adjustments: Iterable[OrderAdjustment]
) -> None:
    """Give the buyer his allowance of every limited promotion, once; an order then takes from it."""
    claims = [claim for each in adjustments for claim in each.claims]
    for group_id, transfer in fund_allowances(claims):
        await commerce.lane.submit(
            merchant_id, Group(group_id, (transfer,), document_id=transfer.transfer_id)
        )


def write_seats(order_id: UUID, adjustments: Iterable[OrderAdjustment]) -> tuple[Write, ...]:
    """Rows that tell which buying group an order sits in."""
    return tuple(
        Write(insert_group_orders, GroupOrder(claim.subject_id, order_id), early=True)
        for each in adjustments
        for claim in each.claims
        if claim.kind == "seat"
    )


def refuse_claims(
    shortages: Sequence[Shortage], adjustments: Sequence[OrderAdjustment], currency: str
) -> Conflict | None:
    """The refusal for counters that ran out between quote and order; None when it was something else."""
    gone = {shortage.account_id for shortage in shortages if shortage.kind in CLAIM_KINDS}
    if not gone:
        return None
    missing: dict[UUID | None, OrderAdjustment] = {}
    kinds: list[str] = []
    for each in adjustments:
        for claim in each.claims:
            if name_claim(claim, currency) in gone:
                missing[each.promotion_id] = each
                kinds.append(claim.kind)
    first = next(iter(missing.values()))
    message = (
        _("Your coupon for “%(name)s” has been used. Nothing was ordered or charged.")
        if "coupon" in kinds
        else _("You have had “%(name)s” as often as it goes. Nothing was ordered or charged.")
        if "allowance" in kinds
        else _("This group is full. Nothing was ordered or charged.")
        if "seat" in kinds
        else _("“%(name)s” has just run out. Nothing was ordered or charged.")
    )
    return Conflict(
        "checkout.changed",
        message,
        name=first.name,
        changes=[
            {"kind": "promotion_gone", "title": each.name, "promotion_id": str(promotion_id)}
            for promotion_id, each in missing.items()
        ],
    )
