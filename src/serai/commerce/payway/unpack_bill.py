"""A provider's packed bill, unpacked within limits, however hostile the package is. Pure."""

import io
import zipfile
import zlib

# As much as a statement may have that somebody uploads.
MAX_BYTES = 20_000_000
MAX_FILES = 20


def unpack_gzip(content: bytes) -> bytes:
    """The file in a gzip stream. ValueError when it is none, was cut off, or is too large."""
    reader = zlib.decompressobj(wbits=31)
    try:
        found = reader.decompress(content, MAX_BYTES + 1)
    except zlib.error as error:
        raise ValueError("is no gzip stream") from error
    if len(found) > MAX_BYTES:
        raise ValueError("is too large")
    if not reader.eof or reader.unused_data:
        raise ValueError("was cut off")
    return found


def unpack_zip(content: bytes, mark: bytes) -> bytes:
    """The one file of a zip folder that has a mark in it. ValueError when there is none such, or it is too large."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as pack:
            names = pack.infolist()
            if len(names) > MAX_FILES:
                raise ValueError("has too many files")
            files = [_read(pack, name) for name in names]
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise ValueError("is no zip folder") from error
    found = [file for file in files if mark in file]
    if len(found) != 1:
        raise ValueError("has no table of movements")
    return found[0]


def _read(pack: zipfile.ZipFile, name: zipfile.ZipInfo) -> bytes:
    # What a folder says about sizes is not believed: no more is unpacked than may be kept.
    with pack.open(name) as file:
        found = file.read(MAX_BYTES + 1)
    if len(found) > MAX_BYTES:
        raise ValueError("is too large")
    return found
