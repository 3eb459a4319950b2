"""Kept pages: whole in both forms, dropped when something on them changes, bounded."""

import gzip
from uuid import UUID

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from serai.foundation import page_store
from serai.foundation.ids import new_id
from serai.foundation.page_store import TOKEN_MARK, PageStore, collect_ids, keep_page

SHOP, OTHER = new_id(), new_id()


@given(
    st.lists(st.text(max_size=300), min_size=1, max_size=6),
    st.text("0123456789abcdef", min_size=1, max_size=200),
)
def test_a_page_is_the_same_compressed_and_plain(parts: list[str], token: str) -> None:
    parts = [part.encode("utf-8", "ignore").decode().replace(TOKEN_MARK, "") for part in parts]
    page = keep_page(TOKEN_MARK.join(parts), ())
    assert page.fill(token).decode() == token.join(parts)
    assert gzip.decompress(page.fill_packed(token)).decode() == token.join(parts)


def test_a_large_page_is_compressed_well_and_its_tag_follows_text_and_visitor() -> None:
    text = "<p>the same again</p>" * 3000 + TOKEN_MARK + "<p>and again</p>" * 3000
    page, other = keep_page(text, ()), keep_page(f"{text}.", ())
    packed = page.fill_packed("a" * 128)
    assert len(packed) < len(text) / 50
    assert gzip.decompress(packed) == page.fill("a" * 128)
    assert len({page.tag("a" * 128), page.tag("b" * 128), other.tag("a" * 128)}) == 3


def test_a_change_takes_the_pages_that_show_it_and_no_other() -> None:
    store, (one, two) = PageStore(), (new_id(), new_id())
    for address, ids in (("one", {one}), ("two", {two}), ("both", {one, two})):
        store.put(SHOP, address, keep_page(address, ids), store.mark())
    store.put(OTHER, "one", keep_page("other", ()), store.mark())
    store.forget({one})
    assert [store.find(SHOP, address) is not None for address in ("one", "two", "both")] == [
        False,
        True,
        False,
    ]
    store.forget_merchant(SHOP)
    assert store.find(SHOP, "two") is None
    assert store.find(OTHER, "one") is not None
    store.forget_all()
    assert len(store) == 0


def test_a_page_that_was_read_before_a_change_is_not_kept() -> None:
    store = PageStore()
    mark = store.mark()
    store.forget({new_id()})
    store.put(SHOP, "late", keep_page("old", ()), mark)
    assert store.find(SHOP, "late") is None


def test_a_page_goes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    store, moment = PageStore(), [100.0]
    monkeypatch.setattr(page_store.time, "monotonic", lambda: moment[0])
    store.put(SHOP, "a", keep_page("text", ()), store.mark())
    moment[0] += 0.75 * page_store.KEPT_S - 0.1
    assert store.find(SHOP, "a") is not None
    moment[0] += 0.25 * page_store.KEPT_S + 0.2
    assert store.find(SHOP, "a") is None
    assert len(store) == 0


def test_the_oldest_pages_make_room() -> None:
    store = PageStore(pages=3)
    for n in range(5):
        store.put(SHOP, n, keep_page(str(n), {UUID(int=n)}), store.mark())
    assert [store.find(SHOP, n) is not None for n in range(5)] == [False, False, True, True, True]
    small = PageStore(size=2_000)
    for n in range(50):
        small.put(SHOP, n, keep_page(f"{n}" * 50, {UUID(int=n)}), small.mark())
    assert 0 < len(small) < 30
    # Nothing stays behind of what was dropped.
    assert {key for keys in small._by_id.values() for key in keys} == set(small._pages)


class Shown(msgspec.Struct):
    product_id: UUID
    more: tuple[dict[str, UUID], ...]


def test_ids_are_found_however_deep() -> None:
    a, b, c = new_id(), new_id(), new_id()
    found: set[UUID] = set()
    collect_ids({"x": [Shown(a, ({"y": b},))], c: "text", "n": None}, found)
    assert found == {a, b, c}
