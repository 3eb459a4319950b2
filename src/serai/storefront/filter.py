"""How a list of products is narrowed and sorted: read from the address, written back into addresses."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

import msgspec

from serai.foundation.errors import _
from serai.foundation.i18n import translate
from serai.foundation.money import format_money, minor_digits, parse_minor

TEXT_LIMIT = 100
# An attribute's values travel under this and its code.
FACT = "f."
CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
CHOICES_LIMIT = 20
ATTRIBUTES_LIMIT = 10

Values = Mapping[str, str | tuple[str, ...]]

AMOUNT = re.compile(r"[0-9]*(\.[0-9]*)?")
AMOUNT_LIMIT_MINOR = 10**12
SORTS = (
    ("relevance", _("Most bought")),
    ("price", _("Price, lowest first")),
    ("-price", _("Price, highest first")),
    ("title", _("Name, A to Z")),
    ("discount", _("Biggest discount")),
    ("newest", _("Newest")),
)
BEST_MATCH = _("Best match")


class Choice(msgspec.Struct, frozen=True):
    """One way to narrow a search: its address (or the one that takes it back), and how many products it leads to."""

    label: str
    url: str
    products: int | None = None
    is_chosen: bool = False


class Value(msgspec.Struct, frozen=True):
    """One value of a group as a checkbox; ``products`` is how many there are with it, None where nobody counted."""

    value: str
    label: str
    products: int | None = None
    is_chosen: bool = False


class Group(msgspec.Struct, frozen=True):
    """What any number of values can be chosen of: ``name`` is the address's, ``label`` what it is called."""

    name: str
    label: str
    values: tuple[Value, ...]

    @property
    def is_chosen(self) -> bool:
        return any(value.is_chosen for value in self.values)


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for. ``action`` is the page's path; prices are minor units, their texts as typed. ``facts``: chosen
    values by the attribute's code. Any of several values of one kind, all kinds together."""

    action: str
    query: str = ""
    brands: tuple[str, ...] = ()
    facts: dict[str, tuple[str, ...]] = {}
    sort: str = "relevance"
    min_text: str = ""
    max_text: str = ""
    min_minor: int | None = None
    max_minor: int | None = None
    cursor: str | None = None
    next_cursor: str | None = None
    category: str = ""
    category_choices: tuple[Choice, ...] = ()
    band_choices: tuple[Choice, ...] = ()
    groups: tuple[Group, ...] = ()
    chips: tuple[Choice, ...] = ()
    is_estimated: bool = False
    is_sorted_partly: bool = False
    sorts: tuple[tuple[str, str], ...] = ()
    price_label: str = ""
    problem: str = ""

    @property
    def has_price(self) -> bool:
        return self.min_minor is not None or self.max_minor is not None

    @property
    def is_narrowed(self) -> bool:
        """Whether something beside the words that were searched for holds products back."""
        return self.has_price or bool(self.brands or self.facts or self.category)

    @property
    def chosen_count(self) -> int:
        """How many choices stand in the filters' fold."""
        return len(self.brands) + sum(map(len, self.facts.values())) + self.has_price

    @property
    def is_later_page(self) -> bool:
        return self.cursor is not None

    @property
    def clear_url(self) -> str:
        return self._address({"q": self.query, "sort": self.sort})

    @property
    def first_url(self) -> str:
        return self._address(self._all())

    @property
    def next_url(self) -> str:
        return self._address({**self._all(), "cursor": self.next_cursor or ""})

    def change(self, values: Values | None = None, **more: str | tuple[str, ...]) -> str:
        """The address of the same list with some values changed; an empty one is left out."""
        return self._address({**self._all(), **(values or {}), **more})

    def without(self, name: str, value: str) -> str:
        """The address of the same list without one of a kind's values."""
        chosen = self.brands if name == "brand" else self.facts.get(name.removeprefix(FACT), ())
        return self.change({name: tuple(each for each in chosen if each != value)})

    def _all(self) -> Values:
        return {
            "q": self.query,
            "in": self.category,
            "brand": self.brands,
            **{f"{FACT}{code}": values for code, values in self.facts.items()},
            "min": self.min_text if self.min_minor is not None else "",
            "max": self.max_text if self.max_minor is not None else "",
            "sort": self.sort,
        }

    def _address(self, values: Values) -> str:
        kept = [
            (name, text)
            for name, texts in values.items()
            for text in ((texts,) if isinstance(texts, str) else texts)
            if text and (name, text) != ("sort", "relevance")
        ]
        return f"{self.action}?{urlencode(kept)}" if kept else self.action


