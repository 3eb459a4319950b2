"""Returns: ask for one, decide on it, take the goods in, give the money back; each move is allowed in some states only."""

from serai.commerce.returns.decide_return import (
    approve_return,
    decline_return,
    expire_return,
    reopen_return,
    send_return,
    withdraw_return,
)
from serai.commerce.returns.exchange_return import exchange_return
from serai.commerce.returns.keep_terms import load_terms, save_terms
from serai.commerce.returns.load_returns import (
    blank_returns,
    count_left,
    count_returns,
    find_exchange,
    find_return,
    list_order_returns,
    list_returnable,
    list_returns,
    load_return,
)
from serai.commerce.returns.logic import LEADS_TO, MOVES, is_allowed
from serai.commerce.returns.receive_return import receive_return
from serai.commerce.returns.request_return import request_return
from serai.commerce.returns.settle_return import estimate, refund_return

__all__ = [
    "LEADS_TO",
    "MOVES",
    "approve_return",
    "blank_returns",
    "count_left",
    "count_returns",
    "decline_return",
    "estimate",
    "exchange_return",
    "expire_return",
    "find_exchange",
    "find_return",
    "is_allowed",
    "list_order_returns",
    "list_returnable",
    "list_returns",
    "load_return",
    "load_terms",
    "receive_return",
    "refund_return",
    "reopen_return",
    "request_return",
    "save_terms",
    "send_return",
    "withdraw_return",
]
