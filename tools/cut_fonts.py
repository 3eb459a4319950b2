"""Cut the Chinese fonts of papers down to the characters in everyday use, so that opening one takes a fraction of the time.

``NotoSansSC_400Regular.ttf`` gets ``NotoSansSC_400Regular.everyday.ttf`` beside it, and so on. A paper with a rarer character
uses the whole font. Run by ``make assets``; without it papers look the same and take longer.
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

FOLDER = Path(__file__).resolve().parents[1] / "src/serai/static/vendor/paper"
CATALOGUES = Path(__file__).resolve().parents[1] / "src/serai/locale"
BLOCKS = (range(0x2000, 0x2070), range(0x3000, 0x3100), range(0x4E00, 0xA000), range(0xFF00, 0xFFF0))
# Which character set says what is in everyday use, the greatest byte that leads such a character, and whose words are added.
FONTS = {"NotoSansSC": ("gb2312", 0xF7, "zh_Hans"), "NotoSansTC": ("big5", 0xC6, "zh_Hant")}


def list_everyday(codec: str, last_lead: int, locale: str) -> set[int]:
    """Code points of the characters in everyday use, and of all that the house itself says."""
    found = set()
    for code in (code for block in BLOCKS for code in block):
        try:
            written = chr(code).encode(codec)
        except UnicodeEncodeError:
            continue
        if written[0] <= last_lead:
            found.add(code)
    for catalogue in (CATALOGUES / locale).rglob("*.po"):
        found |= {ord(char) for char in catalogue.read_text(encoding="utf-8") if ord(char) > 0x2000}
    return found


def cut(path: Path, codes: set[int]) -> Path:
    """Write the smaller font beside the whole one."""
    options = subset.Options(layout_features=[], hinting=False, notdef_outline=True, glyph_names=False)
    with TTFont(path, recalcTimestamp=False) as font:
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=codes | set(range(0x20, 0x7F)))
        cutter.subset(font)
        target = path.with_suffix(".everyday.ttf")
        font.save(target)
    return target


def main() -> int:
    for name, how in FONTS.items():
        codes = list_everyday(*how)
        for path in sorted(FOLDER.glob(f"{name}_*.ttf")):
            if ".everyday" not in path.name:
                print(f"{cut(path, codes).name}: {len(codes)} characters")
    return 0


if __name__ == "__main__":
    sys.exit(main())
