"""Photographs and variants at the console: uploaded, refused by name, ordered, deleted and brought back; versions made."""

from pathlib import Path

import httpx
import msgspec
import pytest
from litestar import Litestar
from tests.commerce.picture import make_bomb, make_picture
from tests.console.conftest import Visit
from tests.console.shop import Shop, Visitor, find_form

from serai.commerce.media.api import FolderStore


@pytest.fixture
def folder(app: Litestar, tmp_path: Path) -> Path:
    """Where photographs are kept during this test."""
    app.state.commerce = msgspec.structs.replace(app.state.commerce, blobs=FolderStore(tmp_path))
    return tmp_path


def page_of(shop: Shop) -> str:
    return f"/console/products/{shop.product.product_id}"


async def upload(
    visitor: Visitor, shop: Shop, *files: tuple[str, bytes, str], alt: str = ""
) -> httpx.Response:
    page = page_of(shop)
    form = find_form(await visitor.get(page), f"{page}/photos")
    sent = [("file", file) for file in files]
    return await visitor.client.post(f"{page}/photos", data={**form.values, "alt": alt}, files=sent)


async def list_shown(shop: Shop) -> list[str]:
    rows = await shop.fetch(
        "SELECT media_id FROM commerce.product_media WHERE deleted_at IS NULL ORDER BY position"
    )
    return [str(row["media_id"]) for row in rows]


async def test_photographs_go_up_are_ordered_deleted_and_brought_back(
    visit: Visit, shop: Shop, folder: Path
) -> None:
    visitor, page = await visit("manager"), page_of(shop)
    red = ("red.jpg", make_picture(colour="red"), "image/jpeg")
    green = ("green.png", make_picture("PNG", colour="green"), "image/png")
    answer = await upload(visitor, shop, red, green, alt="Ice")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{page}#photos")
    first, second = await list_shown(shop)

    async def press(media_id: str, what: str, **more: str) -> None:
        answer = await visitor.post_plain(f"{page}/photos/{media_id}", what=what, **more)
        assert answer.status_code == 303, answer.text

    await press(second, "earlier")
    assert await list_shown(shop) == [second, first]
    await press(second, "later")
    await press(first, "describe", alt="A red bag")
    assert 'alt="A red bag"' in (await visitor.get(page)).text
    await press(first, "delete")
    assert await list_shown(shop) == [second]
    assert "Bring back" in (await visitor.get(page)).text
    await press(first, "restore")
    assert await list_shown(shop) == [first, second]


async def test_bad_pictures_are_named_and_the_good_ones_kept(visit: Visit, shop: Shop, folder: Path) -> None:
    visitor = await visit("manager")
    answer = await upload(
        visitor,
        shop,
        ("good.jpg", make_picture(), "image/jpeg"),
        ("bomb.png", make_bomb(), "image/png"),
        ("page.jpg", b"<html>", "image/jpeg"),
    )
    assert answer.status_code == 422
    assert "bomb.png: The picture has too many pixels" in answer.text
    assert "page.jpg: That is not a JPEG, PNG, WebP or AVIF picture." in answer.text
    assert len(await list_shown(shop)) == 1
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 4  # noqa: ASYNC240


async def test_a_clerk_may_neither_upload_nor_delete(visit: Visit, shop: Shop, folder: Path) -> None:
    await upload(await visit("manager"), shop, ("a.jpg", make_picture(), "image/jpeg"))
    (media_id,) = await list_shown(shop)
    clerk, page = await visit("clerk"), page_of(shop)
    assert f"{page}/photos" not in (await clerk.get(page)).text
    assert (await clerk.post_plain(f"{page}/photos/{media_id}", what="delete")).status_code == 403
    assert await list_shown(shop) == [media_id]


async def test_options_make_variants_and_a_variant_is_sold_by_weight(
    visit: Visit, shop: Shop, folder: Path
) -> None:
    visitor, page = await visit("manager"), page_of(shop)
    answer = await visitor.submit(
        page,
        f"{page}/options",
        name_0="Size",
        values_0="S, M，L",
        name_1="Colour",
        values_1="Red、Blue",
        fill="1",
    )
    assert answer.status_code == 303, answer.text
    rows = await shop.fetch("SELECT sku_id, option FROM commerce.variant ORDER BY position")
    assert [row["option"] for row in rows[:2]] == ["S / Red", "S / Blue"]
    assert len(rows) == 6
    action = f"{page}/variants/{rows[1]['sku_id']}"
    answer = await visitor.submit(page, action, measure="kg-3", increment="50", gtin="96385074", active="1")
    assert answer.status_code == 303, answer.text
    row = (await shop.fetch("SELECT * FROM commerce.variant WHERE sku_id = $1", rows[1]["sku_id"]))[0]
    assert (row["unit"], row["scale"], row["increment"], row["gtin"]) == ("kg", 3, 50, "96385074")
    wrong = await visitor.submit(page, action, gtin="96385075")
    assert wrong.status_code == 422
    assert "is no GTIN" in wrong.text
    assert (await visitor.submit(page, f"{page}/options", name_0="Size", values_0="S,s")).status_code == 422
