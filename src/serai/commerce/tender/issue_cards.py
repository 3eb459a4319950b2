"""Issue, find, list, block and expire gift cards. What a card holds is an account of the ledger; its code a digest."""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.promotion.api import keyed_seed, part_of_seed, read_code, spell_code
from serai.commerce.tender import store
from serai.commerce.tender.events import GiftCardBlocked, GiftCardExpired, GiftCardsIssued
from serai.commerce.tender.keep_terms import load_terms
from serai.commerce.tender.logic import MIN_DIGITS, digest_code
from serai.commerce.tender.types import CardState, GiftCard, IssuedCard, card_expense, gift_card
from serai.commerce.types import Commerce, Page
from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit import api as audit
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger.api import load_balances
from serai.ledger.types import Balance, Group, Write, posted

MAX_BATCH = 1000
MAX_AMOUNT_MINOR = 10**10
MAX_NOTE = 200
# The person of a keyed seed belongs to coupons; another key keeps the two apart.
SEED = "gift card"
CURRENCY = re.compile(r"[A-Z]{3}")


class NewCard(msgspec.Struct, frozen=True):
    """A gift card as it is written beside its group in the lane."""

    card_id: UUID
    code: str
    currency: str
    amount_minor: int
    note: str
    by: str
    at: datetime
    expires_at: datetime | None


async def insert_cards(tx: Transaction, rows: Sequence[NewCard]) -> None:
    """Write gift cards; a writer for the lane's batches."""
    await store.insert_cards(
        tx,
        (
            [row.card_id for row in rows],
            [digest_code(row.code) for row in rows],
            [read_code(row.code)[-4:] for row in rows],
            [row.currency for row in rows],
            [row.amount_minor for row in rows],
            [row.note for row in rows],
            [row.by for row in rows],
            [row.at for row in rows],
            [row.expires_at for row in rows],
        ),
    )


async def issue_cards(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    count: int,
    amount_minor: int,
    currency: str,
    expires_at: datetime | None = None,
    note: str = "",
    by: str,
    key: UUID | None = None,
) -> tuple[IssuedCard, ...]:
    """Make gift cards. Their codes of 128 bits are shown once and not kept.

    With a ``key`` codes follow from it and the installation's secret: a repeat whose first answer was lost makes no
    further cards, and gets the same codes.

    Args:
        count: how many cards, 1 to 1,000.
        amount_minor: what each holds.
        expires_at: when they end; by the merchant's terms without one.

    Raises:
        Invalid: ``gift_card.count_invalid``, ``gift_card.amount_invalid``, ``gift_card.expiry_invalid``, ``tender.too_long``.
    """
    note = " ".join(note.split())
    _check_issue(count, amount_minor, currency, expires_at, note)
    now = clock.now()
    if expires_at is None:
        async with commerce.db.transaction(merchant_id, "read") as tx:
            days = (await load_terms(tx)).card_days
        expires_at = now + timedelta(days=days) if days else None
    seed = keyed_seed(commerce.secret, derive_id(SEED, key)) if key else secrets.token_bytes(32)
    codes = [spell_code(part_of_seed(seed, number)) for number in range(count)]
    cards = [
        NewCard(
            derive_id("gift card", merchant_id, digest_code(code).hex()),
            code, currency, amount_minor, note, by, now, expires_at,
        )
        for code in codes
    ]  # fmt: skip
    outcome = await commerce.lane.submit(merchant_id, _issue_group(cards))
    assert outcome.passed, "new cards take from no account that has a floor"
    if outcome.replayed:
        async with commerce.db.transaction(merchant_id, "read") as tx:
            kept = {
                card.card_id: card
                for card in (await list_cards(tx, card_ids=[c.card_id for c in cards], limit=MAX_BATCH)).items
            }
        return tuple(
            IssuedCard(
                card.card_id, card.code, kept[card.card_id].amount_minor, kept[card.card_id].currency,
                kept[card.card_id].expires_at,
            )
            for card in cards
        )  # fmt: skip
    return tuple(
        IssuedCard(card.card_id, card.code, card.amount_minor, card.currency, card.expires_at)
        for card in cards
    )


