"""Questions from product pages: what waits for an answer first, then what was answered, with what is shown in the shop."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.catalogue.api import find_cards
from serai.commerce.consultation import api as consultation
from serai.commerce.consultation.types import QUEUE_STATES
from serai.console.desk import AtDesk, Desk, link
from serai.console.form import Form, fill_form, read_form
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _

PATH = "/console/questions"
STATE_LABELS = {"waiting": _("Waiting"), "answered": _("Answered"), "closed": _("Closed")}


@get("/questions")
async def show_questions(desk: AtDesk) -> Response[str]:
    """The queue: who waits longest is next."""
    desk.require("product.read")
    return await _show(desk, desk.query("state", QUEUE_STATES))


async def _show(
    desk: Desk, state: Any, *, form: Form | None = None, open_id: UUID | None = None, status_code: int = 200
) -> Response[str]:
    cursor = desk.query("cursor")
    async with desk.reading() as tx:
        counts = await consultation.count_queue(tx)
        page = await consultation.list_queue(tx, state=state, cursor=cursor or None)
        cards = await find_cards(tx, product_ids=list({q.product_id for q in page.items}))
    tabs = [
        {
            "label": desk.say(STATE_LABELS[name]),
            "href": link(PATH, state=name),
            "active": name == state,
            "count": counts[name],
        }
        for name in QUEUE_STATES
    ]
    return desk.page(
        "question_list.html",
        "question",
        desk.say(_("Questions")),
        status_code=status_code,
        questions=page.items,
        cards={card.product_id: card for card in cards},
        tabs=tabs,
        state=state,
        form=form,
        open_id=open_id,
        blank=lambda question: fill_form(f"q{question.question_id.hex[-8:]}", answer=""),
        may_answer=desk.staff.may("product.write"),
        first_href=link(PATH, state=state) if cursor else "",
        next_href=link(PATH, state=state, cursor=page.next_cursor) if page.next_cursor else "",
    )


@post("/questions/{question_id:uuid}/answer", status_code=200)
async def answer(request: Request[Any, Any, Any], desk: AtDesk, question_id: FromPath[UUID]) -> Response[Any]:
    """Answer; the asker gets a letter."""
    desk.require("product.write")
    form = read_form(f"q{question_id.hex[-8:]}", await request.form())

    async def effect(tx: Transaction) -> None:
        await consultation.answer_question(
            tx,
            question_id=question_id,
            words=form.values.get("answer", ""),
            by=desk.by,
            published=form.values.get("published") == "1",
        )

    try:
        await desk.do_once(f"answer:{question_id}", form, effect)
    except Refused as error:
        if error.status == 404:
            raise
        form.errors["answer" if error.data.get("field") == "answer" else ""] = desk.explain(error)
        return await _show(desk, "waiting", form=form, open_id=question_id, status_code=error.status)
    return desk.go(PATH, _("Your answer is on its way to the shopper."))


@post("/questions/{question_id:uuid}/show", status_code=200)
async def publish(
    request: Request[Any, Any, Any], desk: AtDesk, question_id: FromPath[UUID]
) -> Response[Any]:
    """Show an answered question on the product's page (``published=1``), or hide it."""
    desk.require("product.write")
    form = read_form("show", await request.form())
    published = form.values.get("published") == "1"
    async with desk.db.transaction(desk.merchant_id) as tx:
        await consultation.publish_question(tx, question_id=question_id, published=published, by=desk.by)
    message = _("The question is shown in the shop now.") if published else _("The question is hidden.")
    return desk.go(link(PATH, state="answered"), message)


@post("/questions/{question_id:uuid}/close", status_code=200)
async def close(desk: AtDesk, question_id: FromPath[UUID]) -> Response[Any]:
    """Close without an answer: junk, or settled elsewhere."""
    desk.require("product.write")
    async with desk.db.transaction(desk.merchant_id) as tx:
        await consultation.close_question(tx, question_id=question_id, by=desk.by)
    return desk.go(PATH, _("The question is closed."))
