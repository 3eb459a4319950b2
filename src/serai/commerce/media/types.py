"""Photographs as other modules see them, and where their files lie."""

from datetime import datetime
from uuid import UUID

import msgspec

# Longest side of each made size in pixels.
SIZES = {"thumb": 320, "card": 640, "large": 1280}


class Photo(msgspec.Struct, frozen=True):
    """A photograph of a product. ``width`` and ``height`` in pixels, as it is seen (turned upright)."""

    media_id: UUID
    product_id: UUID
    digest: str
    width: int
    height: int
    bytes: int
    alt: str
    position: int
    created_by: str
    created_at: datetime
    deleted_at: datetime | None = None

    def address(self, size: str) -> str:
        """Where a size is served: the address changes with the content, so browsers may keep it for ever."""
        return photo_address(self.digest, size)

    def width_of(self, size: str) -> int:
        """Width of a made size in pixels; a small photograph is never blown up."""
        return fit(self.width, self.height, SIZES[size])[0]

    def height_of(self, size: str) -> int:
        """Height of a made size in pixels."""
        return fit(self.width, self.height, SIZES[size])[1]


def photo_address(digest: str, size: str) -> str:
    """The address of a size of a photograph."""
    return f"/media/{digest}-{size}.webp"


def fit(width: int, height: int, longest: int) -> tuple[int, int]:
    """The size of a picture whose longer side is at most ``longest``; never larger than it is, never 0."""
    scale = min(1.0, longest / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


class Picture(msgspec.Struct, frozen=True):
    """An upload that was found good: its digest, its upright size in pixels, and its files by name of the size.

    ``original`` is what was sent, byte for byte; it is kept for later sizes and never served.
    """

    digest: str
    width: int
    height: int
    format: str
    original: bytes
    sizes: dict[str, bytes]
