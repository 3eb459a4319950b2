"""Payment methods: a merchant's terms, what they offer for an order, and who may buy on invoice up to how much."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from serai.commerce.method import store
from serai.commerce.method.logic import judge_method
from serai.commerce.method.types import CODES, Code, CreditTerms, MethodOffer, MethodTerms, Wanted
from serai.commerce.pledge.types import credit_fund, credit_left
from serai.commerce.types import Commerce, Page
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit import api as audit
from serai.identity.audit.api import AuditRow, record_rows
from serai.identity.member.api import find_member
from serai.ledger import api as ledger
from serai.ledger.types import Group, Write, posted

MAX_MINOR = 10**12
MAX_DAYS = 365
# A merchant that has said nothing is paid online, at once.
DEFAULTS = {code: MethodTerms(code, active=code == "online") for code in CODES}


async def load_methods(tx: Transaction) -> dict[Code, MethodTerms]:
    """The merchant's terms of every method."""
    found: dict[Code, MethodTerms] = dict(DEFAULTS)
    for row in await store.list_methods(tx):
        found[row["code"]] = MethodTerms(**(dict(row) | {"countries": tuple(row["countries"])}))
    return found


async def save_method(tx: Transaction, *, terms: MethodTerms, by: str) -> MethodTerms:
    """Say how one method is offered. Invalid ``method.terms_invalid`` with ``field``."""
    if terms.code not in CODES:
        raise _invalid("code", _("There is no such payment method."))
    if terms.max_minor is not None and not 0 < terms.max_minor <= MAX_MINOR:
        raise _invalid("max_minor", _("Please give an amount above zero, or leave it empty."))
    if len(terms.countries) > 250 or not all(
        len(code) == 2 and code.isascii() and code.isalpha() and code.isupper() for code in terms.countries
    ):
        raise _invalid("countries", _("Please write countries as two letters each, like DE or US."))
    if terms.capture == "manual" and terms.code != "online":
        raise _invalid("capture", _("Only money that is paid online can be held."))
    if terms.code == "invoice":
        # A debtor has to be somebody.
        terms = msgspec.structs.replace(terms, members_only=True)
    before = (await load_methods(tx))[terms.code]
    if terms != before:
        await store.save_method(
            tx,
            terms.code,
            terms.active,
            terms.capture,
            terms.max_minor,
            terms.countries,
            terms.members_only,
            by,
            clock.now(),
        )
        await audit.record(
            tx,
            actor=by,
            action="method.saved",
            subject_kind="payment_method",
            subject_id=terms.code,
            before=msgspec.to_builtins(before),
            after=msgspec.to_builtins(terms),
        )
    return terms


def _invalid(field: str, message: str) -> Invalid:
    return Invalid("method.terms_invalid", message, field=field)


async def list_methods(tx: Transaction, *, wanted: Wanted) -> tuple[MethodOffer, ...]:
    """Every method, with why it is not offered for what is wanted; in the order in which a page shows them."""
    terms = await load_methods(tx)
    credit = None
    if wanted.member_id is not None and terms["invoice"].active:
        credit = await find_credit(tx, member_id=wanted.member_id, currency=wanted.currency)
    return tuple(judge_method(terms[code], wanted, credit) for code in CODES)


async def find_credit(tx: Transaction, *, member_id: UUID, currency: str) -> CreditTerms | None:
    """What a member may buy on invoice, with what of it is left now."""
    row = await store.find_credit(tx, member_id)
    if row is None:
        return None
    account_id = credit_left(member_id, currency).account_id
    left = (await ledger.load_balances(tx, account_ids=[account_id]))[account_id].available
    return CreditTerms(**dict(row), left_minor=left)


