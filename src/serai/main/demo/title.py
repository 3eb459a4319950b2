"""Readable names for what the source names in till shorthand: departments, categories, product types, titles.

The source has no titles. A title is made from the product type and the package size (`Ice, crushed or cubed, 22 lb`)
with the help of written tables in `names/`, one row per shorthand, in English and simplified Chinese. Brands are not
known by name, only as the chain's own or as a manufacturer's number, and no name is invented for them.
"""

import csv
from collections.abc import Mapping
from importlib.resources import files

from msgspec import Struct

from serai.main.demo.size import Size

PRIVATE_BRAND = "Private"
# The number under which the source books what has no maker: loose fruit, ice, what the stores bake and cook.
UNBRANDED_MANUFACTURER_ID = 2


class Name(Struct, frozen=True):
    """One name in the two languages of the shop."""

    en: str
    zh: str


class Department(Struct, frozen=True):
    """A department of the source. One that is not published holds no goods a shopper could buy."""

    code: str
    name: Name
    published: bool


class Aisle(Struct, frozen=True):
    """The first level of the shop: what a shopper would call a department. `motif` names its drawn label."""

    code: str
    name: Name
    motif: str
    published: bool


class Category(Struct, frozen=True):
    """The second level of the shop. `code` is `aisle/name`, unique; `motif` names its drawn label."""

    code: str
    aisle: str
    name: Name
    motif: str


class TypeName(Struct, frozen=True):
    """What a product type is called, and where its products belong.

    `home` is the department and category of the source that the type belongs to. The source files a few hundred
    products astray (lipstick among the sauces), so the type decides; None for a type that means different things in
    different categories (`PREMIUM` ice cream and bacon), whose products stay where they are filed.
    """

    name: Name
    home: tuple[str, str] | None


class NameBook(Struct, frozen=True):
    """All written tables, keyed by the source's shorthand."""

    departments: Mapping[str, Department]
    aisles: Mapping[str, Aisle]
    categories: Mapping[str, Category]
    filed: Mapping[tuple[str, str], str]
    types: Mapping[str, TypeName]
    types_in_category: Mapping[tuple[str, str], Name]


# Aisles that exist to file things away from the shop: tills, coupons and services, and tobacco, which may not be sold
# to people whose age nobody has seen.
UNPUBLISHED_AISLES = frozenset({"internal", "tobacco"})


def read_names() -> NameBook:
    """The written tables. Raises KeyError when a table refers to something that another table lacks."""
    departments = {
        row["department"]: Department(row["department"], read_name(row), row["published"] == "yes")
        for row in read_rows("department")
    }
    aisles = {
        row["aisle"]: Aisle(
            row["aisle"], read_name(row), row["motif"], row["aisle"] not in UNPUBLISHED_AISLES
        )
        for row in read_rows("aisle")
    }
    categories: dict[str, Category] = {}
    filed: dict[tuple[str, str], str] = {}
    for row in read_rows("category"):
        name = read_name(row)
        code = f"{aisles[row['aisle']].code}/{make_slug(name.en)}"
        # Two shorthands of one aisle may mean one thing to a shopper: they become one category.
        categories.setdefault(code, Category(code, row["aisle"], name, row["motif"]))
        filed[departments[row["department"]].code, row["category"]] = code
    types_in_category = {
        (row["type"], row["category"]): read_name(row) for row in read_rows("type_in_category")
    }
    types = {}
    for row in read_rows("type"):
        home = (row["department"], row["category"])
        types[row["type"]] = TypeName(read_name(row), home if row["department"] else None)
        if row["department"] and home not in filed:
            raise KeyError(home)
    return NameBook(departments, aisles, categories, filed, types, types_in_category)


def read_rows(table: str) -> list[dict[str, str]]:
    """The rows of one table in `names/`."""
    text = (files(__package__) / "names" / f"{table}.tsv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


def read_name(row: Mapping[str, str]) -> Name:
    """The name in a row of a table."""
    return Name(row["en"], row["zh"])


def make_slug(text: str) -> str:
    """`Bread, buns & bagels` becomes `bread-buns-bagels`."""
    letters = (letter if letter.isalnum() else " " for letter in text.lower().replace("’", ""))
    return "-".join("".join(letters).split())


def file_product(book: NameBook, *, department: str, category: str, product_type: str) -> Category:
    """The shop's category of a product. Raises KeyError for a department and category that no table names."""
    home = book.types[product_type].home if product_type else None
    return book.categories[book.filed[home or (department, category)]]


def name_product(book: NameBook, *, department: str, category: str, product_type: str) -> Name:
    """What a product is, without its size. A product without a type is called after its category."""
    if not product_type:
        return book.categories[book.filed[department, category]].name
    return book.types_in_category.get((product_type, category)) or book.types[product_type].name


def make_title(name: Name, size: Size | None) -> Name:
    """`Ice, crushed or cubed, 22 lb`; the name alone when the size is unknown or already said."""
    if size is None:
        return name
    en = name.en if size.text_en in name.en else f"{name.en}, {size.text_en}"
    return Name(en, f"{name.zh} {size.text_zh}")


def name_brand(brand: str, manufacturer_id: int) -> Name:
    """The brand line: the chain's own brand, or the manufacturer's number, which is all that is known."""
    if brand == PRIVATE_BRAND:
        return Name("Own brand", "自有品牌")
    if manufacturer_id == UNBRANDED_MANUFACTURER_ID:
        return Name("Unbranded", "无品牌")
    return Name(f"National brand {manufacturer_id}", f"全国品牌 {manufacturer_id}")
