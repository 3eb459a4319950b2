"""Papers where people meet them: the shopper's order, the console, the JSON API; and that nobody gets those of others."""

import io
import re
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pypdf import PdfReader
from tests.journeys.steps import order_of
from tests.paper.conftest import Bureau, Clean, Taxes
from tests.shop import Shop, api_client, open_shop

from serai.commerce.order.api import access_token
from serai.commerce.order.types import Order
from serai.commerce.paper.export_month import EXPORT_JOB
from serai.commerce.paper.jobs import list_handlers
from serai.foundation.database import Database
from serai.foundation.ids import MerchantId, new_id
from serai.foundation.job import Job, run_due_jobs
from serai.identity.staff.api import invite_staff, sign_in_staff

API = "/api/v1"


@pytest.fixture
async def visitor(transport: httpx.ASGITransport, shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{shop.host}") as client:
        yield client


@pytest.fixture
async def api(transport: httpx.ASGITransport, shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with api_client(transport, shop, await shop.make_key()) as client:
        yield client


def guest(bureau: Bureau, order: Order, what: str = "papers") -> str:
    """Address of a guest's papers."""
    key = access_token(bureau.commerce.secret, order.order_id)
    return f"/orders/{order.order_id}/{what}?key={key}"


async def send(client: httpx.AsyncClient, address: str, **fields: str) -> httpx.Response:
    """Fill in the form of a page and send it to its own address."""
    page = await client.get(address)
    token = re.search(r'name="_csrf_token" value="([^"]+)"', page.text)
    assert token
    return await client.post(address, data={"_csrf_token": token[1]} | fields)


async def test_a_guest_takes_the_receipt_and_asks_for_an_invoice(
    bureau: Bureau, visitor: httpx.AsyncClient, tax: Taxes, assert_clean: Clean
) -> None:
    await tax("US", 19, name="VAT", included=True)
    order = await bureau.paid((await bureau.shop.add_product("Green tea"), 2))
    page = await visitor.get(guest(bureau, order))
    assert page.status_code == 200
    receipt = await visitor.get(guest(bureau, order, "papers/receipt.pdf"))
    assert (receipt.headers["content-type"], receipt.content[:5]) == ("application/pdf", b"%PDF-")
    assert "no-store" in receipt.headers["cache-control"]
    text = PdfReader(io.BytesIO(receipt.content)).pages[0].extract_text()
    assert "Green tea" in text
    assert order.number in text
    asked = await send(
        visitor, guest(bureau, order), company="Kunde AG", vat_id="DE987654321", city="Berlin", country="DE"
    )
    assert asked.status_code == 303
    (paper,) = await bureau.papers(order.order_id)
    page = await visitor.get(guest(bureau, order))
    assert paper.number in page.text
    invoice = await visitor.get(guest(bureau, order, f"papers/{paper.paper_id}.pdf"))
    assert "Kunde AG" in PdfReader(io.BytesIO(invoice.content)).pages[0].extract_text()
    xml = await visitor.get(guest(bureau, order, f"papers/{paper.paper_id}.xml"))
    assert b"Kunde AG" in xml.content
    # Asking twice, from an old page, makes no second one and changes nothing.
    await visitor.post(guest(bureau, order), data={"company": "Somebody else"})
    assert len(await bureau.papers(order.order_id)) == 1
    await assert_clean()


@pytest.mark.parametrize(
    ("field", "value"), [("vat_id", "12"), ("country", "Germany"), ("company", "x" * 500)]
)
async def test_a_wrong_detail_is_told_at_its_field_and_nothing_is_issued(
    bureau: Bureau, visitor: httpx.AsyncClient, field: str, value: str
) -> None:
    order = await bureau.paid()
    answer = await send(visitor, guest(bureau, order), **{"company": "X", field: value})
    assert answer.status_code == 422
    assert f'id="f-{field}-error"' in answer.text
    assert await bureau.papers(order.order_id) == ()


async def test_nobody_gets_the_papers_of_others(bureau: Bureau, visitor: httpx.AsyncClient) -> None:
    mine, other = await bureau.paid(), await bureau.paid()
    paper = await bureau.invoice(other)
    for address in (
        f"/orders/{other.order_id}/papers",
        f"/orders/{other.order_id}/papers?key=wrong",
        f"/orders/{other.order_id}/papers/receipt.pdf",
        guest(bureau, mine, f"papers/{paper.paper_id}.pdf"),
        guest(bureau, mine, f"papers/{new_id()}.pdf"),
        guest(bureau, mine, "papers/delivery_note.pdf"),
        guest(bureau, mine, "papers/receipt.xml"),
        guest(bureau, mine, "papers/..%2f..%2fetc%2fpasswd"),
        guest(bureau, mine, "papers/receipt.pdf%00"),
    ):
        answer = await visitor.get(address)
        assert answer.status_code in (400, 404), address
        assert b"%PDF" not in answer.content
    # An account that is not signed in is sent to sign in, whatever the number is.
    assert (await visitor.get(f"/account/orders/{mine.number}/papers")).status_code == 303
    assert (await visitor.get(f"/account/orders/{mine.number}/papers/receipt.pdf")).status_code == 401


async def test_another_merchants_papers_are_unknown_to_the_api(
    bureau: Bureau, application: Any, owner: Database, transport: httpx.ASGITransport
) -> None:
    order = await bureau.paid()
    paper = await bureau.invoice(order)
    merchant_id = MerchantId(new_id())
    stranger = await open_shop(owner, bureau.commerce, merchant_id, f"shop-{merchant_id.hex[-12:]}")
    await application.app.state.platform.merchants.refresh()
    async with api_client(transport, stranger, await stranger.make_key()) as api:
        for path in (
            f"documents/{paper.paper_id}",
            f"documents/{paper.paper_id}/file",
            f"orders/{order.order_id}/documents",
            f"orders/{order.order_id}/documents/receipt",
        ):
            assert (await api.get(f"{API}/{path}")).status_code == 404, path
        assert (await api.get(f"{API}/documents")).json()["items"] == []
        assert (await api.post(f"{API}/orders/{order.order_id}/invoice", json={})).status_code == 404


async def test_the_api_issues_lists_and_gives_files(
    bureau: Bureau, api: httpx.AsyncClient, assert_clean: Clean
) -> None:
    order = await bureau.paid()
    before = (await api.get(f"{API}/orders/{order.order_id}/documents")).json()
    assert (before["issued"], before["may_invoice"]) == ([], True)
    assert before["drawn"] == ["receipt", "delivery_note", "gift_receipt"]
    details = {"company": "Kunde AG", "country": "DE", "city": "Berlin"}
    answer = await api.put(f"{API}/orders/{order.order_id}/invoice-details", json=details)
    assert answer.status_code == 200, answer.text
    key = {"idempotency-key": "one"}
    first = await api.post(f"{API}/orders/{order.order_id}/invoice", json={"locale": "zh_Hans"}, headers=key)
    again = await api.post(f"{API}/orders/{order.order_id}/invoice", json={"locale": "zh_Hans"}, headers=key)
    assert (first.status_code, first.json()) == (201, again.json())
    paper = first.json()
    assert (await api.get(f"{API}/documents/{paper['paper_id']}")).json() == paper
    listed = (await api.get(f"{API}/documents", params={"query": paper["number"][:8]})).json()
    assert [each["number"] for each in listed["items"]] == [paper["number"]]
    file = await api.get(f"{API}/documents/{paper['paper_id']}/file")
    assert "商业发票" in PdfReader(io.BytesIO(file.content)).pages[0].extract_text()
    assert f'filename="{paper["number"]}.pdf"' in file.headers["content-disposition"]
    xml = await api.get(f"{API}/documents/{paper['paper_id']}/file", params={"format": "xml"})
    assert xml.headers["content-type"].startswith("application/xml")
    note = await api.get(f"{API}/orders/{order.order_id}/documents/delivery_note")
    assert note.content[:5] == b"%PDF-"
    for path in ("documents/nothing", "documents/invoice"):
        assert (await api.get(f"{API}/orders/{order.order_id}/{path}")).status_code in (400, 404, 422)
    refused = await api.put(f"{API}/orders/{order.order_id}/invoice-details", json=details)
    assert (refused.status_code, refused.json()["code"]) == (409, "paper.issued_already")
    await assert_clean()


async def test_the_seller_is_said_over_the_api_and_checked(bureau: Bureau, api: httpx.AsyncClient) -> None:
    seller = (await api.get(f"{API}/document-seller")).json()
    body = seller["terms"] | {"version": seller["version"]}
    for change, code in (
        ({"iban": "DE89370400440532013001"}, "paper.iban_invalid"),
        ({"bic": "X"}, "paper.bic_invalid"),
        ({"vat_id": "123"}, "paper.vat_id_invalid"),
        ({"country": "Deutschland"}, "paper.country_invalid"),
        ({"legal_name": " "}, "paper.missing"),
        ({"invoice_series": "<b>"}, "paper.series_invalid"),
        ({"invoice_series": ""}, "paper.series_invalid"),
        ({"foot": "x" * 601}, "paper.too_long"),
        ({"email": "nobody"}, "paper.email_invalid"),
        ({"version": 7}, "paper.version_conflict"),
    ):
        answer = await api.put(f"{API}/document-seller", json=body | change)
        assert (answer.status_code in (409, 422), answer.json()["code"]) == (True, code)
    assert (await api.get(f"{API}/document-seller")).json() == seller
    saved = await api.put(f"{API}/document-seller", json=body | {"iban": "gb82 west 1234 5698 7654 32"})
    assert saved.json()["terms"]["iban"] == "GB82WEST12345698765432"


@pytest.fixture
async def desk(
    bureau: Bureau, shop: Shop, transport: httpx.ASGITransport
) -> AsyncIterator[httpx.AsyncClient]:
    """The owner's console."""
    email = f"{new_id().hex}@example.com"
    async with bureau.commerce.db.transaction(bureau.merchant_id) as tx:
        _staff, password = await invite_staff(
            tx, email=email, name="Olga", role="owner", by="test", must_change=False
        )
    token = await sign_in_staff(bureau.commerce.db, bureau.merchant_id, email=email, password=password)
    async with httpx.AsyncClient(
        transport=transport, base_url=f"http://{shop.host}", cookies={"console_session": token}
    ) as client:
        yield client


async def test_the_console_issues_lists_and_exports_a_month(
    bureau: Bureau, desk: httpx.AsyncClient, owner: Database, application: Any, assert_clean: Clean
) -> None:
    orders = [await bureau.paid() for _ in range(23)]
    page = await desk.get(f"/console/orders/{orders[0].number}")
    assert page.status_code == 200
    token = re.search(r'name="_csrf_token" value="([^"]+)"', page.text)
    assert token
    issued = await desk.post(f"/console/orders/{orders[0].number}/invoice", data={"_csrf_token": token[1]})
    assert issued.status_code == 303
    (paper,) = await bureau.papers(orders[0].order_id)
    assert (
        f"/console/papers/{paper.paper_id}/pdf"
        in (await desk.get(f"/console/orders/{orders[0].number}")).text
    )
    for order in orders[1:]:
        await bureau.invoice(order)
    assert paper.number in (await desk.get("/console/papers", params={"q": paper.number})).text
    note = await desk.get(f"/console/orders/{orders[0].number}/papers/delivery_note.pdf")
    assert note.content[:5] == b"%PDF-"
    assert (await desk.get(f"/console/papers/{paper.paper_id}/xml")).content.startswith(b"<?xml")
    assert (await desk.get(f"/console/papers/{new_id()}/pdf")).status_code == 404
    empty = await _export(desk, "1999-01")
    assert empty.status_code == 422
    begun = await _export(desk, f"{paper.issued_at:%Y-%m}")
    assert begun.status_code == 303
    handlers = list_handlers(bureau.commerce)
    # One run makes some of the files, the rest is another job's: as often as it takes.
    assert await run_due_jobs(owner, handlers) == 1
    assert "20 / 23" in (await desk.get("/console/papers")).text
    while await run_due_jobs(owner, handlers):
        pass
    page = await desk.get("/console/papers")
    found = re.search(r"/console/papers/exports/[0-9a-f-]{36}", page.text)
    assert found
    archive = zipfile.ZipFile(io.BytesIO((await desk.get(found[0])).content))
    assert archive.testzip() is None
    names = archive.namelist()
    assert len(names) == 24
    assert f"{paper.number}.pdf" in names
    assert archive.read(f"{paper.number}.pdf")[:5] == b"%PDF-"
    assert archive.read("papers.csv").decode("utf-8-sig").count("invoice") == 23
    await assert_clean()


async def _export(desk: httpx.AsyncClient, month: str) -> httpx.Response:
    page = await desk.get("/console/papers")
    token = re.search(r'name="_csrf_token" value="([^"]+)"', page.text)
    assert token
    return await desk.post(
        "/console/papers/exports", data={"_csrf_token": token[1], "key": str(new_id()), "month": month}
    )


async def test_the_console_keeps_what_stands_on_papers(bureau: Bureau, desk: httpx.AsyncClient) -> None:
    page = await desk.get("/console/papers/seller")
    fields = dict(re.findall(r'name="(\w+)"[^>]*value="([^"]*)"', page.text))
    assert fields["legal_name"] == "Bäckerei Müller GmbH"
    wrong = await desk.post("/console/papers/seller", data=fields | {"iban": "DE00"})
    assert wrong.status_code == 422
    assert "check digits" in wrong.text
    saved = await desk.post(
        "/console/papers/seller", data=fields | {"legal_name": "Müller & Co", "key": str(new_id())}
    )
    assert saved.status_code == 303
    paper = await bureau.invoice(await bureau.paid())
    assert (await bureau.content(paper)).seller.name == "Müller & Co"


async def test_a_job_that_comes_twice_changes_nothing(
    bureau: Bureau, desk: httpx.AsyncClient, owner: Database
) -> None:
    await bureau.invoice(await bureau.paid())
    order = await order_of(bureau.shop, (await bureau.paid()).order_id)
    paper = await bureau.invoice(order)
    await _export(desk, f"{paper.issued_at:%Y-%m}")
    row = await owner.fetchrow(
        "SELECT job_id, payload FROM foundation.job WHERE merchant_id = $1 AND name = $2",
        bureau.merchant_id,
        EXPORT_JOB,
    )
    assert row is not None
    handlers = list_handlers(bureau.commerce)
    await run_due_jobs(owner, handlers)
    before = await owner.fetch(
        "SELECT * FROM commerce.paper_export WHERE merchant_id = $1", bureau.merchant_id
    )
    job = Job(bureau.merchant_id, row["job_id"], EXPORT_JOB, row["payload"], 2)
    await handlers[EXPORT_JOB](job)
    after = await owner.fetch(
        "SELECT * FROM commerce.paper_export WHERE merchant_id = $1", bureau.merchant_id
    )
    assert [tuple(r) for r in before] == [tuple(r) for r in after]
