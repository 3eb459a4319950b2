"""Questions at the console: the queue, an answer sent once, shown and hidden, and who may do it."""

import re

from tests.console.conftest import Visit
from tests.console.shop import Shop, read

from serai.commerce.consultation import api as consultation


async def ask(shop: Shop, words: str = "Will it fit into my boat?") -> str:
    async with shop.commerce.db.transaction(shop.merchant.merchant_id) as tx:  # type: ignore[arg-type]
        product_id = await tx.fetchval(
            "SELECT product_id FROM commerce.variant WHERE sku_id = $1", shop.sku_id
        )
        asked = await consultation.ask_question(
            tx, product_id=product_id, words=words, email="bo@example.org", name="Bo", locale="en", facts=()
        )
    return str(asked.question_id)


async def load(shop: Shop, question_id: str):
    async with shop.commerce.db.transaction(shop.merchant.merchant_id, "read") as tx:  # type: ignore[arg-type]
        return await consultation.load_question(tx, question_id=question_id)  # type: ignore[arg-type]


async def test_a_question_is_answered_once_however_often_the_button_is_pressed(
    visit: Visit, shop: Shop
) -> None:
    question_id = await ask(shop, "<script>alert(1)</script> fits it?")
    manager = await visit("manager")
    page = await manager.client.get("/console/questions")
    assert "&lt;script&gt;" in page.text
    action = f"/console/questions/{question_id}/answer"
    [form] = [f for f in read(page).forms if f.action == action]
    for _ in range(2):
        sent = await manager.client.post(action, data={**form.values, "answer": "It will.", "published": "1"})
        assert sent.status_code == 303
    question = await load(shop, question_id)
    assert [a.words for a in question.answers] == ["It will."]
    assert question.published
    answered = await manager.client.get("/console/questions?state=answered")
    assert "It will." in answered.text


async def test_an_empty_answer_is_told_and_leaves_the_question_waiting(visit: Visit, shop: Shop) -> None:
    question_id = await ask(shop)
    manager = await visit("manager")
    action = f"/console/questions/{question_id}/answer"
    [form] = [f for f in read(await manager.client.get("/console/questions")).forms if f.action == action]
    sent = await manager.client.post(action, data={**form.values, "answer": "  "})
    assert sent.status_code == 422
    assert "An answer has 1 to 2000 characters." in sent.text
    assert (await load(shop, question_id)).state == "waiting"


async def test_a_clerk_reads_and_does_not_answer(visit: Visit, shop: Shop) -> None:
    question_id = await ask(shop)
    clerk = await visit("clerk")
    page = await clerk.client.get("/console/questions")
    assert page.status_code == 200
    assert not re.search(r"/answer|/close|/show", page.text.split("<main", 1)[1])
    token = clerk.client.cookies["csrftoken"]
    for act in ("answer", "close", "show"):
        sent = await clerk.client.post(
            f"/console/questions/{question_id}/{act}",
            data={"_csrf_token": token, "answer": "x", "published": "1"},
        )
        assert sent.status_code == 403, act
    assert (await load(shop, question_id)).state == "waiting"


async def test_a_question_is_closed_without_a_word(visit: Visit, shop: Shop) -> None:
    question_id = await ask(shop)
    manager = await visit("manager")
    await manager.client.get("/console/questions")
    token = manager.client.cookies["csrftoken"]
    sent = await manager.client.post(f"/console/questions/{question_id}/close", data={"_csrf_token": token})
    assert sent.status_code == 303
    assert (await load(shop, question_id)).state == "closed"
