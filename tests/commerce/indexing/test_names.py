"""An entry of the search follows the names around its product: its category, moved or renamed, and its photographs."""

import pytest
from tests.commerce.indexing.work import find, load_product, work
from tests.shop import Shop

from serai.commerce.catalogue import api as catalogue
from serai.commerce.catalogue.edit_category import CategoryEdit, edit_category
from serai.commerce.catalogue.types import Category
from serai.commerce.media import api as media
from serai.commerce.media.types import Picture
from serai.foundation.database import Database
from serai.foundation.errors import Invalid
from serai.foundation.ids import derive_id


async def test_a_product_that_moves_is_found_in_its_new_category_only(shop: Shop, owner: Database) -> None:
    sku_id = await shop.add_product("Fig jam")
    cellar = Category(derive_id(shop.merchant_id, "cellar"), None, "cellar", "Cellar", {}, None, 1, True)
    product = await load_product(shop, sku_id)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await catalogue.add_categories(tx, categories=[cellar])
        await catalogue.edit_product(
            tx,
            product_id=product.product_id,
            version=product.version,
            by="test",
            category_id=cellar.category_id,
        )
    assert await find(shop, "jam", category_id=cellar.category_id) == ["Fig jam"]
    assert await find(shop, "jam", category_id=shop.category.category_id) == []
    assert await find(shop, "cellar") == ["Fig jam"]
    await work(shop, owner)
    assert await find(shop, "jam", category_id=cellar.category_id) == ["Fig jam"]


async def test_a_renamed_category_is_found_by_its_new_name_only(shop: Shop, owner: Database) -> None:
    await shop.add_product("Fig jam")
    assert await find(shop, "食品柜") == ["Fig jam"]
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        edit = CategoryEdit(name="Cellar", translations={"zh_Hans": "地窖"})
        await edit_category(tx, category_id=shop.category.category_id, edit=edit, by="test")
    await work(shop, owner)
    for name in ("cellar", "地窖", "dijiao"):
        assert await find(shop, name) == ["Fig jam"], name
    assert await find(shop, "食品柜") == await find(shop, "pantry") == []


async def test_a_category_cannot_come_to_lie_inside_itself(shop: Shop) -> None:
    inner = Category(
        derive_id(shop.merchant_id, "inner"),
        shop.category.category_id,
        "inner",
        "Inner",
        {},
        None,
        1,
        True,
    )
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await catalogue.add_categories(tx, categories=[inner])
        for parent_id in (inner.category_id, shop.category.category_id):
            with pytest.raises(Invalid):
                await edit_category(
                    tx,
                    category_id=shop.category.category_id,
                    edit=CategoryEdit(parent_id=parent_id),
                    by="test",
                )
        found = await catalogue.find_category(tx, category_id=shop.category.category_id)
    assert found is not None
    assert found.parent_id is None


async def test_what_a_photograph_shows_is_found(shop: Shop, owner: Database) -> None:
    sku_id = await shop.add_product("Fig jam")
    product = await load_product(shop, sku_id)
    picture = Picture("a" * 40, 10, 10, b"x", "png", {})
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        photo = await media.add_photo(
            tx, product_id=product.product_id, picture=picture, alt="A hexagonal glass", by="test"
        )
    await work(shop, owner)
    assert await find(shop, "hexagonal") == ["Fig jam"]
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await media.delete_photo(tx, media_id=photo.media_id, by="test")
    await work(shop, owner)
    assert await find(shop, "hexagonal") == []
