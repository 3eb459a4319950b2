"""How a rule speaks: every breach on a line of its own, and nothing else."""

from collections.abc import Sequence

import pytest


def expect_none(breaches: Sequence[str]) -> None:
    """Fail with the whole list, so that it can be worked off."""
    if breaches:
        pytest.fail("\n".join([f"{len(breaches)} found:", *breaches]), pytrace=False)
