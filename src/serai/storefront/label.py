"""Drawn labels for goods without a photograph: a flat motif on a warm ground, varied by a seed.

A motif is a file in `templates/label/motif/`, 100 by 100 units, whose shapes carry the role of a colour as their class; what
colours and grounds suit it stands in `palette.toml`. To add a motif, add both.
"""

import tomllib
from functools import cache
from hashlib import blake2b
from importlib.resources import files

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

FALLBACK = "parcel"
ROLES = "abcd"

# Behind the motif. What stands needs something to stand on or in; what lies may float.
STANDING_GROUNDS: tuple[str, ...] = ("disc", "niche", "shelf", "tile", "hill", "star", "awning")
FLOATING_GROUNDS: tuple[str, ...] = ("disc", "ring", "niche", "tile", "dots", "star", "awning")
NARROW_GROUNDS = frozenset({"niche"})
TURNS = (-12, 0, 0, 10)


class Ground(msgspec.Struct, frozen=True):
    """Three tones of one paper: the sheet, a darker and a lighter one for the shape behind the motif."""

    base: str
    deep: str
    pale: str


class Motif(msgspec.Struct, frozen=True):
    """What suits a motif: names of grounds, and sets of names of colours in the order of the roles."""

    grounds: str
    colours: list[str]
    stands: bool = False
    single: bool = False


class Palette(msgspec.Struct, frozen=True):
    """The colours of all labels."""

    colour: dict[str, str]
    ground: dict[str, Ground]
    motif: dict[str, Motif]


class Figure(msgspec.Struct, frozen=True):
    """One motif on a label of 200 by 200 units: its middle, size and tilt, and which set of colours it wears."""

    x: float
    y: float
    scale: float
    turn: int
    colours: int


class Drawing(msgspec.Struct, frozen=True):
    """Everything decided about a label, ready for the template."""

    motif: str
    stands: bool
    ground: Ground
    ground_shape: str
    colours: list[dict[str, str]]
    figures: list[Figure]


def label_svg(motif: str, seed: str) -> str:
    """The label of a motif as an SVG document, 200 by 200 units, without text.

    The same motif and seed always give the same drawing; seeds vary ground, colours and arrangement. An unknown motif
    gives the parcel, so a category that names none still has a face.
    """
    return load_environment().get_template("label.svg").render(drawing=draw(motif, seed))


def list_motifs() -> list[str]:
    """The names of all motifs, for a choice in the console."""
    return sorted(load_palette().motif)


def draw(motif: str, seed: str) -> Drawing:
    """Decide how the label looks."""
    palette = load_palette()
    name = motif if motif in palette.motif else FALLBACK
    plan = palette.motif[name]
    dice = blake2b(f"{name}/{seed}".encode(), digest_size=6).digest()
    grounds = plan.grounds.split()
    shapes = STANDING_GROUNDS if plan.stands else FLOATING_GROUNDS
    paired = not plan.single and dice[3] % 4 == 0
    if paired:
        shapes = tuple(shape for shape in shapes if shape not in NARROW_GROUNDS)
    turn = 0 if plan.stands else TURNS[dice[4] % len(TURNS)]
    first = dice[0] % len(plan.colours)
    return Drawing(
        motif=name,
        stands=plan.stands,
        ground=palette.ground[grounds[dice[1] % len(grounds)]],
        ground_shape=shapes[dice[2] % len(shapes)],
        colours=[read_colours(plan, palette, first), read_colours(plan, palette, first + 1)],
        figures=arrange_pair(turn, stands=plan.stands) if paired else [Figure(100, 100, 1.36, turn, 0)],
    )


def read_colours(plan: Motif, palette: Palette, choice: int) -> dict[str, str]:
    """One set of a motif's colours by role."""
    names = plan.colours[choice % len(plan.colours)].split()
    return {role: palette.colour[name] for role, name in zip(ROLES, names, strict=False)}


def arrange_pair(turn: int, *, stands: bool) -> list[Figure]:
    """Two of a kind, the second in the next colours, behind and to the side."""
    lean, drop = (0, 12) if stands else (14, 16)
    return [Figure(138, 90, 0.92, turn + lean, 1), Figure(76, 92 + drop, 1.1, turn, 0)]


@cache
def load_palette() -> Palette:
    """The palette from the package."""
    text = (files("serai.storefront") / "templates" / "label" / "palette.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Palette)


@cache
def load_environment() -> Environment:
    """Templates of their own, since a drawing knows neither language nor session."""
    loader = PackageLoader("serai.storefront", "templates/label")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
