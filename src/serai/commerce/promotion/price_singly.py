"""What single goods cost under a program's prices, each by itself, as lists and product pages tell it. Pure.

Only layer 1 counts: it alone says what one unit costs. Whatever else a cart may save depends on the rest of it.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from serai.commerce.promotion.apply_benefit import Group
from serai.commerce.promotion.compile_rules import Compiled, Program
from serai.commerce.promotion.explain_rules import gate_rules
from serai.commerce.promotion.price_lines import make_groups, price_groups
from serai.commerce.promotion.types import Request
from serai.foundation.i18n import pick_translation


class SinglePrice(msgspec.Struct, frozen=True):
    """A price per unit by a promotion, in minor units: of which kind, until when, how many are left at it (None: no limit)."""

    price_minor: int
    promotion_id: UUID
    kind: str
    name: str
    translations: dict[str, str]
    ends_at: datetime | None
    left: int | None

    def label(self, locale: str) -> str:
        return pick_translation(self.translations, locale, self.name)


def price_singly(program: Program, request: Request) -> dict[UUID, SinglePrice]:
    """Prices below those of the lines, by SKU. Each line is taken as the only one; its quantity is what is priced, and
    weighed goods are told per whole unit."""
    gates = gate_rules(program, request, {})
    found = {}
    for group in make_groups(program, request.lines):
        cut = next(
            (c for c in price_groups(program, request, [group], gates) if c.compiled is not None), None
        )
        if cut is not None and cut.compiled is not None and cut.units == group.quantity:
            found[group.sku_id] = _tell(cut.compiled, group, request)
    return found


def _tell(each: Compiled, group: Group, request: Request) -> SinglePrice:
    left = request.left.get(each.promotion_id)
    return SinglePrice(
        group.unit_minor,
        each.promotion_id,
        each.kind,
        each.terms.name,
        each.terms.translations,
        each.terms.ends_at,
        left.quota if left else None,
    )
