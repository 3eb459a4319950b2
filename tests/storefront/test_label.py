"""Drawn labels."""

import re
from importlib.resources import files
from xml.etree import ElementTree

import pytest

from serai.main.demo.title import read_rows
from serai.storefront.label import (
    FALLBACK,
    FLOATING_GROUNDS,
    STANDING_GROUNDS,
    label_svg,
    list_motifs,
    load_palette,
)

FOLDER = files("serai.storefront") / "templates" / "label"
SHARED_CLASSES = {"l", "k", "o", "s", "h", "sl", "ss", "sk"}


@pytest.mark.parametrize("motif", list_motifs())
def test_every_motif_is_drawn_with_the_colours_that_it_is_given(motif: str) -> None:
    text = (FOLDER / "motif" / f"{motif}.svg").read_text(encoding="utf-8")
    used = {name for names in re.findall(r'class="([^"]*)"', text) for name in names.split()}
    for colours in load_palette().motif[motif].colours:
        roles = "abcd"[: len(colours.split())]
        assert used <= SHARED_CLASSES | set(roles) | {f"s{role}" for role in roles}
    assert not re.search(r"fill=\"#|stroke=\"#", text)


def test_every_drawing_has_colours_and_the_other_way_round() -> None:
    drawn = {file.name.removesuffix(".svg") for file in (FOLDER / "motif").iterdir()}
    assert drawn == set(list_motifs())
    shapes = {file.name.removesuffix(".svg") for file in (FOLDER / "ground").iterdir()}
    assert shapes == set(STANDING_GROUNDS) | set(FLOATING_GROUNDS)


def test_every_category_of_the_demo_has_a_drawing() -> None:
    named = {row["motif"] for table in ("aisle", "category") for row in read_rows(table)}
    assert named <= set(list_motifs())


@pytest.mark.parametrize("motif", list_motifs())
def test_a_label_is_well_formed_and_holds_neither_text_nor_anything_from_elsewhere(motif: str) -> None:
    for seed in "abcdefgh":
        svg = label_svg(motif, seed)
        names = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(svg).iter()}
        assert names <= {"svg", "style", "path", "circle", "ellipse", "g"}
        assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
        assert len(svg) < 12_000


def test_the_same_seed_draws_the_same_and_seeds_differ() -> None:
    assert label_svg("apple", "42") == label_svg("apple", "42")
    assert len({label_svg("apple", str(seed)) for seed in range(24)}) > 16


def test_an_unknown_motif_is_a_parcel() -> None:
    assert label_svg("no-such-thing", "1") == label_svg(FALLBACK, "1")


def test_what_a_seed_says_never_reaches_the_drawing() -> None:
    assert "script" not in label_svg("apple", "<script>alert(1)</script>")
