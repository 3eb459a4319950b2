"""Package sizes as tills print them."""

import pytest

from serai.main.demo.size import find_size


@pytest.mark.parametrize(
    ("text", "shown", "milli", "unit"),
    [
        ("22 LB", "22 lb", 352_000, "oz"),
        ("16 OZ", "16 oz", 16_000, "oz"),
        (".5 OZ", "1/2 oz", 500, "oz"),
        ("1 1/8 OZ", "1.125 oz", 1_125, "oz"),
        ("7-3/4 OZ", "7.75 oz", 7_750, "oz"),
        ("12 PK/12 OZ", "12 pk × 12 oz", 144_000, "oz"),
        ("12 OZ/12 PK", "12 pk × 12 oz", 144_000, "oz"),
        ("24-12 OZ", "24 pk × 12 oz", 288_000, "oz"),
        ("10/6.75 OZ", "10 pk × 6.75 oz", 67_500, "oz"),
        ("4/187 ML", "4 pk × 187 ml", 748, "l"),
        ("1/2 GAL", "1/2 gal", 64_000, "oz"),
        ("HALF GAL", "1/2 gal", 64_000, "oz"),
        ("PT", "1 pt", 16_000, "oz"),
        ("2 L*", "2 l", 2_000, "l"),
        ("750 ML.", "750 ml", 750, "l"),
        ("1 DZ", "1 dozen", 12_000, "ct"),
        ("2 LB 3 OZ", "2 lb 3 oz", 35_000, "oz"),
        ("6 CT/15 OZ", "6 ct, 15 oz", 15_000, "oz"),
        ("24 CT/13 GAL", "24 ct, 13 gal", 24_000, "ct"),
        ("32 LOAD", "32 loads", 32_000, "load"),
        ("1 ROLL", "1 roll", 1_000, "ct"),
        ("3-LB BAG", "3 lb", 48_000, "oz"),
    ],
)
def test_a_size_is_shown_and_counted(text: str, shown: str, milli: int, unit: str) -> None:
    size = find_size(text)
    assert size is not None
    assert (size.text_en, size.content_milli, size.content_unit) == (shown, milli, unit)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("P    16 OZ", "16 oz"),
        ("AB D  8 OZ", "8 oz"),
        ("EX   64 OZ", "64 oz"),
        ("523993 CTN", "1 carton"),
        ("971820  PK", "1 pack"),
        ("123471 8 OZ", "8 oz"),
        ("7 OZ 57264", "7 oz"),
        ("22 CT344218", "22 ct"),
        ("20 OZ BTL", "20 oz"),
    ],
)
def test_item_codes_flags_and_packing_words_are_dropped(text: str, shown: str) -> None:
    size = find_size(text)
    assert size is not None
    assert size.text_en == shown


@pytest.mark.parametrize(
    ("text", "shown"), [("14-18 CT", "14–18 ct"), ("12 X12 IN/EA", "12 × 12 in"), ("X-LARGE", "extra large")]
)
def test_ranges_dimensions_and_words_are_shown_but_not_counted(text: str, shown: str) -> None:
    size = find_size(text)
    assert size is not None
    assert (size.text_en, size.content_milli, size.content_unit) == (shown, 0, "")


@pytest.mark.parametrize(
    "text", ["HELLO KITT", "SWAMP THIN", "SIZE 4", "0 OZ", "2416.9 OZ", "110452.5 OZ", "700/12 OZ", "PKG", ""]
)
def test_what_cannot_be_read_or_cannot_be_is_no_size(text: str) -> None:
    assert find_size(text) is None


def test_a_quotient_that_is_no_kitchen_fraction_is_a_multipack() -> None:
    three_quarters, packs = find_size("3/4 OZ"), find_size("4/8 OZ")
    assert three_quarters is not None
    assert packs is not None
    assert (three_quarters.content_milli, packs.content_milli) == (750, 32_000)


def test_a_heavy_multipack_is_told_by_its_weight_unless_it_holds_bottles() -> None:
    yogurt, bottles = find_size("8 PK/24.8 OZ"), find_size("8 PK/24 OZ", bottled=True)
    assert yogurt is not None
    assert bottles is not None
    assert (yogurt.text_en, yogurt.content_milli) == ("8 pk, 24.8 oz", 24_800)
    assert (bottles.text_en, bottles.content_milli) == ("8 pk × 24 oz", 192_000)


def test_sizes_have_chinese_texts() -> None:
    size = find_size("12 PK/12 OZ")
    assert size is not None
    assert size.text_zh == "12 包 × 12 盎司"
