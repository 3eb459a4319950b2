"""Photographs through the JSON API: kept in sizes, served for ever, ordered, deleted with a way back; lies are refused."""

import asyncio
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from PIL import Image
from tests.commerce.conftest import Snapshot
from tests.commerce.picture import make_bomb, make_picture, make_sideways, make_text_bomb
from tests.commerce.request import assert_problem
from tests.shop import Shop

from serai.commerce.catalogue.api import find_cards, find_variant
from serai.commerce.media.api import FolderStore, purge_photos
from serai.foundation import clock

JPEG = ("ice.jpg", "image/jpeg")


@pytest.fixture
def folder(application: Any, tmp_path: Path) -> Iterator[Path]:
    """Where the application keeps photographs during this test."""
    state = application.app.state
    before = state.commerce
    state.commerce = msgspec.structs.replace(before, blobs=FolderStore(tmp_path / "media"))
    yield tmp_path / "media"
    state.commerce = before


async def find_product_id(shop: Shop, sku_id: UUID) -> UUID:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        variant = await find_variant(tx, sku_id=sku_id)
    assert variant is not None
    return variant.product_id


@pytest.fixture
async def product_id(shop: Shop) -> UUID:
    return await find_product_id(shop, await shop.add_product())


async def upload(
    api: httpx.AsyncClient,
    product_id: UUID,
    content: bytes,
    name: str = "ice.jpg",
    kind: str = "image/jpeg",
    **fields: str,
) -> httpx.Response:
    return await api.post(
        f"/api/v1/products/{product_id}/media", files={"file": (name, content, kind)}, data=fields
    )


