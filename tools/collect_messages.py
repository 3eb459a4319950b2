"""Collect the texts marked for translation and bring the catalogues up to date.

A catalogue belongs to a folder: ``storefront.po`` holds the texts of ``src/serai/storefront``, ``serai.po`` those of
every folder without a catalogue of its own. New texts arrive empty, texts that nobody uses any more are dropped, and
nothing is guessed: a half-right translation is worse than a missing one, which the tests report.

Traditional Chinese is written from the simplified catalogues by OpenCC with the words of Taiwan, and then put right by
``zh_Hant.tsv``: run this again after translating into simplified Chinese.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po
from opencc import OpenCC

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src/serai"
LOCALES = ("zh_Hans",)
# English is the language of the code. The first of these is translated by people, the second is made of it.
TRADITIONAL = "zh_Hant"
# What OpenCC gives, and what people say instead.
CORRECTIONS = Path(__file__).with_name("zh_Hant.tsv")
CATALOGUES = ("serai", "storefront", "console")
COMMENT_TAGS = ("Translators:",)

# A text (a tuple where it has a plural form), the notes for translators, and its context.
Found = tuple[str | tuple[str, ...], list[str], str | None]


def extract_messages(folder: Path) -> Iterator[tuple[str, Found]]:
    """Each marked text below a folder: the file it stands in (relative), and the text, notes and context."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as mapping:
        methods, options = parse_mapping_cfg(mapping)
    found = extract_from_dir(
        folder, methods, options, DEFAULT_KEYWORDS, COMMENT_TAGS, strip_comment_tags=True
    )
    for file, _line, text, notes, context in found:
        yield file.replace("\\", "/"), (text, notes, context)


def collect_templates() -> dict[str, Catalog]:
    """The texts of each catalogue, without translations."""
    templates = {name: Catalog(project="Serai", version="1", charset="utf-8") for name in CATALOGUES}
    for file, (text, notes, context) in extract_messages(PACKAGE):
        name = file.split("/")[0]
        templates[name if name in templates else "serai"].add(text, auto_comments=notes, context=context)
    return templates


def update_catalogue(path: Path, locale: str, template: Catalog) -> int:
    """Write a catalogue with exactly the template's texts and return how many lack a translation."""
    if path.exists():
        with path.open("rb") as file:
            catalogue = read_po(file, locale=locale, charset="utf-8")
    else:
        catalogue = Catalog(locale=locale, project="Serai", version="1", charset="utf-8", fuzzy=False)
    catalogue.update(template, no_fuzzy_matching=True, update_creation_date=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalogue, no_location=True, sort_output=True, ignore_obsolete=True, width=100)
    return sum(not is_translated(message) for message in catalogue if message.id)


def is_translated(message: Message) -> bool:
    """Whether a text, in all its plural forms, has a translation that nobody has put in doubt."""
    texts = [message.string] if isinstance(message.string, str) else list(message.string or [""])
    return all(texts) and not message.fuzzy


def read_corrections() -> list[tuple[str, str]]:
    """Pairs of what the conversion gives and what to write instead, in the order in which they are applied."""
    with CORRECTIONS.open(encoding="utf-8", newline="") as file:
        return [(row[0], row[1]) for row in csv.reader(file, delimiter="\t") if len(row) >= 2]


def make_traditional(catalogue: Catalog, corrections: Sequence[tuple[str, str]]) -> Catalog:
    """A simplified catalogue in traditional characters; what is not translated stays so."""
    converter = OpenCC("s2twp")

    def convert(text: str) -> str:
        text = converter.convert(text)
        for wrong, right in corrections:
            # A leading = stands for a whole text: the same word may be right inside others.
            if wrong.startswith("="):
                text = right if text == wrong[1:] else text
            else:
                text = text.replace(wrong, right)
        return text

    made = Catalog(locale=TRADITIONAL, project="Serai", version="1", charset="utf-8", fuzzy=False)
    # A date of its own would make every run a change.
    made.creation_date = catalogue.creation_date
    made.revision_date = catalogue.revision_date
    for message in catalogue:
        if message.id:
            texts = message.string
            converted = (
                convert(texts)
                if isinstance(texts, str)
                else tuple(convert(text or "") for text in texts or ())
            )
            made.add(
                message.id,
                converted,
                flags=message.flags,
                auto_comments=message.auto_comments,
                user_comments=message.user_comments,
                context=message.context,
            )
    return made


def write_traditional(source: Path, target: Path) -> None:
    """Write the traditional catalogue of a simplified one."""
    with source.open("rb") as file:
        made = make_traditional(read_po(file, locale="zh_Hans", charset="utf-8"), read_corrections())
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        write_po(file, made, no_location=True, sort_output=True, ignore_obsolete=True, width=100)


def main() -> None:
    templates = collect_templates()
    for locale in LOCALES:
        for name, template in templates.items():
            path = PACKAGE / "locale" / locale / "LC_MESSAGES" / f"{name}.po"
            missing = update_catalogue(path, locale, template)
            print(f"{path.relative_to(ROOT)}: {len(template)} texts, {missing} to translate")
    for name in CATALOGUES:
        source, target = (
            PACKAGE / "locale" / locale / "LC_MESSAGES" / f"{name}.po" for locale in (LOCALES[0], TRADITIONAL)
        )
        write_traditional(source, target)


if __name__ == "__main__":
    main()
