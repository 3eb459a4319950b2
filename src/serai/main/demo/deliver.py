"""Delivery options for the demo merchant, as staff would write them: standard and express at home, by weight to the world."""

from serai.commerce.delivery.api import add_option, list_rows, save_calendar
from serai.commerce.delivery.types import Calendar, OptionTerms, Price, PriceStep, Zone
from serai.foundation.database import Database
from serai.foundation.ids import MerchantId

BY = "demo"
CALENDAR = Calendar(time_zone="America/New_York", cutoff_minute=14 * 60, country="US")
OPTIONS = {
    "standard": OptionTerms(
        title="Standard",
        translations={"zh_Hans": "标准快递", "zh_Hant": "標準快遞"},
        carrier="UPS Ground",
        zone=Zone(("US",)),
        price=Price(
            steps=(PriceStep(0, 599),),
            free_from_minor=3_500,
            remote_minor=1_500,
            remote_regions=("AK", "HI", "PR"),
        ),
        transit_low=2,
        transit_high=4,
    ),
    "express": OptionTerms(
        title="Express",
        translations={"zh_Hans": "次日达", "zh_Hant": "次日達"},
        carrier="UPS Next Day Air",
        zone=Zone(("US",), without_regions=("AK", "HI", "PR")),
        price=Price("weight", (PriceStep(0, 1_290), PriceStep(5_000, 1_990)), per_kg_minor=150),
        most_grams=30_000,
        handling_days=0,
        transit_low=1,
        transit_high=1,
        transit_weekdays=(0, 1, 2, 3, 4, 5),
    ),
    "international": OptionTerms(
        title="International",
        translations={"zh_Hans": "国际快递", "zh_Hant": "國際快遞"},
        carrier="DHL",
        zone=Zone(("CA", "CN", "GB", "DE", "FR", "AU", "JP", "SG")),
        price=Price("weight", (PriceStep(0, 1_990), PriceStep(1_000, 2_990)), per_kg_minor=900),
        most_grams=20_000,
        handling_days=2,
        transit_low=5,
        transit_high=9,
    ),
}


async def offer_delivery(db: Database, merchant_id: MerchantId) -> int:
    """Write the options of a merchant that has none. Returns how many were written."""
    async with db.transaction(merchant_id) as tx:
        if await list_rows(tx):
            return 0
        await save_calendar(tx, calendar=CALENDAR, by=BY)
        for code, terms in OPTIONS.items():
            await add_option(tx, code=code, terms=terms, by=BY)
    return len(OPTIONS)
