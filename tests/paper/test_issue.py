"""Invoices and credit notes: numbered without a gap, issued once, never changed."""

import asyncio
from typing import Any

import asyncpg
import msgspec
import pytest
from tests.journeys.steps import order_of
from tests.paper.conftest import BAKERY, Bureau, Clean, Taxes
from tests.paper.official import Official
from tests.shop import CONTACT, Shop

from serai.commerce.aftersale.api import cancel_order, refund_order, settle_refund
from serai.commerce.checkout.api import accept_promise
from serai.commerce.method.api import save_method
from serai.commerce.method.types import MethodTerms
from serai.commerce.order.api import fulfil_order, load_order
from serai.commerce.order.types import Order
from serai.commerce.paper import issue_paper
from serai.commerce.paper.api import (
    BuyerDetails,
    find_buyer,
    issue_credits,
    list_papers,
    load_file,
    save_buyer,
)
from serai.commerce.paper.logic import check_sums
from serai.commerce.paper.subscribers import CREDIT_NOTES
from serai.commerce.privacy.api import erase_member, export_member
from serai.foundation.database import Database
from serai.foundation.errors import Conflict, NotFound
from serai.foundation.event import Event, pump_events
from serai.foundation.ids import new_id
from serai.identity.member.api import find_member, register_member


async def credit(bureau: Bureau, order_id: Any) -> list[Any]:
    """What the worker does when money has gone back."""
    async with bureau.commerce.db.transaction(bureau.merchant_id) as tx:
        return await issue_credits(tx, order=await load_order(tx, order_id=order_id), by="serai")


async def refund(bureau: Bureau, order_id: Any, amount_minor: int, key: str = "k") -> None:
    await refund_order(
        bureau.commerce, bureau.merchant_id, order_id=order_id, amount_minor=amount_minor, reason="dented",
        by="test", key=key,
    )  # fmt: skip


async def test_an_invoice_says_what_was_sold_and_has_the_first_number(
    bureau: Bureau, tax: Taxes, assert_clean: Clean
) -> None:
    await tax("US", 19, name="VAT", included=True)
    tea = await bureau.shop.add_product("Green tea", price_minor=1190)
    order = await bureau.paid((tea, 2))
    paper = await bureau.invoice(order)
    year = paper.issued_at.year
    assert (paper.number, paper.serial, paper.kind) == (f"INV-{year}-000001", 1, "invoice")
    assert (paper.total_minor, paper.tax_minor) == (2 * 1190 + 599, 380 + 96)
    content = await bureau.content(paper)
    assert check_sums(content) == []
    assert [(line.title, line.quantity, line.base_minor, line.tax_minor) for line in content.lines] == [
        ("Green tea", 2, 2000, 380)
    ]
    assert (content.seller.name, content.seller.vat_id) == ("Bäckerei Müller GmbH", "DE123456789")
    assert (content.buyer.name, content.due_minor, content.prices_include_tax) == ("Ann Lee", 0, True)
    await assert_clean()


async def test_asking_again_gives_the_same_invoice(bureau: Bureau, assert_clean: Clean) -> None:
    order = await bureau.paid()
    first = await bureau.invoice(order)
    again = await asyncio.gather(*(bureau.invoice(order) for _ in range(5)))
    assert {paper.number for paper in again} == {first.number}
    assert len(await bureau.papers(order.order_id)) == 1
    await assert_clean()


async def test_fifty_at_once_leave_no_gap_and_no_number_twice(bureau: Bureau, assert_clean: Clean) -> None:
    ice = await bureau.shop.add_product(stock=100)
    orders = [await bureau.paid((ice, 1)) for _ in range(50)]
    # Every order is asked for twice, so that twins meet as well as strangers.
    papers = await asyncio.gather(*(bureau.invoice(order) for order in [*orders, *orders]))
    assert sorted({paper.serial for paper in papers}) == list(range(1, 51))
    by_number = sorted({paper.paper_id: paper for paper in papers}.values(), key=lambda paper: paper.serial)
    assert [paper.issued_at for paper in by_number] == sorted(paper.issued_at for paper in by_number)
    await assert_clean()


