"""Every text a person reads in a template is marked for translation."""

import re
from html.parser import HTMLParser

from jinja2 import Environment, nodes
from tests.tidy.source import Source

# Names and signs that are the same in every language.
SAME_EVERYWHERE = {
    "Serai",
    "SKU",
    "GTIN",
    "API",
    "CSV",
    "JSON",
    "ID",
    "URL",
    "UTC",
    "Excel",
    "English",
    "中文",
    "简体中文",
}
_READ_ATTRIBUTES = {"alt", "aria-label", "aria-description", "placeholder", "title", "label"}
_SILENT_ELEMENTS = {"script", "style", "code", "kbd", "samp"}
_VOID_ELEMENTS = {
    "area",
    "base",
    "br",
    "col",
    "embed",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "source",
    "track",
    "wbr",
}
_ATTRIBUTE = re.compile(r"""[a-z][\w-]*=(?:"[^"]*"|'[^']*')""")
# Stands where an expression was; not a letter, so that it never counts as text.
_HOLE = "\N{OBJECT REPLACEMENT CHARACTER}"
_ID = re.compile(rf"(?:[a-z0-9]+-)+{_HOLE}\S*")

_environment = Environment(autoescape=True, extensions=["jinja2.ext.i18n", "jinja2.ext.do"])


def list_unmarked_texts(sources: list[Source]) -> list[str]:
    """Texts and readable attributes that are neither translated nor under ``translate="no"``."""
    return [f"{source.path}: {text!r}" for source in sources for text in _find_unmarked(source.text)]


def _find_unmarked(template: str) -> list[str]:
    pieces: list[str] = []
    for output in _environment.parse(template).find_all(nodes.Output):
        for node in output.nodes:
            if isinstance(node, nodes.TemplateData):
                pieces.append(node.data)
            else:
                pieces.append(" ".join(_list_shown_constants(node)) or _HOLE)
    reader = _Reader()
    reader.feed("".join(pieces))
    reader.close()
    return reader.unmarked


def _list_shown_constants(node: nodes.Node) -> list[str]:
    """Bare texts that an expression may print: ``{{ 'x' }}``, ``{{ a or 'x' }}``, ``{{ 'x' if a }}``."""
    match node:
        case nodes.Const(value=str() as text):
            return [text]
        case nodes.Or(left=left, right=right) | nodes.And(left=left, right=right):
            return _list_shown_constants(left) + _list_shown_constants(right)
        case nodes.CondExpr(expr1=first, expr2=second):
            return _list_shown_constants(first) + (_list_shown_constants(second) if second else [])
        case nodes.Concat(nodes=parts):
            return [text for part in parts for text in _list_shown_constants(part)]
        case _:
            return []


def _is_readable(text: str) -> bool:
    words = re.findall(r"[^\W\d_]+", text)
    # One letter is a sign (the × of a close button is none, a unit such as g or a size such as L is one).
    return any(len(word) > 1 or ord(word) > 0x2E80 for word in words if word not in SAME_EVERYWHERE)


class _Reader(HTMLParser):
    """Collects readable texts outside of elements whose content nobody reads or translates."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.unmarked: list[str] = []
        self._open: list[tuple[str, bool]] = []

    @property
    def _silent(self) -> bool:
        return any(silent for _, silent in self._open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        silent = tag in _SILENT_ELEMENTS or values.get("translate") == "no"
        if not silent and not self._silent:
            read = set(_READ_ATTRIBUTES)
            if tag == "input" and values.get("type") in {"submit", "button", "reset"}:
                read.add("value")
            if tag == "meta" and values.get("name") == "description":
                read.add("content")
            for name in sorted(read & set(values)):
                if _is_readable(values[name] or ""):
                    self.unmarked.append(f"{name}={values[name]}")
        if tag not in _VOID_ELEMENTS:
            self._open.append((tag, silent))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID_ELEMENTS:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        # Both branches of an `if` are read one after the other, so an element may open twice and close once.
        for place in range(len(self._open) - 1, -1, -1):
            if self._open[place][0] == tag:
                del self._open[place:]
                break

    def handle_data(self, data: str) -> None:
        # A macro may print nothing but attributes, or an id such as `field-3-hint`, for a tag opened elsewhere.
        text = " ".join(_ID.sub("", _ATTRIBUTE.sub("", data)).split())
        if not self._silent and _is_readable(text):
            self.unmarked.append(text)
