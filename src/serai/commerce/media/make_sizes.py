"""Judge an upload and make its sizes: nothing is believed but what decodes, and nothing is decoded that could burst.

SNIFF    the first bytes name the format; what the sender says must agree with it
OPEN     Pillow reads the header with the decoder of that format alone; the pixels are counted before one is decoded
DECODE   verified, then decoded whole: a truncated file fails here
TURN     upright by its EXIF orientation, into sRGB; metadata (place, camera, thumbnails) is left behind
MAKE     each size once, as WebP
"""

import hashlib
import io
from typing import Any

from PIL import Image, ImageCms, ImageOps

from serai.commerce.media.types import SIZES, Picture, fit
from serai.foundation.errors import Invalid, Refused, _

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF")
SAID = {
    "image/jpeg": "JPEG",
    "image/jpg": "JPEG",
    "image/pjpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
}
ENDINGS = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "avif": "AVIF"}
# Senders that do not know say this.
UNSAID = {"", "application/octet-stream", "binary/octet-stream"}
MAX_SIDE = 16_383  # what WebP can hold
MIN_SIDE = 16
QUALITY = 82
# What Pillow raises on files that lie, lack an end, or are crafted; a plain ValueError or SyntaxError among them.
BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, OverflowError)


def make_sizes(content: bytes, *, said_type: str, file_name: str, max_bytes: int, max_pixels: int) -> Picture:
    """The upload with its sizes made. CPU work of up to a second: call it in a thread.

    Raises:
        Invalid: ``media.empty``, ``media.too_large``, ``media.not_a_picture``, ``media.type_differs``,
            ``media.too_many_pixels``, ``media.too_small``, ``media.broken``.
    """
    if not content:
        raise Invalid("media.empty", _("Please choose a picture."), field="file")
    if len(content) > max_bytes:
        raise too_large(max_bytes)
    kind = sniff_format(content)
    if kind is None:
        raise Invalid(
            "media.not_a_picture", _("That is not a JPEG, PNG, WebP or AVIF picture."), field="file"
        )
    _check_said(kind, said_type, file_name)
    try:
        return _make(content, kind, max_pixels)
    except Refused:
        raise
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(max_pixels) from error
    except BROKEN as error:
        raise Invalid(
            "media.broken", _("The picture cannot be read to its end. Is the file whole?"), field="file"
        ) from error


def too_large(max_bytes: int) -> Invalid:
    """The refusal of a file with too many bytes."""
    return Invalid(
        "media.too_large",
        _("The file is too large: at most %(most)s MB."),
        field="file",
        most=max_bytes // 1_000_000,
    )


def sniff_format(content: bytes) -> str | None:
    """The format that the first bytes name, None when it is none of ours."""
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    if content[4:8] == b"ftyp" and content[8:12] in (b"avif", b"avis"):
        return "AVIF"
    return None


def _check_said(kind: str, said_type: str, file_name: str) -> None:
    """A file that calls itself something else than it is was renamed by mistake or made to deceive: refused."""
    said = said_type.partition(";")[0].strip().lower()
    ending = file_name.rpartition(".")[2].lower() if "." in file_name else ""
    claims = []
    if said not in UNSAID:
        claims.append(SAID.get(said, said))
    if ending:
        claims.append(ENDINGS.get(ending, ending))
    for claim in claims:
        if claim != kind:
            raise Invalid(
                "media.type_differs",
                _("The file calls itself %(said)s but holds %(found)s."),
                field="file",
                said=claim[:40],
                found=kind,
            )


def _too_many_pixels(max_pixels: int) -> Invalid:
    return Invalid(
        "media.too_many_pixels",
        _("The picture has too many pixels: at most %(most)s million."),
        field="file",
        most=max_pixels // 1_000_000,
    )


def _make(content: bytes, kind: str, max_pixels: int) -> Picture:
    with Image.open(io.BytesIO(content), formats=(kind,)) as seen:
        width, height = seen.size
        if width * height > max_pixels or max(width, height) > MAX_SIDE:
            raise _too_many_pixels(max_pixels)
        if min(width, height) < MIN_SIDE:
            raise Invalid(
                "media.too_small",
                _("The picture is too small: at least %(least)s pixels on each side."),
                field="file",
                least=MIN_SIDE,
            )
        seen.verify()
    with Image.open(io.BytesIO(content), formats=(kind,)) as opened:
        # A JPEG may be decoded at a fraction of its size when the largest that is wanted is smaller still.
        opened.draft("RGB", (SIZES["large"] * 2, SIZES["large"] * 2))
        opened.load()
        upright = _turn(opened)
    # Decoded at a fraction, the upright picture still tells which way up the whole one is.
    lies = (upright.width > upright.height) != (width > height)
    seen_width, seen_height = (height, width) if lies else (width, height)
    sizes = {name: _encode(upright, longest) for name, longest in SIZES.items()}
    digest = hashlib.blake2b(content, digest_size=20).hexdigest()
    return Picture(digest, seen_width, seen_height, kind, content, sizes)


def _turn(opened: Image.Image) -> Image.Image:
    """Upright, in sRGB, without anything but pixels."""
    turned = ImageOps.exif_transpose(opened)
    has_alpha = turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info
    profile = turned.info.get("icc_profile")
    if turned.mode not in ("RGB", "RGBA", "CMYK", "L"):
        turned = turned.convert("RGBA" if has_alpha else "RGB")
    if profile and turned.mode in ("RGB", "CMYK"):
        turned = _to_srgb(turned, profile)
    turned = turned.convert("RGBA" if has_alpha else "RGB")
    bare = Image.new(turned.mode, turned.size)
    bare.paste(turned)
    return bare


def _to_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """The picture in sRGB; a profile that cannot be used is the same as none, as browsers have it."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target: Any = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, *BROKEN):
        return picture
    return converted if converted is not None else picture


def _encode(picture: Image.Image, longest: int) -> bytes:
    size = fit(picture.width, picture.height, longest)
    made = picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    made.save(out, "WEBP", quality=QUALITY, method=4)
    return out.getvalue()
