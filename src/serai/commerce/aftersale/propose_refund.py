"""What a partial return should give back: computed from the order's own shares and the versions of its promotions."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from serai.commerce.catalogue.api import list_category_chains, list_sale_items
from serai.commerce.catalogue.types import SaleItem
from serai.commerce.order.api import load_order
from serai.commerce.order.types import Order, OrderLine
from serai.commerce.promotion.api import (
    Program,
    Returned,
    compile_rules,
    list_terms_of_versions,
    refund_shares,
)
from serai.commerce.promotion.types import (
    SHIPPING,
    Adjustment,
    Audience,
    Extra,
    HeldCoupon,
    Line,
    PricedLine,
    Request,
    Result,
    Rule,
    Seat,
    Share,
)
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, _


async def propose_refund(tx: Transaction, *, order_id: UUID, returned: Mapping[int, int]) -> Returned:
    """What the buyer should get for all pieces that came back so far, less what was refunded already.

    Args:
        returned: per line number how many pieces came back in all; every piece means the delivery comes back too.

    Raises:
        NotFound: ``order.unknown``. Invalid: ``refund.lines_invalid`` when more comes back than was sold.
    """
    order = await load_order(tx, order_id=order_id)
    sold = {line.line_no: line.quantity for line in order.lines}
    if not returned or any(not 0 <= count <= sold.get(no, -1) for no, count in returned.items()):
        raise Invalid(
            "refund.lines_invalid", _("That is not in the order, or more than was sold."), field="lines"
        )
    versions = {(a.promotion_id, a.version) for a in order.adjustments if a.promotion_id is not None}
    terms = await list_terms_of_versions(tx, versions=sorted(versions))
    # Whom a rule is for, when and how often was settled when the order was placed.
    rules = [
        Rule(
            rule.promotion_id,
            rule.version,
            msgspec.structs.replace(
                rule.terms,
                audience=Audience(),
                starts_at=None,
                ends_at=None,
                quota=None,
                per_user=None,
                budget_minor=None,
            ),
        )
        for rule in terms
    ]
    skus = [line.sku_id for line in order.lines]
    items = await list_sale_items(tx, sku_ids=skus)
    chains = await list_category_chains(tx, sku_ids=skus)
    program = compile_rules(rules)
    request = _read_request(order, items, chains, program, tx.merchant_id)
    return refund_shares(
        program,
        request,
        _read_result(order),
        {_key(order.lines[no - 1]): count for no, count in returned.items()},
        refunded_minor=order.refunded_minor,
    )


def _key(line: OrderLine) -> str:
    return str(line.line_no)


def _read_request(
    order: Order,
    items: Mapping[UUID, SaleItem],
    chains: Mapping[UUID, tuple[UUID, ...]],
    program: Program,
    seller_id: UUID,
) -> Request:
    """The cart as it was when the order was placed."""
    claims = order.claims
    return Request(
        lines=tuple(
            Line(
                _key(line),
                line.sku_id,
                line.product_id,
                line.quantity,
                line.price_minor,
                items[line.sku_id].scale if line.sku_id in items else 0,
                chains.get(line.sku_id, ()),
                items[line.sku_id].brand if line.sku_id in items else "",
                seller_id,
            )
            for line in order.lines
            if not line.extra
        ),
        now=order.placed_at,
        channel=order.channel,
        place_id=order.place_id,
        user_id=order.member_id,
        coupons=tuple(
            HeldCoupon(a.coupon_id, a.promotion_id)
            for a in order.adjustments
            if a.coupon_id is not None and a.promotion_id is not None
        ),
        extras={
            line.sku_id: Extra(line.product_id, line.price_minor, line.quantity)
            for line in order.lines
            if line.extra and line.sku_id in program.extra_sku_ids
        },
        seats={c.promotion_id: Seat(c.subject_id, 1, c.limit) for c in claims if c.kind == "seat"},
    )


def _read_result(order: Order) -> Result:
    """What the order came to, as the engine would answer."""
    names = {line.line_no: _key(line) for line in order.lines} | {0: SHIPPING}
    lines = tuple(
        PricedLine(
            _key(line),
            line.sku_id,
            line.product_id,
            line.quantity,
            line.price_minor,
            line.total_minor,
            line.discount_minor,
            line.net_minor,
        )
        for line in order.lines
    )
    adjustments = tuple(
        Adjustment(
            a.kind,
            a.layer,
            a.amount_minor,
            tuple(Share(names[no], minor) for no, minor in a.shares),
            a.promotion_id,
            a.version,
            a.source_id,
            a.coupon_id,
            a.name,
            a.translations,
            a.funded_by,
            a.returns,
        )
        for a in order.adjustments
    )
    return Result(
        lines,
        adjustments,
        order.items_minor,
        order.discount_minor,
        order.shipping_minor,
        order.shipping_minor,
        order.total_minor,
        (),
        order.total_minor,
        (),
    )
