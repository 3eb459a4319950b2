"""A statement is held against the books line by line: what agrees is settled once, what differs waits for somebody."""

import asyncio
from datetime import timedelta

import msgspec
import pytest
from tests.reconciliation.conftest import row, write

from serai.commerce.checkout.api import settle_payment, start_payment
from serai.commerce.reconciliation.jobs import finish_statements
from serai.foundation import clock
from serai.foundation.errors import Conflict, Invalid, NotFound, Outside


def intent_of(order):
    return order.payments[-1].intent_id


async def test_a_capture_and_a_refund_that_agree_are_settled_with_their_fees(books, assert_clean):
    order = await books.refund(await books.sell(), 2500)
    assert await books.balances() == (7500, 0, 0, 0)
    statement = await books.take(
        write(
            row("c1", "capture", "100.00", reference=intent_of(order), fee="3.20"),
            row("r1", "refund", "25.00", reference=intent_of(order), refund=order.refunds[0].refund_id),
            row("f1", "fee", "5.00"),
            row("p1", "payout", "66.80"),
        )
    )
    assert statement.counts == {"matched": 2, "fee": 1, "payout": 1, "open": 0}
    assert await books.balances() == (0, 10000 - 2500 - 320 - 500, 820, 0)
    await assert_clean()


async def test_the_same_file_again_changes_nothing(books, assert_clean):
    order = await books.sell()
    content = write(row("c1", "capture", "100.00", reference=intent_of(order), fee="3.00"))
    first = await books.take(content)
    again = await books.take(content)
    assert (first.is_repeat, again.is_repeat, first.statement_id) == (False, True, again.statement_id)
    assert await books.balances() == (0, 9700, 300, 0)
    await assert_clean()


async def test_a_movement_told_by_two_files_counts_once(books, assert_clean):
    first, second = await books.sell(), await books.sell()
    rows = [
        row("c1", "capture", "100.00", reference=intent_of(first)),
        row("c2", "capture", "100.00", reference=intent_of(second)),
    ]
    await books.take(write(rows[0]))
    statement = await books.take(write(*rows))
    assert (statement.lines, statement.known) == (2, 1)
    assert await books.balances() == (0, 20000, 0, 0)
    await assert_clean()


async def test_the_same_file_from_several_desks_at_once_counts_once(books, assert_clean):
    orders = [await books.sell() for _ in range(6)]
    content = write(
        *(row(f"c{n}", "capture", "100.00", reference=intent_of(order)) for n, order in enumerate(orders))
    )
    await asyncio.gather(*(books.take(content) for _ in range(4)))
    assert await books.balances() == (0, 60000, 0, 0)
    await assert_clean()


async def test_a_capture_is_not_settled_by_two_lines(books, assert_clean):
    order = await books.sell()
    statement = await books.take(
        write(
            row("c1", "capture", "100.00", reference=intent_of(order)),
            row("c2", "capture", "100.00", reference=intent_of(order)),
        )
    )
    assert statement.counts == {"matched": 1, "missing_here": 1, "open": 1}
    assert await books.balances() == (0, 10000, 0, 0)
    await assert_clean()


async def test_payments_are_found_by_the_providers_name_too(books, assert_clean):
    order = await books.sell()
    await books.take(write(row("c1", "capture", "100.00", payment=order.payments[0].provider_payment_id)))
    assert await books.balances() == (0, 10000, 0, 0)


@pytest.mark.parametrize(
    ("resolution", "expected"), [("accept", (0, 9900, 0, 100)), ("fee", (0, 9900, 100, 0))]
)
async def test_another_amount_waits_and_is_settled_as_staff_decide(books, assert_clean, resolution, expected):
    order = await books.sell()
    await books.take(write(row("c1", "capture", "99.00", reference=intent_of(order))))
    [line] = await books.lines(only_open=True)
    assert (line.verdict, line.amount_minor, line.ours_minor, line.number) == (
        "amount_differs",
        9900,
        10000,
        order.number,
    )
    assert await books.balances() == (10000, 0, 0, 0)
    await asyncio.gather(*(books.resolve(line, resolution) for _ in range(3)))
    assert await books.balances() == expected
    assert await books.lines(only_open=True) == []
    with pytest.raises(Conflict):
        await books.resolve(line, "note", "too late")
    await assert_clean()


async def test_of_two_decisions_at_once_one_counts(books, assert_clean):
    order = await books.sell()
    await books.take(write(row("c1", "capture", "99.00", reference=intent_of(order))))
    [line] = await books.lines(only_open=True)
    answers = await asyncio.gather(
        books.resolve(line, "accept"), books.resolve(line, "fee"), return_exceptions=True
    )
    assert sum(isinstance(answer, Conflict) for answer in answers) == 1
    held, money, fees, differences = await books.balances()
    assert (held, money, fees + differences) == (0, 9900, 100)
    await assert_clean()


async def test_more_than_we_know_of_is_a_difference_the_other_way(books, assert_clean):
    order = await books.sell()
    await books.take(write(row("c1", "capture", "101.50", reference=intent_of(order))))
    [line] = await books.lines(only_open=True)
    await books.resolve(line, "accept")
    assert await books.balances() == (0, 10150, 0, -150)
    await assert_clean()


