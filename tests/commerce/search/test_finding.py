"""Finding products by words: the reference's cases, from other shops' wounds."""

import pytest
from tests.shop import Shop

from serai.commerce.catalogue import api as catalogue

TITLES = (
    "带根毛芹 500克",
    "芹菜 新鲜",
    "小化妆包 女士",
    "大容量化妆包",
    "可口可乐 12罐",
    "Ice, crushed, 22 lb",
    "Dark Chocolate Bars",
    "Milk chocolate with crushed hazelnuts",
    "Café noir, ground, 1.5 kg",
    "Brown rice",
)


@pytest.fixture
async def full_shop(shop: Shop) -> Shop:
    for title in TITLES:
        await shop.add_product(title, stock=0)
    return shop


async def find(shop: Shop, query: str, **narrowed: object) -> list[str]:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        page = await catalogue.list_products(tx, query=query, **narrowed)
    return [card.title for card in page.items]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("毛芹", {"带根毛芹 500克"}),
        ("芹", {"带根毛芹 500克", "芹菜 新鲜"}),
        ("包", {"小化妆包 女士", "大容量化妆包"}),
        ("化妆包", {"小化妆包 女士", "大容量化妆包"}),
        ("女士化妆包", {"小化妆包 女士"}),
        ("化妝包", {"小化妆包 女士", "大容量化妆包"}),
        ("帶根毛芹", {"带根毛芹 500克"}),
        ("maoqin", {"带根毛芹 500克"}),
        ("máo qín", {"带根毛芹 500克"}),
        ("huazhuangbao", {"小化妆包 女士", "大容量化妆包"}),
        ("huazhuangb", {"小化妆包 女士", "大容量化妆包"}),
        ("hua zhuang bao ", {"小化妆包 女士", "大容量化妆包"}),
        ("hzb", {"小化妆包 女士", "大容量化妆包"}),
        ("可樂", {"可口可乐 12罐"}),
        ("chocolates", {"Dark Chocolate Bars", "Milk chocolate with crushed hazelnuts"}),
        ("chocola", {"Dark Chocolate Bars", "Milk chocolate with crushed hazelnuts"}),
        ("hazelnut milk", {"Milk chocolate with crushed hazelnuts"}),
        ("crushed chocolate ", {"Milk chocolate with crushed hazelnuts"}),
        ("22lb", {"Ice, crushed, 22 lb"}),
        ("22 pounds ice", {"Ice, crushed, 22 lb"}),
        ("cafe", {"Café noir, ground, 1.5 kg"}),
        ("CAFÉ NOIR 1.5kg", {"Café noir, ground, 1.5 kg"}),
        ("５００克", {"带根毛芹 500克"}),
        ("ice chocolate", set()),
    ],
)
async def test_words_find_what_people_mean(full_shop: Shop, query: str, titles: set[str]) -> None:
    assert set(await find(full_shop, query)) == titles
