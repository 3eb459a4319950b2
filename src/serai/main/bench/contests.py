"""All contests of the bench, and how figures are chosen by name."""

from collections.abc import Sequence

from serai.main.bench import (
    flow_contest,
    import_contest,
    order_contest,
    overload_contest,
    page_contest,
    paid_contest,
    paper_contest,
    promotion,
    search_contest,
    webhook_contest,
)
from serai.main.bench.figure import Contest, Figure
from serai.main.fault import Fault

CONTESTS: tuple[Contest, ...] = (
    *order_contest.CONTESTS,
    *page_contest.CONTESTS,
    *flow_contest.CONTESTS,
    *paid_contest.CONTESTS,
    *webhook_contest.CONTESTS,
    *search_contest.CONTESTS,
    *import_contest.CONTESTS,
    *promotion.CONTESTS,
    *paper_contest.CONTESTS,
    *overload_contest.CONTESTS,
)


def list_figures(contests: Sequence[Contest] = CONTESTS) -> list[Figure]:
    """Every figure, in the order in which it is measured."""
    return [figure for contest in contests for figure in contest.figures]


def choose_figures(
    name: str | None, contests: Sequence[Contest] = CONTESTS
) -> list[tuple[Contest, list[Figure]]]:
    """The figures that a name means: one of them, all that begin with it (``orders``), or all but the long ones
    (None).

    Raises:
        Fault: there is no such figure; it names those that there are.
    """
    chosen = []
    for contest in contests:
        if contest.is_long and name is None:
            continue
        figures = [
            f for f in contest.figures if name is None or f.name == name or f.name.startswith(f"{name}.")
        ]
        if figures:
            chosen.append((contest, figures))
    if not chosen:
        names = ", ".join(figure.name for figure in list_figures(contests))
        raise Fault(f"There is no figure named {name}.", f"There are: {names}")
    return chosen
