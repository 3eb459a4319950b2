"""Files in a folder of this machine, written beside their place and renamed, so that nobody reads half of one."""

import asyncio
import os
import time
from pathlib import Path
from uuid import uuid4

from serai.foundation.errors import Outside


class FolderStore:
    """A blob store on disk. A name such as ``a/bc/file.webp`` becomes a path below ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, name: str, content: bytes) -> None:
        """Keep a file. Outside ``media`` when the disk refuses."""
        try:
            await asyncio.to_thread(self._write, self._root / name, content)
        except OSError as error:
            raise Outside("media", f"{name}: {error.strerror or error}", retryable=True) from error

    def _write(self, path: Path, content: bytes) -> None:
        try:
            # Who puts a file again wants it: its new date keeps it from being purged before his row commits.
            os.utime(path)
            return
        except FileNotFoundError:
            pass
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{uuid4().hex}.part")
        try:
            with draft.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)

    async def read(self, name: str) -> bytes | None:
        """A file, None when there is none."""
        try:
            return await asyncio.to_thread((self._root / name).read_bytes)
        except (FileNotFoundError, NotADirectoryError):
            return None

    async def delete(self, name: str, *, older_than_s: int = 0) -> None:
        """Forget a file that nobody has put for that long."""
        await asyncio.to_thread(self._delete, self._root / name, older_than_s)

    def _delete(self, path: Path, older_than_s: int) -> None:
        try:
            if path.stat().st_mtime <= time.time() - older_than_s:
                path.unlink()
        except FileNotFoundError:
            pass
