"""How addresses are asked for and written, and small rules of the pages that need no shop."""

import pytest

from serai.commerce.catalogue.types import Category
from serai.foundation.ids import new_id
from serai.storefront.checkout import check_form, read_form
from serai.storefront.country import COUNTRIES, choose_country, list_countries, write_address
from serai.storefront.filter import parse_amount, read_filter
from serai.storefront.shelf import arrange_shelves
from serai.storefront.view import safe_next


def test_an_american_address_ends_with_city_state_and_zip() -> None:
    parts = {
        "country": "US",
        "line1": "12 Main Street",
        "city": "Columbus",
        "region": "OH",
        "postcode": "43004",
    }
    assert write_address(parts, "Ada Li", "en") == [
        "Ada Li",
        "12 Main Street",
        "Columbus, OH 43004",
        "United States",
    ]


def test_a_chinese_address_begins_with_the_largest_part() -> None:
    parts = {
        "country": "CN",
        "region": "四川省",
        "city": "成都市",
        "district": "武侯区",
        "line1": "人民南路四段 1 号",
        "postcode": "610041",
    }
    assert write_address(parts, "李雷", "zh_Hans") == [
        "李雷",
        "四川省成都市武侯区",
        "人民南路四段 1 号",
        "610041",
        "中国",
    ]


@pytest.mark.parametrize("code", COUNTRIES)
def test_every_country_has_a_name_and_a_street(code: str) -> None:
    assert "line1" in {part.name for part in COUNTRIES[code].parts}
    for locale in ("en", "zh_Hans"):
        assert dict(list_countries(locale))[code] != code


def test_the_first_country_fits_the_readers_language() -> None:
    assert choose_country(None, "zh_Hans").code == "CN"
    assert choose_country("XX", "en").code == "US"


@pytest.mark.parametrize(
    ("country", "postcode", "fits"),
    [
        ("US", "43004", True),
        ("US", "43004-1234", True),
        ("US", "4300", False),
        ("CN", "610041", True),
        ("CN", "61004a", False),
        ("GB", "SW1A 1AA", True),
        ("GB", "<b>", False),
    ],
)
def test_postal_codes_fit_their_country(country: str, postcode: str, fits: bool) -> None:
    assert COUNTRIES[country].fits_postcode(postcode) is fits


@pytest.mark.parametrize("phone", ["abc", "12", "+1 555 <b>", "٥٥٥٥٥٥"])
def test_what_is_no_phone_number_is_told(phone: str) -> None:
    form = read_form({"delivery": "pickup", "email": "a@b.co", "name": "A", "phone": phone}, "en")
    check_form(form, "en")
    assert "phone" in form.errors


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("1", 100),
        ("1.5", 150),
        ("1,50", 150),
        (".5", 50),
        ("1.999", 199),
        ("abc", None),
        ("-1", None),
        ("", None),
    ],
)
def test_an_amount_as_typed(text: str, minor: int | None) -> None:
    assert parse_amount(text, "USD") == minor


def test_a_filter_writes_itself_into_addresses() -> None:
    asked = {"q": "ice cream", "min": "1", "max": "x", "brand": "A&B", "sort": "price", "cursor": "c1"}
    found = read_filter(asked.items(), action="/search", currency="USD", locale="en")
    assert found.first_url == "/search?q=ice+cream&brand=A%26B&min=1&sort=price"
    assert found.clear_url == "/search?q=ice+cream&sort=price"
    assert "“x”" in found.problem


def test_a_department_counts_what_is_inside_it_and_hidden_ones_stay_hidden() -> None:
    def category(
        name: str, count: int, parent: Category | None = None, *, published: bool = True
    ) -> Category:
        parent_id = parent.category_id if parent else None
        return Category(new_id(), parent_id, name, name, {}, None, 0, published, count)

    food = category("food", 1)
    hidden = category("fuel", 9, published=False)
    jam, diesel = category("jam", 4, food), category("diesel", 7, hidden)
    shelves = arrange_shelves([food, hidden, category("empty", 0), jam, diesel])
    assert [(d.slug, d.product_count) for d in shelves.departments] == [("food", 5)]
    assert shelves.find(slug="diesel") is None
    assert [c.slug for c in shelves.trace(jam)] == ["food", "jam"]


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("/cart", "/cart"),
        ("/search?q=a&b=c", "/search?q=a&b=c"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\nSet-Cookie: x", "/"),
        (None, "/"),
        ("/" + "a" * 3000, "/"),
    ],
)
def test_only_own_paths_are_safe(address: str | None, safe: str) -> None:
    assert safe_next(address) == safe
