"""What a size means on the shelf."""

from serai.main.demo.shelf import Content, fit_size, measure_content
from serai.main.demo.size import find_size
from serai.main.demo.title import read_names

CATEGORIES = read_names().categories


def test_the_box_that_a_store_receives_is_not_shown_as_a_size() -> None:
    bananas = CATEGORIES["produce/bananas-tropical-fruit"]
    assert fit_size("40 LB", category=bananas, manufacturer_id=2, price_minor=101) is None
    corn = CATEGORIES["produce/corn"]
    assert fit_size("48 CT", category=corn, manufacturer_id=2, price_minor=40) is None


def test_a_bag_of_potatoes_keeps_its_size() -> None:
    size = fit_size("10 LB", category=CATEGORIES["produce/potatoes"], manufacturer_id=69, price_minor=399)
    assert size is not None
    assert size.text_en == "10 lb"


def test_what_a_bag_holds_is_not_its_content() -> None:
    bag = fit_size(
        "13 GAL", category=CATEGORIES["household/wraps-bags-foil"], manufacturer_id=69, price_minor=299
    )
    assert bag is not None
    assert (bag.text_en, bag.content_milli) == ("13 gal", 0)


def test_the_size_of_one_can_is_not_the_content_of_a_pack_of_unknown_number() -> None:
    soft_drinks = CATEGORIES["drinks/soft-drinks"]
    pack = fit_size("12 OZ", category=soft_drinks, manufacturer_id=1208, price_minor=469)
    can = fit_size("12 OZ", category=soft_drinks, manufacturer_id=1208, price_minor=50)
    assert pack is not None
    assert can is not None
    assert (pack.content_milli, can.content_milli) == (0, 12_000)


def test_ounces_weigh_or_measure_by_what_is_in_the_package() -> None:
    size = find_size("16 OZ")
    assert size is not None
    assert measure_content(size, category=CATEGORIES["dairy/milk"]) == Content(473, "ml")
    assert measure_content(size, category=CATEGORIES["dairy/cheese"]) == Content(454, "g")


def test_a_size_that_counts_nothing_has_no_content() -> None:
    size = find_size("18 IN")
    assert size is not None
    assert measure_content(size, category=CATEGORIES["flowers/balloons"]) is None
