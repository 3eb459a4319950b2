"""Balance transactions of the simulated Stripe: a list in pages, the newest first, as its API gives them."""

from typing import Any

from serai_sandbox.counter.books import Books
from serai_sandbox.counter.statement import Movement, list_movements
from serai_sandbox.stripe.fail import Fail

NAME = "stripe"
PAGE_LIMIT = 100
# A page may have fewer rows than were asked for; tests make it so.
PAGE = {"most": PAGE_LIMIT}


def list_transactions(books: Books, account: str, query: dict[str, str]) -> dict[str, Any]:
    """One page of an account's balance transactions."""
    if books.take(NAME, "", "statement", "not_ready"):
        raise Fail(429, "rate_limit_error", "Too many requests.", "rate_limit")
    start, end = int(query.get("created[gte]", "0")), int(query.get("created[lt]", "9999999999"))
    limit = int(query.get("limit", "10"))
    if not 1 <= limit <= PAGE_LIMIT:
        raise Fail(400, "invalid_request_error", "Invalid limit", "parameter_invalid_integer")
    limit = min(limit, PAGE["most"])
    moved = list_movements(books, NAME, account, start, end)
    rows = [_show(each, "data.source" in query.values()) for each in reversed(moved)]
    if after := query.get("starting_after"):
        ids = [row["id"] for row in rows]
        if after not in ids:
            raise Fail(400, "invalid_request_error", "No such balance transaction", "resource_missing")
        rows = rows[ids.index(after) + 1 :]
    return {
        "object": "list",
        "url": "/v1/balance_transactions",
        "data": rows[:limit],
        "has_more": len(rows) > limit,
    }


def _show(row: Movement, is_full: bool) -> dict[str, Any]:
    trade, refund = row.trade, row.refund
    charge = trade.extra["intent"].replace("pi_", "ch_")
    named = trade.extra.get("metadata", {})
    source: dict[str, Any] = {"id": charge, "object": "charge", "metadata": named}
    if refund is not None:
        about = {"refund_id": refund.reference, "intent_id": trade.reference}
        source = {"id": refund.refund_id, "object": "refund", "metadata": about}
    source["payment_intent"] = trade.extra["intent"]
    amount = -row.amount if refund is not None else row.amount
    return {
        "id": "txn_" + row.row_id.replace(":", "_"),
        "object": "balance_transaction",
        "type": "refund" if refund is not None else "charge",
        "reporting_category": "refund" if refund is not None else "charge",
        "amount": amount,
        "fee": row.fee,
        "net": amount - row.fee,
        "currency": trade.currency,
        "created": int(row.at_s),
        "source": source if is_full else source["id"],
    }
