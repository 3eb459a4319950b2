"""Every text that people read exists in every language of the house."""

import re
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.pofile import read_po
from tests.tidy.source import ROOT, read_sources
from tests.tidy.verdict import expect_none
from tools.collect_messages import (
    CATALOGUES,
    PACKAGE,
    TRADITIONAL,
    extract_messages,
    is_translated,
    make_traditional,
    read_corrections,
    update_catalogue,
    write_traditional,
)

from serai.foundation.i18n import LOCALES


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
        if not is_translated(message):
            faults.append(f"not translated, or in doubt: {originals[0]!r}")
        # The plural form names every place; a singular ("one item") may leave the number out.
        elif any(_list_places(text) != _list_places(originals[-1]) for text in texts):
            faults.append(f"other places: {originals[0]!r}")
    return faults


def list_disagreements(catalogues: dict[str, Catalog]) -> list[str]:
    """Texts that two catalogues translate differently: merged, one of the two would be lost."""
    first: dict[object, tuple[str, object]] = {}
    disagreements = []
    for name, catalogue in catalogues.items():
        for message in catalogue:
            key = (message.context, message.id if isinstance(message.id, str) else message.id[0])
            known, string = first.setdefault(key, (name, message.string))
            if message.id and string != message.string:
                disagreements.append(f"{known}.po and {name}.po differ: {key[1]!r}")
    return disagreements


def _list_places(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)[a-z]|\{\w*\}|%[sd]", text))


def read_catalogue(text: str) -> Catalog:
    return read_po(BytesIO(text.encode()), locale="zh_Hans", charset="utf-8")


@pytest.fixture(scope="module", params=[locale for locale in LOCALES if locale != "en"])
def catalogues(request: pytest.FixtureRequest) -> dict[str, Catalog]:
    """The catalogues of a language by name; at run time they are merged into one."""
    folder = PACKAGE / "locale" / request.param / "LC_MESSAGES"
    return {
        path.stem: read_catalogue(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.po"))
    }


def test_every_text_has_its_translation(catalogues: dict[str, Catalog]) -> None:
    texts = {text for _, (text, _, _) in extract_messages(PACKAGE)}
    templates = read_sources(ROOT, "src/serai", suffixes=(".html",))
    assert len(texts) >= sum("_(" in template.text for template in templates) > 0
    merged = Catalog(locale="zh_Hans")
    for catalogue in catalogues.values():
        for message in catalogue:
            if message.id:
                merged[message.id] = message
    expect_none(list_catalogue_faults(sorted(texts, key=str), merged))


@pytest.mark.parametrize("name", CATALOGUES)
def test_the_traditional_catalogues_follow_the_simplified_ones(name: str, tmp_path: Path) -> None:
    source = PACKAGE / f"locale/zh_Hans/LC_MESSAGES/{name}.po"
    write_traditional(source, tmp_path / "made.po")
    kept = PACKAGE / "locale" / TRADITIONAL / f"LC_MESSAGES/{name}.po"
    expect_none(
        []
        if (tmp_path / "made.po").read_text("utf-8") == kept.read_text("utf-8")
        else [f"{name}.po of {TRADITIONAL} is behind: run tools/collect_messages.py"]
    )


def test_traditional_texts_are_converted_and_put_right() -> None:
    simplified = read_catalogue('msgid "Your account"\nmsgstr "您的“账户”权限"\n\nmsgid "New"\nmsgstr ""\n')
    made = make_traditional(simplified, read_corrections())
    assert {m.id: m.string for m in made if m.id} == {"Your account": "您的「帳戶」權限", "New": ""}


def test_catalogues_agree_where_they_share_a_text(catalogues: dict[str, Catalog]) -> None:
    expect_none(list_disagreements(catalogues))


@pytest.mark.parametrize(
    "entry",
    [
        "",
        'msgid "Your cart"\nmsgstr ""\n',
        '#, fuzzy\nmsgid "Your cart"\nmsgstr "购物车"\n',
    ],
)
def test_a_missing_empty_or_fuzzy_text_is_found(entry: str) -> None:
    assert len(list_catalogue_faults(["Your cart"], read_catalogue(entry))) == 1


def test_a_text_with_other_places_is_found() -> None:
    entry = '#, python-format\nmsgid "%(n)s items in %(place)s"\nmsgstr "%(n)s 件"\n'
    assert len(list_catalogue_faults(["%(n)s items in %(place)s"], read_catalogue(entry))) == 1


def test_a_complete_text_is_fine() -> None:
    one = 'msgid "Your cart"\nmsgstr "购物车"\n\n'
    many = 'msgid "%(n)s item"\nmsgid_plural "%(n)s items"\nmsgstr[0] "%(n)s 件"\n'
    catalogue = read_catalogue(one + many)
    assert list_catalogue_faults(["Your cart", ("%(n)s item", "%(n)s items")], catalogue) == []


def test_texts_of_code_and_templates_are_collected(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/a.html").write_text("<p>{% trans %}One{% endtrans %}{{ _('Two') }}</p>", "utf-8")
    (tmp_path / "a.py").write_text('x = _("Three")\ny = ngettext("Four", "Fours", 2)\n', "utf-8")
    texts = {text for _, (text, _, _) in extract_messages(tmp_path)}
    assert texts == {"One", "Two", "Three", ("Four", "Fours")}


def test_two_translations_of_one_text_are_found() -> None:
    one, other = (
        read_catalogue('msgid "Cart"\nmsgstr "购物车"\n'),
        read_catalogue('msgid "Cart"\nmsgstr "车"\n'),
    )
    assert list_disagreements({"a": one, "b": one}) == []
    assert len(list_disagreements({"a": one, "b": other})) == 1


def test_updating_a_catalogue_keeps_adds_and_drops(tmp_path: Path) -> None:
    path = tmp_path / "serai.po"
    path.write_text('msgid "Cart"\nmsgstr "购物车"\n\nmsgid "Gone"\nmsgstr "没了"\n', encoding="utf-8")
    template = Catalog()
    template.add("Cart")
    template.add("Carts")
    assert update_catalogue(path, "zh_Hans", template) == 1
    updated = read_catalogue(path.read_text(encoding="utf-8"))
    assert {message.id: message.string for message in updated if message.id} == {
        "Cart": "购物车",
        "Carts": "",
    }
    assert not any(message.fuzzy for message in updated if message.id)
