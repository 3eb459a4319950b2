"""Paths, make targets, commands and links that the documents name exist."""

import re
from collections.abc import Collection
from pathlib import Path

from tests.tidy.source import Source

_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
# Stands for something to fill in: <name>, NNNN, {port}, *.
_PLACEHOLDER = re.compile(r"[<>{}*…]|NNNN|\.\.\.|(?<![a-z])[A-Z]{4,}(?![a-z.])")


def list_missing_paths(sources: list[Source], root: Path) -> list[str]:
    """Paths in back-ticks that start at the root, and relative links, that lead nowhere."""
    tops = {path.name for path in root.iterdir()} - {".git"}
    breaches = []
    for source in sources:
        for span in _SPAN.findall(source.text):
            path = span.strip().split("::")[0].rstrip("/.,:")
            names_path = "/" in path and " " not in path and path.split("/")[0] in tops
            if names_path and not _PLACEHOLDER.search(path) and not (root / path).exists():
                breaches.append(f"{source.path}: no such path: {path}")
        for link in _LINK.findall(source.text):
            target = link.split("#")[0]
            is_inside = bool(target) and "://" not in link and not link.startswith("mailto:")
            if is_inside and not (root / source.path).parent.joinpath(target).exists():
                breaches.append(f"{source.path}: the link leads nowhere: {link}")
    return breaches


def list_missing_targets(sources: list[Source], targets: Collection[str]) -> list[str]:
    """``make TARGET`` in a command line of a document without such a target."""
    return [
        f"{source.path}: no such target: make {target}"
        for source in sources
        for command in _list_commands(source.text)
        for target in re.findall(r"(?:^|[;&|]\s*)make ([a-z][a-z-]*)", command)
        if target not in targets
    ]


def list_missing_commands(sources: list[Source], commands: Collection[str]) -> list[str]:
    """``serai COMMAND`` in a document without such a command. Groups appear as ``import products``."""
    breaches = []
    for source in sources:
        for command in _list_commands(source.text):
            for words in re.findall(r"(?:^|[;&|]\s*)(?:\S*/bin/)?serai((?: [a-z][a-z-]*)+)", command):
                name = words.strip().split()
                if name[0] not in commands and " ".join(name[:2]) not in commands:
                    breaches.append(f"{source.path}: no such command: serai {' '.join(name[:2])}")
    return breaches


def read_targets(makefile: str) -> set[str]:
    """The targets that a Makefile declares with a text for its menu or as phony."""
    return set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))


def _list_commands(text: str) -> list[str]:
    """Code spans and lines of code blocks, without the prompt and leading variable settings."""
    blocks = _BLOCK.findall(text)
    lines = [line for block in blocks for line in block.splitlines()] + _SPAN.findall(_BLOCK.sub("", text))
    return [re.sub(r"^(\$ )?([A-Z_]+=\S* )*", "", line.strip()) for line in lines]
