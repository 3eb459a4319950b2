"""From a paper to its file: drawn once in a thread, kept by the digest of its bytes, and handed out as it was.

Drawing is work for the processor, so few are drawn at a time in a process and a limited number wait.
"""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from uuid import UUID

import msgspec

from serai.commerce.paper import store
from serai.commerce.paper.draw_paper import draw_paper
from serai.commerce.paper.issue_paper import load_content
from serai.commerce.paper.types import Content, Paper
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.errors import Limited, Outside, _
from serai.foundation.ids import MerchantId

log = logging.getLogger("serai.paper")

# Papers that one process draws at a time, and that wait for it.
AT_ONCE = 2
WAITING = 40
# Bytes of papers that are drawn again and again, such as receipts, which a process remembers.
REMEMBERED = 8_000_000


class _Press:
    """The drawing of one event loop's papers."""

    def __init__(self) -> None:
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._size = 0

    async def draw(self, content: Content) -> bytes:
        key = hashlib.sha256(msgspec.json.encode(content)).digest()
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if self._waiting >= WAITING:
            raise Limited("paper.busy", _("Many papers are being made at this moment. Please try again."))
        self._waiting += 1
        try:
            async with self._gate:
                file = await asyncio.to_thread(draw_paper, content)
        finally:
            self._waiting -= 1
        self._keep(key, file)
        return file

    def _keep(self, key: bytes, file: bytes) -> None:
        self._size += len(file) - len(self._kept.pop(key, b""))
        self._kept[key] = file
        while self._size > REMEMBERED and self._kept:
            self._size -= len(self._kept.popitem(last=False)[1])


_presses: "dict[int, tuple[asyncio.AbstractEventLoop, _Press]]" = {}


def _press() -> _Press:
    loop = asyncio.get_running_loop()
    found = _presses.get(id(loop))
    if found is None or found[0] is not loop:
        _presses.clear()
        found = _presses[id(loop)] = (loop, _Press())
    return found[1]


async def draw_content(content: Content) -> bytes:
    """The file of a content. Limited ``paper.busy`` when too many are waiting, Outside ``fonts`` without fonts."""
    return await _press().draw(content)


def name_blob(merchant_id: UUID, digest: str, ending: str = "pdf") -> str:
    """Where a file lies."""
    return f"paper/{merchant_id.hex}/{digest[:2]}/{digest}.{ending}"


async def render_issued(commerce: Commerce, merchant_id: MerchantId, paper: Paper) -> bytes:
    """The file of an issued paper: the one that was made first, as long as it is there and whole; else drawn again."""
    async with commerce.db.transaction(merchant_id, "read") as tx:
        content = await load_content(tx, paper.paper_id)
        digest = await store.find_file(tx, paper.paper_id)
    if digest is not None:
        kept = await commerce.blobs.read(name_blob(merchant_id, digest))
        if kept is not None and hashlib.sha256(kept).hexdigest() == digest:
            return kept
    file = await draw_content(content)
    drawn = hashlib.sha256(file).hexdigest()
    try:
        await commerce.blobs.put(name_blob(merchant_id, drawn), file)
    except Outside as error:
        # Nobody goes without a paper because a disk is full; the next reader tries to keep it again.
        log.warning("paper %s was drawn but not kept: %s", paper.number, error)
        return file
    if drawn != digest:
        async with commerce.db.transaction(merchant_id) as tx:
            await store.insert_file(tx, paper.paper_id, drawn, len(file), clock.now())
    return file