async def list_credits(tx: Transaction, *, cursor: str | None = None, limit: int = 50) -> Page[CreditTerms]:
    """Who may buy on invoice. Invalid ``list.cursor_invalid``."""
    limit = max(1, min(limit, 100))
    try:
        after = UUID(cursor) if cursor else None
    except ValueError as error:
        raise Invalid("list.cursor_invalid", _("This list cannot be continued from there.")) from error
    rows = await store.list_credits(tx, after, limit + 1)
    accounts = [credit_left(row["member_id"], row["currency"]).account_id for row in rows]
    balances = await ledger.load_balances(tx, account_ids=accounts)
    items = []
    for row, account_id in list(zip(rows, accounts, strict=True))[:limit]:
        member = await find_member(tx, member_id=row["member_id"])
        items.append(
            CreditTerms(
                **dict(row),
                email=(member.email or "") if member else "",
                name=member.name if member else "",
                left_minor=balances[account_id].available,
            )
        )
    return Page(tuple(items), str(items[-1].member_id) if len(rows) > limit else None)


async def set_credit(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    member_id: UUID,
    limit_minor: int,
    days: int,
    currency: str,
    active: bool = True,
    by: str,
) -> CreditTerms:
    """Say up to how much a member may buy on invoice, and within how many days each has to be paid.

    The limit is an account of the ledger. It cannot fall below what open invoices take of it; ``active`` False stops new
    ones all the same.

    Raises:
        NotFound: ``member.unknown``.
        Invalid: ``credit.terms_invalid`` with ``field``.
        Conflict: ``credit.in_use``, open invoices take more than the limit; ``credit.changed``.
    """
    for field, value, most in (("limit_minor", limit_minor, MAX_MINOR), ("days", days, MAX_DAYS)):
        if isinstance(value, bool) or not (0 if field == "limit_minor" else 1) <= value <= most:
            raise Invalid(
                "credit.terms_invalid", _("Please give a number up to %(most)s."), field=field, most=most
            )
    async with commerce.db.transaction(merchant_id, "read") as tx:
        if await find_member(tx, member_id=member_id) is None:
            raise NotFound("member.unknown", _("There is no such member."))
        before = await find_credit(tx, member_id=member_id, currency=currency)
    version = before.version if before else 0
    after = CreditTerms(member_id, limit_minor, currency, days, active, version + 1, by, clock.now())
    change = limit_minor - (before.limit_minor if before else 0)
    audited = AuditRow(
        by, "credit.set", "member", str(member_id), _tell(before) if before else None, _tell(after)
    )
    if change:
        await _move_limit(commerce, merchant_id, after, change, audited)
    elif before is None or (before.days, before.active) != (days, active):
        async with commerce.db.transaction(merchant_id) as tx:
            await save_credits(tx, [after])
            await record_rows(tx, [audited])
    async with commerce.db.transaction(merchant_id, "read") as tx:
        found = await find_credit(tx, member_id=member_id, currency=currency)
    assert found is not None, "terms that were just written are there"
    return found


async def _move_limit(
    commerce: Commerce, merchant_id: MerchantId, terms: CreditTerms, change: int, audited: AuditRow
) -> None:
    group_id = derive_id("credit", terms.member_id, terms.version)
    left, fund = credit_left(terms.member_id, terms.currency), credit_fund(terms.currency)
    into, out = (left, fund) if change > 0 else (fund, left)
    outcome = await commerce.lane.submit(
        merchant_id,
        Group(
            group_id,
            (posted(derive_id(group_id, "limit"), into, out, abs(change), "credit limit"),),
            (Write(save_credits, terms), Write(record_rows, audited)),
        ),
    )
    if outcome.shortages:
        raise Conflict(
            "credit.in_use",
            _("Open invoices take more than that of the limit. Switch it off to stop new ones."),
            field="limit_minor",
        )
    if outcome.replayed:
        raise Conflict("credit.changed", _("Somebody else has changed this. Please look at it again."))


def _tell(terms: CreditTerms) -> dict[str, object]:
    return {"limit_minor": terms.limit_minor, "days": terms.days, "active": terms.active}


async def save_credits(tx: Transaction, rows: Sequence[CreditTerms]) -> None:
    """Keep credit terms; a writer for the lane's batches."""
    await store.save_credits(
        tx,
        (
            [row.member_id for row in rows],
            [row.limit_minor for row in rows],
            [row.currency for row in rows],
            [row.days for row in rows],
            [row.active for row in rows],
            [row.version for row in rows],
            [row.changed_by for row in rows],
            [row.changed_at for row in rows],
        ),
    )
