"""Papers: invoices and credit notes with numbers, receipts and delivery notes, what stands on them, and their files."""

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import msgspec

from serai.commerce.order.types import Order
from serai.commerce.paper import store
from serai.commerce.paper.draw_paper import draw_paper as draw_content_now
from serai.commerce.paper.edit_seller import find_buyer, load_seller, save_buyer, save_seller
from serai.commerce.paper.export_month import begin_export, list_exports, load_export, stream_export
from serai.commerce.paper.issue_paper import (
    SOLD,
    build_paper,
    issue_credits,
    issue_invoice,
    load_content,
    why_no_invoice,
)
from serai.commerce.paper.logic import list_gaps, sum_taxes
from serai.commerce.paper.render_paper import draw_content, render_issued
from serai.commerce.paper.types import (
    DRAWN,
    BuyerDetails,
    Content,
    OrderPapers,
    Paper,
    PaperKind,
    Seller,
    SellerTerms,
)
from serai.commerce.paper.write_cii import write_cii
from serai.commerce.types import Commerce, Page
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.ids import MerchantId

__all__ = [
    "DRAWN",
    "BuyerDetails",
    "Content",
    "OrderPapers",
    "Paper",
    "Form",
    "PaperFile",
    "Seller",
    "SellerTerms",
    "begin_export",
    "delete_buyers",
    "draw_content_now",
    "draw_paper",
    "find_buyer",
    "issue_credits",
    "issue_invoice",
    "list_exports",
    "list_of_order",
    "list_papers",
    "load_content",
    "load_export",
    "load_file",
    "load_paper",
    "load_seller",
    "save_buyer",
    "save_seller",
    "stream_export",
    "sum_taxes",
]

Form = Literal["pdf", "xml"]
MEDIA_TYPES: dict[Form, str] = {"pdf": "application/pdf", "xml": "application/xml"}


class PaperFile(msgspec.Struct, frozen=True):
    """A file to be handed out: what it is called, what it is, its bytes."""

    name: str
    media_type: str
    content: bytes


async def list_of_order(tx: Transaction, *, order: Order) -> OrderPapers:
    """What an order has in papers, and what it may get."""
    issued = tuple(Paper(*row.values()) for row in await store.list_of_order(tx, order.order_id))
    why_not = why_no_invoice(order, (await load_seller(tx)).terms)
    drawn = tuple(kind for kind in DRAWN if may_draw(order, kind))
    has_invoice = any(paper.kind == "invoice" for paper in issued)
    return OrderPapers(
        order.order_id, issued, drawn, not why_not and not has_invoice, "" if has_invoice else why_not
    )


def may_draw(order: Order, kind: PaperKind) -> bool:
    """Whether an order has such a paper now: a receipt once it was paid, the others while it is sold."""
    return order.paid_at is not None if kind == "receipt" else order.state in SOLD


async def load_paper(tx: Transaction, *, paper_id: UUID) -> Paper:
    """An issued paper. NotFound ``paper.unknown``."""
    row = await store.find_paper(tx, paper_id)
    if row is None:
        raise NotFound("paper.unknown", _("There is no such paper."))
    return Paper(*row.values())


async def list_papers(
    tx: Transaction,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    query: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Paper]:
    """Issued papers, the newest first; ``query`` is the beginning of a number. Invalid ``list.cursor_invalid``."""
    limit = max(1, min(limit, 100))
    words = query.strip()[:60].replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    rows = await store.list_papers(tx, since, until, words or None, _read_cursor(cursor), limit + 1)
    items = tuple(Paper(*row.values()) for row in rows[:limit])
    more = f"{items[-1].issued_at.isoformat()}|{items[-1].paper_id}" if len(rows) > limit else None
    return Page(items, more)


def _read_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    if not cursor:
        return None
    try:
        moment, _bar, paper_id = cursor.partition("|")
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None:
            raise ValueError(moment)
        return at.astimezone(UTC), UUID(paper_id)
    except (ValueError, OverflowError) as error:
        raise Invalid("list.cursor_invalid", _("This list cannot be continued from there.")) from error


async def load_file(
    commerce: Commerce, merchant_id: MerchantId, *, paper: Paper, form: Form = "pdf"
) -> PaperFile:
    """The file of an issued paper; ``xml`` is its e-invoice alone.

    Raises:
        Conflict: ``paper.no_e_invoice``, something is missing for one.
        Limited: ``paper.busy``.
    """
    name = f"{paper.number.replace('/', '-')}.{form}"
    if form == "pdf":
        return PaperFile(name, MEDIA_TYPES[form], await render_issued(commerce, merchant_id, paper))
    async with commerce.db.transaction(merchant_id, "read") as tx:
        content = await load_content(tx, paper.paper_id)
    gaps = list_gaps(content)
    if gaps:
        raise Conflict(
            "paper.no_e_invoice", _("Something is missing for an e-invoice of this paper."), missing=gaps
        )
    return PaperFile(name, MEDIA_TYPES[form], write_cii(content))


async def draw_paper(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    order: Order,
    kind: PaperKind,
    locale: str,
    base_url: str = "",
) -> PaperFile:
    """A receipt, delivery note or gift receipt of an order as it is now.

    Raises:
        NotFound: ``paper.unknown``, the order has no such paper (yet).
        Limited: ``paper.busy``.
    """
    if kind not in DRAWN or not may_draw(order, kind):
        raise NotFound("paper.unknown", _("There is no such paper."))
    async with commerce.db.transaction(merchant_id, "read") as tx:
        content = await build_paper(
            commerce,
            tx,
            order=order,
            kind=kind,
            locale=locale,
            at=order.paid_at or order.placed_at,
            base_url=base_url,
        )
    name = f"{kind.replace('_', '-')}-{order.number}.pdf"
    return PaperFile(name, MEDIA_TYPES["pdf"], await draw_content(content))


async def delete_buyers(tx: Transaction, *, order_ids: list[UUID]) -> None:
    """Forget what buyers wanted on invoices; issued papers stay, since the law keeps them."""
    await store.delete_buyers(tx, order_ids)
