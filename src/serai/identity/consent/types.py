"""Consents as other modules see them."""

from datetime import datetime
from typing import Literal

import msgspec

Topic = Literal["newsletter", "analytics"]
TOPICS: tuple[Topic, ...] = ("newsletter", "analytics")


class Consent(msgspec.Struct, frozen=True):
    """An entry of the log: ``words`` is the sentence that was agreed to or taken back."""

    topic: Topic
    granted: bool
    words: str
    given_at: datetime
