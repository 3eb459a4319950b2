"""A sheet of paper to draw on: fonts, colours, text that is measured and broken, codes, and a file that is always the same.

Lengths are millimetres, sizes points. Everything about time comes from the paper itself, so drawing it again gives the same
bytes.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import segno
from barcode import Code128
from facturx.facturx import generate_xmp_object
from fpdf import FPDF
from lxml import etree

from serai.commerce.paper.choose_fonts import Choice, find_file

Align = Literal["L", "R", "C"]
Colour = tuple[int, int, int]
INK: Colour = (30, 28, 24)
QUIET: Colour = (105, 99, 90)
LINE: Colour = (214, 206, 190)
HAIR: Colour = (232, 226, 214)
ACCENT: Colour = (13, 95, 91)
SOFT: Colour = (238, 245, 243)
SAVING: Colour = (43, 102, 54)
WIDTH, HEIGHT = 210.0, 297.0
LEFT, RIGHT, TOP, BOTTOM = 20.0, 190.0, 18.0, 270.0
INNER = RIGHT - LEFT
POINT_MM = 25.4 / 72
LEADING = 1.42
PRODUCER = "Serai"
FACTURX_URN = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
# Words, or single characters of scripts that are written without spaces.
PIECE = re.compile(
    r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
    r"|[^\s\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]+|\s+"
)
NO_START = frozenset("，。！？：；、）】」』》〉’”…—·,.!?:;)]}%")
NO_END = frozenset("（【「『《〈‘“([{")


class Sheet:
    """The pages of one paper."""

    def __init__(
        self, choice: Choice, *, title: str, author: str, language: str, at: datetime, is_invoice: bool
    ) -> None:
        self.choice = choice
        pdf = FPDF(format="A4", enforce_compliance="PDF/A-3B")
        pdf.set_auto_page_break(False)
        pdf.set_margin(0)
        pdf.c_margin = 0
        for face in choice.faces:
            pdf.add_font(face.name, "", find_file(face.regular))
            pdf.add_font(face.name, "B", find_file(face.bold))
        others = [face.name for face in choice.faces[1:]]
        if others:
            pdf.set_fallback_fonts(others)
        if choice.has_rtl:
            pdf.set_text_shaping(True)
        pdf.set_title(title)
        pdf.set_author(author)
        pdf.set_producer(PRODUCER)
        pdf.set_creator(PRODUCER)
        pdf.set_lang(language)
        pdf.set_creation_date(at)
        pdf.set_xmp_metadata(_write_xmp(title, author, at, is_invoice=is_invoice))
        pdf.set_line_width(0.2)
        self.pdf = pdf
        self.y = TOP
        self._widths: dict[tuple[str, float, bool], float] = {}

    def page(self) -> None:
        """A new page."""
        self.pdf.add_page()
        self.y = TOP

    def use(self, size: float, *, bold: bool = False, colour: Colour = INK) -> None:
        """Size, weight and colour of what follows."""
        self.pdf.set_font("inter", "B" if bold else "", size)
        # A letter from another font leaves the page in that font, while the library believes that nothing has changed.
        self.pdf.current_font_is_set_on_page = False
        self.pdf.set_text_color(*colour)

    def measure(self, text: str, size: float, *, bold: bool = False) -> float:
        """How wide a text is."""
        key = (text, size, bold)
        width = self._widths.get(key)
        if width is None:
            self.use(size, bold=bold)
            width = self._widths[key] = self.pdf.get_string_width(self.choice.show(text))
        return width

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        *,
        bold: bool = False,
        colour: Colour = INK,
        align: Align = "L",
        width: float = 0,
    ) -> None:
        """One line whose upper edge is ``y``. Aligned right or in the middle within ``width`` from ``x``."""
        shown = self.choice.show(text)
        if not shown:
            return
        self.use(size, bold=bold, colour=colour)
        # A cell is as wide as its text where it is aligned left, and nothing is cut.
        self.pdf.set_xy(x, y)
        self.pdf.cell(
            width or self.pdf.get_string_width(shown), size * POINT_MM * LEADING, shown, align=align
        )

    def wrap(self, text: str, width: float, size: float, *, bold: bool = False) -> list[str]:
        """A text in lines that fit; a word that is too long is broken."""
        lines, line, used = [], "", 0.0
        for piece in _pieces(text):
            wide = self.measure(piece, size, bold=bold)
            if used + wide <= width:
                line, used = line + piece, used + wide
                continue
            if line.strip():
                lines.append(line.rstrip())
            line, used = piece.lstrip(), self.measure(piece.lstrip(), size, bold=bold)
            while used > width and len(line) > 1:
                cut = len(line) - 1
                while cut > 1 and self.measure(line[:cut], size, bold=bold) > width:
                    cut = max(1, int(cut * min(0.97, width / self.measure(line[:cut], size, bold=bold))))
                lines.append(line[:cut])
                line = line[cut:]
                used = self.measure(line, size, bold=bold)
        if line.strip() or not lines:
            lines.append(line.rstrip())
        return lines

    def block(
        self,
        x: float,
        y: float,
        lines: Sequence[str],
        size: float,
        *,
        bold: bool = False,
        colour: Colour = INK,
        align: Align = "L",
        width: float = 0,
    ) -> float:
        """Lines below each other. Returns where they end."""
        step = size * POINT_MM * LEADING
        for line in lines:
            self.text(x, y, line, size, bold=bold, colour=colour, align=align, width=width)
            y += step
        return y

    def rule(
        self, y: float, *, x: float = LEFT, to: float = RIGHT, colour: Colour = LINE, thick: float = 0.2
    ) -> None:
        """A line across."""
        self.pdf.set_draw_color(*colour)
        self.pdf.set_line_width(thick)
        self.pdf.line(x, y, to, y)

    def fill(
        self, x: float, y: float, width: float, height: float, colour: Colour, radius: float = 0
    ) -> None:
        """A filled box, with round corners where a radius is given."""
        self.pdf.set_fill_color(*colour)
        self.pdf.rect(x, y, width, height, style="F", round_corners=radius > 0, corner_radius=radius)

    def qr(self, x: float, y: float, side: float, content: str) -> None:
        """A QR code as vectors, without a quiet zone of its own: the paper around it is one."""
        rows = [bytes(row) for row in segno.make(content, error="m", micro=False).matrix]
        step = side / len(rows)
        self.pdf.set_fill_color(*INK)
        for row_no, row in enumerate(rows):
            for start, length in _runs(row):
                self.pdf.rect(x + start * step, y + row_no * step, length * step, step, style="F")

    def barcode(self, x: float, y: float, width: float, height: float, content: str) -> None:
        """A Code 128 as vectors."""
        modules = Code128(content).build()[0]
        step = width / len(modules)
        self.pdf.set_fill_color(*INK)
        for start, length in _runs(bytes(int(module) for module in modules)):
            self.pdf.rect(x + start * step, y, length * step, height, style="F")

    def attach(self, xml: bytes, at: datetime) -> None:
        """The e-invoice, in the file as EN 16931's hybrids want it."""
        self.pdf.embed_file(
            bytes=xml,
            basename="factur-x.xml",
            modification_date=at,
            creation_date=at,
            mime_type="text/xml",
            associated_file_relationship="Alternative",
            desc="Factur-X",
            compress=True,
            checksum=True,
        )

    def finish(self) -> bytes:
        """The file."""
        return bytes(self.pdf.output())


