"""Something else is picked instead of what is short, if the buyer has said yes to that; it never costs more.

READ    the order as it stands, the buyer's wish, what comes instead with its price now
PLAN    steps of the ordered goods end as cut, steps of the others are held at the same place and lie apart
SUBMIT  one group under the order's next turn: both reservations, and the refund where the others cost less

What was paid for the ordered goods is the most that the others cost, so a dearer one is at the merchant's expense. They bear
the taxes of what they came instead of, and so have to be of its tax class.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from serai.commerce.cart.api import line_total
from serai.commerce.catalogue.api import list_sale_items, load_parts
from serai.commerce.catalogue.types import SaleItem
from serai.commerce.fulfilment.agree_substitute import may_replace
from serai.commerce.fulfilment.change_order import Change, GoodsShortError
from serai.commerce.fulfilment.cut_goods import Wish, finish_cut, give_back, name_cut, release
from serai.commerce.fulfilment.pack_parcel import choose_place, find_goods
from serai.commerce.fulfilment.types import Replacement
from serai.commerce.order.api import Standing, check_move, list_worth, value_steps
from serai.commerce.order.events import GoodsReplaced
from serai.commerce.order.types import Order
from serai.commerce.parcel.api import insert_cuts, insert_substitutes
from serai.commerce.parcel.types import Cut, Goods, Substitute
from serai.commerce.price.api import Buyer, choose_price, price_items
from serai.commerce.stock.api import customer_account, stock_account
from serai.commerce.tax.api import load_classes
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, NotFound, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.identity.member.api import find_member
from serai.ledger.types import Transfer, Write, pending, void


async def substitute_goods(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    order_id: UUID,
    replacement: Replacement,
    by: str,
    key: str | UUID,
    place_id: UUID | None = None,
    reason: str = "",
) -> Order:
    """Pick something else instead of open goods that are in no parcel. The same key again changes nothing.

    What costs less gives the difference back; what costs more is charged as what was ordered.

    Raises:
        NotFound: ``order.unknown``, ``product.unknown`` for something that is not sold.
        Invalid: ``parcel.line_unknown``, ``parcel.place_missing``.
        Conflict: ``substitute.not_agreed`` without the buyer's consent; ``substitute.not_possible`` for bundles and for the
            goods themselves; ``substitute.other_tax``; ``substitute.has_left`` when some of the same substitute has left or
            was cut; ``parcel.too_much``; ``stock.short_there``; ``order.cannot_fulfil``.
    """
    reason = " ".join(reason.split())[:200]
    substitute_id = derive_id("substitute", order_id, str(key))

    async def plan(tx: Transaction, standing: Standing) -> Change | None:
        if any(each.substitute_id == substitute_id for each in standing.order.substitutes):
            return None
        check_move(standing.order, "fulfil")
        here = choose_place(standing, place_id)
        at_place = [each for each in standing.goods if each.place_id == here]
        own = {line.line_no: None if line.parts else line.sku_id for line in standing.order.lines}
        sku_id = replacement.sku_id or own.get(replacement.line_no)
        goods = find_goods(at_place, replacement.line_no, sku_id)
        item = await _check(tx, standing, goods, replacement)
        wish = Wish("substituted", reason, by, str(key))
        made = await _make(tx, standing, goods, item, replacement, wish)
        return await _plan(tx, standing, goods, made, wish)

    try:
        return await finish_cut(
            commerce, merchant_id, order_id, plan, Wish("substituted", reason, by, str(key))
        )
    except GoodsShortError as error:
        raise Conflict(
            "stock.short_there",
            _("That place does not have all of it: only %(available)s are available there."),
            available=error.shortages[0].available,
        ) from error


async def _make(
    tx: Transaction, standing: Standing, goods: Goods, item: SaleItem, wanted: Replacement, wish: Wish
) -> Substitute:
    """What comes instead, with what it costs."""
    order = standing.order
    taken, tax = value_steps(order, standing.goods, {(goods.line_no, goods.sku_id): wanted.quantity})
    value = await _value(tx, order, goods, item, wanted.new_quantity, taken)
    return Substitute(
        derive_id("substitute", order.order_id, wish.key),
        order.order_id,
        goods.place_id,
        goods.line_no,
        goods.sku_id,
        wanted.quantity,
        item.sku_id,
        wanted.new_quantity,
        taken,
        value,
        tax * value // taken if taken else 0,
        item.title,
        item.scale,
        item.unit,
        wish.reason,
        wish.by,
        clock.now(),
    )


async def _check(tx: Transaction, standing: Standing, goods: Goods, wanted: Replacement) -> SaleItem:
    """What comes instead, if it may: see :func:`substitute_goods`."""
    line = next(each for each in standing.order.lines if each.line_no == goods.line_no)
    item = (await list_sale_items(tx, sku_ids=[wanted.new_sku_id], channel=standing.order.channel)).get(
        wanted.new_sku_id
    )
    if item is None or not item.sellable or item.currency != standing.order.currency:
        raise NotFound("product.unknown", _("There is no such product."))
    own = {line.sku_id, goods.sku_id}
    if line.parts or item.sku_id in own or await load_parts(tx, sku_ids=[item.sku_id]):
        raise Conflict(
            "substitute.not_possible", _("Bundles, and goods by themselves, cannot be replaced like this.")
        )
    if not await may_replace(tx, order_id=standing.order.order_id, line_no=goods.line_no):
        raise Conflict("substitute.not_agreed", _("The buyer wants nothing else instead of this."))
    classes = await load_classes(tx, sku_ids=[goods.sku_id, item.sku_id])
    if classes[goods.sku_id] != classes[item.sku_id]:
        raise Conflict(
            "substitute.other_tax", _("This is taxed differently, so it cannot come instead of that.")
        )
    if wanted.quantity > goods.open - goods.packed:
        raise Conflict(
            "parcel.too_much",
            _("Only %(left)s of that are still to be packed here."),
            left=goods.open - goods.packed,
            line_no=goods.line_no,
        )
    same = [g for g in standing.goods if (g.line_no, g.sku_id) == (goods.line_no, item.sku_id)]
    if any(each.shipped or each.cut for each in same):
        # Its steps have a value each by now, which more of it at another price would change.
        raise Conflict(
            "substitute.has_left", _("Some of this came instead already; please choose something else.")
        )
    return item


async def _value(
    tx: Transaction, order: Order, goods: Goods, item: SaleItem, steps: int, taken_minor: int
) -> int:
    """What so many steps of something cost that come instead of goods worth ``taken_minor``: the cheaper of both.

    Prices are compared as they are told; where taxes come on top, what is charged has the ordered line's share of them.
    """
    member = await find_member(tx, member_id=order.member_id) if order.member_id else None
    buyer = Buyer(
        order.channel,
        order.place_id if order.delivery == "pickup" else None,
        (member.level or None) if member else None,
    )
    sale = (await price_items(tx, items={item.sku_id: item}, buyer=buyer)).get(item.sku_id)
    if sale is None:
        raise NotFound("product.unknown", _("There is no such product."))
    price_minor, _offer = choose_price(sale.list_minor, sale.offers, max(1, steps // 10**item.scale))
    told = line_total(price_minor, steps, item.scale)
    line = next(each for each in order.lines if each.line_no == goods.line_no)
    worth = sum(
        each.value_minor for key, each in list_worth(order).items() if key == (line.line_no, line.sku_id)
    )
    net = taken_minor * line.net_minor // worth if worth else 0
    return taken_minor if told >= net else taken_minor * told // net


async def _plan(tx: Transaction, standing: Standing, goods: Goods, made: Substitute, wish: Wish) -> Change:
    """The change that replaces: the ordered steps end, the new ones are held and lie apart, the difference goes back."""
    order = standing.order
    transfers, after = release([(goods, made.quantity)])
    moves, held = _hold(standing, made)
    difference = made.taken_minor - made.value_minor
    refund = await give_back(tx, standing, difference, wish)
    cut = Cut(
        name_cut(order.order_id, goods, wish.key),
        order.order_id,
        goods.place_id,
        goods.line_no,
        goods.sku_id,
        made.quantity,
        "substituted",
        -difference,
        derive_id("refund", order.order_id, f"cut:{wish.key}") if refund.facts else None,
        wish.reason,
        wish.by,
        made.at,
    )
    told = GoodsReplaced(
        order.order_id,
        made.line_no,
        made.sku_id,
        made.quantity,
        made.new_sku_id,
        made.new_quantity,
        made.title,
        difference,
        wish.by,
    )
    details = {
        "line_no": made.line_no,
        "sku_id": str(made.sku_id),
        "quantity": made.quantity,
        "new_sku_id": str(made.new_sku_id),
        "new_quantity": made.new_quantity,
        "amount_minor": difference,
    }
    audit = AuditRow(wish.by, "order.goods_replaced", "order", str(order.order_id), None, details)
    writes = (
        Write(record_rows, audit),
        Write(insert_cuts, cut),
        Write(insert_substitutes, made),
        *standing.write([*after, held]),
        *refund.writes,
    )
    return Change(
        (*transfers, *moves, *refund.transfers), writes, (Fact(order.order_id, told), *refund.facts)
    )


def _hold(standing: Standing, made: Substitute) -> tuple[Sequence[Transfer], Goods]:
    """The reservation of what comes instead, and its goods as they stand then: in somebody's hands."""
    key = (made.place_id, made.line_no, made.new_sku_id)
    before = next((each for each in standing.goods if each.key == key), Goods(*key, None, open=0))
    moves = [void(before.hold_id, "replaced")] if before.hold_id is not None else []
    hold_id = derive_id("hold", standing.turn.group_id, *key)
    steps = before.open + made.new_quantity
    accounts = customer_account(made.new_sku_id), stock_account(made.new_sku_id, made.place_id)
    held = msgspec.structs.replace(
        before, hold_id=hold_id, open=steps, picked=before.picked + made.new_quantity
    )
    return (*moves, pending(hold_id, *accounts, steps, "order")), held
