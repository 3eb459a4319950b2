"""Issue an invoice or the credit notes of an order: numbered without a gap, written once, never changed.

1. One issuer per order at a time; what is there already is the answer.
2. Put the content together and prove its sums.
3. Lock the series, take its next number, write the paper, its fact and its audit row: one transaction, so a failure takes
   the number back with it.
"""

import hashlib
from datetime import datetime
from uuid import UUID

import msgspec

from serai.commerce.gift.api import find_gift
from serai.commerce.order.api import access_token, load_order
from serai.commerce.order.types import Order
from serai.commerce.paper import store
from serai.commerce.paper.build_content import build_content, build_credit
from serai.commerce.paper.edit_seller import find_buyer, load_seller
from serai.commerce.paper.events import PaperIssued
from serai.commerce.paper.logic import check_sums, make_number, name_series
from serai.commerce.paper.types import Content, IssuedKind, Paper, PaperKind, SellerTerms
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, _
from serai.foundation.event import Fact, append_facts
from serai.foundation.i18n import LOCALES
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit import api as audit
from serai.identity.merchant.api import load_merchant

# An order in one of these states has been sold: its money has come, or was agreed to come later.
SOLD = frozenset({"paid", "fulfilled"})


class Refund(msgspec.Struct, frozen=True):
    """Money that went back, over a provider or to tenders."""

    refund_id: UUID
    amount_minor: int
    at: datetime
    reason: str


def why_no_invoice(order: Order, terms: SellerTerms) -> str:
    """The code of the reason why no invoice can be issued now, empty when one can."""
    if order.state not in SOLD:
        return "paper.not_sold"
    if not (terms.legal_name and terms.line1 and terms.city and terms.country):
        return "paper.seller_incomplete"
    return ""


def check_invoiceable(order: Order, terms: SellerTerms) -> None:
    """Conflict ``paper.not_sold`` or ``paper.seller_incomplete`` unless an invoice can be issued."""
    code = why_no_invoice(order, terms)
    if code == "paper.not_sold":
        raise Conflict(
            "paper.not_sold", _("There is no invoice for an order in this state."), state=order.state
        )
    if code:
        raise Conflict(
            "paper.seller_incomplete", _("The shop has not written its own address for invoices yet.")
        )


def link_order(commerce: Commerce, order: Order, base_url: str) -> str:
    """Where the buyer finds the order: a guest by the link that needs no account."""
    base = (commerce.settings.public_url or base_url).rstrip("/")
    if not base:
        return ""
    if order.member_id is not None:
        return f"{base}/account/orders/{order.number}"
    return f"{base}/orders/{order.order_id}?key={access_token(commerce.secret, order.order_id)}"


async def build_paper(
    commerce: Commerce,
    tx: Transaction,
    *,
    order: Order,
    kind: PaperKind,
    locale: str,
    at: datetime,
    base_url: str = "",
    number: str = "",
) -> Content:
    """The content of a paper about an order as it is now."""
    # Whoever gets a parcel or a present is not always who may read the order.
    is_private = kind in ("invoice", "receipt")
    gift = await find_gift(tx, order_id=order.order_id) if kind == "gift_receipt" else None
    return build_content(
        order,
        kind=kind,
        merchant=await load_merchant(tx),
        terms=(await load_seller(tx)).terms,
        details=await find_buyer(tx, order_id=order.order_id),
        locale=locale if locale in LOCALES else LOCALES[0],
        at=at,
        number=number,
        order_url=link_order(commerce, order, base_url) if is_private else "",
        gift_message=gift.message if gift else "",
    )


async def issue_invoice(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    order_id: UUID,
    by: str,
    locale: str = "",
    base_url: str = "",
) -> Paper:
    """The invoice of an order, issued now unless it was before; with it the credit notes of what has gone back already.

    Raises:
        NotFound: ``order.unknown``.
        Conflict: ``paper.not_sold``, ``paper.seller_incomplete``.
    """
    async with commerce.db.transaction(merchant_id) as tx:
        return await issue_in(commerce, tx, order_id=order_id, by=by, locale=locale, base_url=base_url)


async def issue_in(
    commerce: Commerce, tx: Transaction, *, order_id: UUID, by: str, locale: str = "", base_url: str = ""
) -> Paper:
    """The same in a transaction that is under way."""
    await store.lock_order(tx, order_id)
    found = [row for row in await store.list_of_order(tx, order_id) if row["kind"] == "invoice"]
    if found:
        return Paper(*found[0].values())
    order = await load_order(tx, order_id=order_id)
    seller = await load_seller(tx)
    check_invoiceable(order, seller.terms)
    merchant = await load_merchant(tx)
    series = name_series(seller.terms.invoice_series, clock.now(), merchant.time_zone)
    row = await store.take_number(tx, series, clock.now())
    content = await build_paper(
        commerce,
        tx,
        order=order,
        kind="invoice",
        locale=locale or order.locale,
        at=row["last_at"],
        base_url=base_url,
        number=make_number(series, row["last"]),
    )
    if content.total_minor != order.total_minor:
        raise AssertionError(f"an invoice over {content.total_minor} of {order.total_minor}")
    paper = await _write(tx, content, "invoice", series, row["last"], order_id, order_id, None, by)
    await issue_credits(tx, order=order, by=by)
    return paper


