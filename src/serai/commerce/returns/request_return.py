"""Asking for a return.

PREPARE   what is wanted is judged against the order, the merchant's terms and what is left of each line
FUND      once per order, pieces that were handed over become returnable in the ledger
REQUEST   one group: per line a pending of its pieces, so nobody announces them twice; the return's token; its document
APPROVE   at once, where the merchant's terms say so
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from serai.commerce.catalogue.api import list_sale_items, load_parts
from serai.commerce.order.api import load_order, make_number
from serai.commerce.order.types import Order, OrderLine
from serai.commerce.price.api import choose_price, price_items
from serai.commerce.price.types import Buyer
from serai.commerce.returns import store
from serai.commerce.returns.decide_return import approve_return
from serai.commerce.returns.events import ReturnRequested
from serai.commerce.returns.keep_terms import load_terms
from serai.commerce.returns.load_returns import (
    count_handed_over,
    find_exchange,
    find_return,
    list_returnable,
    load_returnable,
)
from serai.commerce.returns.logic import approves_itself
from serai.commerce.returns.move_return import announce, audit_move, check_words, make_token
from serai.commerce.returns.settle_return import estimate
from serai.commerce.returns.types import (
    Return,
    ReturnableLine,
    ReturnLine,
    ReturnTerms,
    WantedLine,
    Wish,
    handed_over_account,
    returnable_account,
)
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, Refused, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.ledger.types import Group, Write, posted

MAX_LINES = 200
FUND_ATTEMPTS = 5
REFUSALS = {
    "return.nothing_left": _("Of “%(title)s” nothing is left to send back."),
    "return.not_offered": _("This order cannot be sent back."),
    "return.too_late": _("The time for returns of this order is over."),
    "return.excluded": _("“%(title)s” cannot be sent back."),
}


async def request_return(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    order_id: UUID,
    lines: Sequence[WantedLine],
    wish: Wish,
    by: str,
    key: str,
    words: str = "",
    by_staff: bool = False,
) -> Return:
    """Announce goods that shall come back. The same key again is the same return.

    Args:
        wish: money, or for each line another product at today's price, which is kept for it.
        words: what the shopper wants to say.
        by_staff: neither the time for returns nor excluded goods bind staff.

    Raises:
        NotFound: ``order.unknown``, ``order.line_unknown``.
        Invalid: ``return.lines_invalid``, ``return.quantity_invalid``, ``return.reason_unknown``, ``return.words_invalid``,
            ``return.replacement_invalid``.
        Conflict: ``return.nothing_left``, ``return.not_offered``, ``return.too_late``, ``return.excluded``.
    """
    return_id = derive_id("return", order_id, key)
    words = check_words(words, "words")
    async with commerce.db.transaction(merchant_id, "read") as tx:
        known = await find_return(tx, return_id=return_id)
        if known is not None:
            return known
        order = await load_order(tx, order_id=order_id)
        terms = await load_terms(tx)
        returnable = await list_returnable(tx, order=order, terms=terms)
        checked = [
            _check_line(order, wanted, returnable, terms, by_staff=by_staff)
            for wanted in _check_lines(order, lines)
        ]
        if wish == "exchange":
            checked = await _price_replacements(tx, order, lines, checked, terms)
        new = _make_return(order, return_id, checked, wish, words, by)
        worth_minor = (await estimate(tx, order, new, terms)).amount_minor
    await fund_returnable(commerce, merchant_id, order)
    outcome = await commerce.lane.submit(merchant_id, _make_group(order, new, by, by_staff=by_staff))
    if not outcome.passed:
        title = next((line.title for line in order.lines if _is_short(order, line, outcome.shortages)), "")
        raise Conflict("return.nothing_left", REFUSALS["return.nothing_left"], title=title)
    if not outcome.replayed and approves_itself(order, terms, worth_minor, clock.now()):
        try:
            return await approve_return(commerce, merchant_id, return_id=return_id, by="system")
        except Refused:
            # What is wished for may be sold out by now; then somebody looks at it.
            pass
    async with commerce.db.transaction(merchant_id, "read") as tx:
        found = await find_return(tx, return_id=return_id)
    assert found is not None, "its group has committed"
    return found


def _is_short(order: Order, line: OrderLine, shortages: Sequence[object]) -> bool:
    account_id = returnable_account(order.order_id, line.line_no).account_id
    return any(getattr(short, "account_id", None) == account_id for short in shortages)


def _check_lines(order: Order, lines: Sequence[WantedLine]) -> Sequence[WantedLine]:
    numbers = [line.line_no for line in lines]
    if not lines or len(lines) > MAX_LINES or len(set(numbers)) < len(numbers):
        raise Invalid("return.lines_invalid", _("Please choose what you want to send back."), field="lines")
    if not set(numbers) <= {line.line_no for line in order.lines}:
        raise Invalid("return.lines_invalid", _("There is no such line in this order."), field="lines")
    return sorted(lines, key=lambda line: line.line_no)


def _check_line(
    order: Order,
    wanted: WantedLine,
    returnable: Sequence[ReturnableLine],
    terms: ReturnTerms,
    *,
    by_staff: bool,
) -> ReturnLine:
    line = next(each for each in order.lines if each.line_no == wanted.line_no)
    stand = next(each for each in returnable if each.line_no == wanted.line_no)
    if stand.code and not (by_staff and stand.quantity > 0):
        raise Conflict(stand.code, REFUSALS[stand.code], title=line.title, line_no=line.line_no)
    quantity = wanted.quantity
    is_whole = not stand.whole_only or quantity == stand.quantity
    if isinstance(quantity, bool) or not 1 <= quantity <= stand.quantity or not is_whole:
        raise Invalid(
            "return.quantity_invalid",
            _("Of “%(title)s” you can send back up to %(most)s."),
            field=f"quantity-{line.line_no}",
            title=line.title,
            most=stand.quantity,
        )
    reason = terms.find_reason(wanted.reason)
    if reason is None:
        raise Invalid(
            "return.reason_unknown",
            _("Please say why it comes back."),
            field=f"reason-{line.line_no}",
        )
    return ReturnLine(
        line.line_no,
        line.sku_id,
        line.product_id,
        line.title,
        line.scale,
        line.unit,
        line.quantity,
        quantity,
        reason.code,
        reason.by_fault,
    )


async def _price_replacements(
    tx: Transaction,
    order: Order,
    wanted: Sequence[WantedLine],
    lines: Sequence[ReturnLine],
    terms: ReturnTerms,
) -> list[ReturnLine]:
    """The lines with what is wished for instead, at what one piece of it costs this buyer today."""
    chosen = {each.line_no: each.replacement_sku_id for each in wanted}
    if not terms.exchanges or await find_exchange(tx, order_id=order.order_id) is not None:
        raise Conflict("return.no_exchange", _("This order can be sent back, but not exchanged."))
    sku_ids = [sku_id for sku_id in chosen.values() if sku_id is not None]
    items = await list_sale_items(tx, sku_ids=sku_ids, channel=order.channel)
    prices = await price_items(tx, items=items, buyer=Buyer(order.channel))
    bundles = await load_parts(tx, sku_ids=sku_ids)
    priced = []
    for line in lines:
        sku_id = chosen[line.line_no]
        item, sale = (items.get(sku_id), prices.get(sku_id)) if sku_id else (None, None)
        if (
            sku_id is None or item is None or sale is None or not item.sellable or item.scale or line.scale
            or bundles.get(sku_id) or item.currency != order.currency
        ):  # fmt: skip
            raise Invalid(
                "return.replacement_invalid",
                _("Please choose what you would like instead of “%(title)s”."),
                field=f"replacement-{line.line_no}",
                title=line.title,
            )
        price_minor, _offer = choose_price(sale.list_minor, sale.offers, line.quantity)
        priced.append(
            msgspec.structs.replace(
                line,
                replacement_sku_id=sku_id,
                replacement_title=item.title,
                replacement_price_minor=price_minor,
            )
        )
    return priced


def _make_return(
    order: Order, return_id: UUID, lines: Sequence[ReturnLine], wish: Wish, words: str, by: str
) -> Return:
    return Return(
        return_id=return_id, order_id=order.order_id, number=make_number(return_id), turn=0, announced_turn=0,
        wish=wish, words=words, requested_by=by, requested_at=clock.now(), approved_at=None, declined_at=None,
        answer="", withdrawn_at=None, expires_at=None, expired_at=None, sent_at=None, carrier="", tracking="", received_at=None,
        place_id=order.place_id, settled_at=None, outcome=None, goods_minor=0, kept_minor=0, fee_minor=0, postage_minor=0,
        refund_minor=0, credit_minor=0, refund_id=None, exchange_order_id=None, undone_at=None, former_minor=0,
        former_refund_id=None, state="requested", order_number=order.number, currency=order.currency,
        lines=tuple(lines),
    )  # fmt: skip


def _make_group(order: Order, new: Return, by: str, *, by_staff: bool) -> Group:
    pieces = sum(line.quantity if not line.scale else 1 for line in new.lines)
    fact = ReturnRequested(new.return_id, order.order_id, new.number, new.wish, pieces, by)
    audit = (audit_move(new, "requested", by, order=order.number),) if by_staff else ()
    return Group(
        derive_id("return request", new.return_id),
        (make_token(new), *announce(new)),
        (Write(insert_returns, new), *audit),
        (Fact(order.order_id, fact),),
        document_id=new.return_id,
    )


async def fund_returnable(commerce: Commerce, merchant_id: MerchantId, order: Order) -> None:
    """Let the pieces that were handed over be announced. Doing it again changes nothing.

    Each step of a line is named after what was funded before it, so of two callers who saw different parcels leave the
    second finds the first one's step done, and looks again.
    """
    for _attempt in range(FUND_ATTEMPTS):
        async with commerce.db.transaction(merchant_id, "read") as tx:
            handed_over = await count_handed_over(tx, order)
            balances = await load_returnable(tx, order)
        missing = {no: count - balances[no].posted_dr for no, count in handed_over.items()}
        if not any(count > 0 for count in missing.values()):
            return
        for line_no, count in sorted(missing.items()):
            if count > 0:
                step_id = derive_id("handed over", order.order_id, line_no, balances[line_no].posted_dr)
                transfer = posted(
                    step_id,
                    returnable_account(order.order_id, line_no),
                    handed_over_account(order.order_id, line_no),
                    count,
                    "handed over",
                )
                await commerce.lane.submit(
                    merchant_id, Group(step_id, (transfer,), document_id=order.order_id)
                )


async def insert_returns(tx: Transaction, rows: Sequence[Return]) -> None:
    """Write new returns; a writer for the lane's batches."""
    await store.insert_returns(
        tx,
        (
            [row.return_id for row in rows],
            [row.order_id for row in rows],
            [row.number for row in rows],
            [row.wish for row in rows],
            [row.words for row in rows],
            [row.requested_by for row in rows],
            [row.requested_at for row in rows],
            [row.place_id for row in rows],
        ),
    )
    lines = [(row, line) for row in rows for line in row.lines]
    await store.insert_lines(
        tx,
        (
            [row.return_id for row, _line in lines],
            [line.line_no for _row, line in lines],
            [row.order_id for row, _line in lines],
            [line.quantity for _row, line in lines],
            [line.reason for _row, line in lines],
            [line.by_fault for _row, line in lines],
            [line.replacement_sku_id for _row, line in lines],
            [line.replacement_title for _row, line in lines],
            [line.replacement_price_minor for _row, line in lines],
        ),
    )
