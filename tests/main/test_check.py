"""`serai check`: finds every system's invariants, tells a breach with its rows, works with and without `serai up`."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from tests.main.trial import Trial, run_serai

from serai.foundation.invariant import Invariant
from serai.main import check
from serai.main.check import list_invariants, run_checks

HOLDS = Invariant("trial.holds", "Nothing is amiss.", "SELECT 1 WHERE false")
BROKEN = Invariant(
    "trial.broken", "No number is above two.", "SELECT n FROM generate_series(1, 9) n WHERE n > 2"
)


def test_the_invariants_of_all_systems_are_found_once_each() -> None:
    names = [invariant.name for invariant in list_invariants()]
    assert len(names) == len(set(names))
    assert any(name.startswith("ledger.") for name in names)


def test_two_invariants_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "_list_modules", lambda system: ["one", "two"])
    monkeypatch.setattr(check.importlib, "import_module", lambda name: SimpleNamespace(INVARIANTS=(HOLDS,)))
    with pytest.raises(ValueError, match=r"trial\.holds"):
        list_invariants(["ledger"])


async def test_a_breach_comes_with_its_first_rows(database_url: str) -> None:
    verdicts = [verdict async for verdict in run_checks(database_url, [HOLDS, BROKEN], show=2)]
    assert [verdict.holds for verdict in verdicts] == [True, False]
    assert verdicts[1].offending == ({"n": 3}, {"n": 4})


def test_every_invariant_runs_on_a_migrated_database(database_url: str) -> None:
    run = run_serai("check", database_url=database_url)
    assert "OK" in run.stdout
    assert run.stderr == ""


def test_migrate_and_check_work_while_the_shop_runs_and_when_it_does_not(
    make_trial: Callable[..., Trial],
) -> None:
    trial = make_trial().open()
    behind = run_serai("check", **trial.settings)
    assert behind.returncode == 1
    assert "serai migrate" in behind.stderr
    assert run_serai("migrate", **trial.settings).returncode == 0
    assert run_serai("check", **trial.settings).returncode == 0
    assert trial.stop() == 0
    alone = run_serai("check", **trial.settings)
    assert alone.returncode == 0
    assert "invariants hold" in alone.stdout
    assert "Nothing to do" in run_serai("migrate", **trial.settings).stdout
    assert trial.list_processes() == []
