"""Points, gift cards and red packets at the cart: kept with the cart's details, and judged anew at every quote.

What pays, and how much, is layer 7 of the promotion engine: points, then gift cards, then red packets, each within its
balance, its limit and what is still due. Prices and taxes do not know of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import msgspec

from serai.commerce.cart.api import load_cart, set_details
from serai.commerce.cart.types import Cart
from serai.commerce.checkout.reserve_order import Draft
from serai.commerce.promotion.api import use_tenders
from serai.commerce.promotion.types import Tender, UsedTender
from serai.commerce.tender import api as tender
from serai.commerce.tender.types import (
    KINDS,
    TENDER_ACCOUNTS,
    Entered,
    GiftCard,
    Kind,
    OrderTender,
    Purse,
    QuoteTender,
    QuoteTenders,
    TenderTerms,
    balance_account,
)
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, Unauthorised, _
from serai.ledger.types import Shortage

# ISO 4217 for "no currency is involved": an empty cart has none.
NO_CURRENCY = "XXX"
MAX_CARDS = 5
ALL = 10**12


def read_tenders(cart: Cart) -> tuple[Entered, ...]:
    """What was entered at a cart, in the order in which it pays."""
    kept = cart.details.get("tenders")
    entered = [msgspec.convert(each, Entered) for each in kept] if isinstance(kept, list) else []
    return tuple(sorted(entered, key=lambda each: KINDS.index(each.kind)))


def member_of(cart: Cart) -> UUID | None:
    """The member whose balances an API's cart may use, and whose order it becomes."""
    kept = cart.details.get("member_id")
    return UUID(kept) if isinstance(kept, str) else None


async def _keep(tx: Transaction, owner: str, cart: Cart, entered: Iterable[Entered]) -> Cart:
    return await set_details(tx, owner=owner, cart_id=cart.cart_id, tenders=list(entered))


async def enter_gift_card(
    tx: Transaction, *, owner: str, code: str, wanted_minor: int | None = None, cart_id: UUID | None = None
) -> Cart:
    """Let a gift card pay (at most ``wanted_minor`` of) this cart's order. Entering one twice changes nothing more.

    Raises:
        NotFound: ``cart.unknown``, ``gift_card.unknown``.
        Conflict: ``gift_card.blocked``, ``gift_card.expired``, ``gift_card.empty``, ``gift_card.held``.
        Invalid: ``gift_card.currency``, ``gift_card.too_many``, ``tender.units_invalid``.
    """
    cart = await load_cart(tx, owner=owner, cart_id=cart_id)
    card = await tender.find_card_by_code(tx, code=code)
    tender.check_usable(card, cart.currency)
    _check_wanted(wanted_minor)
    entry = Entered("gift_card", card.card_id, wanted_minor)
    others = [each for each in read_tenders(cart) if each.key != entry.key]
    if sum(each.kind == "gift_card" for each in others) >= MAX_CARDS:
        raise _too_many()
    return await _keep(tx, owner, cart, [*others, entry])


async def use_balance(
    tx: Transaction,
    *,
    owner: str,
    kind: Kind,
    member_id: UUID | None,
    wanted: int | None = None,
    cart_id: UUID | None = None,
) -> Cart:
    """Let a member's points or red packets pay (at most ``wanted`` units of) this cart's order.

    Raises:
        NotFound: ``cart.unknown``. Unauthorised: ``tender.sign_in`` when nobody is signed in.
        Invalid: ``tender.units_invalid``. Conflict: ``tender.points_off``, ``tender.balance_empty``.
    """
    if member_id is None:
        raise Unauthorised(
            "tender.sign_in", _("Please sign in to use your points and red packets."), field=kind
        )
    cart = await load_cart(tx, owner=owner, cart_id=cart_id)
    _check_wanted(wanted)
    purse = await tender.load_purse(tx, member_id=member_id, currency=cart.currency or NO_CURRENCY)
    if kind == "points":
        terms = await tender.load_terms(tx)
        if not terms.cap_percent:
            raise Conflict("tender.points_off", _("Points cannot pay here."), field=kind)
        if purse.points < terms.points_block:
            raise Conflict(
                "tender.balance_empty",
                _("You have no points to use yet: %(least)s are the fewest."),
                field=kind,
                least=terms.points_block,
            )
    elif purse.wallet_minor <= 0:
        raise Conflict(
            "tender.balance_empty", _("There is nothing in your red packets."), field=kind, least=1
        )
    others = [each for each in read_tenders(cart) if each.kind != kind]
    return await _keep(tx, owner, cart, [*others, Entered(kind, None, wanted)])


