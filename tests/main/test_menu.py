"""The menu: every command says what it does, and a wrong call is a usage error."""

import pytest
import typer.main
from tests.main.trial import run_serai

from serai import __version__
from serai.main.cli import app


def test_the_version_is_printed() -> None:
    run = run_serai("--version")
    assert (run.returncode, run.stdout.strip()) == (0, f"serai {__version__}")


def test_every_command_and_option_has_a_help_text() -> None:
    group = typer.main.get_command(app)
    commands = dict(group.commands)  # type: ignore[attr-defined]
    assert {"up", "web", "worker", "migrate", "settings", "check", "demo"} <= set(commands)
    for name, command in commands.items():
        assert command.help, name
        for option in command.params:
            assert getattr(option, "hidden", True) or getattr(option, "help", ""), (name, option.name)


@pytest.mark.parametrize(
    "call", [["nonsense"], ["up", "--nonsense"], ["up", "--port", "70000"], ["up", "--workers", "0"]]
)
def test_a_wrong_call_is_a_usage_error(call: list[str]) -> None:
    run = run_serai(*call)
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
