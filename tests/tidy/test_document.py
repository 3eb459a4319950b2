"""What the documents name exists."""

from pathlib import Path

import pytest
import typer
from tests.tidy.document_rule import (
    list_missing_commands,
    list_missing_paths,
    list_missing_targets,
    read_targets,
)
from tests.tidy.source import ROOT, Source, list_files
from tests.tidy.verdict import expect_none

from serai.main.cli import app


@pytest.fixture(scope="module")
def documents() -> list[Source]:
    paths = [path for path in list_files(ROOT) if path.suffix == ".md"]
    return [Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths]


@pytest.fixture(scope="module")
def commands() -> set[str]:
    group = typer.main.get_command(app)
    names = set()
    for name, command in group.commands.items():
        inner = getattr(command, "commands", {})
        names |= {f"{name} {child}" for child in inner} or {name}
        if inner and getattr(command, "invoke_without_command", False):
            names.add(name)
    return names


def test_paths_and_links_lead_somewhere(documents: list[Source]) -> None:
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md"} <= {document.path for document in documents}
    expect_none(list_missing_paths(documents, ROOT))


def test_make_targets_exist(documents: list[Source]) -> None:
    targets = read_targets((ROOT / "Makefile").read_text(encoding="utf-8"))
    assert {"up", "test"} <= targets
    expect_none(list_missing_targets(documents, targets))


def test_commands_exist(documents: list[Source], commands: set[str]) -> None:
    assert {"up", "migrate", "check"} <= commands
    expect_none(list_missing_commands(documents, commands))


def test_a_missing_path_or_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/there.py").touch()

    def find(text: str) -> list[str]:
        return list_missing_paths([Source("a.md", text)], tmp_path)

    assert (
        find("`src/there.py`, `src/there.py::test_x`, `src/<system>/api.py`, `a/b`, [x](src/there.py#y)")
        == []
    )
    assert find("`src/gone.py`") == ["a.md: no such path: src/gone.py"]
    assert find("[x](src/gone.py)") == ["a.md: the link leads nowhere: src/gone.py"]


def test_a_missing_target_is_found() -> None:
    text = "Run `make test`, then:\n\n```sh\n$ make up UP_ARGS=x\nCI=1 make nothing\n```\nWe make up stories."
    assert list_missing_targets([Source("a.md", text)], {"test", "up"}) == [
        "a.md: no such target: make nothing"
    ]


def test_a_missing_command_is_found() -> None:
    text = "`serai up --reset`, `serai import products FILE`, `.venv/bin/serai vanish`"
    assert list_missing_commands([Source("a.md", text)], {"up", "import products"}) == [
        "a.md: no such command: serai vanish"
    ]
    assert list_missing_commands([Source("a.md", "`serai import shelves`")], {"import products"}) != []
