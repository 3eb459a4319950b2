"""Reads package sizes as the tills print them (`12 PK/12 OZ`, `P    16 OZ`) into something to show and count.

A size gives a text for the title and, where it can be counted, the content for a unit price. Item codes and flags that
tills put before or after a size are dropped; what cannot be read gives None rather than a guess.
"""

import re
from fractions import Fraction
from functools import cache
from math import gcd
from types import MappingProxyType

from msgspec import Struct


class Size(Struct, frozen=True):
    """A package size.

    `text_en` and `text_zh` are for people. `content_milli` is the content in thousandths of `content_unit`: `oz`
    (weight or fluid, the source does not tell them apart; pounds, pints, quarts and gallons are turned into it), `l`,
    `g`, `ct`, `load`, `use`, `sq ft` or `ft`; 0 and `""` for a size that counts nothing, such as a diameter.
    `told_in` is the unit that the content was told in (`gal`).
    """

    text_en: str
    text_zh: str
    content_milli: int = 0
    content_unit: str = ""
    told_in: str = ""


class Unit(Struct, frozen=True):
    """A unit of the till: how it is written, and how much of which countable unit one of it is."""

    en: str
    zh: str
    base: str = ""
    factor: Fraction = Fraction(1)


OZ, LB = Unit("oz", "盎司", "oz"), Unit("lb", "磅", "oz", Fraction(16))
COUNT, PACK = Unit("ct", "件", "ct"), Unit("pk", "包", "ct")
LITRE = Unit("l", "升", "l")
PIECE, ROLL = Unit("pieces", "件", "ct"), Unit("rolls", "卷", "ct")
LOAD = Unit("loads", "次用量", "load")
INCH, FOOT, YARD = Unit("in", "英寸"), Unit("ft", "英尺", "ft"), Unit("yd", "码", "ft", Fraction(3))

UNITS = MappingProxyType(
    {
        **dict.fromkeys(("OZ", "OZS", "Z"), OZ),
        "FL OZ": Unit("fl oz", "液盎司", "oz"),
        **dict.fromkeys(("LB", "LBS"), LB),
        **dict.fromkeys(("GAL", "GA", "GALON"), Unit("gal", "加仑", "oz", Fraction(128))),
        "QT": Unit("qt", "夸脱", "oz", Fraction(32)),
        "PT": Unit("pt", "品脱", "oz", Fraction(16)),
        **dict.fromkeys(("L", "LT", "LL", "LRT", "LTR"), LITRE),
        **dict.fromkeys(("ML", "MLL"), Unit("ml", "毫升", "l", Fraction(1, 1000))),
        **dict.fromkeys(("G", "GM", "GR"), Unit("g", "克", "g")),
        "KG": Unit("kg", "千克", "g", Fraction(1000)),
        "MG": Unit("mg", "毫克"),
        "CT": COUNT,
        **dict.fromkeys(("PK", "PKS", "PKGS", "PCK", "P"), PACK),
        **dict.fromkeys(("PC", "PCS"), PIECE),
        **dict.fromkeys(("ROLL", "ROLLS"), ROLL),
        **dict.fromkeys(("STEM", "STEMS"), Unit("stems", "枝", "ct")),
        **dict.fromkeys(("SHEET", "SHEETS"), Unit("sheets", "张", "ct")),
        "PADS": Unit("pads", "片", "ct"),
        "STRIPS": Unit("strips", "条", "ct"),
        "BAGS": Unit("bags", "袋", "ct"),
        "SLICE": Unit("slices", "片", "ct"),
        **dict.fromkeys(("DZ", "DOZ", "DZN"), Unit("dozen", "打", "ct", Fraction(12))),
        **dict.fromkeys(("LOAD", "LOADS", "LD", "LDS"), LOAD),
        **dict.fromkeys(("USE", "USES"), Unit("uses", "次", "use")),
        "SQ FT": Unit("sq ft", "平方英尺", "sq ft"),
        **dict.fromkeys(("IN", "INES"), INCH),
        **dict.fromkeys(("FT", "FOOT"), FOOT),
        **dict.fromkeys(("YD", "YDS"), YARD),
        "CM": Unit("cm", "厘米"),
        "MM": Unit("mm", "毫米"),
        "CU FT": Unit("cu ft", "立方英尺"),
        "CU IN": Unit("cu in", "立方英寸"),
        **dict.fromkeys(("CUP", "CUPS", "CP"), Unit("cups", "杯")),
        "DIOPT": Unit("diopter", "度"),
        "KIT": Unit("kits", "套", "ct"),
    }
)
# Written without a number they mean one: a pint of ice cream, a carton of cigarettes.
ALONE = MappingProxyType(
    {
        **{word: UNITS[word] for word in ("PT", "QT", "GAL", "L", "LB", "DZ", "DOZ", "KIT")},
        "CTN": Unit("carton", "条", "ct"),
        "PK": Unit("pack", "包", "ct"),
    }
)
WORDS = MappingProxyType(
    {
        **dict.fromkeys(("SMALL", "SM"), ("small", "小号")),
        **dict.fromkeys(("MED", "MED.", "MEDIUM"), ("medium", "中号")),
        **dict.fromkeys(("LARGE", "LRG"), ("large", "大号")),
        **dict.fromkeys(("X-LARGE", "XL", "XLG", "X-LG", "XLRG"), ("extra large", "特大号")),
        **dict.fromkeys(("LG/XLG", "LRG/XLRG"), ("large to extra large", "大号至特大号")),
        "MINI": ("mini", "迷你"),
        "TALL": ("tall", "加高"),
        "TWIN": ("twin", "单人床"),
        "QUEEN": ("queen", "大号床"),
        "KING": ("king", "特大号床"),
        "REGULAR": ("regular", "标准"),
        "INFANT": ("infant", "婴儿"),
        "CHILD": ("child", "儿童"),
        "1 PAIR": ("1 pair", "1 双"),
        "ONESIZE": ("one size", "均码"),
        "CELL PK": ("cell pack", "穴盘"),
        "TWIN PK": ("twin pack", "双包装"),
    }
)