def _check_issue(
    count: int, amount_minor: int, currency: str, expires_at: datetime | None, note: str
) -> None:
    if isinstance(count, bool) or not 1 <= count <= MAX_BATCH:
        raise Invalid(
            "gift_card.count_invalid",
            _("Please issue 1 to %(most)s gift cards at a time."),
            field="count",
            most=MAX_BATCH,
        )
    if (
        isinstance(amount_minor, bool)
        or not 1 <= amount_minor <= MAX_AMOUNT_MINOR
        or not CURRENCY.fullmatch(currency)
    ):
        raise Invalid("gift_card.amount_invalid", _("Please give an amount above zero."), field="amount")
    if expires_at is not None and (expires_at.tzinfo is None or expires_at <= clock.now()):
        raise Invalid(
            "gift_card.expiry_invalid",
            _("Gift cards must expire in the future, at a moment with its time zone."),
            field="expires_at",
        )
    if len(note) > MAX_NOTE:
        raise Invalid("tender.too_long", _("That is too long."), field="note")


def _issue_group(cards: Sequence[NewCard]) -> Group:
    ids = tuple(card.card_id for card in cards)
    first = cards[0]
    group_id = derive_id("issue gift cards", *ids)
    facts = {
        "cards": len(ids),
        "amount_minor": first.amount_minor,
        "currency": first.currency,
        "note": first.note,
    }
    row = AuditRow(first.by, "gift_card.issued", "gift_card", str(ids[0]), None, facts)
    return Group(
        group_id,
        tuple(
            posted(
                derive_id(card.card_id, "issue"),
                card_expense(card.currency),
                gift_card(card.card_id, card.currency),
                card.amount_minor,
                "issued",
            )
            for card in cards
        ),
        (*(Write(insert_cards, card) for card in cards), Write(record_rows, row)),
        (Fact(ids[0], GiftCardsIssued(ids, first.amount_minor, first.currency, first.by)),),
        document_id=group_id,
    )


async def find_card_by_code(tx: Transaction, *, code: str) -> GiftCard:
    """The gift card behind a code that somebody typed, in whatever state. NotFound ``gift_card.unknown``."""
    row = await store.find_card(tx, digest_code(code)) if read_code(code) else None
    if row is None:
        raise NotFound("gift_card.unknown", _("This gift card code is not known."), field="code")
    return (await _with_balances(tx, [row]))[0]


async def load_card(tx: Transaction, *, card_id: UUID) -> GiftCard:
    """A gift card. NotFound ``gift_card.unknown``."""
    found = (await list_cards(tx, card_ids=[card_id])).items
    if not found:
        raise NotFound("gift_card.unknown", _("There is no such gift card."))
    return found[0]


