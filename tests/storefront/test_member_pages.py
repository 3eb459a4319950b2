"""The account over HTTP: addresses and checkout, links by mail, consents, copy and erasure, lists, alerts, questions."""

import io
import re
import zipfile
from typing import Any

import msgspec
import pytest
from tests.console.shop import Shop
from tests.storefront.conftest import Enter
from tests.storefront.shopper import ADDRESS, Shopper, forms_of, text_of
from tests.storefront.test_account import PASSWORD, register

from serai.commerce.consultation import api as consultation
from serai.foundation.database import Database
from serai.foundation.mail import MAIL_JOB, Letter

KEPT = ADDRESS | {"name": "Ada Li", "phone": "", "label": "Cabin"}


async def list_letters(owner: Database, shop: Shop) -> list[Letter]:
    rows = await owner.fetch(
        "SELECT payload FROM foundation.job WHERE merchant_id = $1 AND name = $2 ORDER BY job_id",
        shop.merchant.merchant_id,
        MAIL_JOB,
    )
    return [msgspec.convert(row["payload"], Letter) for row in rows]


async def keep(shopper: Shopper, **changes: Any) -> None:
    answer = await shopper.post("/account/addresses", **(KEPT | changes))
    assert answer.status_code == 303, text_of(answer)


async def test_pages_of_the_account_send_strangers_to_sign_in_and_back(shopper: Shopper) -> None:
    for page in ("addresses", "addresses/new", "lists", "alerts", "questions", "security", "privacy"):
        answer = await shopper.get(f"/account/{page}")
        assert answer.headers["location"] == f"/account/sign-in?next=/account/{page}"
    for action in ("addresses", "lists", "privacy/consent", "privacy/erase", "privacy/export", "verify"):
        assert (await shopper.post(f"/account/{action}", **KEPT)).status_code == 401, action


async def test_checkout_begins_with_the_default_address_and_keeps_a_new_one(shopper: Shopper) -> None:
    await register(shopper)
    await keep(shopper)
    await keep(shopper, line1="9 Other Road", label="Office", is_default="1")
    await shopper.add()
    form = forms_of(await shopper.get("/checkout"), "/checkout")[0]
    assert (form.values["line1"], form.values["postcode"]) == ("9 Other Road", "43004")
    page = await shopper.get("/account/addresses")
    assert text_of(page).index("Office") < text_of(page).index("Cabin")
    form.values |= {"line1": "3 New Lane", "keep_address": "1", "gift_message": "Happy birthday!"}
    placed = await shopper.send_checkout(form)
    assert placed.status_code == 303
    assert "3 New Lane" in text_of(await shopper.get("/account/addresses"))
    [order] = await shopper.list_orders()
    assert "Happy birthday!" in text_of(await shopper.get(f"/account/orders/{order.number}"))


async def test_an_address_of_china_wants_district_and_phone(shopper: Shopper) -> None:
    await register(shopper)
    fields = {"country": "CN", "name": "李雷", "region": "SC", "city": "成都市", "line1": "人民南路 1 号"}
    answer = await shopper.post("/account/addresses", **fields)
    said = text_of(answer)
    assert answer.status_code == 422
    assert "Please write the district or county." in said
    assert "phone number" in said


async def test_a_letter_signs_in_once_and_looking_at_it_spends_nothing(
    shopper: Shopper, enter: Enter, owner: Database, shop: Shop
) -> None:
    await register(shopper)
    other = await enter()
    assert "on its way" in text_of(await other.post("/account/link", email="ADA@example.org"))
    [_verify, letter] = await list_letters(owner, shop)
    path = letter.action[1]
    for _ in range(2):
        assert (await other.get(path)).status_code == 200
    assert (await other.post(path)).headers["location"] == "/account"
    assert "Hello, Ada Li" in text_of(await other.get("/account"))
    again = await (await enter()).post(path)
    assert again.status_code == 404
    assert "has been used" in text_of(again)


async def test_asking_for_an_unknown_address_reads_the_same_and_sends_nothing(
    shopper: Shopper, owner: Database, shop: Shop
) -> None:
    answers = {}
    await register(shopper)
    for email in ("ada@example.org", "zed@example.org"):
        for path in ("/account/link", "/account/password"):
            answer = await shopper.post(path, email=email)
            answers.setdefault(path, set()).add((answer.status_code, text_of(answer).replace(email, "")))
    assert all(len(seen) == 1 for seen in answers.values())
    assert {letter.to for letter in await list_letters(owner, shop)} == {"ada@example.org"}


