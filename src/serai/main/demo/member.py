"""The chain's households as members of the demo merchant.

The source has numbers, not names, and describes 801 of the households in bands of age, income and household.
"""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from serai.main.demo.source import Ints, LineSource

FIELDS = (
    "age",
    "income",
    "home_ownership",
    "marital_status",
    "household_size",
    "household_comp",
    "kids_count",
)


class MemberTable(Struct, frozen=True):
    """One entry per household that bought something, by household number.

    `code` is unique and stable; `profile` maps field (see `FIELDS`) to band, empty where the source says nothing;
    `first_sold_at_us` is the household's first basket, microseconds since 1970 in UTC.
    """

    household_id: Ints
    code: list[str]
    name_en: list[str]
    name_zh: list[str]
    profile: list[Mapping[str, str]]
    first_sold_at_us: Ints


def list_members(lines: LineSource, *, demographics: Mapping[int, Mapping[str, str]]) -> MemberTable:
    """Every household of the sales lines, with what is known of it."""
    ids, member = np.unique(lines.household_id, return_inverse=True)
    first = np.full(len(ids), np.iinfo(np.int64).max)
    np.minimum.at(first, member, lines.sold_at_us)
    return MemberTable(
        household_id=ids,
        code=[f"household-{number}" for number in ids],
        name_en=[f"Household {number}" for number in ids],
        name_zh=[f"{number} 号家庭" for number in ids],
        profile=[demographics.get(int(number), {}) for number in ids],
        first_sold_at_us=first,
    )
