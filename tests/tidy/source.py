"""The files that the rules of the house look at, read once."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Made by set-up, builds or checks, never written by hand.
UNTRACKED = {
    ".git",
    ".venv",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    ".import_linter_cache",
    "__pycache__",
    "build",
    "dist",
    "node_modules",
    "var",
    "vendor",
}


@dataclass(frozen=True)
class Source:
    """One text file; ``path`` is relative to the root, with forward slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=self.path)

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.path.split("/"))


def list_files(root: Path, folder: str = ".") -> Iterator[Path]:
    """All files below a folder that people write, in a stable order."""
    for path in sorted((root / folder).iterdir()) if (root / folder).is_dir() else []:
        if path.name in UNTRACKED:
            continue
        if path.is_dir():
            yield from list_files(root, str(path.relative_to(root)))
        else:
            yield path


def read_sources(root: Path, *folders: str, suffixes: tuple[str, ...] = (".py",)) -> list[Source]:
    """The text files with these suffixes below the folders."""
    return [
        Source(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
        for folder in folders
        for path in list_files(root, folder)
        if path.suffix in suffixes
    ]
