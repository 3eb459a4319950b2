"""What the worker does with papers."""

from collections.abc import Mapping
from functools import partial

from serai.commerce.paper.export_month import EXPORT_JOB, continue_export
from serai.commerce.types import Commerce
from serai.foundation.job import JobHandler


def list_handlers(commerce: Commerce) -> Mapping[str, JobHandler]:
    """Jobs by name."""
    return {EXPORT_JOB: partial(continue_export, commerce)}
