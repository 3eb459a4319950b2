"""Every text that people read exists in every language of the house."""

import re
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from tests.tidy.source import ROOT, read_sources

LOCALES = ROOT / "src/serai/locale"


def list_catalogue_faults(messages: Iterable[str | tuple[str, ...]], catalogue: Catalog) -> list[str]:
    """Texts that are missing, fuzzy, half translated or whose places differ from the original's."""
    faults = []
    for message_id in messages:
        message = catalogue.get(message_id)
        originals = (message_id,) if isinstance(message_id, str) else message_id
        if message is None:
            faults.append(f"missing: {originals[0]!r}")
            continue
        texts = [message.string] if isinstance(message.string, str) else list(message.string or [""])
        if not all(texts):
            faults.append(f"not translated: {originals[0]!r}")
        elif message.fuzzy:
            faults.append(f"fuzzy: {originals[0]!r}")
        # The plural form names every place; a singular ("one item") may leave the number out.
        elif any(_list_places(text) != _list_places(originals[-1]) for text in texts):
            faults.append(f"other places: {originals[0]!r}")
    return faults


def _list_places(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)[a-z]|\{\w*\}|%[sd]", text))


def extract_messages(folder: Path) -> set[str | tuple[str, ...]]:
    """All texts marked for translation below a folder, a tuple where there is a plural form."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as mapping:
        methods, options = parse_mapping_cfg(mapping)
    found = extract_from_dir(folder, methods, options, keywords=DEFAULT_KEYWORDS)
    return {message_id for _, _, message_id, _, _ in found}


def read_catalogue(text: str, locale: str) -> Catalog:
    return read_po(BytesIO(text.encode()), locale=locale)


@pytest.mark.parametrize("locale", ["zh_Hans"])
def test_the_catalogue_is_complete(locale: str) -> None:
    messages = extract_messages(ROOT / "src/serai")
    templates = read_sources(ROOT, "src/serai", suffixes=(".html",))
    assert len(messages) >= sum("_(" in template.text for template in templates) > 0
    path = LOCALES / locale / "LC_MESSAGES/serai.po"
    catalogue = read_catalogue(path.read_text(encoding="utf-8"), locale)
    assert list_catalogue_faults(sorted(messages, key=str), catalogue) == []


@pytest.mark.parametrize(
    "entry",
    [
        "",
        'msgid "Your cart"\nmsgstr ""\n',
        '#, fuzzy\nmsgid "Your cart"\nmsgstr "购物车"\n',
    ],
)
def test_a_missing_empty_or_fuzzy_text_is_found(entry: str) -> None:
    assert len(list_catalogue_faults(["Your cart"], read_catalogue(entry, "zh_Hans"))) == 1


def test_a_text_with_other_places_is_found() -> None:
    entry = '#, python-format\nmsgid "%(n)s items in %(place)s"\nmsgstr "%(n)s 件"\n'
    assert len(list_catalogue_faults(["%(n)s items in %(place)s"], read_catalogue(entry, "zh_Hans"))) == 1


def test_a_complete_text_is_fine() -> None:
    one = 'msgid "Your cart"\nmsgstr "购物车"\n\n'
    many = 'msgid "%(n)s item"\nmsgid_plural "%(n)s items"\nmsgstr[0] "%(n)s 件"\n'
    catalogue = read_catalogue(one + many, "zh_Hans")
    assert list_catalogue_faults(["Your cart", ("%(n)s item", "%(n)s items")], catalogue) == []


def test_texts_of_code_and_templates_are_collected(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/a.html").write_text("<p>{% trans %}One{% endtrans %}{{ _('Two') }}</p>", "utf-8")
    (tmp_path / "a.py").write_text('x = _("Three")\ny = ngettext("Four", "Fours", 2)\n', "utf-8")
    assert extract_messages(tmp_path) == {"One", "Two", "Three", ("Four", "Fours")}
