"""Collect the texts marked for translation and bring the catalogues up to date.

A catalogue belongs to a folder: ``storefront.po`` holds the texts of ``src/serai/storefront``, ``serai.po`` those of
every folder without a catalogue of its own. New texts arrive empty, texts that nobody uses any more are dropped, and
nothing is guessed: a half-right translation is worse than a missing one, which the tests report.
"""

from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src/serai"
LOCALES = ("zh_Hans",)
# English is the language of the code.
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


def main() -> None:
    templates = collect_templates()
    for locale in LOCALES:
        for name, template in templates.items():
            path = PACKAGE / "locale" / locale / "LC_MESSAGES" / f"{name}.po"
            missing = update_catalogue(path, locale, template)
            print(f"{path.relative_to(ROOT)}: {len(template)} texts, {missing} to translate")


if __name__ == "__main__":
    main()