def read_filter(pairs: Iterable[tuple[str, str]], *, action: str, currency: str, locale: str) -> Filter:
    """The filter of an address's names and values. What makes no sense is left out, and ``problem`` says so in the
    reader's language."""
    texts: dict[str, list[str]] = {}
    for name, text in pairs:
        texts.setdefault(name, []).append(text)
    asked = {name: values[0] for name, values in texts.items()}
    min_text, max_text = (asked.get(name, "").strip()[:12] for name in ("min", "max"))
    problem = ""
    bounds: list[int | None] = []
    for text in (min_text, max_text):
        minor = parse_amount(text, currency)
        if text and minor is None:
            problem = translate(_("“%(text)s” is not an amount, so it was left out."), locale, {"text": text})
        bounds.append(minor)
    low, high = bounds
    if low is not None and high is not None and low > high:
        low, high, min_text, max_text = high, low, max_text, min_text
    sort = asked.get("sort", "")
    words = " ".join(asked.get("q", "").split())[:TEXT_LIMIT]
    return Filter(
        action=action,
        query=words,
        brands=_read_choices(texts.get("brand", ())),
        facts=_read_facts(texts),
        sort=sort if sort in {code for code, _text in SORTS} else "relevance",
        min_text=min_text,
        max_text=max_text,
        min_minor=low,
        max_minor=high,
        category=asked.get("in", "").strip()[:TEXT_LIMIT],
        cursor=asked.get("cursor") or None,
        sorts=tuple(
            (code, translate(BEST_MATCH if words and code == "relevance" else text, locale))
            for code, text in SORTS
        ),
        price_label=label_range(low, high, currency=currency, locale=locale),
        problem=problem,
    )


def _read_choices(texts: Iterable[str]) -> tuple[str, ...]:
    chosen = [text.strip()[:TEXT_LIMIT] for text in texts if "\0" not in text]
    return tuple(dict.fromkeys(text for text in chosen if text))[:CHOICES_LIMIT]


def _read_facts(texts: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """Chosen values by the attribute's code."""
    found: dict[str, tuple[str, ...]] = {}
    for name, values in texts.items():
        code = name.removeprefix(FACT)
        chosen = _read_choices(values) if name != code and CODE.fullmatch(code) else ()
        if chosen and len(found) < ATTRIBUTES_LIMIT:
            found[code] = chosen
    return found


def parse_amount(text: str, currency: str) -> int | None:
    """An amount as typed, None when it is none. More digits than the currency has are cut, since it only bounds a list."""
    plain = text.strip().replace(",", ".")
    if not AMOUNT.fullmatch(plain) or plain in ("", "."):
        return None
    whole, _dot, part = plain.partition(".")
    minor = parse_minor(f"{whole or '0'}.{part[: minor_digits(currency)] or '0'}", currency)
    return minor if minor < AMOUNT_LIMIT_MINOR else None


def label_range(low: int | None, high: int | None, *, currency: str, locale: str) -> str:
    """The chosen range in words."""
    match (low, high):
        case (None, None):
            return ""
        case (None, int()):
            return translate(
                _("up to %(price)s"), locale, {"price": format_money(high or 0, currency, locale)}
            )
        case (int(), None):
            return translate(_("from %(price)s"), locale, {"price": format_money(low or 0, currency, locale)})
        case _:
            return f"{format_money(low or 0, currency, locale)} – {format_money(high or 0, currency, locale)}"
