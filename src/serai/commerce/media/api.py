"""Photographs: add, order, describe, delete with a way back, serve.

Files are written before their row commits: a crash in between leaves files that nobody names, never a name without its
files. The same upload gives the same names, so the next try finds them there.
"""

import asyncio
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from serai.commerce.media import store
from serai.commerce.media.folder import FolderStore
from serai.commerce.media.make_sizes import make_sizes, too_large
from serai.commerce.media.types import SIZES, Photo, Picture, photo_address
from serai.commerce.search import api as search
from serai.commerce.settings import CommerceSettings
from serai.commerce.types import BlobStore
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.ids import new_id
from serai.identity.audit import api as audit

__all__ = [
    "SIZES",
    "FolderStore",
    "Photo",
    "Picture",
    "add_photo",
    "check_upload",
    "delete_photo",
    "describe_photo",
    "list_deleted_photos",
    "list_photos",
    "move_photo",
    "photo_address",
    "purge_photos",
    "read_size",
    "restore_photo",
    "store_picture",
    "too_large",
]

MAX_PHOTOS = 24
MAX_ALT = 250
UNDO_HOURS = 24
# Longer than any request takes from its files to its commit.
PUT_LATELY_S = 600
FILE_NAME = re.compile(r"([0-9a-f]{40})-(thumb|card|large)\.webp")
# Decoding takes memory of four bytes a pixel: two at once in a process are enough.
_decoders = asyncio.Semaphore(2)


async def check_upload(
    content: bytes, *, said_type: str, file_name: str, settings: CommerceSettings
) -> Picture:
    """Judge an upload and make its sizes, beside the event loop; nothing is stored.

    Raises:
        Invalid: what ``make_sizes`` raises.
    """
    async with _decoders:
        return await asyncio.to_thread(
            make_sizes,
            content,
            said_type=said_type,
            file_name=file_name,
            max_bytes=settings.media_file_mb * 1_000_000,
            max_pixels=settings.media_megapixels * 1_000_000,
        )


def _name(merchant_id: UUID, digest: str, ending: str) -> str:
    return f"{merchant_id.hex}/{digest[:2]}/{digest}-{ending}"


async def store_picture(blobs: BlobStore, merchant_id: UUID, picture: Picture) -> None:
    """Keep the files of a picture. Outside ``media`` when they cannot be kept."""
    for size, content in picture.sizes.items():
        await blobs.put(_name(merchant_id, picture.digest, f"{size}.webp"), content)
    await blobs.put(
        _name(merchant_id, picture.digest, f"original.{picture.format.lower()}"), picture.original
    )


async def read_size(blobs: BlobStore, merchant_id: UUID, file_name: str) -> bytes | None:
    """A made size by the last part of its address; None for a name that is not ours. Originals are never served."""
    match = FILE_NAME.fullmatch(file_name)
    if match is None:
        return None
    return await blobs.read(_name(merchant_id, match[1], f"{match[2]}.webp"))


async def list_photos(tx: Transaction, *, product_ids: Sequence[UUID]) -> dict[UUID, list[Photo]]:
    """The photographs of some products in their order, by product."""
    found: dict[UUID, list[Photo]] = {product_id: [] for product_id in product_ids}
    for row in await store.list_photos(tx, product_ids):
        found[row["product_id"]].append(Photo(*row.values()))
    return found


async def list_deleted_photos(tx: Transaction, *, product_id: UUID) -> list[Photo]:
    """What was deleted of a product and can still be brought back, the latest first."""
    since = clock.now() - timedelta(hours=UNDO_HOURS)
    return [Photo(*row.values()) for row in await store.list_deleted(tx, product_id, since)]


async def add_photo(tx: Transaction, *, product_id: UUID, picture: Picture, alt: str, by: str) -> Photo:
    """Put a stored picture behind the product's others; the same picture once more changes nothing.

    Raises:
        NotFound: ``product.unknown``.
        Invalid: ``media.alt_too_long``.
        Conflict: ``media.too_many``.
    """
    await _lock(tx, product_id)
    alt = _tidy_alt(alt)
    present = (await list_photos(tx, product_ids=[product_id]))[product_id]
    if len(present) >= MAX_PHOTOS and all(p.digest != picture.digest for p in present):
        raise Conflict("media.too_many", _("A product has at most %(most)s photographs."), most=MAX_PHOTOS)
    row = await store.insert_photo(
        tx,
        (
            new_id(),
            product_id,
            picture.digest,
            picture.width,
            picture.height,
            len(picture.original),
            alt,
            by,
            clock.now(),
        ),
    )
    photo = Photo(*row.values())
    await _record(tx, photo, "added", by)
    return photo


