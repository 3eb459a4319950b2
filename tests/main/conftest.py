"""Installations for the tests of the supervisor."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.main.trial import Trial


@pytest.fixture
def make_trial(tmp_path: Path) -> Iterator[Callable[..., Trial]]:
    """Makes installations below the test's folder and ends what they left running."""
    made: list[Trial] = []

    def make(name: str = "var", **settings: str) -> Trial:
        trial = Trial(tmp_path / name, **settings)
        made.append(trial)
        return trial

    yield make
    for trial in made:
        trial.end()
