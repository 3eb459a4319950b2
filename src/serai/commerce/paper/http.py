"""JSON API of papers."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from serai.commerce.call.api import API, Asked, answer_in_transaction, recognise_caller
from serai.commerce.order.api import load_order
from serai.commerce.paper import api
from serai.commerce.paper.issue_paper import issue_in
from serai.commerce.paper.types import BuyerDetails, OrderPapers, Paper, Seller, SellerTerms
from serai.commerce.types import Page
from serai.foundation.database import Transaction
from serai.foundation.i18n import LOCALES

Line = Annotated[str, Meta(max_length=120)]


class InvoiceBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In which language; the order's own without one."""

    locale: Literal["", "en", "zh_Hans", "zh_Hant"] = ""


class BuyerBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands on the invoice instead of the name it was ordered under."""

    company: Line = ""
    vat_id: Annotated[str, Meta(max_length=40)] = ""
    reference: Line = ""
    line1: Line = ""
    line2: Line = ""
    postcode: Annotated[str, Meta(max_length=20)] = ""
    city: Line = ""
    region: Line = ""
    country: Annotated[str, Meta(max_length=2)] = ""


class SellerBody(SellerTerms, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What stands on papers from now on; ``version`` is the one that was read."""

    version: Annotated[int, Meta(ge=0)]


def answer_file(file: api.PaperFile) -> Response[bytes]:
    """A file as a download that nobody between keeps."""
    return Response(
        file.content,
        media_type=file.media_type,
        headers={
            "content-disposition": f'attachment; filename="{file.name}"',
            "cache-control": "private, no-store",
            "x-content-type-options": "nosniff",
        },
    )


@get(f"{API}/orders/{{order_id:uuid}}/documents", tags=["documents"])
async def get_order_documents(request: Asked, order_id: FromPath[UUID]) -> OrderPapers:
    """Invoices and credit notes of an order, and which other papers it has."""
    caller = await recognise_caller(request, "order:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.list_of_order(tx, order=await load_order(tx, order_id=order_id))


@post(f"{API}/orders/{{order_id:uuid}}/invoice", tags=["documents"])
async def post_invoice(
    request: Asked, order_id: FromPath[UUID], data: JSONBody[InvoiceBody]
) -> Response[Any]:
    """Issue the order's invoice, unless there is one; that one is the answer then."""
    caller = await recognise_caller(request, "order:write")
    base_url = str(request.base_url)

    async def effect(tx: Transaction) -> Paper:
        return await issue_in(
            caller.commerce,
            tx,
            order_id=order_id,
            by=caller.actor,
            locale=data.locale,
            base_url=base_url,
        )

    return await answer_in_transaction(request, caller, "paper.invoice", data, effect, status=201)


@put(f"{API}/orders/{{order_id:uuid}}/invoice-details", tags=["documents"])
async def put_invoice_details(
    request: Asked, order_id: FromPath[UUID], data: JSONBody[BuyerBody]
) -> Response[Any]:
    """Say whose name stands on the invoice; refused once it was issued."""
    caller = await recognise_caller(request, "order:write")

    async def effect(tx: Transaction) -> BuyerDetails:
        await load_order(tx, order_id=order_id)
        details = msgspec.convert(msgspec.to_builtins(data), BuyerDetails)
        return await api.save_buyer(tx, order_id=order_id, details=details, by=caller.actor)

    return await answer_in_transaction(request, caller, "paper.buyer", data, effect)


@get(f"{API}/orders/{{order_id:uuid}}/documents/{{kind:str}}", tags=["documents"])
async def get_order_document(
    request: Asked,
    order_id: FromPath[UUID],
    kind: FromPath[Literal["receipt", "delivery_note", "gift_receipt"]],
    locale: Annotated[Literal["", "en", "zh_Hans", "zh_Hant"], QueryParameter()] = "",
) -> Response[bytes]:
    """A receipt, delivery note or gift receipt of an order as it is now, as PDF."""
    caller = await recognise_caller(request, "order:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        order = await load_order(tx, order_id=order_id)
    return answer_file(
        await api.draw_paper(
            caller.commerce,
            caller.merchant_id,
            order=order,
            kind=kind,
            locale=locale or (order.locale if order.locale in LOCALES else LOCALES[0]),
            base_url=str(request.base_url),
        )
    )


@get(f"{API}/documents", tags=["documents"])
async def get_documents(
    request: Asked,
    words: Annotated[str, QueryParameter(name="query", max_length=60)] = "",
    cursor: Annotated[str | None, QueryParameter(max_length=100)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> Page[Paper]:
    """All invoices and credit notes, the newest first; ``query`` is the beginning of a number."""
    caller = await recognise_caller(request, "order:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.list_papers(tx, query=words, cursor=cursor, limit=limit)


@get(f"{API}/documents/{{document_id:uuid}}", tags=["documents"])
async def get_document(request: Asked, document_id: FromPath[UUID]) -> Paper:
    """One invoice or credit note."""
    caller = await recognise_caller(request, "order:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.load_paper(tx, paper_id=document_id)


@get(f"{API}/documents/{{document_id:uuid}}/file", tags=["documents"])
async def get_document_file(
    request: Asked,
    document_id: FromPath[UUID],
    form: Annotated[Literal["pdf", "xml"], QueryParameter(name="format")] = "pdf",
) -> Response[bytes]:
    """Its file: the PDF, with the e-invoice in it, or that e-invoice (EN 16931, CII) alone."""
    caller = await recognise_caller(request, "order:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        paper = await api.load_paper(tx, paper_id=document_id)
    return answer_file(await api.load_file(caller.commerce, caller.merchant_id, paper=paper, form=form))


@get(f"{API}/document-seller", tags=["documents"])
async def get_seller(request: Asked) -> Seller:
    """What the merchant says of itself on papers."""
    caller = await recognise_caller(request, "order:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.load_seller(tx)


@put(f"{API}/document-seller", tags=["documents"])
async def put_seller(request: Asked, data: JSONBody[SellerBody]) -> Response[Any]:
    """Say it anew; papers that were issued stay as they are."""
    caller = await recognise_caller(request, "order:write")

    async def effect(tx: Transaction) -> Seller:
        values = msgspec.to_builtins(data)
        version = values.pop("version")
        return await api.save_seller(
            tx, terms=msgspec.convert(values, SellerTerms), version=version, by=caller.actor
        )

    return await answer_in_transaction(request, caller, "paper.seller", data, effect)


HANDLERS = [
    get_order_documents,
    post_invoice,
    put_invoice_details,
    get_order_document,
    get_documents,
    get_document,
    get_document_file,
    get_seller,
    put_seller,
]