def _tidy_alt(alt: str) -> str:
    tidy = " ".join(alt.split())
    if len(tidy) > MAX_ALT:
        raise Invalid(
            "media.alt_too_long",
            _("A description has at most %(most)s characters."),
            field="alt",
            most=MAX_ALT,
        )
    return tidy


async def _lock(tx: Transaction, product_id: UUID) -> None:
    if not await store.lock_product(tx, product_id):
        raise NotFound("product.unknown", _("There is no such product."))


async def _load(tx: Transaction, media_id: UUID, product_id: UUID | None = None) -> Photo:
    """The photograph, its product locked. Of another product than the one named it is unknown."""
    row = await store.find_photo(tx, media_id)
    if row is None or product_id not in (None, row["product_id"]):
        raise NotFound("media.unknown", _("There is no such photograph."))
    await _lock(tx, row["product_id"])
    again = await store.find_photo(tx, media_id)
    if again is None:
        raise NotFound("media.unknown", _("There is no such photograph."))
    return Photo(*again.values())


async def _record(tx: Transaction, photo: Photo, what: str, by: str, **details: Any) -> None:
    await audit.record(
        tx,
        actor=by,
        action=f"photo.{what}",
        subject_kind="product",
        subject_id=photo.product_id,
        after={"media_id": str(photo.media_id), "digest": photo.digest, **details},
    )
    # What photographs show is among the words that a product is found by.
    await search.note_stale(tx, product_ids=[photo.product_id], is_reworded=True)


async def describe_photo(
    tx: Transaction, *, media_id: UUID, alt: str, by: str, product_id: UUID | None = None
) -> Photo:
    """Say what a photograph shows, for those who do not see it. NotFound ``media.unknown``; Invalid."""
    photo = await _load(tx, media_id, product_id)
    alt = _tidy_alt(alt)
    if alt != photo.alt:
        await store.update_alt(tx, media_id, alt)
        await _record(tx, photo, "described", by, alt=alt)
    return await _load(tx, media_id)


async def move_photo(
    tx: Transaction, *, media_id: UUID, position: int, by: str, product_id: UUID | None = None
) -> list[Photo]:
    """Put a photograph at a place among its product's, 0 first; places beyond the ends mean the ends."""
    photo = await _load(tx, media_id, product_id)
    order = (await list_photos(tx, product_ids=[photo.product_id]))[photo.product_id]
    rest = [p.media_id for p in order if p.media_id != media_id]
    if len(rest) == len(order):
        raise NotFound("media.unknown", _("There is no such photograph."))
    place = max(0, min(position, len(rest)))
    await store.update_positions(tx, [*rest[:place], media_id, *rest[place:]])
    await _record(tx, photo, "moved", by, position=place)
    return (await list_photos(tx, product_ids=[photo.product_id]))[photo.product_id]


async def delete_photo(tx: Transaction, *, media_id: UUID, by: str, product_id: UUID | None = None) -> Photo:
    """Take a photograph off its product; for a day it can be brought back. Doing it again changes nothing."""
    photo = await _load(tx, media_id, product_id)
    if photo.deleted_at is None:
        await store.update_deleted(tx, media_id, clock.now())
        await _record(tx, photo, "deleted", by)
    return await _load(tx, media_id)


async def restore_photo(tx: Transaction, *, media_id: UUID, by: str, product_id: UUID | None = None) -> Photo:
    """Bring a deleted photograph back to its place. NotFound ``media.unknown`` once its undo window is over."""
    photo = await _load(tx, media_id, product_id)
    if photo.deleted_at is not None:
        if photo.deleted_at < clock.now() - timedelta(hours=UNDO_HOURS):
            raise NotFound("media.unknown", _("There is no such photograph."))
        await store.update_deleted(tx, media_id, None)
        await _record(tx, photo, "restored", by)
    return await _load(tx, media_id)


async def purge_photos(tx: Transaction, blobs: BlobStore, *, hours: int = UNDO_HOURS) -> int:
    """Forget what was deleted longer ago than that, and the files that nothing names any more. Returns how many files.

    The files go before the commit: a crash in between leaves rows of deleted photographs, and the next run ends it.
    """
    unnamed = await store.purge_deleted(tx, clock.now() - timedelta(hours=hours))
    endings = [f"{size}.webp" for size in SIZES] + [
        f"original.{kind}" for kind in ("jpeg", "png", "webp", "avif")
    ]
    for digest in unnamed:
        for ending in endings:
            await blobs.delete(_name(tx.merchant_id, digest, ending), older_than_s=PUT_LATELY_S)
    return len(unnamed)
