"""Following process logs as they grow, for `serai up --verbose`."""

from pathlib import Path

READ_LIMIT_BYTES = 64_000


class LogTail:
    """The new lines of one log file, from the moment of making on; starts over when the file was emptied."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = path.stat().st_size if path.exists() else 0
        self._rest = b""

    def read_lines(self) -> list[str]:
        """The lines completed since the last call, at most 64 kB of them; the rest comes with the next call."""
        try:
            size = self._path.stat().st_size
            if size < self._position:
                self._position, self._rest = 0, b""
            if size == self._position:
                return []
            with self._path.open("rb") as log:
                log.seek(self._position)
                data = log.read(READ_LIMIT_BYTES)
        except OSError:
            return []
        self._position += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [line.decode(errors="replace").rstrip() for line in lines]