async def test_a_forgotten_password_is_replaced_by_letter(
    shopper: Shopper, enter: Enter, owner: Database, shop: Shop
) -> None:
    await register(shopper)
    other = await enter("zh-CN")
    await other.post("/account/password", email="ada@example.org")
    letter = (await list_letters(owner, shop))[-1]
    assert re.search(r"[\u4e00-\u9fff]", letter.subject)
    weak = await other.post(letter.action[1], password="short")
    assert weak.status_code == 422
    done = await other.post(letter.action[1], password="another calm sentence")
    assert done.headers["location"] == "/account"
    assert (await shopper.get("/account")).status_code == 303
    assert (
        await shopper.post("/account/sign-in", email="ada@example.org", password=PASSWORD)
    ).status_code == 401


async def test_the_letter_after_registering_confirms_the_address(
    shopper: Shopper, owner: Database, shop: Shop
) -> None:
    await register(shopper)
    assert "Please confirm your e-mail address" in text_of(await shopper.get("/account"))
    [letter] = await list_letters(owner, shop)
    await shopper.post(letter.action[1])
    assert "Please confirm your e-mail address" not in text_of(await shopper.get("/account"))


async def test_browsers_are_listed_and_signed_out(shopper: Shopper, enter: Enter) -> None:
    await register(shopper)
    other = await enter()
    await other.post("/account/sign-in", email="ada@example.org", password=PASSWORD)
    assert len(re.findall(r"/sessions/[0-9a-f]{64}/end", (await shopper.get("/account/security")).text)) == 1
    await shopper.post("/account/security/sessions/end")
    assert (await other.get("/account")).status_code == 303
    assert (await shopper.get("/account")).status_code == 200


async def test_a_passkey_question_names_nobody_and_nonsense_is_refused(shopper: Shopper) -> None:
    asked = (await shopper.post("/account/passkey/question")).json()
    assert not asked["options"].get("allowCredentials")
    answer = await shopper.post(
        "/account/passkey", challenge_id=asked["challenge_id"], credential='{"id": "AAAA"}'
    )
    assert "does not open any account" in text_of(await shopper.follow(answer))
    assert (await shopper.get("/account")).status_code == 303


async def test_consents_are_noted_and_a_copy_holds_them(shopper: Shopper) -> None:
    await register(shopper)
    await keep(shopper)
    await shopper.post("/account/privacy/consent", newsletter="1")
    await shopper.post("/account/privacy/consent")
    assert "taken back" in text_of(await shopper.get("/account/privacy"))
    answer = await shopper.post("/account/privacy/export")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        consents = msgspec.json.decode(archive.read("consents.json"))
        assert [(c["topic"], c["granted"]) for c in consents] == [("newsletter", False), ("newsletter", True)]
        assert b"12 Main Street" in archive.read("addresses.json")
        assert b"password" not in b"".join(archive.read(name) for name in archive.namelist())


async def test_an_account_is_erased_by_who_types_its_number(shopper: Shopper, owner: Database) -> None:
    await register(shopper)
    wrong = await shopper.post("/account/privacy/erase", number="M0")
    assert wrong.status_code == 422
    [number] = set(re.findall(r"M\d{10}", (await shopper.get("/account")).text))
    gone = await shopper.post("/account/privacy/erase", number=number.lower())
    assert gone.headers["location"] == "/"
    assert (await shopper.get("/account")).status_code == 303
    row = await owner.fetchrow("SELECT email, erased_at FROM identity.member WHERE number = $1", number)
    assert row["email"] is None
    assert row["erased_at"] is not None


async def test_a_list_is_kept_shared_and_read_by_a_stranger(
    shopper: Shopper, enter: Enter, shop: Shop
) -> None:
    await register(shopper)
    sku = {"sku_id": str(shop.sku_id), "next": "/account"}
    await shopper.post("/wish", **sku)
    page = await shopper.get("/account/lists")
    assert "Ice, crushed" in text_of(page)
    [path] = set(re.findall(r"/account/lists/[0-9a-f-]{36}", page.text))
    await shopper.post(path, do="share")
    [link] = re.findall(r"/lists/[A-Za-z0-9_-]{22}(?=\")", (await shopper.get(path)).text)
    stranger = await enter()
    assert "Ice, crushed" in text_of(await stranger.get(link))
    assert (await stranger.post(path, do="remove")).status_code == 401
    await shopper.post(path, do="unshare")
    assert (await stranger.get(link)).status_code == 404


