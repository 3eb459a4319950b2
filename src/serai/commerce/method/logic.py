"""Whether a payment method is offered for an order. Pure."""

from serai.commerce.method.types import CreditTerms, MethodOffer, MethodTerms, Wanted, Why


def judge_method(terms: MethodTerms, wanted: Wanted, credit: CreditTerms | None) -> MethodOffer:
    """A method for what is wanted, with the first reason against it."""
    return MethodOffer(
        terms.code,
        _find_reason(terms, wanted, credit),
        terms.max_minor,
        credit.days if credit and terms.code == "invoice" else 0,
        max(0, credit.left_minor) if credit and terms.code == "invoice" else 0,
    )


def _find_reason(terms: MethodTerms, wanted: Wanted, credit: CreditTerms | None) -> Why:
    if not terms.active:
        return "off"
    if not wanted.due_minor:
        return "nothing_due"
    is_promise = terms.code != "online"
    if is_promise and wanted.is_presale:
        return "presale"
    if is_promise and wanted.is_market:
        return "market"
    if terms.members_only and wanted.member_id is None:
        return "members"
    if terms.countries and wanted.country not in terms.countries:
        return "country"
    if terms.max_minor is not None and wanted.due_minor > terms.max_minor:
        return "too_much"
    if terms.code == "invoice":
        if credit is None or not credit.active:
            return "members"
        if credit.left_minor < wanted.due_minor:
            return "credit"
    return ""