NUMBER = r"(?:\d+[ -]\d+/\d+(?![\d.])|\d+/\d+(?![\d.])|\d*\.?\d+)"
UNIT = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
MEASURE = re.compile(rf"({NUMBER}) ?({UNIT})(?![A-Z])")
ONE = re.compile(rf"^{MEASURE.pattern}$")
PAIR = re.compile(rf"^{MEASURE.pattern}(?: ?[/-] ?| ){MEASURE.pattern}$")
# `24/12 OZ`, `6-4 OZ`, `2 X 9 OZ`: so many of that size. A count or a length with a dash is a range instead.
TIMES = re.compile(rf"^(\d+) ?(?:/| ?- ?) ?({NUMBER}) ?({UNIT})$")
RANGE = re.compile(r"^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?) ?(CT|IN|LB|STEM)$")
SIDE = re.compile(rf"({NUMBER}) ?(IN|FT|YDS?)?")
SIDES = re.compile(rf"^{SIDE.pattern}(?: ?X ?{SIDE.pattern}){{1,2}}$")
FLAGS = re.compile(r"^(?:(?:ABD|AB|ALL|EACH|EX|CR|D/|[ABDLNPRT])\b ?(?:D )?(?:\d{3} )?|P(?=\d))(?=[\d.])")
CODE = re.compile(r"^\d{5,6} ?(?=(?:\d+ )?(?:PK|CTN|CT|OZ|LB|PC|IN|PT)$)|^\d{5,6} (?=\d+ [A-Z]+$)")
TAIL = re.compile(
    r"(?:\(\d*\)?|(?<=[A-Z]) ?\d{3,6}|\*|\.| ?(?:BTLS?|CANS?|NR|LN|PET|BAG|BOX|JAR|TUBE|TRAY|POUCH|BOWL|POLY|CUBE|"
    r"PLST|PLSTC|LOOSE|AEROS?|AER|PCH|SINGAL|ASST|AST|AV|POT|FM|CN|SS|JUMBO|EACH|SET|/EACH|/EA|/SET|/ASST))+$"
)
# A multipack holds so many at most; a larger first number is an item code or a weight in odd order.
MULTIPACK_MOST = 60
# Past these a till's text is a slip of a finger, such as `2416.9 OZ` for `24/16.9 OZ`.
NUMBER_MOST, OUNCES_MOST = 5000, 1000
# `8 PK/24.8 OZ` of yogurt is the weight of all eight, while eight bottles of 24 oz are just that.
PACKED_PIECE_OUNCES_MOST = 13
DENOMINATORS = frozenset({2, 3, 4, 8, 16})


@cache
def find_size(text: str, *, bottled: bool = False) -> Size | None:
    """The size that the till's text means, or None when it cannot be read or cannot be.

    `bottled`: packs hold bottles or cans, so that a large size is the size of each.
    """
    plain = clean_text(text)
    if plain in WORDS:
        en, zh = WORDS[plain]
        return Size(en, zh)
    if SIDES.match(plain):
        return find_dimensions(plain)
    if found := RANGE.match(plain):
        unit = UNITS[found[3]]
        if Fraction(found[1]) < Fraction(found[2]):
            return Size(f"{found[1]}–{found[2]} {unit.en}", f"{found[1]}–{found[2]} {unit.zh}")
    measures = find_measures(plain)
    if measures is None or not all(is_possible(number, unit) for number, unit in measures):
        return None
    return express(measures, bottled=bottled)


