"""What the lane counts about itself; see docs/operations.md for how to read it."""

from collections import Counter as Tally
from collections.abc import Sequence

from serai.foundation.metric import SIZE_BOUNDS, Counter, Gauge, Histogram
from serai.ledger.types import Group, Outcome

BATCHES = Counter(
    "serai_lane_batches_total",
    "Batches of the ledger lane that were settled, by way (early, full).",
    ("way",),
)
BATCH_GROUPS = Histogram(
    "serai_lane_batch_groups", "Groups in one batch of the ledger lane.", bounds=SIZE_BOUNDS
)
BATCH_SECONDS = Histogram("serai_lane_batch_seconds", "Time from taking a batch to its commit.")
GROUP_SECONDS = Histogram("serai_lane_group_seconds", "Time from handing in a group to its answer.")
GROUPS = Counter("serai_lane_groups_total", "Groups answered, by outcome.", ("outcome",))
DEPTH = Gauge("serai_lane_depth_groups", "Groups that wait for a batch.")
FACTS = Counter("serai_facts_total", "Facts committed with groups of the lane, by event.", ("event",))


def note_batch(groups: Sequence[Group], outcomes: Sequence[Outcome], seconds: float, way: str) -> None:
    """Count one settled batch: its groups by outcome, and the facts of those that passed now."""
    BATCHES.add(way)
    BATCH_GROUPS.observe(len(groups))
    BATCH_SECONDS.observe(seconds)
    facts: Tally[str] = Tally()
    for group, outcome in zip(groups, outcomes, strict=True):
        if not outcome.passed:
            GROUPS.add("refused")
        elif outcome.replayed:
            GROUPS.add("replayed")
        else:
            GROUPS.add("passed")
            facts.update(type(fact.event).__name__ for fact in group.facts)
    for name, count in facts.items():
        FACTS.add(name, by=count)