async def test_a_failure_after_the_number_was_taken_gives_it_back(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch, assert_clean: Clean
) -> None:
    first, second = await bureau.paid(), await bureau.paid()

    async def fall(*_args: object) -> None:
        raise ConnectionError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(issue_paper.store, "insert_paper", fall)
        with pytest.raises(ConnectionError):
            await bureau.invoice(first)
    assert (await bureau.invoice(second)).serial == 1
    assert (await bureau.invoice(first)).serial == 2
    await assert_clean()


async def test_every_year_begins_a_series_of_its_own_where_the_merchant_wants_it(bureau: Bureau) -> None:
    await bureau.say(invoice_series="R{year}/", credit_series="G")
    paper = await bureau.invoice(await bureau.paid())
    assert paper.number == f"R{paper.issued_at.year}/000001"
    await bureau.say(invoice_series="X-")
    assert (await bureau.invoice(await bureau.paid())).number == "X-000001"
    assert [p.number for p in (await _list(bureau)).items] == ["X-000001", paper.number]


async def _list(bureau: Bureau) -> Any:
    async with bureau.commerce.db.transaction(bureau.merchant_id, "read") as tx:
        return await list_papers(tx)


async def test_an_unpaid_order_has_no_invoice_and_nothing_is_numbered(
    bureau: Bureau, assert_clean: Clean
) -> None:
    placed = await bureau.shop.place((await bureau.shop.add_product(), 1))
    order = await order_of(bureau.shop, placed.order_id)
    with pytest.raises(Conflict) as refused:
        await bureau.invoice(order)
    assert refused.value.code == "paper.not_sold"
    assert (await bureau.invoice(await bureau.paid())).serial == 1
    await assert_clean()


async def test_without_the_shops_address_no_invoice_is_issued(shop: Shop, provider: Any) -> None:
    bureau = Bureau(shop, provider)
    with pytest.raises(Conflict) as refused:
        await bureau.invoice(await bureau.paid())
    assert refused.value.code == "paper.seller_incomplete"


async def test_an_order_of_another_merchant_is_unknown(bureau: Bureau) -> None:
    with pytest.raises(NotFound):
        await bureau.invoice(msgspec.structs.replace(await bureau.paid(), order_id=new_id()))