async def list_cards(
    tx: Transaction,
    *,
    card_ids: Sequence[UUID] | None = None,
    code_end: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> Page[GiftCard]:
    """Gift cards, the newest first. ``code_end``: the last four characters of a code. Invalid ``list.cursor_invalid``."""
    try:
        before = UUID(cursor) if cursor else None
    except ValueError as error:
        raise Invalid("list.cursor_invalid", _("This list cannot be continued from there.")) from error
    limit = max(1, min(limit, MAX_BATCH if card_ids is not None else 100))
    end = read_code(code_end)[-MIN_DIGITS:] if code_end else None
    rows = await store.list_cards(tx, card_ids=card_ids, code_end=end, before=before, limit=limit + 1)
    items = tuple(await _with_balances(tx, rows[:limit]))
    return Page(items, str(items[-1].card_id) if len(rows) > limit else None)


async def _with_balances(tx: Transaction, rows: Sequence[Any]) -> list[GiftCard]:
    accounts = [gift_card(row["card_id"], row["currency"]).account_id for row in rows]
    balances = await load_balances(tx, account_ids=accounts) if rows else {}
    return [_card(row, balances[account_id]) for row, account_id in zip(rows, accounts, strict=True)]


def _card(row: Any, balance: Balance) -> GiftCard:
    state: CardState = "live"
    if row["blocked_at"] is not None:
        state = "blocked"
    elif row["ended_at"] is not None or (row["expires_at"] is not None and row["expires_at"] <= clock.now()):
        state = "expired"
    elif balance.posted == 0:
        state = "used"
    return GiftCard(
        row["card_id"],
        row["code_end"],
        row["currency"],
        row["amount_minor"],
        balance.posted,
        balance.reserved,
        state,
        row["note"],
        row["issued_by"],
        row["issued_at"],
        row["expires_at"],
        row["blocked_at"],
        row["expired_minor"],
    )


async def block_card(tx: Transaction, *, card_id: UUID, blocked: bool, by: str, reason: str = "") -> GiftCard:
    """Let a gift card pay no more, or again. An order that holds some of it keeps that. Repeating it changes nothing.

    Raises:
        NotFound: ``gift_card.unknown``.
    """
    before = await load_card(tx, card_id=card_id)
    if await store.block_card(tx, card_id, clock.now() if blocked else None):
        await audit.record(
            tx,
            actor=by,
            action="gift_card.blocked" if blocked else "gift_card.unblocked",
            subject_kind="gift_card",
            subject_id=card_id,
            before={"state": before.state},
            after={"reason": " ".join(reason.split())[:MAX_NOTE]},
        )
        await append_facts(tx, [Fact(card_id, GiftCardBlocked(card_id, blocked, by))])
    return await load_card(tx, card_id=card_id)


class CardEnd(msgspec.Struct, frozen=True):
    """A gift card whose time is over, as a row beside its group in the lane."""

    card_id: UUID
    amount_minor: int


async def end_cards(tx: Transaction, rows: Sequence[CardEnd]) -> None:
    """Write ends; a writer for the lane's batches."""
    await store.end_cards(tx, [row.card_id for row in rows], [row.amount_minor for row in rows], clock.now())


async def expire_cards(commerce: Commerce, owner: Database, *, limit: int = 200) -> int:
    """Book what is left on gift cards whose time is over, over all merchants. Returns how many ended.

    A card that an order still holds is left for the next round: the order may yet be cancelled.
    """
    ended = 0
    for merchant_id, card_id in await store.list_overdue_cards(owner, clock.now(), limit):
        async with commerce.db.transaction(MerchantId(merchant_id), "read") as tx:
            card = await load_card(tx, card_id=card_id)
        if not card.held_minor:
            ended += await _end(commerce, MerchantId(merchant_id), card)
    return ended


async def _end(commerce: Commerce, merchant_id: MerchantId, card: GiftCard) -> bool:
    """Take what is left off an expired card. False when an order took of it in the same moment."""
    left = card.balance_minor
    end = CardEnd(card.card_id, left)
    if not left:
        async with commerce.db.transaction(merchant_id) as tx:
            await end_cards(tx, [end])
        return True
    # The card may have been opened again and expire again, so the group is named after its end and its rest.
    group_id = derive_id("expire gift card", card.card_id, card.expires_at, left)
    outcome = await commerce.lane.submit(
        merchant_id,
        Group(
            group_id,
            (
                posted(
                    derive_id(group_id, "rest"),
                    gift_card(card.card_id, card.currency),
                    card_expense(card.currency),
                    left,
                    "expired",
                ),
            ),
            (Write(end_cards, end),),
            (Fact(card.card_id, GiftCardExpired(card.card_id, left)),),
            document_id=card.card_id,
        ),
    )
    return outcome.passed


def check_usable(card: GiftCard, currency: str) -> None:
    """Refuse a card that cannot pay, with why.

    Raises:
        Conflict: ``gift_card.blocked``, ``gift_card.expired``, ``gift_card.empty``.
        Invalid: ``gift_card.currency`` when it holds another currency.
    """
    if card.state == "blocked":
        raise Conflict(
            "gift_card.blocked", _("This gift card is blocked. Please ask the shop about it."), field="code"
        )
    if card.state == "expired":
        raise Conflict("gift_card.expired", _("This gift card has expired."), field="code")
    if currency and card.currency != currency:
        raise Invalid(
            "gift_card.currency",
            _("This gift card is in %(currency)s and cannot pay here."),
            field="code",
            currency=card.currency,
        )
    if card.balance_minor <= 0:
        raise Conflict("gift_card.empty", _("Nothing is left on this gift card."), field="code")
    if card.available_minor <= 0:
        raise Conflict(
            "gift_card.held",
            _("What is left on this gift card waits for another order to be paid."),
            field="code",
        )