def _check_wanted(wanted: int | None) -> None:
    if wanted is not None and (isinstance(wanted, bool) or not 0 < wanted <= ALL):
        raise Invalid("tender.units_invalid", _("Please give an amount above zero."), field="amount")


async def drop_tender(tx: Transaction, *, owner: str, key: str, cart_id: UUID | None = None) -> Cart:
    """Take a tender out of the cart (``points``, ``wallet`` or a gift card's id); one that is not in it is fine.

    Raises:
        NotFound: ``cart.unknown``.
    """
    cart = await load_cart(tx, owner=owner, cart_id=cart_id)
    return await _keep(tx, owner, cart, [each for each in read_tenders(cart) if each.key != key])


async def pay_draft(tx: Transaction, draft: Draft, codes: Sequence[str]) -> Draft:
    """A whole order in one go with the gift cards that pay it, in their order; one that is not needed is left out.

    Raises:
        NotFound, Conflict, Invalid: as :func:`enter_gift_card`.
    """
    if not codes:
        return draft
    entered: dict[str, Entered] = {}
    for code in codes:
        card = await tender.find_card_by_code(tx, code=code)
        tender.check_usable(card, draft.currency)
        entered[str(card.card_id)] = Entered("gift_card", card.card_id)
    if len(entered) > MAX_CARDS:
        raise _too_many()
    tendered = await quote_tenders(
        tx,
        entered=list(entered.values()),
        member_id=draft.member_id,
        currency=draft.currency,
        total_minor=draft.total_minor,
    )
    return msgspec.structs.replace(draft, tenders=tendered.used, award_points=tendered.award_points)


def _too_many() -> Invalid:
    return Invalid(
        "gift_card.too_many",
        _("At most %(most)s gift cards can pay one order."),
        field="code",
        most=MAX_CARDS,
    )


async def quote_tenders(
    tx: Transaction,
    *,
    entered: Sequence[Entered],
    member_id: UUID | None,
    currency: str,
    total_minor: int,
    caps: Sequence[tuple[str, int]] = (),
) -> QuoteTenders:
    """What the tenders that were entered pay of an order's total, and what is left to pay.

    ``caps`` are the engine's limits: (kind, basis points of the total). A cart without tenders of somebody who is not
    signed in costs no query.
    """
    if not entered and member_id is None:
        return QuoteTenders(due_minor=total_minor)
    terms = await tender.load_terms(tx)
    purse = await tender.load_purse(tx, member_id=member_id, currency=currency) if member_id else None
    ids = [each.subject_id for each in entered if each.kind == "gift_card" and each.subject_id]
    page = await tender.list_cards(tx, card_ids=ids, limit=MAX_CARDS) if ids else None
    cards = {card.card_id: card for card in page.items} if page else {}
    caps = [*caps, ("points", terms.cap_percent * 100)]
    caps = [(kind, min(percent for other, percent in caps if other == kind)) for kind in dict(caps)]
    offered = [_offer(each, terms, purse, cards, currency) for each in entered]
    used = {
        each.key: each for each in use_tenders([one for _shown, one in offered if one], total_minor, caps)
    }
    shown = tuple(_show(each, one, used.get(each.key), terms, total_minor) for each, one in offered)
    paid_minor = sum(each.amount_minor for each in shown)
    most = _most_points(terms, purse, total_minor, caps)
    money_minor = total_minor - sum(each.amount_minor for each in shown if each.kind != "gift_card")
    return QuoteTenders(
        shown,
        total_minor - paid_minor,
        most,
        terms.worth(most),
        terms.earn(money_minor, currency) if member_id and currency else 0,
        purse,
    )


