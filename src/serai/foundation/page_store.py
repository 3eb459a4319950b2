"""Pages kept by a web worker: rendered once, compressed once, sent many times until something on them changes.

A page is kept with the ids of all it shows, so that one change takes away the pages that show it and no other; what no
change is told of goes by itself after some seconds. The form token of each visitor is put in when the page is sent: the
compressed text is cut at the tokens, and every part of it can be unpacked without the one before.
"""

import hashlib
import random
import secrets
import struct
import time
import zlib
from collections.abc import Hashable, Iterable
from uuid import UUID

import msgspec

# Stands where the visitor's form token belongs. Nobody outside knows it, so no title or question can hold it.
TOKEN_MARK = secrets.token_hex(16)
GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
GZIP_END = b"\x03\x00"
LEVEL = 6
KEPT_S = 15.0
MOST_PAGES = 4_000
MOST_BYTES = 128_000_000


class KeptPage(msgspec.Struct, frozen=True):
    """A page as it can be sent to anybody: its text cut at the form tokens, and the same parts compressed."""

    parts: tuple[bytes, ...]
    packed: tuple[bytes, ...]
    digest: str
    ids: frozenset[UUID]
    until: float

    @property
    def size(self) -> int:
        return sum(map(len, self.parts)) + sum(map(len, self.packed))

    def fill(self, token: str) -> bytes:
        """The page with the visitor's form token."""
        return token.encode().join(self.parts)

    def fill_packed(self, token: str) -> bytes:
        """The same, compressed by gzip."""
        text = token.encode()
        # A stored block of deflate: its length, the length's complement, the bytes as they are.
        block = struct.pack("<BHH", 0, len(text), len(text) ^ 0xFFFF) + text
        whole = self.fill(token)
        end = struct.pack("<II", zlib.crc32(whole), len(whole) & 0xFFFFFFFF)
        return b"".join((GZIP_HEAD, block.join(self.packed), GZIP_END, end))

    def tag(self, token: str) -> str:
        """The entity tag of the page for this visitor."""
        return f'"{self.digest}-{token[:12]}"'


def keep_page(text: str, ids: Iterable[UUID]) -> KeptPage:
    """Cut and compress a rendered page; TOKEN_MARK stands where the form token belongs."""
    parts = tuple(part.encode() for part in text.split(TOKEN_MARK))
    # Without the mark, so that every worker gives the same page the same tag.
    digest = hashlib.blake2b(b"\0".join(parts), digest_size=12).hexdigest()
    return KeptPage(
        parts, tuple(map(_pack, parts)), digest, frozenset(ids), time.monotonic() + _spread(KEPT_S)
    )


def _spread(seconds: float) -> float:
    """Not all at once: pages that were made together end within a quarter of the time."""
    return seconds * random.uniform(0.75, 1.0)


def _pack(part: bytes) -> bytes:
    """A part as blocks of deflate that end on a whole byte and refer to nothing before them."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -15)
    return packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH)


class PageStore:
    """The kept pages of one process, by merchant and address."""

    def __init__(self, *, pages: int = MOST_PAGES, size: int = MOST_BYTES) -> None:
        self._pages: dict[tuple[UUID, Hashable], KeptPage] = {}
        self._by_id: dict[UUID, set[tuple[UUID, Hashable]]] = {}
        self._most_pages, self._most_size = pages, size
        self._size = 0
        self._changes = 0
        # How much longer than usual pages hold just now, in seconds.
        self.grace_s = 0.0

    def __len__(self) -> int:
        return len(self._pages)

    def mark(self) -> int:
        """How much has changed so far; to be asked before a page is read from the database, and given to :meth:`put`."""
        return self._changes

    def find(self, merchant_id: UUID, address: Hashable) -> KeptPage | None:
        """The page of an address while it holds."""
        key = (merchant_id, address)
        page = self._pages.get(key)
        if page is not None and page.until + self.grace_s < time.monotonic():
            self._drop(key)
            return None
        return page

    def put(self, merchant_id: UUID, address: Hashable, page: KeptPage, mark: int) -> None:
        """Keep a page, unless something changed since ``mark``: it may show what was before."""
        if mark != self._changes:
            return
        key = (merchant_id, address)
        self._drop(key)
        self._pages[key] = page
        self._size += page.size
        for each in page.ids:
            self._by_id.setdefault(each, set()).add(key)
        while len(self._pages) > self._most_pages or self._size > self._most_size:
            self._drop(next(iter(self._pages)))

    def forget(self, ids: Iterable[UUID]) -> None:
        """Drop every page that shows one of these."""
        self._changes += 1
        for each in ids:
            for key in tuple(self._by_id.get(each, ())):
                self._drop(key)

    def forget_merchant(self, merchant_id: UUID) -> None:
        """Drop every page of a merchant."""
        self._changes += 1
        for key in [key for key in self._pages if key[0] == merchant_id]:
            self._drop(key)

    def forget_all(self) -> None:
        """Drop everything: nobody knows what has changed."""
        self._changes += 1
        self._pages.clear()
        self._by_id.clear()
        self._size = 0

    def _drop(self, key: tuple[UUID, Hashable]) -> None:
        page = self._pages.pop(key, None)
        if page is None:
            return
        self._size -= page.size
        for each in page.ids:
            keys = self._by_id.get(each)
            if keys is not None:
                keys.discard(key)
                if not keys:
                    del self._by_id[each]


def collect_ids(value: object, found: set[UUID]) -> None:
    """Every UUID in a value of Structs, sequences and dictionaries, however deep."""
    if isinstance(value, UUID):
        found.add(value)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            collect_ids(getattr(value, name), found)
    elif isinstance(value, dict):
        for key, each in value.items():
            collect_ids(key, found)
            collect_ids(each, found)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for each in value:
            collect_ids(each, found)