async def test_a_line_waits_below_the_cart_and_goes_back(shopper: Shopper, enter: Enter) -> None:
    await shopper.add(quantity=2)
    [form] = forms_of(await shopper.get("/cart"), "/cart/saved")
    await shopper.post("/cart/saved", do="save", **form.values)
    page = await shopper.get("/cart")
    assert "Kept for later" in text_of(page)
    assert "Kept for later" not in text_of(await (await enter()).get("/cart"))
    sku = forms_of(page, "/cart/saved")[0].values["sku_id"]
    await shopper.post("/cart/saved", do="restore", sku_id=sku)
    assert await shopper.read_quantities() == ["2"]


async def test_a_guest_confirms_an_alert_by_letter_and_can_end_it(
    shopper: Shopper, owner: Database, shop: Shop
) -> None:
    fields = {"sku_id": str(shop.sku_id), "kind": "price", "email": "Bo@example.org", "next": "/help"}
    assert "confirm" in text_of(await shopper.follow(await shopper.post("/alerts", **fields)))
    [letter] = await list_letters(owner, shop)
    assert letter.to == "bo@example.org"
    assert "Yes, write to me" in text_of(await shopper.get(letter.action[1]))
    await shopper.post(letter.action[1], do="confirm")
    assert "is confirmed" in text_of(await shopper.get(letter.action[1]))
    await shopper.post(letter.action[1], do="end")
    assert (await shopper.get(letter.action[1])).status_code == 404


async def test_a_question_is_answered_from_facts_or_waits_for_staff(
    shopper: Shopper, shop: Shop, owner: Database
) -> None:
    slug = await owner.fetchval(
        "SELECT slug FROM commerce.product p JOIN commerce.variant v USING (merchant_id, product_id) WHERE sku_id = $1",
        shop.sku_id,
    )
    path = f"/p/{slug}/questions"
    who = {"email": "bo@example.org", "name": "Bo"}
    known = text_of(await shopper.post(path, question="How much does it cost?", **who))
    assert "It costs $4.99 at the moment." in known
    assert "Answered from product facts, not by a person." in known
    waits = text_of(await shopper.post(path, question="Will it fit into my boat's freezer?", **who))
    assert "with our staff" in waits
    assert "How much" not in text_of(await shopper.get(path)), "nothing shows before staff publish it"
    merchant_id: Any = shop.merchant.merchant_id
    async with shop.commerce.db.transaction(merchant_id) as tx:
        [waiting] = (await consultation.list_queue(tx)).items
        await consultation.answer_question(
            tx, question_id=waiting.question_id, words="<b>Yes</b>, it is 30 cm long.", by="o", published=True
        )
    page = await shopper.get(f"/p/{slug}")
    assert "&lt;b&gt;Yes&lt;/b&gt;, it is 30 cm long." in page.text
    [vote] = {f.action for f in forms_of(page, f"/answers/{await answer_id(owner, waiting)}/vote")}
    await shopper.post(vote, helpful="1", next=path)
    await shopper.post(vote, helpful="1", next=path)
    assert "helped 1 person" in text_of(await shopper.get(path))


async def answer_id(owner: Database, question: Any) -> Any:
    return await owner.fetchval(
        "SELECT answer_id FROM commerce.answer WHERE question_id = $1 AND source = 'staff'",
        question.question_id,
    )


@pytest.mark.parametrize("fields", [{"question": ""}, {"question": "How much?", "website": "http://x"}])
async def test_empty_and_trapped_questions_leave_nothing(
    shopper: Shopper, shop: Shop, owner: Database, fields
) -> None:
    slug = await owner.fetchval(
        "SELECT slug FROM commerce.product p JOIN commerce.variant v USING (merchant_id, product_id) WHERE sku_id = $1",
        shop.sku_id,
    )
    answer = await shopper.post(f"/p/{slug}/questions", email="bo@example.org", **fields)
    assert answer.status_code == 422
    assert (
        await owner.fetchval(
            "SELECT count(*) FROM commerce.question WHERE merchant_id = $1", shop.merchant.merchant_id
        )
        == 0
    )