async def test_money_that_nobody_ordered_goes_back_or_is_accepted(books, provider, assert_clean):
    await books.take(
        write(row("x1", "capture", "12.00", payment="p-1"), row("x2", "capture", "7.00", payment="p-2"))
    )
    lines = {line.row_key: line for line in await books.lines(only_open=True)}
    assert {line.verdict for line in lines.values()} == {"missing_here"}
    provider.down = True
    with pytest.raises(Outside):
        await books.resolve(lines["x1"], "refund")
    provider.down = False
    for _again in range(2):
        await books.resolve(lines["x1"], "refund")
    assert list(provider.refunds.values()) == [1200]
    await books.resolve(lines["x2"], "accept")
    assert await books.balances() == (0, 700, 0, -700)
    await assert_clean()


async def test_a_refund_that_the_provider_refuses_leaves_the_line_open(books, provider):
    await books.take(write(row("x1", "capture", "12.00", payment="p-1")))
    [line] = await books.lines(only_open=True)
    provider.refund_answer = "failed"
    with pytest.raises(Conflict) as refusal:
        await books.resolve(line, "refund")
    assert refusal.value.code == "statement.refund_refused"
    assert len(await books.lines(only_open=True)) == 1


async def test_a_note_needs_words_and_books_nothing(books, assert_clean):
    await books.take(write(row("x1", "other", "12.00")))
    [line] = await books.lines(only_open=True)
    with pytest.raises(Invalid) as refusal:
        await books.resolve(line, "note", "  ")
    assert refusal.value.code == "statement.note_missing"
    line = await books.resolve(line, "note", "a dispute, see the letter")
    assert (line.resolution, line.note, line.resolved_by) == ("note", "a dispute, see the letter", "staff")
    assert await books.balances() == (0, 0, 0, 0)
    with pytest.raises(NotFound):
        await books.resolve(msgspec.structs.replace(line, row_key="none"), "note", "x")
    await assert_clean()


async def test_another_currency_is_put_before_staff_and_booked_nowhere(books, assert_clean):
    order = await books.sell()
    await books.take(write(row("c1", "capture", "100.00", reference=intent_of(order), currency="EUR")))
    [line] = await books.lines(only_open=True)
    assert line.verdict == "currency_differs"
    with pytest.raises(Conflict):
        await books.resolve(line, "accept")
    assert await books.balances() == (10000, 0, 0, 0)
    assert await books.balances(currency="EUR") == (0, 0, 0, 0)
    await assert_clean()


async def test_what_a_statement_leaves_out_is_missing_until_a_later_one_tells_it(books, assert_clean):
    order, other = await books.sell(), await books.sell()
    now = clock.now()
    around = [
        row("b", "payout", "1.00", at=(now - timedelta(hours=1)).isoformat()),
        row("a", "payout", "1.00", at=(now + timedelta(hours=7)).isoformat()),
    ]
    told = row("c1", "capture", "100.00", reference=intent_of(order), at=now.isoformat())
    await books.take(write(told, *around))
    [line] = await books.lines(only_open=True)
    assert (line.verdict, line.order_id, line.ours_minor) == ("missing_there", other.order_id, 10000)
    await books.take(
        write(
            row(
                "c2",
                "capture",
                "100.00",
                reference=intent_of(other),
                at=(now + timedelta(days=1)).isoformat(),
            )
        )
    )
    assert await books.lines(only_open=True) == []
    assert await books.balances() == (0, 20000, 0, 0)
    await assert_clean()


async def test_what_never_arrives_is_accepted_as_a_loss(books, assert_clean):
    await books.sell()
    now = clock.now()
    await books.take(
        write(
            row("b", "payout", "1.00", at=(now - timedelta(hours=1)).isoformat()),
            row("a", "payout", "1.00", at=(now + timedelta(hours=7)).isoformat()),
        )
    )
    [line] = await books.lines(only_open=True)
    await books.resolve(line, "accept")
    assert await books.balances() == (0, 0, 0, 10000)
    await assert_clean()


async def test_lines_that_nobody_judged_are_judged_by_the_job(books, owner, assert_clean):
    order = await books.sell()

    class Dead:
        async def submit(self, *_args):
            raise ConnectionError("the process dies")

    living = books.commerce
    books.commerce = msgspec.structs.replace(living, lane=Dead())
    with pytest.raises(ConnectionError):
        await books.take(write(row("c1", "capture", "100.00", reference=intent_of(order), fee="1.00")))
    books.commerce = living
    assert [line.verdict for line in await books.lines()] == ["new"]
    await finish_statements(living, owner)
    assert await books.balances() == (0, 9900, 100, 0)
    await assert_clean()


async def test_a_payment_that_was_booked_nowhere_is_sent_back_from_its_line(books, provider, assert_clean):
    sku_id = await books.shop.add_product(price_minor=5000)
    placed = await books.shop.place((sku_id, 2))
    await start_payment(
        books.commerce, books.merchant_id, order_id=placed.order_id, base_url="http://shop.localhost"
    )
    intent_id = next(iter(provider.payments))
    event = provider.capture(intent_id, amount_minor=9999)
    await settle_payment(books.commerce, books.merchant_id, event=event, source="webhook")
    await books.take(write(row("c1", "capture", "99.99", reference=intent_id, payment=f"p-{intent_id}")))
    [line] = await books.lines(only_open=True)
    assert line.verdict == "missing_here"
    await books.resolve(line, "refund")
    assert list(provider.refunds.values()) == [9999]
    await assert_clean()
