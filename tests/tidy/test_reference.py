"""The generated reference says what the code says."""

from pathlib import Path

import pytest
from litestar import get
from tests.tidy.source import ROOT
from tests.tidy.verdict import expect_none
from tools.generate_reference import FOLDER, list_refusals, render_api, render_reference

ADVICE = "run python tools/generate_reference.py"


def list_outdated(root: Path, pages: dict[str, str]) -> list[str]:
    """Pages that are missing or say something else than the code, and files that nobody generates any more."""
    there = {path.relative_to(root).as_posix() for path in (root / FOLDER).iterdir()}
    breaches = [f"{path}: nobody generates this any more" for path in sorted(there - set(pages))]
    for path, text in pages.items():
        if path not in there:
            breaches.append(f"{path}: missing; {ADVICE}")
        elif (root / path).read_text(encoding="utf-8") != text:
            breaches.append(f"{path}: says something else than the code; {ADVICE}")
    return breaches


def test_the_reference_is_up_to_date() -> None:
    expect_none(list_outdated(ROOT, render_reference()))


def test_the_reference_covers_what_it_is_about() -> None:
    pages = render_reference()
    assert "`OrderPlaced`" in pages[f"{FOLDER}/events.md"]
    assert '"SoldLine"' in pages[f"{FOLDER}/events.schema.json"]
    assert "`SERAI_DATABASE_URL`" in pages[f"{FOLDER}/settings.md"]
    assert "| `POST /api/v1/orders` | `checkout:write` | yes |" in pages[f"{FOLDER}/api.md"]
    assert "/webhooks/" not in pages[f"{FOLDER}/api.md"]
    assert "| `checkout.changed` | 409 | commerce |" in pages[f"{FOLDER}/refusals.md"]
    assert "`ledger.units_sum_to_zero`" in pages[f"{FOLDER}/invariants.md"]


def test_an_outdated_missing_or_stray_page_is_found(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "old.md").write_text("before")
    (tmp_path / FOLDER / "stray.md").write_text("who made this?")
    assert list_outdated(tmp_path, {f"{FOLDER}/old.md": "now", f"{FOLDER}/new.md": "new"}) == [
        f"{FOLDER}/stray.md: nobody generates this any more",
        f"{FOLDER}/old.md: says something else than the code; {ADVICE}",
        f"{FOLDER}/new.md: missing; {ADVICE}",
    ]


def test_refusals_are_found_in_the_code(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/api.py").write_text(
        'raise NotFound("thing.unknown", _("There is no such thing."))\n'
        'raise Conflict(f"thing.cannot_{move}", message)\n'
        'raise Fault("not a code. A sentence")\n'
    )
    assert [(r.code, r.status, r.message, r.system) for r in list_refusals(tmp_path)] == [
        ("thing.cannot_<move>", 409, "", "shop"),
        ("thing.unknown", 404, "There is no such thing.", "shop"),
    ]


def test_a_call_that_asks_for_no_scope_is_refused() -> None:
    @get("/api/v1/secrets")
    async def get_secrets() -> None:
        """Whoever asks."""

    with pytest.raises(ValueError, match="no scope is asked for"):
        render_api([get_secrets])