def _pieces(text: str) -> list[str]:
    """Where a line may be broken: around words and Chinese characters, not before a comma nor after a bracket."""
    found: list[str] = []
    for piece in PIECE.findall(text):
        if found and (piece[0] in NO_START or found[-1][-1] in NO_END) and not found[-1].isspace():
            found[-1] += piece
        else:
            found.append(piece)
    return found


def _runs(row: bytes) -> list[tuple[int, int]]:
    """(start, length) of the dark runs of a row."""
    runs, start = [], -1
    for index, module in enumerate((*row, 0)):
        if module and start < 0:
            start = index
        elif not module and start >= 0:
            runs.append((start, index - start))
            start = -1
    return runs


def _write_xmp(title: str, author: str, at: datetime, *, is_invoice: bool) -> str:
    """The file's own description, with the extension that Factur-X asks for where an e-invoice is in it."""
    described = {
        "pdfa3_flavor": "B",
        "title": title,
        "author": author,
        "subject": title,
        "producer": PRODUCER,
        "creator_tool": PRODUCER,
        "timestamp": at.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        "version": "1.0",
    }
    if is_invoice:
        described |= {
            "documenttype": "INVOICE",
            "xml_filename": "factur-x.xml",
            "xmp_level": "EN 16931",
            "urn": FACTURX_URN,
        }
    text: str = etree.tostring(generate_xmp_object(described), pretty_print=True, encoding="unicode")
    return text
