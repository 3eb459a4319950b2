"""Fills the form of a promotion: empty for a kind, or from one that stands. Fields are texts."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import partial
from uuid import UUID

import msgspec

from serai.commerce.promotion.types import AddOn, Benefit, Bundle, Gift, Terms, UnitPrice
from serai.console.form import Form, fill_form
from serai.console.promotion_kind import Kind
from serai.foundation.money import minor_digits


def show_money(minor: int | None, currency: str) -> str:
    """Minor units as a form shows them: ``12.50``."""
    return "" if minor is None else str(Decimal(minor).scaleb(-minor_digits(currency)))


def show_percent(basis_points: int) -> str:
    """Basis points as a form shows them: ``12.5``."""
    return (
        f"{Decimal(basis_points) / 100:f}".rstrip("0").rstrip(".")
        if basis_points % 100
        else str(basis_points // 100)
    )


def new_form(kind: Kind) -> Form:
    """An empty form of a kind."""
    values = {"kind": kind.code, "scope": "all", "combines": "any", "returns": "claw_back", "priority": "0"}
    values |= {
        "most": "1",
        "quantity": "1",
        "unit": "minor",
        "people": "2",
        "hours": "24",
        "nth": "2",
        "pieces": "2",
    }
    if kind.source in ("flash", "group"):
        values["combines"] = "none"
    return fill_form("promotion", **values)


def show_moment(at: datetime | None, zone: tzinfo) -> str:
    """A moment as a field for date and time holds it, in a time zone."""
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M") if at else ""


def fill_terms(kind: Kind, terms: Terms, skus: Mapping[UUID, str], currency: str, zone: tzinfo = UTC) -> Form:
    """The form of a promotion that stands. ``skus`` names the SKUs that it mentions; times are those of ``zone``."""
    form = new_form(kind)
    scope, audience = terms.scope, terms.audience

    def name(ids: tuple[UUID, ...]) -> str:
        return "\n".join(skus.get(each, str(each)) for each in ids)

    form.values |= {
        "name": terms.name,
        "name_zh": terms.translations.get("zh_Hans", ""),
        "scope": "all" if scope.everything else "some",
        "categories": " ".join(str(each) for each in scope.category_ids),
        "brands": ", ".join(scope.brands),
        "skus": name(scope.sku_ids),
        "excluded": name(scope.excluded_sku_ids),
        "levels": ", ".join(audience.member_levels),
        "members_only": "1" if audience.members_only else "",
        "channels": " ".join(audience.channels),
        "starts_at": show_moment(terms.starts_at, zone),
        "ends_at": show_moment(terms.ends_at, zone),
        "cap": show_money(terms.cap_minor, currency),
        "budget": show_money(terms.budget_minor, currency),
        "quota": str(terms.quota or ""),
        "per_user": str(terms.per_user or ""),
        "per_order": str(terms.per_order or ""),
        "tags": ", ".join(terms.tags),
        "combines": "any" if terms.combines_with is None else "tags" if terms.combines_with else "none",
        "combines_with": ", ".join(terms.combines_with or ()),
        "exclusive_group": terms.exclusive_group,
        "priority": str(terms.priority),
        "stop_after": "1" if terms.stop_after else "",
        "returns": terms.returns,
        "seller_percent": show_percent(terms.seller_percent) if terms.seller_percent else "",
    }
    form.values |= _fill_benefit(kind, terms.benefit, skus, currency)
    return form


def _fill_benefit(kind: Kind, benefit: Benefit, skus: Mapping[UUID, str], currency: str) -> dict[str, str]:
    values: dict[str, str] = {}
    if kind.tiers:
        shown: dict[str, Callable[[int], str]] = {
            "money": partial(show_money, currency=currency),
            "percent": show_percent,
            "pieces": str,
        }
        for number, tier in enumerate(getattr(benefit, "tiers", ()), 1):
            values[f"tier_least_{number}"] = shown[kind.tiers[0]](tier.least)
            values[f"tier_benefit_{number}"] = shown[kind.tiers[1]](tier.benefit)
    facts = msgspec.structs.asdict(benefit)
    plain = {"pieces": "pieces", "nth": "nth", "most": "most", "quantity": "quantity", "unit": "unit"}
    values |= {
        field: str(facts[own])
        for field, own in (plain | {"people": "people", "hours": "hours"}).items()
        if own in facts
    }
    if "price_minor" in facts:
        values["price"] = show_money(facts["price_minor"], currency)
    if "amount_minor" in facts:
        values["amount"] = show_money(facts["amount_minor"], currency)
    if facts.get("percent_off"):
        values["percent"] = show_percent(facts["percent_off"])
    if "sku_id" in facts:
        values["sku"] = skus.get(facts["sku_id"], str(facts["sku_id"]))
    if "least" in facts and not isinstance(benefit, UnitPrice):
        pieces = isinstance(benefit, Gift) and benefit.unit == "pieces"
        values["least"] = str(facts["least"]) if pieces else show_money(facts["least"], currency)
    if facts.get("every"):
        values["every" if kind.tiers else "per_step"] = "1"
    if isinstance(benefit, UnitPrice):
        values["prices"] = "\n".join(
            f"{skus.get(p.sku_id, p.sku_id)} {show_money(p.price_minor, currency)}" for p in benefit.prices
        )
    if isinstance(benefit, Bundle):
        values["components"] = "\n".join(
            f"{skus.get(c.sku_id, c.sku_id)} {c.quantity}" for c in benefit.components
        )
    return values


def list_mentioned(terms: Terms) -> list[UUID]:
    """The SKUs that a promotion mentions."""
    benefit = terms.benefit
    named = [*terms.scope.sku_ids, *terms.scope.excluded_sku_ids]
    if isinstance(benefit, UnitPrice):
        named += [each.sku_id for each in benefit.prices]
    if isinstance(benefit, Bundle):
        named += [each.sku_id for each in benefit.components]
    if isinstance(benefit, Gift | AddOn):
        named.append(benefit.sku_id)
    return named
