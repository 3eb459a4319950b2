"""What a package size means on the shelf, which the size's text alone does not say.

For loose produce the source gives the box that the store receives (bananas: 40 lb, at a dollar), not what a shopper
takes home; and a trash bag of 13 gallons holds them, while a jug of one gallon contains it.
"""

from fractions import Fraction

from msgspec import Struct, structs

from serai.main.demo.size import Size, find_size
from serai.main.demo.title import UNBRANDED_MANUFACTURER_ID, Category

OUNCES_PER_POUND = 16
# Where packs hold bottles and cans.
BOTTLED_AISLES = frozenset({"drinks", "alcohol", "natural"})
FRESH_AISLES = frozenset({"meat", "seafood", "deli", "bakery"})
# In these a volume is what the thing holds or makes, not what is in it.
HOLDING_AISLES = frozenset({"home", "seasonal", "leisure", "flowers", "snacks", "clothing", "reading"})
HOLDING_CATEGORIES = frozenset({"household/wraps-bags-foil", "drinks/drink-mixes", "pantry/canned-dry-milk"})
VOLUMES = frozenset({"gal", "qt", "pt"})
# A pack of cans is often told by the size of one can. No single one of these costs so much: the number is missing.
POURED_CATEGORIES = frozenset({"drinks/soft-drinks", "drinks/water", "drinks/sports-drinks", "alcohol/beer"})
POURED_MINOR_PER_OUNCE_MOST = 25

# Where an ounce is a fluid ounce.
LIQUID_AISLES = frozenset({"drinks", "alcohol"})
DRY_DRINKS = frozenset({"drinks/coffee", "drinks/tea", "drinks/cocoa-malted-drinks", "drinks/drink-mixes"})
LIQUID_CATEGORIES = frozenset(
    {
        "dairy/milk",
        "household/bleach",
        "household/dishwashing",
        "household/household-cleaners",
        "natural/natural-drinks",
        "natural/natural-juice",
        "natural/natural-water",
        "natural/soy-rice-drinks",
        "pantry/canned-dry-milk",
        "pantry/oil-shortening",
        "frozen/frozen-juice",
        "beauty/hair-care",
        "beauty/bath-body",
    }
)
FLUID_OUNCE_ML = Fraction(29_573_530, 1_000_000)
OUNCE_G = Fraction(28_349_523, 1_000_000)

# Bounds found by looking at all sizes of the fresh aisles with their prices: bags of potatoes start at 25 cents a
# pound, boxes of anything end well below; no shopper's bag but potatoes is heavier than 10 lb.
PRODUCE_MINOR_PER_POUND_LEAST = 25
PRODUCE_POUNDS_MOST = 10
PRODUCE_MINOR_PER_PIECE_LEAST = 15
PRODUCE_PIECES_MOST = 4
FRESH_MINOR_PER_POUND_LEAST = 35
FRESH_POUNDS_LEAST = 5
HEAVY_CATEGORIES = frozenset({"produce/potatoes"})


class Content(Struct, frozen=True):
    """What is in a package, for a unit price: grams (`g`), millilitres (`ml`) or pieces (`pc`), rounded, at least 1."""

    amount: int
    unit: str


def measure_content(size: Size, *, category: Category) -> Content | None:
    """The content in the units that a unit price is told in, None where the size counts nothing comparable."""
    content = Fraction(size.content_milli, 1000)
    liquid = category.code in LIQUID_CATEGORIES or (
        category.aisle in LIQUID_AISLES and category.code not in DRY_DRINKS
    )
    match size.content_unit:
        case "oz" if liquid or size.told_in in (*VOLUMES, "fl oz"):
            exact, unit = content * FLUID_OUNCE_ML, "ml"
        case "oz":
            exact, unit = content * OUNCE_G, "g"
        case "l":
            exact, unit = content * 1000, "ml"
        case "g":
            exact, unit = content, "g"
        case "ct":
            exact, unit = content, "pc"
        case _:
            return None
    return Content(max(1, round(exact)), unit) if exact else None


def fit_size(text: str, *, category: Category, manufacturer_id: int, price_minor: int) -> Size | None:
    """The size that a shopper should read for a product of that category and price; None when it tells nothing."""
    size = find_size(text, bottled=category.aisle in BOTTLED_AISLES) if text else None
    if size is None or is_shipping_box(
        size, category=category, manufacturer_id=manufacturer_id, price_minor=price_minor
    ):
        return None
    holding = category.aisle in HOLDING_AISLES or category.code in HOLDING_CATEGORIES
    poured = category.code in POURED_CATEGORIES and size.content_unit == "oz"
    one_of_many = poured and price_minor * 1000 > POURED_MINOR_PER_OUNCE_MOST * size.content_milli
    if one_of_many or (holding and size.told_in in VOLUMES):
        return structs.replace(size, content_milli=0, content_unit="")
    return size


def is_shipping_box(size: Size, *, category: Category, manufacturer_id: int, price_minor: int) -> bool:
    """Whether the size is the box that a store receives rather than what a shopper takes home."""
    if category.aisle == "produce" and "–" in size.text_en:
        return True
    content = size.content_milli / 1000
    if not content:
        return False
    pounds = content / OUNCES_PER_POUND
    match category.aisle, size.content_unit:
        case "produce", "oz":
            heavy = pounds > PRODUCE_POUNDS_MOST and category.code not in HEAVY_CATEGORIES
            loose = manufacturer_id == UNBRANDED_MANUFACTURER_ID and pounds >= PRODUCE_POUNDS_MOST
            return heavy or loose or price_minor < PRODUCE_MINOR_PER_POUND_LEAST * pounds
        case "produce", "ct":
            loose = manufacturer_id == UNBRANDED_MANUFACTURER_ID and content > PRODUCE_PIECES_MOST
            return loose or price_minor < PRODUCE_MINOR_PER_PIECE_LEAST * content
        case aisle, "oz" if aisle in FRESH_AISLES:
            return pounds >= FRESH_POUNDS_LEAST and price_minor < FRESH_MINOR_PER_POUND_LEAST * pounds
        case _:
            return False