def list_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
async def test_a_photograph_is_kept_in_sizes_and_served_for_ever(
    api: httpx.AsyncClient, shop: Shop, product_id: UUID, folder: Path, kind: str
):
    sent = make_picture(kind)
    answer = await upload(
        api, product_id, sent, f"ice.{kind.lower()}", f"image/{kind.lower()}", alt="A bag  of ice"
    )
    assert answer.status_code == 201, answer.text
    photo = answer.json()
    assert (photo["width"], photo["height"], photo["alt"]) == (1600, 1200, "A bag of ice")
    for size, width in (("thumb", 320), ("card", 640), ("large", 1280)):
        served = await api.get(f"/media/{photo['digest']}-{size}.webp")
        assert served.status_code == 200
        assert served.headers["content-type"] == "image/webp"
        assert "immutable" in served.headers["cache-control"]
        assert Image.open(io.BytesIO(served.content)).size == (width, width * 3 // 4)
    assert read_originals(folder) == [sent]
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        assert [card.photo for card in await find_cards(tx, product_ids=[product_id])] == [photo["digest"]]


async def test_a_photograph_is_turned_upright_and_loses_what_it_tells_about_its_maker(
    api: httpx.AsyncClient, product_id: UUID, folder: Path
):
    sent = make_sideways()
    assert b"SECRET-PLACE" in sent
    photo = (await upload(api, product_id, sent)).json()
    assert (photo["width"], photo["height"]) == (1200, 1600)
    served = (await api.get(f"/media/{photo['digest']}-large.webp")).content
    picture = Image.open(io.BytesIO(served))
    assert picture.size == (960, 1280)
    assert not picture.getexif()
    assert b"SECRET-PLACE" not in served
    red, _green, blue = picture.convert("RGB").getpixel((picture.width - 20, 20))
    assert blue > 150 > red, "the blue corner was left above and is right above once turned"


async def test_no_address_reaches_an_original_or_another_file(
    api: httpx.AsyncClient, product_id: UUID, folder: Path
):
    digest = (await upload(api, product_id, make_picture())).json()["digest"]
    for name in (
        f"{digest}-original.jpeg",
        f"{digest}-huge.webp",
        f"{digest.upper()}-card.webp",
        "..%2f..%2fsecret",
        f"{digest}-card.webp%00",
    ):
        assert (await api.get(f"/media/{name}")).status_code == 404, name


def read_originals(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*original*")]


def spoil(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


HOSTILE = {
    "a page that says it is a picture": (b"<html><script>alert(1)</script>", *JPEG, "media.not_a_picture"),
    "a drawing": (
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "a.svg",
        "image/svg+xml",
        "media.not_a_picture",
    ),
    "a program": (b"MZ" + b"\0" * 500, *JPEG, "media.not_a_picture"),
    "an animation of another kind": (make_picture("GIF", (64, 64)), *JPEG, "media.not_a_picture"),
    "nothing": (b"", *JPEG, "media.empty"),
    "another type than said": (make_picture("PNG"), "ice.png", "image/jpeg", "media.type_differs"),
    "another ending than said": (make_picture("PNG"), "ice.jpg", "image/png", "media.type_differs"),
    "a truncated JPEG": (spoil(make_picture(size=(900, 900), quality=100)), *JPEG, "media.broken"),
    "a truncated PNG": (spoil(make_picture("PNG")), "a.png", "image/png", "media.broken"),
    "a truncated WebP": (spoil(make_picture("WEBP")), "a.webp", "image/webp", "media.broken"),
    "a truncated AVIF": (spoil(make_picture("AVIF")), "a.avif", "image/avif", "media.broken"),
    "a head without body": (b"\xff\xd8\xff\xe0" + b"\0" * 200, *JPEG, "media.broken"),
    "a PNG with broken sums": (
        make_picture("PNG").replace(b"IDAT", b"IDAT\0\0", 1),
        "a.png",
        "image/png",
        "media.broken",
    ),
    "a bomb of pixels": (make_bomb(), "a.png", "image/png", "media.too_many_pixels"),
    "a bomb just above the limit": (make_bomb(10_000, 5_001), "a.png", "image/png", "media.too_many_pixels"),
    "a bomb of text": (make_text_bomb(), "a.png", "image/png", "media.broken"),
    "a ribbon": (make_bomb(2_000_000, 2), "a.png", "image/png", "media.too_many_pixels"),
    "a speck": (make_picture("PNG", (4, 4)), "a.png", "image/png", "media.too_small"),
    "too many bytes": (make_picture() + b"\0" * 12_000_000, *JPEG, "media.too_large"),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_is_no_whole_picture_is_refused_and_nothing_is_stored(
    api: httpx.AsyncClient, product_id: UUID, folder: Path, take_snapshot: Snapshot, name: str
):
    content, file_name, kind, code = HOSTILE[name]
    before = await take_snapshot()
    answer = await upload(api, product_id, content, file_name, kind)
    assert_problem(answer, 422, code=code)
    assert await take_snapshot() == before
    assert list_files(folder) == []


async def test_a_body_beyond_any_photograph_is_not_even_read(
    api: httpx.AsyncClient, product_id: UUID, folder: Path
):
    answer = await upload(api, product_id, b"\xff\xd8\xff" + b"\0" * 101_000_001)
    assert answer.status_code == 413
    assert list_files(folder) == []


async def test_photographs_are_ordered_described_deleted_and_brought_back(
    api: httpx.AsyncClient, shop: Shop, product_id: UUID, folder: Path
):
    ids = []
    for colour in ("red", "green", "yellow"):
        ids.append((await upload(api, product_id, make_picture(colour=colour))).json()["media_id"])

    async def shown() -> list[str]:
        return [p["media_id"] for p in (await api.get(f"/api/v1/products/{product_id}/media")).json()]

    assert await shown() == ids
    moved = await api.patch(f"/api/v1/media/{ids[2]}", json={"position": 0, "alt": "Yellow"})
    assert (moved.json()["position"], moved.json()["alt"]) == (0, "Yellow")
    assert await shown() == [ids[2], ids[0], ids[1]]
    for _twice in range(2):
        assert (await api.delete(f"/api/v1/media/{ids[0]}")).status_code == 200
    assert await shown() == [ids[2], ids[1]]
    assert (await api.post(f"/api/v1/media/{ids[0]}/restore")).status_code == 200
    assert await shown() == [ids[2], ids[0], ids[1]]


async def test_deleted_photographs_go_for_good_after_a_day_unless_another_product_shows_them(
    api: httpx.AsyncClient, shop: Shop, product_id: UUID, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    other_id = await find_product_id(shop, await shop.add_product("Ice, in cubes"))
    shared, own = make_picture(colour="red"), make_picture(colour="green")
    first = (await upload(api, product_id, shared)).json()
    second = (await upload(api, product_id, own)).json()
    await upload(api, other_id, shared)
    for photo in (first, second):
        await api.delete(f"/api/v1/media/{photo['media_id']}")
    blobs = FolderStore(folder)

    async def purge() -> int:
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            return await purge_photos(tx, blobs)

    assert await purge() == 0
    tomorrow = clock.now() + timedelta(hours=25)
    monkeypatch.setattr(clock, "now", lambda: tomorrow)
    assert_problem(await api.post(f"/api/v1/media/{second['media_id']}/restore"), 404, code="media.unknown")
    assert await purge() == 1
    assert any(second["digest"] in name for name in list_files(folder)), (
        "put a moment ago: kept for a late commit"
    )
    await blobs.delete(f"{shop.merchant_id.hex}/{second['digest'][:2]}/{second['digest']}-card.webp")
    assert (await api.get(f"/media/{first['digest']}-card.webp")).status_code == 200
    assert (await api.get(f"/media/{second['digest']}-card.webp")).status_code == 404


async def test_the_same_upload_at_once_makes_one_photograph(
    api: httpx.AsyncClient, product_id: UUID, folder: Path
):
    answers = await asyncio.gather(*(upload(api, product_id, make_picture()) for _n in range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["media_id"] for answer in answers}) == 1
    assert len(list_files(folder)) == 4


async def test_another_merchant_neither_sees_nor_changes_a_photograph(
    api: httpx.AsyncClient, product_id: UUID, folder: Path, application: Any
):
    photo = (await upload(api, product_id, make_picture())).json()
    elsewhere = httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://nobody.test")
    async with elsewhere:
        assert (await elsewhere.get(f"/media/{photo['digest']}-card.webp")).status_code == 404
    assert_problem(await upload(api, UUID(int=7), make_picture()), 404, code="product.unknown")
