"""Names made from the source's shorthand."""

import re

import pytest

from serai.main.demo.size import find_size
from serai.main.demo.title import (
    Name,
    file_product,
    make_slug,
    make_title,
    name_brand,
    name_product,
    read_names,
    read_rows,
)

BOOK = read_names()


def test_the_title_tells_type_and_size() -> None:
    name = name_product(BOOK, department="GROCERY", category="FRZN ICE", product_type="ICE - CRUSHED/CUBED")
    assert make_title(name, find_size("22 LB")).en == "Ice, crushed or cubed, 22 lb"


def test_a_type_with_two_meanings_is_named_by_its_category() -> None:
    ice = name_product(BOOK, department="GROCERY", category="ICE CREAM/MILK/SHERBTS", product_type="PREMIUM")
    bacon = name_product(BOOK, department="MEAT-PCKGD", category="BACON", product_type="PREMIUM")
    assert (ice.en, bacon.en) == ("Ice cream, premium", "Bacon, premium")


def test_a_product_without_a_type_is_called_after_its_category() -> None:
    name = name_product(BOOK, department="DRUG GM", category="HOSIERY/SOCKS", product_type="")
    assert (name.en, name.zh) == ("Socks & hosiery", "袜品")


def test_a_product_filed_astray_goes_where_its_type_belongs() -> None:
    lipstick = file_product(
        BOOK, department="GROCERY", category="CONDIMENTS/SAUCES", product_type="COVERGIRL"
    )
    assert lipstick.code == "beauty/makeup-treatment"


def test_a_type_with_two_meanings_stays_where_the_source_filed_it() -> None:
    cones = file_product(BOOK, department="GROCERY", category="COOKIES/CONES", product_type="CONES")
    frozen = file_product(BOOK, department="GROCERY", category="FRZN NOVELTIES/WTR ICE", product_type="CONES")
    assert (cones.aisle, frozen.aisle) == ("snacks", "frozen")


def test_an_unknown_category_is_told() -> None:
    with pytest.raises(KeyError):
        file_product(BOOK, department="GROCERY", category="NEVER SEEN", product_type="")


def test_no_brand_name_is_invented() -> None:
    assert name_brand("Private", 69) == Name("Own brand", "自有品牌")
    assert name_brand("National", 1208) == Name("National brand 1208", "全国品牌 1208")
    assert name_brand("National", 2) == Name("Unbranded", "无品牌")


def test_every_name_is_written_in_both_languages_and_not_in_shorthand() -> None:
    for table in ("aisle", "category", "department", "type", "type_in_category"):
        for row in read_rows(table):
            assert row["en"].strip()
            assert any("\u4e00" <= letter <= "\u9fff" for letter in row["zh"]) or row["zh"].startswith(
                "DVD"
            ), row
            shouted = [
                word for word in re.findall(r"[A-Za-z]+", row["en"]) if word.isupper() and len(word) > 3
            ]
            assert not shouted, row


def test_slugs_are_plain() -> None:
    assert make_slug("Bread, buns & bagels") == "bread-buns-bagels"
    assert make_slug("Valentine’s Day") == "valentines-day"


def test_two_categories_of_one_aisle_never_share_a_code() -> None:
    for code, category in BOOK.categories.items():
        assert code == category.code
        assert code.startswith(f"{category.aisle}/")
    assert set(BOOK.filed.values()) == set(BOOK.categories)
