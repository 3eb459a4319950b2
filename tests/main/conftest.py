"""Installations for the tests of the supervisor."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.main.trial import Trial


@pytest.fixture
def make_trial() -> Iterator[Callable[..., Trial]]:
    """Makes installations in a folder of their own and ends what they left running.

    Not below pytest's folder: every pytest that starts closes that one for others, and PostgreSQL may be another user.
    """
    made: list[Trial] = []
    folder = Path(tempfile.mkdtemp(prefix="serai-trial-"))

    def make(name: str = "var", **settings: str) -> Trial:
        trial = Trial(folder / name, **settings)
        made.append(trial)
        return trial

    yield make
    for trial in made:
        trial.end()
    shutil.rmtree(folder)
