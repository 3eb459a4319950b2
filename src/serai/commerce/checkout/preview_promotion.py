"""Try a promotion on goods before it goes live: what they cost without it and with it, and why."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from serai.commerce.checkout.choose_delivery import choose_way, list_goods
from serai.commerce.checkout.place_order import price_items, read_goods
from serai.commerce.checkout.price_goods import Shopper, run_program
from serai.commerce.checkout.quote_cart import choose_place
from serai.commerce.checkout.types import Delivery
from serai.commerce.delivery.types import Destination
from serai.commerce.price.types import Buyer
from serai.commerce.promotion.api import check_terms, check_together, compile_rules, list_live_rules
from serai.commerce.promotion.types import HeldCoupon, Reason, Result, Rule, RuleFault, Terms
from serai.commerce.settings import CommerceSettings
from serai.foundation.database import Transaction
from serai.foundation.ids import derive_id, new_id


class Preview(msgspec.Struct, frozen=True):
    """Goods under what is live, and with one more promotion; ``faults`` tell what would keep it from going live."""

    before: Result
    after: Result
    reason: Reason
    faults: tuple[RuleFault, ...]
    titles: dict[str, str]


async def preview_promotion(
    tx: Transaction,
    *,
    settings: CommerceSettings,
    terms: Terms,
    wanted: Mapping[UUID, int],
    promotion_id: UUID | None = None,
    channel: str = "web",
    member_level: str | None = None,
    delivery: Delivery = "ship",
    place_id: UUID | None = None,
) -> Preview:
    """What a promotion would do to these SKUs and quantities, at this moment.

    Counters are taken as full, and a coupon promotion as if the buyer held a coupon. ``promotion_id`` names the
    promotion that it would replace.

    Raises:
        Invalid: ``cart.product_unknown``, ``checkout.field_invalid``. NotFound: ``place.none``.
    """
    place = await choose_place(tx, delivery, place_id)
    _currency, items = await price_items(
        tx, dict(wanted), Buyer(channel, place.place_id if delivery == "pickup" else None, member_level)
    )
    way = await choose_way(
        tx,
        settings=settings,
        delivery=delivery,
        place=place,
        destination=Destination(),
        goods=list_goods(items),
        option=None,
    )
    rule = Rule(promotion_id or new_id(), 0, terms)
    live = [each for each in await list_live_rules(tx) if each.promotion_id != promotion_id]
    faults = check_terms(terms) or check_together(rule, live)
    # A rule without its tiers cannot be tried at all.
    tried = live if faults else [*live, rule]
    results = []
    for rules in (live, tried):
        priced = await run_program(
            tx,
            compile_rules(rules),
            goods=[read_goods(item) for item in items],
            place_id=place.place_id,
            shipping_minor=way.price_minor,
            shopper=Shopper(channel=channel, member_level=member_level, member_id=derive_id("preview")),
            held=(HeldCoupon(derive_id("preview coupon"), rule.promotion_id),) if terms.coupon else (),
            left={},
        )
        results.append(priced.result)
    before, after = results
    unfit = Reason(rule.promotion_id, 0, "", terms.name, terms.translations, "missed", "faults")
    reason = next((r for r in after.reasons if r.promotion_id == rule.promotion_id), unfit)
    return Preview(before, after, reason, faults, {str(item.sku_id): item.title for item in items})
