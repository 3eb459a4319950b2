"""Lines, quantities, reasons and words that cannot be: refused with the field, and nothing has moved."""

import pytest

from serai.commerce.returns import api
from serai.commerce.returns.types import ReceivedLine, ReturnReason, ReturnTerms, WantedLine
from serai.foundation.errors import Conflict, Invalid, NotFound
from serai.foundation.ids import new_id

WRONG_LINES = [
    ([], "return.lines_invalid"),
    ([(99, 1, "fit")], "return.lines_invalid"),
    ([(0, 1, "fit")], "return.lines_invalid"),
    ([(-1, 1, "fit")], "return.lines_invalid"),
    ([(1, 1, "fit"), (1, 1, "fit")], "return.lines_invalid"),
    ([(1, 0, "fit")], "return.quantity_invalid"),
    ([(1, -1, "fit")], "return.quantity_invalid"),
    ([(1, 3, "fit")], "return.quantity_invalid"),
    ([(1, 2**62, "fit")], "return.quantity_invalid"),
    ([(1, True, "fit")], "return.quantity_invalid"),
    ([(1, 1, "")], "return.reason_unknown"),
    ([(1, 1, "' OR 1=1 --")], "return.reason_unknown"),
]


@pytest.mark.parametrize(("lines", "code"), WRONG_LINES)
async def test_what_cannot_be_announced_is_refused(shop, counter, assert_clean, lines, code):
    order = await counter.sell((await shop.add_product(), 2))
    with pytest.raises(Invalid) as refused:
        await api.request_return(
            counter.commerce,
            counter.merchant_id,
            order_id=order.order_id,
            lines=[WantedLine(*line) for line in lines],
            wish="refund",
            by="shopper",
            key="k",
        )
    assert refused.value.code == code
    async with counter.commerce.db.transaction(counter.merchant_id, "read") as tx:
        assert await api.list_order_returns(tx, order_id=order.order_id) == []
    await assert_clean()


@pytest.mark.parametrize("words", ["x" * 1001, "a\0b", "\x1b[31m", "right \u202e left"])
async def test_words_that_are_none_are_refused(shop, counter, words):
    order = await counter.sell((await shop.add_product(), 1))
    with pytest.raises(Invalid) as refused:
        await counter.ask(order, (1, 1), words=words)
    assert (refused.value.code, refused.value.data["field"]) == ("return.words_invalid", "words")


async def test_words_in_any_script_are_kept_as_they_are(shop, counter):
    order = await counter.sell((await shop.add_product(), 1))
    words = "太小了 <b>ح</b> 🙂\nsecond line"
    assert (await counter.ask(order, (1, 1), words=words)).words == words


async def test_an_unknown_order_and_an_unknown_return_are_told(counter):
    lines = [WantedLine(1, 1, "fit")]
    with pytest.raises(NotFound) as order:
        await api.request_return(
            counter.commerce,
            counter.merchant_id,
            order_id=new_id(),
            lines=lines,
            wish="refund",
            by="s",
            key="k",
        )
    assert order.value.code == "order.unknown"
    with pytest.raises(NotFound) as found:
        await api.approve_return(counter.commerce, counter.merchant_id, return_id=new_id(), by="s")
    assert found.value.code == "return.unknown"


@pytest.mark.parametrize(
    ("received", "code"),
    [
        ([ReceivedLine(1, 3)], "return.quantity_invalid"),
        ([ReceivedLine(1, 1, 1, 1)], "return.quantity_invalid"),
        ([ReceivedLine(1, -1, 2)], "return.quantity_invalid"),
        ([ReceivedLine(1, True)], "return.quantity_invalid"),
        ([ReceivedLine(2, 1)], "return.lines_invalid"),
        ([ReceivedLine(1, 1), ReceivedLine(1, 1)], "return.lines_invalid"),
    ],
)
async def test_more_than_was_announced_is_not_taken_in(shop, counter, assert_clean, received, code):
    ice = await shop.add_product(stock=10)
    order = await counter.sell((ice, 2), (await shop.add_product(), 1))
    found = await counter.do("approve", await counter.ask(order, (1, 2)))
    with pytest.raises(Invalid) as refused:
        await counter.do("receive", found, lines=received)
    assert refused.value.code == code
    assert await counter.available(ice) == 8
    assert (await counter.load(found)) == found
    await assert_clean()


async def test_an_unknown_place_takes_nothing_in(shop, counter):
    order = await counter.sell((await shop.add_product(), 1))
    found = await counter.do("approve", await counter.ask(order, (1, 1)))
    with pytest.raises(NotFound):
        await counter.do("receive", found, place_id=new_id())
    assert (await counter.load(found)).state == "approved"


@pytest.mark.parametrize(
    "terms",
    [
        {"window_days": -1},
        {"window_days": 3651},
        {"window_days": True},
        {"send_days": 0},
        {"restocking_bp": 10_001},
        {"postage_minor": -1},
        {"approve_minor": -5},
        {"reasons": ()},
        {"reasons": (ReturnReason("a b", "Name"),)},
        {"reasons": (ReturnReason("a", " "),)},
        {"reasons": (ReturnReason("a", "One"), ReturnReason("a", "Two"))},
        {"reasons": (ReturnReason("a", "One\nTwo"),)},
    ],
)
async def test_terms_that_cannot_be_are_refused(counter, terms):
    with pytest.raises(Invalid) as refused:
        await counter.say(**terms)
    assert refused.value.code == "return.terms_invalid"
    async with counter.commerce.db.transaction(counter.merchant_id, "read") as tx:
        assert await api.load_terms(tx) == ReturnTerms()


async def test_terms_that_somebody_else_has_changed_are_not_overwritten(counter):
    await counter.say(window_days=30)
    async with counter.commerce.db.transaction(counter.merchant_id) as tx:
        with pytest.raises(Conflict) as refused:
            await api.save_terms(tx, terms=ReturnTerms(window_days=60), by="late")
    assert refused.value.code == "return.terms_edited"
