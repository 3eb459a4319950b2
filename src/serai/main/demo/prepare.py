"""Everything the demo merchant needs, in columns, from the published data set in a few seconds."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from serai.main.demo.basket import BasketTable, arrange_baskets
from serai.main.demo.member import MemberTable, list_members
from serai.main.demo.place import PlaceTable, rank_places
from serai.main.demo.price import PriceTable, count_pieces, derive_prices
from serai.main.demo.shelf import Content, fit_size, measure_content
from serai.main.demo.size import Size
from serai.main.demo.source import (
    Ints,
    LineSource,
    ProductSource,
    locate_data,
    read_demographics,
    read_lines,
    read_products,
)
from serai.main.demo.stock import StockTable, derive_stock
from serai.main.demo.title import (
    PRIVATE_BRAND,
    Aisle,
    Category,
    Department,
    Name,
    NameBook,
    file_product,
    make_title,
    name_brand,
    name_product,
    read_names,
)

CURRENCY = "USD"
# The median of a few products is a till correction of a cent or two, not a price.
PRICE_MINOR_LEAST = 5


class ProductTable(Struct, frozen=True):
    """One entry per product, by product number. All lists and arrays have the same length.

    `sku` is the product number as text. `category` points into `DemoData.categories`, `department` into
    `DemoData.departments`. `source_category` and `source_type` are the source's shorthand, `""` where it has none.
    `price_minor` is the regular price in cents, `price_origin` a `PriceOrigin` number. `sold_pieces` are the year's, to
    put what sells first. `published` is False for what no shopper can buy online (internal departments, services,
    tobacco) and for the few products whose sales lines tell no believable price.
    """

    product_id: Ints
    sku: list[str]
    title: list[Name]
    brand: list[Name]
    size: list[Size | None]
    content: list[Content | None]
    department: Ints
    category: Ints
    source_category: list[str]
    source_type: list[str]
    manufacturer_id: Ints
    own_brand: npt.NDArray[np.bool_]
    price_minor: Ints
    price_origin: npt.NDArray[np.int8]
    sold_pieces: Ints
    published: npt.NDArray[np.bool_]


class DemoData(Struct, frozen=True):
    """The demo merchant. Money in cents of `currency`; times in microseconds since 1970, UTC; see each table.

    `aisles` and `categories` are the shop's two levels, in the order of the shelf; `departments` are the source's own.
    """

    currency: str
    departments: list[Department]
    aisles: list[Aisle]
    categories: list[Category]
    products: ProductTable
    places: PlaceTable
    stock: StockTable
    members: MemberTable
    baskets: BasketTable


def prepare_demo(full: bool = False) -> DemoData:
    """Read and derive everything. `full`: opening stock at all stores rather than the twelve busiest.

    Deterministic: the same package gives the same columns. Raises DemoMissing when the extra `demo` is not installed.
    """
    folder = locate_data()
    source = read_products(folder)
    lines = read_lines(folder, product_id=source.product_id)
    return derive_demo(source, lines, demographics=read_demographics(folder), full=full)


def derive_demo(
    source: ProductSource, lines: LineSource, *, demographics: Mapping[int, Mapping[str, str]], full: bool
) -> DemoData:
    """Everything that follows from products and sales lines."""
    book = read_names()
    aisle_order = {code: position for position, code in enumerate(book.aisles)}
    categories = sorted(
        book.categories.values(), key=lambda category: (aisle_order[category.aisle], category.name.en)
    )
    places = rank_places(lines)
    members = list_members(lines, demographics=demographics)
    return DemoData(
        currency=CURRENCY,
        departments=list(book.departments.values()),
        aisles=list(book.aisles.values()),
        categories=categories,
        products=arrange_products(
            source, lines, book, categories=categories, prices=derive_prices(source, lines)
        ),
        places=places,
        stock=derive_stock(source, lines, places, full=full),
        members=members,
        baskets=arrange_baskets(lines, places, members),
    )


class Filing(Struct, frozen=True):
    """Names and places in the shop per distinct filing of the source; `at[product]` points into the lists."""

    at: Ints
    names: list[Name]
    categories: list[Category]
    published: npt.NDArray[np.bool_]


def file_products(source: ProductSource, book: NameBook) -> Filing:
    """What products are called and where they belong, worked out once per department, category and type."""
    distinct, at = pair_up(source.department.codes, source.category.codes, source.type.codes)
    names, categories, published = [], [], []
    for department_code, category_code, type_code in distinct:
        key = {
            "department": source.department.values[department_code],
            "category": source.category.values[category_code],
            "product_type": source.type.values[type_code],
        }
        category = file_product(book, **key)
        names.append(name_product(book, **key))
        categories.append(category)
        published.append(
            book.departments[key["department"]].published and book.aisles[category.aisle].published
        )
    return Filing(at=at, names=names, categories=categories, published=np.array(published))


def read_sizes(source: ProductSource, filing: Filing, prices: PriceTable) -> list[Size | None]:
    """The size that a shopper should read, per product."""
    return [
        fit_size(
            source.size.text_of(row),
            category=filing.categories[filing.at[row]],
            manufacturer_id=int(source.manufacturer_id[row]),
            price_minor=int(prices.minor[row]),
        )
        for row in range(len(source.product_id))
    ]


def arrange_products(
    source: ProductSource,
    lines: LineSource,
    book: NameBook,
    *,
    categories: list[Category],
    prices: PriceTable,
) -> ProductTable:
    """The product columns."""
    count = len(source.product_id)
    department_at = {code: position for position, code in enumerate(book.departments)}
    category_at = {category.code: position for position, category in enumerate(categories)}
    filing = file_products(source, book)
    sizes = read_sizes(source, filing, prices)
    brands, brand_at = pair_up(source.brand.codes, source.manufacturer_id)
    brand_names = [name_brand(source.brand.values[brand], manufacturer) for brand, manufacturer in brands]
    known = lines.product >= 0
    sold = np.bincount(lines.product[known], weights=count_pieces(source, lines)[known], minlength=count)
    return ProductTable(
        product_id=source.product_id,
        sku=[str(number) for number in source.product_id],
        title=[make_title(filing.names[at], size) for at, size in zip(filing.at, sizes, strict=True)],
        brand=[brand_names[at] for at in brand_at],
        size=sizes,
        content=[
            measure_content(size, category=filing.categories[at]) if size else None
            for at, size in zip(filing.at, sizes, strict=True)
        ],
        department=np.array([department_at[value] for value in source.department.values])[
            source.department.codes
        ],
        category=np.array([category_at[category.code] for category in filing.categories])[filing.at],
        source_category=[source.category.text_of(row) for row in range(count)],
        source_type=[source.type.text_of(row) for row in range(count)],
        manufacturer_id=source.manufacturer_id,
        own_brand=np.array([value == PRIVATE_BRAND for value in source.brand.values])[source.brand.codes],
        price_minor=prices.minor,
        price_origin=prices.origin,
        sold_pieces=sold.astype(np.int64),
        published=filing.published[filing.at] & (prices.minor >= PRICE_MINOR_LEAST),
    )


def pair_up(*columns: Ints) -> tuple[list[list[int]], Ints]:
    """The distinct rows over the columns, and for each row which of them it is."""
    distinct, inverse = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
    return distinct.tolist(), inverse.reshape(-1).astype(np.int64)