def list_refunds(order: Order) -> list[Refund]:
    """What has gone back to the buyer, or is not to be paid any more, the oldest first. Money on its way is not counted."""
    found = [
        Refund(each.refund_id, each.amount_minor, each.done_at, each.reason)
        for each in order.refunds
        if each.done_at is not None
    ]
    for payment in order.payments:
        # What was to come and need not come any more; a loss is still owed.
        steps = payment.pledge.steps if payment.pledge is not None else ()
        found += [Refund(s.step_id, s.amount_minor, s.at, s.reason) for s in steps if s.kind == "release"]
    backs: dict[UUID, Refund] = {}
    for back in order.tender_refunds:
        # One refund may go to tenders and over a provider: each part has a credit note of its own.
        key = derive_id("tender", back.refund_id)
        before = backs.get(key)
        total = back.amount_minor + (before.amount_minor if before else 0)
        backs[key] = Refund(key, total, back.refunded_at, back.reason)
    return sorted([*found, *backs.values()], key=lambda each: (each.at, each.refund_id))


async def issue_credits(tx: Transaction, *, order: Order, by: str) -> list[Paper]:
    """Credit notes for what has gone back of an invoiced order and has none yet. Without an invoice there is nothing to do.

    Money that had come twice or too late was never invoiced, so it is not credited.
    """
    await store.lock_order(tx, order.order_id)
    rows = await store.list_of_order(tx, order.order_id)
    invoice_row = next((row for row in rows if row["kind"] == "invoice"), None)
    if invoice_row is None:
        return []
    invoice = await load_content(tx, invoice_row["paper_id"])
    credited = {row["source_id"] for row in rows if row["kind"] == "credit_note"}
    earlier = [await load_content(tx, row["paper_id"]) for row in rows if row["kind"] == "credit_note"]
    overpaid = max(0, order.settled_minor - invoice.total_minor)
    issued = []
    for refund in list_refunds(order):
        beyond = min(overpaid, refund.amount_minor)
        overpaid -= beyond
        left = invoice.total_minor - sum(each.total_minor for each in earlier)
        amount = min(refund.amount_minor - beyond, left)
        if refund.refund_id in credited or amount <= 0:
            continue
        terms = (await load_seller(tx)).terms
        series = name_series(terms.credit_series, clock.now(), invoice.zone)
        row = await store.take_number(tx, series, clock.now())
        content = build_credit(
            invoice,
            amount_minor=amount,
            earlier=tuple(earlier),
            at=row["last_at"],
            number=make_number(series, row["last"]),
            reason=refund.reason,
        )
        issued.append(
            await _write(
                tx, content, "credit_note", series, row["last"], order.order_id, refund.refund_id,
                invoice_row["paper_id"], by,
            )
        )  # fmt: skip
        earlier.append(content)
    return issued


async def _write(
    tx: Transaction,
    content: Content,
    kind: IssuedKind,
    series: str,
    serial: int,
    order_id: UUID,
    source_id: UUID,
    corrects_id: UUID | None,
    by: str,
) -> Paper:
    wrong = check_sums(content)
    if wrong:
        raise AssertionError(f"paper {content.number}: {'; '.join(wrong)}")
    paper = Paper(
        derive_id("paper", kind, tx.merchant_id, source_id), order_id, kind, series, serial, content.number,
        content.issued_at, by, content.locale, content.currency, content.total_minor, content.tax_minor, corrects_id,
        source_id,
    )  # fmt: skip
    text = msgspec.json.encode(content).decode()
    digest = hashlib.sha256(text.encode()).digest()
    await store.insert_paper(tx, msgspec.structs.astuple(paper), text, digest)
    event = PaperIssued(paper.paper_id, order_id, kind, paper.number, paper.total_minor, paper.currency, by)
    await append_facts(tx, [Fact(order_id, event)])
    await audit.record(
        tx,
        actor=by,
        action=f"paper.{kind}_issued",
        subject_kind="order",
        subject_id=order_id,
        before=None,
        after={"number": paper.number, "total_minor": paper.total_minor},
    )
    return paper


async def load_content(tx: Transaction, paper_id: UUID) -> Content:
    """What an issued paper says. LookupError when there is none, ValueError when it is not what was issued."""
    row = await store.find_content(tx, paper_id)
    if row is None:
        raise LookupError(str(paper_id))
    if hashlib.sha256(row["content"].encode()).digest() != row["digest"]:
        raise ValueError(f"paper {paper_id} is not what was issued")
    return msgspec.json.decode(row["content"], type=Content)
