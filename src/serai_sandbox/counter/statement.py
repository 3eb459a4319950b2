"""What moved on a day, as a provider's statement tells it, and every way in which such a statement goes wrong.

Ordered on ``statement``, for one payment: ``missing_line``, ``unknown_line``, ``wrong_amount`` with ``delta``. For the whole:
``not_ready``, ``truncated``, ``wrong_hash``.
"""

import time

from msgspec import Struct

from serai_sandbox.counter.books import Books, Refund, Trade, make_token

FEE_PER_MILLE = 6


class Movement(Struct, frozen=True):
    """One movement. ``amount`` is above zero; ``fee`` is what the provider keeps, below zero when it gives it back."""

    row_id: str
    trade: Trade
    refund: Refund | None
    amount: int
    fee: int
    at_s: float


def _fee(amount: int) -> int:
    return (amount * FEE_PER_MILLE + 500) // 1000


def list_movements(books: Books, provider: str, account: str, start_s: float, end_s: float) -> list[Movement]:
    """An account's movements within a time, in its order, less and more what was ordered as a fault."""
    found: list[Movement] = []
    for trade in list(books.trades.values()):
        if (trade.provider, trade.account) != (provider, account):
            continue
        found += [each for each in _list_trade(books, trade) if start_s <= each.at_s < end_s]
    return sorted(found, key=lambda each: (each.at_s, each.row_id))


def _list_trade(books: Books, trade: Trade) -> list[Movement]:
    whole = [[trade.paid_amount, trade.paid_s]] if trade.paid_amount else []
    parts = trade.extra.get("captures") or whole
    rows = [
        Movement(f"{trade.trade_id}:{n}", trade, None, amount, _fee(amount), at_s)
        for n, (amount, at_s) in enumerate(parts)
    ]
    rows += [
        Movement(each.refund_id, trade, each, each.amount, 0, each.at_s or trade.paid_s)
        for each in trade.refunds
        if each.status == "succeeded"
    ]
    take = books.take
    if rows and take(trade.provider, trade.reference, "statement", "missing_line"):
        rows = rows[1:]
    if rows and (fault := take(trade.provider, trade.reference, "statement", "wrong_amount")):
        first = rows[0]
        rows[0] = Movement(
            first.row_id, trade, first.refund, first.amount + fault.delta, first.fee, first.at_s
        )
    if rows and take(trade.provider, trade.reference, "statement", "unknown_line"):
        stranger = Trade(
            make_token(size=14),
            trade.provider,
            trade.account,
            make_token(size=16),
            777,
            trade.currency,
            "unknown",
            "",
            "",
            time.time(),
            time.time(),
            extra={"intent": make_token("pi_"), "transaction": make_token(size=14), "kind": "native"},
        )
        rows.append(Movement(stranger.trade_id, stranger, None, 777, _fee(777), rows[-1].at_s))
    return rows


def spoil(books: Books, provider: str, content: bytes) -> bytes:
    """The statement's bytes, cut off in the middle where that was ordered."""
    return content[: len(content) * 2 // 3] if books.take(provider, "", "statement", "truncated") else content