def _most_points(
    terms: TenderTerms, purse: Purse | None, total_minor: int, caps: Sequence[tuple[str, int]]
) -> int:
    """The most points that the member could use for an order of this total."""
    if purse is None:
        return 0
    block = Tender("points", "points", purse.points // terms.points_block, ALL, terms.block_minor)
    return sum(each.units for each in use_tenders([block], total_minor, caps)) * terms.points_block


def _offer(
    entered: Entered,
    terms: TenderTerms,
    purse: Purse | None,
    cards: Mapping[UUID, GiftCard],
    currency: str,
) -> tuple[QuoteTender, Tender | None]:
    """A tender as it is shown, and as the engine takes it; None for one that cannot pay, with the reason in its code."""
    wanted = ALL if entered.wanted is None else entered.wanted
    shown = QuoteTender(entered.key, entered.kind, entered.subject_id, "", "applied", wanted=entered.wanted)
    if entered.kind == "gift_card":
        card = cards.get(entered.subject_id) if entered.subject_id else None
        if card is None:
            return msgspec.structs.replace(shown, code="empty"), None
        shown = msgspec.structs.replace(
            shown,
            label=card.code_end,
            balance_units=max(0, card.available_minor),
            code=_judge(card, currency),
        )
        if shown.code != "applied":
            return shown, None
        return shown, Tender("gift_card", shown.key, card.available_minor, wanted)
    if purse is None:
        return msgspec.structs.replace(shown, code="sign_in"), None
    if entered.kind == "points":
        code = "off" if not terms.cap_percent else "empty" if purse.points < terms.points_block else "applied"
        shown = msgspec.structs.replace(
            shown, subject_id=purse.member_id, balance_units=purse.points, code=code
        )
        blocks = Tender(
            "points",
            "points",
            purse.points // terms.points_block,
            wanted // terms.points_block,
            terms.block_minor,
        )
        return shown, blocks if code == "applied" else None
    shown = msgspec.structs.replace(
        shown,
        subject_id=purse.member_id,
        balance_units=purse.wallet_minor,
        code="applied" if purse.wallet_minor > 0 else "empty",
    )
    return shown, Tender("wallet", "wallet", purse.wallet_minor, wanted) if purse.wallet_minor > 0 else None


def _judge(card: GiftCard, currency: str) -> str:
    if card.state in ("blocked", "expired"):
        return card.state
    if card.currency != currency:
        return "currency"
    return "applied" if card.available_minor > 0 else "empty"


def _show(
    shown: QuoteTender, offered: Tender | None, used: UsedTender | None, terms: TenderTerms, total_minor: int
) -> QuoteTender:
    """A tender with what it pays, or with why it pays less than it could."""
    if offered is None:
        return shown
    units, amount_minor = (used.units, used.amount_minor) if used else (0, 0)
    code = shown.code
    if units < min(offered.balance, offered.wanted):
        # Points stop at their limit; whatever else pays nothing does so because nothing is left to pay.
        code = (
            "cap"
            if shown.kind == "points" and amount_minor < total_minor
            else "not_needed"
            if not units
            else code
        )
    return msgspec.structs.replace(
        shown,
        code=code,
        units=units * terms.points_block if shown.kind == "points" else units,
        amount_minor=amount_minor,
    )


def refuse_tenders(
    shortages: Sequence[Shortage], tenders: Sequence[OrderTender], currency: str
) -> Conflict | None:
    """The refusal for balances that fell between quote and order; None when it was something else."""
    short = {shortage.account_id for shortage in shortages if shortage.kind in TENDER_ACCOUNTS}
    gone = [
        each for each in tenders if balance_account(each.kind, each.subject_id, currency).account_id in short
    ]
    if not gone:
        return None
    first = gone[0]
    message = (
        _("Your gift card …%(label)s holds less than it did. Nothing was ordered or charged.")
        if first.kind == "gift_card"
        else _("You have fewer points than you had. Nothing was ordered or charged.")
        if first.kind == "points"
        else _("Your red packets hold less than they did. Nothing was ordered or charged.")
    )
    return Conflict(
        "checkout.changed",
        message,
        label=first.label,
        changes=[
            {
                "kind": "tender_gone",
                "tender": each.kind,
                "title": each.label,
                "amount_minor": each.amount_minor,
            }
            for each in gone
        ],
    )