async def test_an_issued_paper_cannot_be_changed_even_past_the_house(
    bureau: Bureau, db: Database, assert_clean: Clean
) -> None:
    paper = await bureau.invoice(await bureau.paid())
    for statement in (
        "UPDATE commerce.paper SET total_minor = 1 WHERE merchant_id = $1",
        "DELETE FROM commerce.paper WHERE merchant_id = $1",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with db.transaction(bureau.merchant_id) as tx:
                await tx.execute(statement, tx.merchant_id)
    # What stands on it later does not reach what was issued.
    await bureau.say(BAKERY, legal_name="Somebody Else Ltd")
    assert (await bureau.content(paper)).seller.name == "Bäckerei Müller GmbH"
    await assert_clean()


async def test_refunds_in_parts_are_credited_to_the_last_cent_of_tax(
    bureau: Bureau, tax: Taxes, assert_clean: Clean
) -> None:
    await tax("US", 19, name="VAT", included=True)
    order = await bureau.paid((await bureau.shop.add_product(price_minor=333), 3))
    invoice = await bureau.invoice(order)
    await fulfil_order(bureau.commerce, bureau.merchant_id, order_id=order.order_id, by="t")
    for number, amount in enumerate((1, 500, 97, order.total_minor - 598)):
        await refund(bureau, order.order_id, amount, f"k{number}")
        await credit(bureau, order.order_id)
    papers = await bureau.papers(order.order_id)
    credits = [paper for paper in papers if paper.kind == "credit_note"]
    assert [paper.total_minor for paper in credits] == [1, 500, 97, order.total_minor - 598]
    assert sum(paper.tax_minor for paper in credits) == invoice.tax_minor
    assert [paper.serial for paper in credits] == [1, 2, 3, 4]
    assert {paper.corrects_id for paper in credits} == {invoice.paper_id}
    for paper in credits:
        content = await bureau.content(paper)
        assert (check_sums(content), content.corrects_number) == ([], invoice.number)
    await assert_clean()


async def test_a_whole_refund_repeats_the_invoices_lines(
    bureau: Bureau, tax: Taxes, assert_clean: Clean
) -> None:
    await tax("US", 7, name="VAT")
    order = await bureau.paid((await bureau.shop.add_product("Rye bread"), 2))
    invoice = await bureau.invoice(order)
    await cancel_order(
        bureau.commerce, bureau.merchant_id, order_id=order.order_id, by="t", reason="sold out"
    )
    (note,) = await credit(bureau, order.order_id)
    assert (note.total_minor, note.tax_minor) == (invoice.total_minor, invoice.tax_minor)
    content = await bureau.content(note)
    assert [line.title for line in content.lines] == ["Rye bread"]
    assert (content.reason, content.kind, content.number) == ("sold out", "credit_note", note.number)
    await assert_clean()


async def test_money_on_its_way_and_money_refused_are_not_credited(
    bureau: Bureau, provider: Any, assert_clean: Clean
) -> None:
    order = await bureau.paid()
    await bureau.invoice(order)
    provider.refund_answer = "pending"
    await refund(bureau, order.order_id, 100)
    assert await credit(bureau, order.order_id) == []
    provider.refund_answer = "failed"
    await refund(bureau, order.order_id, 50, "k2")
    assert await credit(bureau, order.order_id) == []
    (waiting,) = [r for r in (await order_of(bureau.shop, order.order_id)).refunds if r.state == "pending"]
    await settle_refund(bureau.commerce, bureau.merchant_id, refund_id=waiting.refund_id, failure=None)
    assert [paper.total_minor for paper in await credit(bureau, order.order_id)] == [100]
    await assert_clean()


async def test_two_workers_credit_a_refund_once(bureau: Bureau, assert_clean: Clean) -> None:
    order = await bureau.paid()
    await bureau.invoice(order)
    await refund(bureau, order.order_id, 100)
    issued = await asyncio.gather(*(credit(bureau, order.order_id) for _ in range(6)))
    assert sum(len(each) for each in issued) == 1
    await assert_clean()


async def test_what_went_back_before_the_invoice_is_credited_with_it(
    bureau: Bureau, assert_clean: Clean
) -> None:
    order = await bureau.paid()
    await refund(bureau, order.order_id, 120)
    await bureau.invoice(order)
    assert [(p.kind, p.total_minor) for p in await bureau.papers(order.order_id)] == [
        ("invoice", order.total_minor),
        ("credit_note", 120),
    ]
    await assert_clean()


async def test_an_order_without_an_invoice_gets_no_credit_note(bureau: Bureau) -> None:
    order = await bureau.paid()
    await refund(bureau, order.order_id, 120)
    assert await credit(bureau, order.order_id) == []


async def test_the_worker_hears_of_refunds(bureau: Bureau, owner: Database, assert_clean: Clean) -> None:
    order = await bureau.paid()
    await bureau.invoice(order)
    await refund(bureau, order.order_id, 120)
    while await pump_events(owner, bureau.commerce.db, CREDIT_NOTES):
        pass
    assert [p.total_minor for p in await bureau.papers(order.order_id)] == [order.total_minor, 120]
    # The same event again, as after a crash, changes nothing.
    event = Event(bureau.merchant_id, new_id(), "RefundDone", order.order_id, {}, order.placed_at)
    async with bureau.commerce.db.transaction(bureau.merchant_id) as tx:
        await CREDIT_NOTES.handle(tx, [event])
    assert len(await bureau.papers(order.order_id)) == 2
    await assert_clean()


async def test_the_buyers_company_stands_on_the_invoice_until_it_is_issued(bureau: Bureau) -> None:
    order = await bureau.paid()
    details = BuyerDetails("Kunde AG", "de 987 654 321", "PO-17", "Weg 2", "", "20095", "Hamburg", "", "DE")
    async with bureau.commerce.db.transaction(bureau.merchant_id) as tx:
        kept = await save_buyer(tx, order_id=order.order_id, details=details, by="ann@example.com")
    assert kept.vat_id == "DE987654321"
    content = await bureau.content(await bureau.invoice(order))
    assert (content.buyer.name, content.buyer.city, content.buyer.vat_id) == (
        "Kunde AG", "Hamburg", "DE987654321",
    )  # fmt: skip
    assert content.buyer_reference == "PO-17"
    with pytest.raises(Conflict) as refused:
        async with bureau.commerce.db.transaction(bureau.merchant_id) as tx:
            await save_buyer(tx, order_id=order.order_id, details=BuyerDetails("X"), by="ann@example.com")
    assert refused.value.code == "paper.issued_already"


async def test_a_file_is_the_same_bytes_ever_after(bureau: Bureau, owner: Database) -> None:
    paper = await bureau.invoice(await bureau.paid())
    first = await load_file(bureau.commerce, bureau.merchant_id, paper=paper)
    again = await load_file(bureau.commerce, bureau.merchant_id, paper=paper)
    assert first == again
    assert (first.name, first.content[:5]) == (f"{paper.number}.pdf", b"%PDF-")
    rows = await owner.fetch(
        "SELECT digest, bytes FROM commerce.paper_file WHERE merchant_id = $1", bureau.merchant_id
    )
    assert [row["bytes"] for row in rows] == [len(first.content)]


async def test_a_file_that_was_lost_or_damaged_is_drawn_again(
    bureau: Bureau, tmp_path: Any, owner: Database
) -> None:
    paper = await bureau.invoice(await bureau.paid())
    first = await load_file(bureau.commerce, bureau.merchant_id, paper=paper)
    (path,) = tmp_path.rglob("*.pdf")
    path.write_bytes(b"%PDF-1.7 somebody else's invoice")
    assert (await load_file(bureau.commerce, bureau.merchant_id, paper=paper)).content == first.content
    path.unlink()
    assert (await load_file(bureau.commerce, bureau.merchant_id, paper=paper)).content == first.content
    assert path.read_bytes() == first.content


async def test_erasing_a_member_forgets_what_was_wanted_but_keeps_what_was_issued(
    bureau: Bureau, assert_clean: Clean
) -> None:
    token = await register_member(
        bureau.commerce.db,
        bureau.merchant_id,
        email=CONTACT.email,
        password="a long enough secret",
        name="Ann Lee",
    )
    async with bureau.commerce.db.transaction(bureau.merchant_id) as tx:
        member = await find_member(tx, token=token)
        assert member is not None
        await tx.execute(
            "UPDATE identity.member SET email_verified_at = now() WHERE merchant_id = $1", tx.merchant_id
        )
    order = await bureau.paid()
    async with bureau.commerce.db.transaction(bureau.merchant_id) as tx:
        await save_buyer(tx, order_id=order.order_id, details=BuyerDetails("Kunde AG"), by="ann")
    paper = await bureau.invoice(order)
    await cancel_order(bureau.commerce, bureau.merchant_id, order_id=order.order_id, by="t")
    async with bureau.commerce.db.transaction(bureau.merchant_id) as tx:
        exported = await export_member(tx, member_id=member.member_id)
        (told,) = exported["orders"]
        assert told["invoice_details"]["company"] == "Kunde AG"
        assert [each["number"] for each in told["papers"]] == [paper.number]
        await erase_member(tx, member_id=member.member_id)
        assert await find_buyer(tx, order_id=order.order_id) is None
    assert (await bureau.content(paper)).buyer.name == "Kunde AG"
    await assert_clean()


@pytest.fixture
async def cash_order(bureau: Bureau) -> Order:
    """An order to be paid when it is handed over."""
    async with bureau.commerce.db.transaction(bureau.merchant_id) as tx:
        await save_method(tx, terms=MethodTerms("cash_on_delivery", active=True), by="test")
    placed = await bureau.shop.place((await bureau.shop.add_product(), 3))
    return await accept_promise(
        bureau.commerce,
        bureau.merchant_id,
        order_id=placed.order_id,
        method="cash_on_delivery",
        by="shopper",
    )


async def test_what_is_to_be_paid_on_delivery_is_due_and_credited_when_it_is_called_off(
    bureau: Bureau, cash_order: Order, official: Official, assert_clean: Clean
) -> None:
    paper = await bureau.invoice(cash_order)
    content = await bureau.content(paper)
    assert (content.paid_minor, content.due_minor) == (0, cash_order.total_minor)
    xml = await load_file(bureau.commerce, bureau.merchant_id, paper=paper, form="xml")
    assert official.list_all(xml.content) == []
    assert b"DE89370400440532013000" in xml.content
    await cancel_order(
        bureau.commerce, bureau.merchant_id, order_id=cash_order.order_id, by="t", reason="not at home"
    )
    (note,) = await credit(bureau, cash_order.order_id)
    assert note.total_minor == cash_order.total_minor
    assert await credit(bureau, cash_order.order_id) == []
    await assert_clean()
