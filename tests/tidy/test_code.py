"""The rules about code, on the house and on planted breaches."""

import pytest
from tests.tidy import code_rule
from tests.tidy.source import ROOT, Source, read_sources
from tests.tidy.verdict import expect_none

FOLDERS = ("src", "tests", "bench", "tools")


@pytest.fixture(scope="module")
def code() -> list[Source]:
    return read_sources(ROOT, "src")


def read_table(name: str) -> dict[str, str]:
    """A two-column table beside this file; lines starting with # are comments."""
    lines = (ROOT / "tests/tidy" / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines if line and not line.startswith("#"))


def test_the_house_is_read(code: list[Source]) -> None:
    assert {"src/serai/__init__.py", "src/serai/foundation/errors.py"} <= {source.path for source in code}


def test_module_files_have_the_agreed_names(code: list[Source]) -> None:
    expect_none(code_rule.list_misnamed_files(code, read_table("extra_files.tsv")))


def test_no_import_hides_in_a_function(code: list[Source]) -> None:
    expect_none(code_rule.list_hidden_imports(code))


def test_modules_meet_only_at_api_types_and_events(code: list[Source]) -> None:
    expect_none(code_rule.list_border_crossings(code))


def test_pure_rules_do_no_input_or_output(code: list[Source]) -> None:
    expect_none(code_rule.list_impure_logic(code))


def test_messages_of_refusals_reach_the_translators(code: list[Source]) -> None:
    expect_none(code_rule.list_unmarked_refusals(code))


def test_files_and_functions_stay_small() -> None:
    sizes = code_rule.measure_sizes(read_sources(ROOT, *FOLDERS))
    baseline = {place: int(lines) for place, lines in read_table("size_baseline.tsv").items()}
    expect_none(code_rule.compare_sizes(sizes, baseline))


@pytest.mark.parametrize(
    ("path", "is_breach"),
    [
        ("src/serai/commerce/order/api.py", False),
        ("src/serai/commerce/order/place_order.py", False),
        ("src/serai/commerce/locks.py", False),
        ("src/serai/ledger/store.py", False),
        ("src/serai/foundation/anything.py", False),
        ("src/serai/storefront/product.py", False),
        ("src/serai/commerce/order/service.py", True),
        ("src/serai/commerce/order/locks.py", True),
        ("src/serai/commerce/order/_helpers.py", True),
        ("src/serai/commerce/order/detail/api.py", True),
    ],
)
def test_a_file_name_is_judged(path: str, is_breach: bool) -> None:
    assert bool(code_rule.list_misnamed_files([Source(path, "")], {})) is is_breach


def test_an_extra_file_needs_its_entry_and_the_entry_its_file() -> None:
    lane = Source("src/serai/ledger/lane.py", "")
    assert code_rule.list_misnamed_files([lane], {}) != []
    assert code_rule.list_misnamed_files([lane], {"ledger/lane.py": "group commit"}) == []
    assert code_rule.list_misnamed_files([], {"ledger/lane.py": "group commit"}) != []


def test_a_hidden_import_is_found_outside_main_only() -> None:
    text = "def f():\n    if True:\n        import json\n"
    assert code_rule.list_hidden_imports([Source("src/serai/ledger/api.py", text)]) == [
        "src/serai/ledger/api.py:3: import inside f"
    ]
    assert code_rule.list_hidden_imports([Source("src/serai/main/cli.py", text)]) == []
    assert code_rule.list_hidden_imports([Source("src/serai/ledger/api.py", "import json\n")]) == []


@pytest.mark.parametrize(
    ("importer", "text", "is_breach"),
    [
        ("commerce/cart/api.py", "from serai.commerce.cart.store import find_cart", False),
        ("commerce/cart/api.py", "from serai.commerce.order import api", False),
        ("commerce/cart/api.py", "from serai.commerce.order.types import Order", False),
        ("commerce/cart/api.py", "from serai.commerce.locks import lock_levels", False),
        ("commerce/cart/api.py", "from serai.ledger.api import post", False),
        ("commerce/cart/api.py", "from serai.foundation.money import Money", False),
        ("ledger/api.py", "from serai.ledger.lane import Lane", False),
        ("storefront/home.py", "from serai.storefront.layout import frame", False),
        ("main/web.py", "import serai.commerce.order.http", False),
        ("commerce/cart/api.py", "from serai.commerce.order.store import load_order", True),
        ("commerce/cart/api.py", "from serai.commerce.order import store", True),
        ("commerce/cart/api.py", "import serai.commerce.order", True),
        ("commerce/cart/api.py", "from serai.ledger.lane import Lane", True),
        ("commerce/cart/api.py", "from serai.ledger import lane", True),
        ("storefront/home.py", "from serai.commerce.order.logic import total", True),
        ("storefront/home.py", "from serai.commerce.locks import lock_levels", True),
    ],
)
def test_a_border_crossing_is_judged(importer: str, text: str, is_breach: bool) -> None:
    others = [
        Source(f"src/serai/{path}.py", "")
        for path in (
            "commerce/order/__init__",
            "commerce/order/api",
            "commerce/order/store",
            "commerce/order/logic",
            "commerce/order/types",
            "commerce/cart/store",
            "commerce/locks",
            "ledger/lane",
        )
    ]
    if importer != "ledger/api.py":
        others.append(Source("src/serai/ledger/api.py", ""))
    breaches = code_rule.list_border_crossings([*others, Source(f"src/serai/{importer}", text)])
    assert bool(breaches) is is_breach, breaches


@pytest.mark.parametrize("line", ["import asyncpg", "from serai.ledger.store import x", "import time"])
def test_input_or_output_in_pure_rules_is_found(line: str) -> None:
    assert code_rule.list_impure_logic([Source("src/serai/commerce/order/logic.py", line)]) != []
    assert code_rule.list_impure_logic([Source("src/serai/commerce/order/api.py", line)]) == []


def test_an_unmarked_refusal_is_found() -> None:
    bare = 'raise Conflict("order.paid", "Already paid")'
    marked = 'raise Conflict("order.paid", _("Already paid"))'
    assert code_rule.list_unmarked_refusals([Source("a.py", bare)]) == [
        "a.py:1: the message is not marked with _()"
    ]
    assert code_rule.list_unmarked_refusals([Source("a.py", marked)]) == []


def test_sizes_are_measured_and_the_baseline_only_shrinks() -> None:
    long_function = "class A:\n    def f(self):\n" + "        x = 1\n" * 60
    sizes = code_rule.measure_sizes([Source("a.py", long_function), Source("b.py", "x = 1\n" * 401)])
    assert sizes == {"a.py::A.f": 61, "b.py": 401}
    assert len(code_rule.compare_sizes(sizes, {})) == 2
    assert code_rule.compare_sizes(sizes, sizes) == []
    assert len(code_rule.compare_sizes(sizes, {"a.py::A.f": 60, "b.py": 401})) == 1
    assert len(code_rule.compare_sizes(sizes, {"a.py::A.f": 70, "b.py": 401})) == 1
    assert len(code_rule.compare_sizes({}, {"b.py": 401})) == 1
