"""Regular prices from sales lines."""

import numpy as np
from tests.demo.lines import make_lines, make_products

from serai.main.demo.price import PriceOrigin, derive_prices, group_medians


def test_the_regular_price_is_the_median_of_value_and_discounts_per_piece() -> None:
    products = make_products([(1, "GROCERY", "SOUP", "BROTH", "8 OZ")])
    lines = make_lines(
        product=[0, 0, 0],
        quantity=[1, 2, 1],
        sales_minor=[100, 300, 250],
        retail_discount_minor=[50, 20, 0],
        coupon_match_discount_minor=[0, 0, 10],
        coupon_discount_minor=[99, 0, 0],
    )
    prices = derive_prices(products, lines)
    assert prices.minor.tolist() == [160]
    assert prices.origin.tolist() == [PriceOrigin.OBSERVED]


def test_lines_without_quantity_or_value_tell_nothing() -> None:
    products = make_products([(1, "GROCERY", "SOUP", "BROTH", "8 OZ")])
    lines = make_lines(product=[0, 0, 0, -1], quantity=[0, 1, 1, 1], sales_minor=[500, 0, 120, 900])
    assert derive_prices(products, lines).minor.tolist() == [120]


def test_an_unsold_product_takes_the_price_of_its_nearest_relatives() -> None:
    products = make_products(
        [
            (1, "GROCERY", "SOUP", "BROTH", "8 OZ"),
            (2, "GROCERY", "SOUP", "BROTH", "8 OZ"),
            (3, "GROCERY", "SOUP", "BROTH", "32 OZ"),
            (4, "GROCERY", "SOUP", "RAMEN", "3 OZ"),
            (5, "GROCERY", "EGGS", "LARGE", "1 DZ"),
            (6, "FLORAL", "ROSES", "BUNCH", ""),
            (7, "GROCERY", "", "", ""),
        ]
    )
    prices = derive_prices(products, make_lines(product=[0], quantity=[1], sales_minor=[150]))
    assert prices.origin.tolist() == [
        PriceOrigin.OBSERVED,
        PriceOrigin.TYPE_SIZE,
        PriceOrigin.TYPE,
        PriceOrigin.CATEGORY,
        PriceOrigin.DEPARTMENT,
        PriceOrigin.CHAIN,
        PriceOrigin.DEPARTMENT,
    ]
    assert prices.minor.tolist() == [150] * 7


def test_pumped_fuel_is_priced_by_the_gallon() -> None:
    products = make_products([(1, "FUEL", "FUEL", "GASOLINE-REG UNLEADED", "")])
    lines = make_lines(product=[0, 0, 0], quantity=[10_000, 12_000, 5_000], sales_minor=[2400, 2880, 1250])
    assert derive_prices(products, lines).minor.tolist() == [240]


def test_no_price_is_zero() -> None:
    products = make_products([(1, "GROCERY", "SOUP", "BROTH", "8 OZ")])
    assert derive_prices(
        products, make_lines(product=[0], quantity=[90], sales_minor=[1])
    ).minor.tolist() == [1]


def test_medians_of_even_groups_lie_between_and_of_empty_groups_nowhere() -> None:
    medians = group_medians(np.array([0, 0, 2, 2, 2]), np.array([4.0, 1.0, 9.0, 7.0, 8.0]), count=3)
    assert medians[[0, 2]].tolist() == [2.5, 8.0]
    assert np.isnan(medians[1])
