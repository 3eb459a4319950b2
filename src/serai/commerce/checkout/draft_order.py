"""A whole order in one go: priced at today's prices and promotions, ready to be placed."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from serai.commerce.checkout.adjust_order import Item, add_extras
from serai.commerce.checkout.choose_delivery import (
    Way,
    choose_way,
    keep_choice,
    list_goods,
    read_destination,
    refuse_way,
)
from serai.commerce.checkout.enter_coupon import MAX_COUPONS
from serai.commerce.checkout.place_order import Draft, price_items, read_goods
from serai.commerce.checkout.price_goods import Priced, Shopper, price_goods
from serai.commerce.checkout.quote_cart import choose_place
from serai.commerce.checkout.quote_presale import refuse_alone
from serai.commerce.checkout.types import Delivery
from serai.commerce.order.types import Address, Contact
from serai.commerce.place.types import Place
from serai.commerce.price.types import Buyer
from serai.commerce.promotion.api import find_coupon_by_code
from serai.commerce.settings import CommerceSettings
from serai.commerce.tax.api import TaxPlace, tax_goods
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.trace import traced
from serai.identity.member.api import Member, find_member


@traced("quote")
async def draft_order(
    tx: Transaction,
    *,
    settings: CommerceSettings,
    order_id: UUID,
    wanted: Mapping[UUID, int],
    contact: Contact,
    address: Address | None,
    delivery: Delivery,
    place_id: UUID | None,
    locale: str,
    note: str = "",
    channel: str = "api",
    coupon_codes: Sequence[str] = (),
    add_ons: Mapping[UUID, int] | None = None,
    delivery_option: str | None = None,
    member_id: UUID | None = None,
) -> Draft:
    """An order of these SKUs and quantities, sent by the option of that code, else by the cheapest. Contact and address are
    taken as checked. ``member_id`` is whose order it is.

    Raises:
        NotFound: ``member.unknown``.
        Invalid: ``cart.product_unknown``, ``checkout.field_invalid``, ``coupon.too_many``,
            ``delivery.option_unavailable``.
        NotFound: ``coupon.unknown``.
        Conflict: ``delivery.unserved``; ``presale.by_cart`` for goods on presale; ``coupon.ended``;
            ``coupon.not_applied`` when a coupon does nothing for this order: whoever sends one counts on it.
    """
    place = await choose_place(tx, delivery, place_id)
    await refuse_alone(tx, list(wanted))
    level = await load_level(tx, member_id)
    buyer = Buyer(channel, place.place_id if delivery == "pickup" else None, level)
    currency, items = await price_items(tx, dict(wanted), buyer)
    way = await _choose_way(tx, settings, delivery, place, address, items, delivery_option)
    shopper = Shopper(
        channel=channel,
        member_id=member_id,
        member_level=level,
        coupon_ids=await _find_coupons(tx, coupon_codes, member_id),
        add_ons=dict(add_ons or {}),
    )
    priced = await _price(tx, items, currency, place, way, shopper)
    draft = Draft(
        order_id=order_id,
        cart_id=None,
        channel=channel,
        items=items,
        currency=currency,
        shipping_minor=way.price_minor,
        shipping=keep_choice(way.chosen),
        contact=contact,
        address=address,
        delivery=delivery,
        place_id=place.place_id,
        member_id=member_id,
        locale=locale,
        note=note,
    )
    return await tax_draft(tx, draft if priced is None else _adjust(draft, priced))


async def _price(
    tx: Transaction, items: Sequence[Item], currency: str, place: Place, way: Way, shopper: Shopper
) -> Priced | None:
    priced = await price_goods(
        tx,
        goods=[read_goods(item) for item in items],
        currency=currency,
        place_id=place.place_id,
        shipping_minor=way.price_minor,
        shopper=shopper,
    )
    _check_coupons(shopper.coupon_ids, priced)
    return priced


async def load_level(tx: Transaction, member_id: UUID | None) -> str | None:
    """The level of a member, None without one. NotFound ``member.unknown``."""
    if member_id is None:
        return None

    async def load(missing: list[UUID]) -> dict[UUID, tuple[Member, tuple[UUID]]]:
        found = [(each, await find_member(tx, member_id=each)) for each in missing]
        return {each: (member, (each,)) for each, member in found if member}

    member = (await tx.keep("member", [member_id], load)).get(member_id)
    if member is None:
        raise NotFound("member.unknown", _("There is no such account."), field="member_id")
    return member.level or None


async def _choose_way(
    tx: Transaction,
    settings: CommerceSettings,
    delivery: Delivery,
    place: Place,
    address: Address | None,
    items: Sequence[Item],
    option: str | None,
) -> Way:
    taxed_at = TaxPlace(address.country, address.region) if address else None
    way = await choose_way(
        tx,
        settings=settings,
        delivery=delivery,
        place=place,
        destination=read_destination(taxed_at, address.postcode if address else ""),
        goods=list_goods(items),
        option=option,
    )
    refuse_way(way.chosen, wanted=option)
    return way


async def tax_draft(tx: Transaction, draft: Draft) -> Draft:
    """The draft with what its lines bear where it goes."""
    address = draft.address
    taxes = await tax_goods(
        tx,
        goods=[(item.sku_id, item.total_minor - item.discount_minor) for item in draft.items],
        shipping_minor=draft.shipping_minor,
        place=TaxPlace(address.country, address.region) if address else None,
    )
    return msgspec.structs.replace(draft, taxes=taxes)


def _adjust(draft: Draft, priced: Priced) -> Draft:
    """The draft with what promotions take off it and add to it."""
    discounts = {line.line_key: line.discount_minor for line in priced.result.lines}
    lines, adjustments = add_extras(
        [msgspec.structs.replace(item, discount_minor=discounts[str(item.sku_id)]) for item in draft.items],
        [str(item.sku_id) for item in draft.items],
        priced.result,
        {sku_id: item.title for sku_id, item in priced.items.items()},
        priced.parts,
    )
    return msgspec.structs.replace(
        draft, items=lines, shipping_minor=priced.result.shipping_minor, adjustments=adjustments
    )


async def _find_coupons(tx: Transaction, codes: Sequence[str], member_id: UUID | None) -> tuple[UUID, ...]:
    if len(codes) > MAX_COUPONS:
        raise Invalid(
            "coupon.too_many", _("At most %(most)s coupons at a time."), field="code", most=MAX_COUPONS
        )
    return tuple(
        [(await find_coupon_by_code(tx, code=code, member_id=member_id)).coupon_id for code in codes]
    )


def _check_coupons(coupon_ids: Sequence[UUID], priced: Priced | None) -> None:
    """Conflict ``coupon.not_applied`` with the codes of the reasons, unless every coupon is used."""
    used = {each.coupon_id for each in priced.result.adjustments} if priced else set()
    unused = [coupon_id for coupon_id in coupon_ids if coupon_id not in used]
    if unused:
        why = [r.code for r in priced.result.reasons if r.kind.startswith("coupon")] if priced else []
        raise Conflict(
            "coupon.not_applied", _("A coupon does not apply to this order."), field="coupon_codes", why=why
        )
