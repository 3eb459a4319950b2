"""Pictures for tests, made when they are needed, good ones and hostile ones."""

import io
import struct
import zlib

from PIL import Image


def make_picture(
    kind: str = "JPEG", size: tuple[int, int] = (1600, 1200), *, colour: str = "tomato", **options: object
) -> bytes:
    """A picture of one colour with a blue left upper corner, so that turning it shows."""
    picture = Image.new("RGB", size, colour)
    picture.paste("blue", (0, 0, size[0] // 4, size[1] // 4))
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def make_sideways() -> bytes:
    """A JPEG whose EXIF says that it has to be turned by 90 degrees, and where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "SECRET-PLACE"
    return make_picture(exif=exif)


def make_bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """A PNG of a few kilobytes that says it has 900 million pixels, and whose data begins as if it had."""
    rows = zlib.compress(b"\0" * 2_000_000, 9)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def make_text_bomb() -> bytes:
    """A small PNG with a compressed text of 200 MB."""
    plain = make_picture("PNG", (64, 64))
    text = zlib.compress(b"A" * 200_000_000, 9)
    at = plain.index(b"IDAT") - 4
    return plain[:at] + _chunk(b"zTXt", b"Comment\0\0" + text) + plain[at:]


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
