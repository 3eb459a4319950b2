"""Five promotions for the demo merchant, written and published as staff would, and how its points work."""

from uuid import UUID

from serai.commerce.promotion.api import create_promotion, list_promotions, publish_promotion
from serai.commerce.promotion.types import (
    AmountOff,
    NthPiece,
    PiecesPercent,
    Scope,
    Terms,
    Tier,
    UnitPrice,
)
from serai.commerce.settings import CommerceSettings
from serai.commerce.tender.api import load_terms, save_terms
from serai.commerce.tender.types import TenderTerms
from serai.commerce.types import Commerce
from serai.foundation.database import Database
from serai.foundation.ids import MerchantId, derive_id
from serai.ledger.api import Lane

BY = "demo"
SECRET = b"no link is made here"
# A point for each dollar, a hundred of them worth one, for up to half of an order, within two years.
POINTS = TenderTerms(cap_percent=50, earn_points=1, points_days=730)


def list_terms(merchant_id: MerchantId) -> list[Terms]:
    """Spend and save over everything, half price for the second loaf, a tenth off from three packs of the pantry, flowers
    for three who buy together, and a flash price of snacks while it lasts."""

    def aisle(code: str) -> UUID:
        return derive_id("category", merchant_id, code)

    return [
        Terms(
            name="Spend $50, save $5",
            translations={"zh_Hans": "满 50 美元减 5 美元"},
            layer=3,
            benefit=AmountOff((Tier(5_000, 500), Tier(10_000, 1_500))),
        ),
        Terms(
            name="Every second from the bakery at half price",
            translations={"zh_Hans": "烘焙食品第二件半价"},
            layer=2,
            benefit=NthPiece(2, 5_000),
            scope=Scope(category_ids=(aisle("bakery"),)),
        ),
        Terms(
            name="10 % off three or more from the pantry",
            translations={"zh_Hans": "食品柜任选三件九折"},
            layer=2,
            benefit=PiecesPercent((Tier(3, 1_000),)),
            scope=Scope(category_ids=(aisle("pantry"),)),
        ),
        Terms(
            name="Flowers for three",
            translations={"zh_Hans": "鲜花三人团"},
            layer=1,
            benefit=UnitPrice("group", percent_off=3_000, people=3, hours=24),
            scope=Scope(category_ids=(aisle("flowers"),)),
        ),
        Terms(
            name="Snack flash",
            translations={"zh_Hans": "零食秒杀"},
            layer=1,
            benefit=UnitPrice("flash", percent_off=2_000),
            scope=Scope(category_ids=(aisle("snacks"),)),
            quota=500,
            per_order=6,
        ),
    ]


async def promote_demo(db: Database, merchant_id: MerchantId, *, currency: str) -> int:
    """Publish the promotions that are not there yet, and say how points work. Returns how many promotions were."""
    lane = Lane(db)
    lane.start()
    commerce = Commerce(db, lane, {}, CommerceSettings(), SECRET)
    made = 0
    try:
        async with db.transaction(merchant_id, "read") as tx:
            known = {promotion.terms.name for promotion in (await list_promotions(tx)).items}
            has_terms = await load_terms(tx) != TenderTerms()
        if not has_terms:
            async with db.transaction(merchant_id) as tx:
                await save_terms(tx, terms=POINTS, by=BY)
        for terms in list_terms(merchant_id):
            if terms.name in known:
                continue
            async with db.transaction(merchant_id) as tx:
                promotion = await create_promotion(tx, terms=terms, by=BY)
            await publish_promotion(
                commerce,
                merchant_id,
                promotion_id=promotion.promotion_id,
                version=promotion.version,
                currency=currency,
                by=BY,
            )
            made += 1
    finally:
        await lane.stop()
    return made
