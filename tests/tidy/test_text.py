"""No machine paths, addresses or secrets in what is committed; locks pin and name no place."""

import json

import pytest
from tests.tidy.source import ROOT, Source, list_files, read_sources
from tests.tidy.text_rule import list_forbidden_texts, list_lock_addresses
from tests.tidy.verdict import expect_none

SUFFIXES = {
    ".py",
    ".sql",
    ".md",
    ".toml",
    ".txt",
    ".html",
    ".css",
    ".js",
    ".json",
    ".tsv",
    ".po",
    ".cfg",
    ".svg",
    "",
}


def test_nothing_committed_tells_of_one_machine_or_holds_a_secret() -> None:
    sources = [
        Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for path in list_files(ROOT)
        if path.suffix in SUFFIXES
    ]
    assert {"Makefile", ".ci/run", "README.md"} <= {source.path for source in sources}
    own = {"tests/tidy/test_text.py"}
    expect_none(list_forbidden_texts([source for source in sources if source.path not in own]))


def test_locks_pin_everything_and_name_no_place() -> None:
    locks = read_sources(ROOT, ".", suffixes=(".lock",))
    locks = [source for source in locks if "/" not in source.path]
    assert {source.path for source in locks} == {"requirements.lock", "requirements-dev.lock"}
    package_lock = Source("package-lock.json", (ROOT / "package-lock.json").read_text(encoding="utf-8"))
    expect_none(list_lock_addresses([*locks, package_lock]))


def test_both_locks_agree() -> None:
    pins = [
        {
            line.split(" ")[0]
            for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
            if "==" in line
        }
        for name in ("requirements.lock", "requirements-dev.lock")
    ]
    assert pins[0] < pins[1]


@pytest.mark.parametrize(
    "line",
    [
        'DATA = "/home/ann/data"',
        "see /ro" + "ot/notes.txt",
        "cd /wo" + "rk/main && make",
        "log to /tmp/serai.log",
        "pip install -i https://py" + "pi.org/simple x",
        "-----BEGIN RSA PRIVATE KEY-----",
        "token = ghp_abcdefghijklmnop",
    ],
)
def test_a_forbidden_text_is_found(line: str) -> None:
    assert list_forbidden_texts([Source("a.md", line)]) != []


@pytest.mark.parametrize(
    "line", ["the route /work-orders", "href='/account/home/'", "src/home/x", "/usr/bin/psql"]
)
def test_an_ordinary_text_is_fine(line: str) -> None:
    assert list_forbidden_texts([Source("a.md", line)]) == []


def test_an_address_or_a_loose_pin_in_a_lock_is_found() -> None:
    good = "asyncpg==0.32.0 \\\n    --hash=sha256:00\n"
    assert list_lock_addresses([Source("a.lock", good)]) == []
    assert list_lock_addresses([Source("a.lock", "--index-url https://example.org/simple\n" + good)]) != []
    assert list_lock_addresses([Source("a.lock", "asyncpg>=0.32.0 \\\n    --hash=sha256:00\n")]) != []
    assert list_lock_addresses([Source("a.lock", "asyncpg==0.32.0\n")]) != []
    package = {"packages": {"node_modules/a": {"version": "1", "integrity": "sha512-x"}}}
    assert list_lock_addresses([Source("a.json", json.dumps(package))]) == []
    package["packages"]["node_modules/a"]["resolved"] = "https://example.org/a.tgz"
    assert list_lock_addresses([Source("a.json", json.dumps(package))]) != []
    assert list_lock_addresses([Source("a.json", '{"packages": {"node_modules/a": {"version": "1"}}}')]) != []