def find_measures(plain: str) -> list[tuple[Fraction, Unit]] | None:
    """The one or two measures in a cleaned text, or None."""
    if plain in ALONE:
        return [(Fraction(1), ALONE[plain])]
    if (found := ONE.match(plain)) and is_kitchen_number(found[1]):
        return [(read_number(found[1]), UNITS[found[2]])]
    if found := TIMES.match(plain):
        count = int(found[1])
        measure = (read_number(found[2]), UNITS[found[3]])
        return [(Fraction(count), PACK), measure] if 1 < count <= MULTIPACK_MOST else None
    if found := PAIR.match(plain):
        return [(read_number(found[1]), UNITS[found[2]]), (read_number(found[3]), UNITS[found[4]])]
    return None


def is_possible(number: Fraction, unit: Unit) -> bool:
    """Whether a package can hold so much."""
    return 0 < number <= (OUNCES_MOST if unit is OZ else NUMBER_MOST)


def find_dimensions(plain: str) -> Size | None:
    """`12 X12 IN` or `12 IN X 5 FT`; None when the last side has no unit."""
    sides = [(write_number(read_number(number)), unit) for number, unit in SIDE.findall(plain)]
    if not sides[-1][1]:
        return None
    en = " × ".join(f"{number} {UNITS[unit].en}" if unit else number for number, unit in sides)
    zh = " × ".join(f"{number} {UNITS[unit].zh}" if unit else number for number, unit in sides)
    return Size(en, zh)


def clean_text(text: str) -> str:
    """The text without flags, item codes and packing words, single spaced."""
    plain = " ".join(text.upper().replace("_", " ").split())
    plain = plain.replace("HALF GAL", "1/2 GAL").replace("HLF GAL", "1/2 GAL").replace("-LB", " LB")
    plain = re.sub(r"\b(?:S FT|SFT)\b", "SQ FT", plain)
    plain = re.sub(r"(?<=\d)(?=(?:OZ|CT|IN|LB|PK)\b)", " ", plain)
    plain = CODE.sub("", plain)
    plain = FLAGS.sub("", plain)
    shorter = TAIL.sub("", plain).strip()
    return shorter or plain


def express(measures: list[tuple[Fraction, Unit]], *, bottled: bool) -> Size:
    """One measure, or two: packs of a size (`6 pk × 12 oz`), or the same content told twice (`6 ct, 15 oz`)."""
    measures = sorted(measures, key=lambda measure: measure[1] is not PACK)
    texts_en = [f"{write_number(number, unit)} {number_unit(number, unit)}" for number, unit in measures]
    texts_zh = [f"{write_number(number, unit)} {unit.zh}" for number, unit in measures]
    packs = measures[0][0] if len(measures) > 1 and measures[0][1] is PACK else Fraction(1)
    # Bags are told by number and what they hold (`24 ct, 13 gal`): the number is what one buys.
    bags = len(measures) > 1 and measures[0][1] is COUNT and measures[-1][1] in (UNITS["GAL"], UNITS["QT"])
    number, unit = (
        measures[0] if bags else next((m for m in measures if m[1].base not in ("", "ct")), measures[-1])
    )
    together = (
        packs >= 4 and not bottled and unit.base == "oz" and number * unit.factor > PACKED_PIECE_OUNCES_MOST
    )
    joint = " × " if packs > 1 and not together else ", "
    content = number * unit.factor * (1 if together else packs)
    if [unit for _, unit in measures] == [LB, OZ]:
        content, joint = sum((number * unit.factor for number, unit in measures), Fraction(0)), " "
    return Size(
        text_en=joint.join(texts_en),
        text_zh=joint.replace(", ", "，").join(texts_zh),
        content_milli=round(content * 1000) if unit.base else 0,
        content_unit=unit.base,
        told_in=unit.en if unit.base else "",
    )


def number_unit(number: Fraction, unit: Unit) -> str:
    """The unit's word for that number: one roll, two rolls."""
    return unit.en.removesuffix("s") if number == 1 and len(unit.en) > 2 else unit.en


def read_number(text: str) -> Fraction:
    """`1 1/8`, `1-1/8`, `3/4`, `.5` or `12`."""
    whole, _, rest = text.replace("-", " ").rpartition(" ")
    return (Fraction(whole) if whole else Fraction(0)) + Fraction(rest)


def is_kitchen_number(text: str) -> bool:
    """Whether a quotient is a fraction, as `3/4` is three quarters, and `4/8` four packs of eight."""
    if "/" not in text or " " in text or "-" in text:
        return True
    top, bottom = map(int, text.split("/"))
    return bottom in DENOMINATORS and top < bottom and gcd(top, bottom) == 1


def write_number(number: Fraction, unit: Unit = OZ) -> str:
    """The number for people: `3/4 oz`, but `2.75 oz` and `0.5 l`, as packages have it."""
    if number < 1 and number.denominator in DENOMINATORS and unit is not LITRE:
        return f"{number.numerator}/{number.denominator}"
    return f"{float(number):.4f}".rstrip("0").rstrip(".")
