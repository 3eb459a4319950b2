"""JSON API of gift cards, of members' purses, and of the terms of points."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from serai.commerce.call.api import (
    API,
    Asked,
    Caller,
    answer_in_transaction,
    answer_through_lane,
    recognise_caller,
)
from serai.commerce.tender import api
from serai.commerce.tender.types import GiftCard, IssuedCard, Purse, PurseEntry, TenderTerms
from serai.commerce.types import Page
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, _
from serai.identity.member.api import find_member
from serai.identity.merchant.types import Merchant

Cursor = Annotated[str | None, QueryParameter(max_length=100)]
Limit = Annotated[int, QueryParameter(ge=1, le=100)]
Most = Annotated[int, Meta(ge=1, le=10**10)]
Units = Annotated[int, Meta(ge=-(10**10), le=10**10)]


class CardIssue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many gift cards, what each holds in the shop's currency, and until when; by the terms without a moment."""

    amount_minor: Most
    count: Annotated[int, Meta(ge=1, le=1000)] = 1
    expires_at: datetime | None = None
    note: Annotated[str, Meta(max_length=200)] = ""


class CardCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A gift card's code, as it was given out."""

    code: Annotated[str, Meta(min_length=1, max_length=100)]


class Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the card pays no more, and why."""

    blocked: bool
    reason: Annotated[str, Meta(max_length=200)] = ""


class Adjustment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Points or minor units of red packets to give, or below zero to take."""

    kind: Literal["points", "wallet"]
    units: Units
    reason: Annotated[str, Meta(min_length=1, max_length=200)]


class TermsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How points work: so many are worth ``block_minor``; the limits are those of the terms themselves."""

    points_block: Annotated[int, Meta(ge=1, le=1_000_000)]
    block_minor: Annotated[int, Meta(ge=1, le=1_000_000)]
    cap_percent: Annotated[int, Meta(ge=0, le=100)]
    earn_points: Annotated[int, Meta(ge=0, le=1_000_000)]
    points_days: Annotated[int, Meta(ge=0, le=36_500)] = 0
    card_days: Annotated[int, Meta(ge=0, le=36_500)] = 0


def _currency_of(request: Asked) -> str:
    merchant: Merchant = request.scope["state"]["merchant"]
    return merchant.currency


@get(f"{API}/tender-terms", tags=["tenders"])
async def get_terms(request: Asked) -> TenderTerms:
    """How points work, and how long gift cards last."""
    caller = await recognise_caller(request, "tender:write")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.load_terms(tx)


@put(f"{API}/tender-terms", tags=["tenders"])
async def put_terms(request: Asked, data: JSONBody[TermsBody]) -> Response[TenderTerms]:
    """Say how points work. What was earned keeps its end."""
    caller = await recognise_caller(request, "tender:write")

    async def effect(tx: Transaction) -> TenderTerms:
        terms = msgspec.convert(msgspec.structs.asdict(data), TenderTerms)
        return await api.save_terms(tx, terms=terms, by=caller.actor)

    return await answer_in_transaction(request, caller, "terms", data, effect)


@post(f"{API}/gift-cards", tags=["tenders"])
async def post_cards(request: Asked, data: JSONBody[CardIssue]) -> Response[Any]:
    """Issue gift cards. Their codes are in this answer (and its repeats) only; what is kept is a digest."""
    caller = await recognise_caller(request, "tender:write")

    async def effect(effect_id: UUID) -> tuple[IssuedCard, ...]:
        return await api.issue_cards(
            caller.commerce,
            caller.merchant_id,
            count=data.count,
            amount_minor=data.amount_minor,
            currency=_currency_of(request),
            expires_at=data.expires_at,
            note=data.note,
            by=caller.actor,
            key=effect_id,
        )

    return await answer_through_lane(request, caller, "issue", data, effect, status=201)


@get(f"{API}/gift-cards", tags=["tenders"])
async def get_cards(
    request: Asked,
    code_end: Annotated[str, QueryParameter(max_length=20)] = "",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[GiftCard]:
    """Gift cards, the newest first, or those whose code ends so."""
    caller = await recognise_caller(request, "tender:write")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.list_cards(tx, code_end=code_end, cursor=cursor, limit=limit)


@post(f"{API}/gift-cards/lookup", tags=["tenders"], status_code=200)
async def post_lookup(request: Asked, data: JSONBody[CardCode]) -> GiftCard:
    """The gift card behind a code, with what it holds. Nothing is stored."""
    caller = await recognise_caller(request, "tender:write")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.find_card_by_code(tx, code=data.code)


@get(f"{API}/gift-cards/{{card_id:uuid}}", tags=["tenders"])
async def get_card(request: Asked, card_id: FromPath[UUID]) -> GiftCard:
    """One gift card."""
    caller = await recognise_caller(request, "tender:write")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.load_card(tx, card_id=card_id)


@put(f"{API}/gift-cards/{{card_id:uuid}}/block", tags=["tenders"])
async def put_block(request: Asked, card_id: FromPath[UUID], data: JSONBody[Block]) -> Response[GiftCard]:
    """Let a gift card pay no more, or again. An order that holds some of it keeps that."""
    caller = await recognise_caller(request, "tender:write")

    async def effect(tx: Transaction) -> GiftCard:
        return await api.block_card(
            tx, card_id=card_id, blocked=data.blocked, by=caller.actor, reason=data.reason
        )

    return await answer_in_transaction(request, caller, "block", data, effect)


async def _check_member(tx: Transaction, member_id: UUID) -> None:
    if await find_member(tx, member_id=member_id) is None:
        raise NotFound("member.unknown", _("There is no such account."))


@get(f"{API}/members/{{member_id:uuid}}/purse", tags=["tenders"])
async def get_purse(request: Asked, member_id: FromPath[UUID]) -> Purse:
    """What a member has: points, and red packet money in minor units."""
    caller = await recognise_caller(request, "tender:write")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        await _check_member(tx, member_id)
        return await api.load_purse(tx, member_id=member_id, currency=_currency_of(request))


@get(f"{API}/members/{{member_id:uuid}}/purse/entries", tags=["tenders"])
async def get_entries(
    request: Asked,
    member_id: FromPath[UUID],
    kind: FromQuery[Literal["points", "wallet"]] = "points",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[PurseEntry]:
    """How a member's points or red packets came about, the newest first."""
    caller = await recognise_caller(request, "tender:write")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        await _check_member(tx, member_id)
        return await api.list_entries(
            tx,
            kind=kind,
            subject_id=member_id,
            currency=_currency_of(request),
            cursor=cursor,
            limit=limit,
        )


@post(f"{API}/members/{{member_id:uuid}}/purse/adjustments", tags=["tenders"])
async def post_adjustment(
    request: Asked, member_id: FromPath[UUID], data: JSONBody[Adjustment]
) -> Response[Purse]:
    """Give points or red packets to a member, or take them."""
    caller: Caller = await recognise_caller(request, "tender:write")

    async def effect(effect_id: UUID) -> Purse:
        return await api.adjust_balance(
            caller.commerce,
            caller.merchant_id,
            member_id=member_id,
            kind=data.kind,
            units=data.units,
            currency=_currency_of(request),
            reason=data.reason,
            by=caller.actor,
            key=effect_id,
        )

    return await answer_through_lane(request, caller, "adjust", data, effect, status=201)


HANDLERS = [
    get_terms,
    put_terms,
    post_cards,
    get_cards,
    post_lookup,
    get_card,
    put_block,
    get_purse,
    get_entries,
    post_adjustment,
]
