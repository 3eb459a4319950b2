"""The service board: for who runs the installation, in words, as a table, and refreshed alone."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree

import msgspec
import pytest
from litestar import Litestar
from tests.console.conftest import Visit
from tests.console.shop import Shop, read

from serai.console.line_chart import Line, draw_lines, round_up, show_figure
from serai.data.service.types import Report, Second, Seen
from serai.foundation import clock
from serai.foundation.database import Database


class QuietHouse:
    """Two web workers and a worker that have been there for a minute."""

    def __init__(self, missing: Sequence[str] = ()) -> None:
        self.missing = list(missing)

    async def gather(self) -> Seen:
        now = int(clock.now().timestamp())
        seconds = [
            Second(at, placed=2, requests=9, buckets=(0, 0, 0, 9, *[0] * 11), batches=1, groups=3)
            for at in range(now - 60, now)
        ]
        names = [name for name in ("web-1", "web-2", "worker") if name not in self.missing]
        return Seen([Report(name, 7, [], seconds) for name in names], self.missing)

    async def list_lags(self) -> Sequence[tuple[str, float]]:
        return [("order letters", 0.2)]


@pytest.fixture
async def running(app: Litestar, shop: Shop, owner: Database, registry) -> QuietHouse:
    """The test's merchant is the one who runs the installation."""
    app.state.lookout = house = QuietHouse()
    # The registry hands one object to the whole test; what it says is what the page goes by.
    merchant = registry.resolve(shop.merchant.hostnames[0])
    for host in shop.merchant.hostnames:
        registry._by_host[host] = msgspec.structs.replace(merchant, is_default=True)
    return house


async def test_the_verdict_stands_on_top_in_words_and_the_figures_in_a_table(visit: Visit, running) -> None:
    page = await (await visit("owner")).get("/console/service")
    text = " ".join(read(page).text.split())
    for piece in ("All is well.", "Orders per minute", "web-2", "order letters", "99 of 100 within"):
        assert piece in text, piece
    assert page.text.count('data-chart="lines"') == 6
    assert len(re.findall(r'<path class="line-\d" d="M', page.text)) >= 10


async def test_a_dead_process_turns_the_light(visit: Visit, running) -> None:
    running.missing = ["web-2"]
    page = await (await visit("owner")).get("/console/service")
    assert "Something is broken." in page.text
    assert "The process web-2 does not answer." in page.text
    assert "verdict-bad" in page.text


async def test_the_refresh_brings_the_figures_alone(visit: Visit, running) -> None:
    part = await (await visit("owner")).get("/console/service", **{"hx-request": "true"})
    assert part.status_code == 200
    assert "<html" not in part.text
    assert "All is well." in part.text


@pytest.mark.parametrize("role", ["manager", "clerk"])
async def test_others_of_the_house_see_nothing(visit: Visit, running, role) -> None:
    visitor = await visit(role)
    assert (await visitor.get("/console/service")).status_code == 403
    assert "/console/service" not in (await visitor.get("/console")).text


async def test_another_merchant_does_not_learn_what_the_installation_sells(
    visit: Visit, app: Litestar
) -> None:
    app.state.lookout = QuietHouse()
    visitor = await visit("owner")
    assert (await visitor.get("/console/service")).status_code == 404
    assert "/console/service" not in (await visitor.get("/console")).text


async def test_a_stranger_is_sent_to_sign_in(visit: Visit, running) -> None:
    answer = await (await visit()).get("/console/service")
    assert answer.headers["location"].startswith("/console/sign-in")


def test_a_line_breaks_where_nothing_was_measured():
    chart = draw_lines([0, 2, 4, 6], [Line("p99", [1.0, None, 3.0, 4.0])], "en")
    assert chart.lines[0].path.count("M") == 2
    assert chart.lines[0].last == "4"
    assert chart.top == "5"
    ElementTree.fromstring(f'<path d="{chart.lines[0].path}"/>')


def test_a_chart_of_nothing_is_a_flat_line():
    chart = draw_lines([0, 2], [Line("shed", [0.0, 0.0])], "en")
    assert chart.is_empty
    assert chart.lines[0].path == "M0.0 120.0L480.0 120.0"
    assert draw_lines([], [Line("shed", [])], "en").lines[0].last == "–"


@pytest.mark.parametrize(
    ("value", "top"), [(0.0, 1.0), (0.03, 0.05), (1.0, 1.0), (1.1, 2.0), (999.0, 1000.0), (5001, 10000)]
)
def test_scales_end_on_round_numbers(value, top):
    assert round_up(value) == pytest.approx(top)


def test_figures_have_as_many_digits_as_they_need():
    assert [show_figure(v, "en") for v in (None, 0.126, 12.34, 1234.5)] == ["–", "0.13", "12.3", "1,234"]


@pytest.mark.parametrize("language", ["zh_Hans", "zh_Hant"])
async def test_it_reads_in_chinese_too(visit: Visit, running, language) -> None:
    running.missing = ["web-2"]
    visitor = await visit("owner")
    visitor.client.cookies.set("locale", language)
    page = await visitor.get("/console/service")
    assert page.status_code == 200
    assert "web-2 " in page.text
    assert "Something is broken" not in page.text
