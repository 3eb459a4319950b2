"""The hosted pay page: in two languages, without scripts, one charge however often it is pressed."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from babel.messages.pofile import read_po
from tests.sandbox.provider import SOURCES, Merchant, Provider, read_error

from serai_sandbox.pay.language import format_amount

PACKAGE = SOURCES / "serai_sandbox" / "pay"


class PageText(HTMLParser):
    """Collects what a reader sees and which elements there are."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def open_page(url: str, language: str = "en") -> httpx.Response:
    return httpx.get(url, headers={"accept-language": language})


def press(url: str, **form: str) -> httpx.Response:
    return httpx.post(url, data=form, headers={"accept-language": "en"})


def test_the_page_shows_merchant_lines_and_amount(merchant: Merchant) -> None:
    lines = [
        {"title": "带根毛芹 <b>", "amount_minor": 1_200, "quantity": "0.6 kg"},
        {"title": "Ice", "amount_minor": 34},
    ]
    payment = merchant.create(amount_minor=1_234, lines=lines, description="Order 7", currency="USD")
    answer = open_page(payment["pay_url"])
    page = PageText(answer.text)
    for words in (
        f"Shop <{merchant.slug}>",
        "带根毛芹 <b>",
        "× 0.6 kg",
        "$12.00",
        "$0.34",
        "Pay $12.34",
        "No money moves",
    ):
        assert words in page.text
    assert "script" not in page.tags
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "set-cookie" not in answer.headers
    assert merchant.show(payment["payment_id"])["status"] == "requires_action"


@pytest.mark.parametrize(
    ("locale", "accept", "query", "words"),
    [
        ("", "en", "", "How would you like to pay?"),
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "", "请选择支付方式"),
        ("", "fr;q=1.0, en;q=0.3, zh;q=0.7", "", "请选择支付方式"),
        ("zh-CN", "en", "", "请选择支付方式"),
        ("zh_Hans", "en", "?lang=en", "How would you like to pay?"),
        ("de", "fr", "", "How would you like to pay?"),
    ],
)
def test_the_page_speaks_the_shoppers_language(
    merchant: Merchant, locale: str, accept: str, query: str, words: str
) -> None:
    payment = merchant.create(locale=locale)
    assert words in open_page(payment["pay_url"] + query, accept).text


@pytest.mark.parametrize(
    ("currency", "shown"),
    [("JPY", "JP¥12,345"), ("KWD", "KWD12.345"), ("CNY", "¥123.45"), ("XQZ", "XQZ123.45")],
)
def test_amounts_follow_the_currencys_minor_unit(merchant: Merchant, currency: str, shown: str) -> None:
    payment = merchant.create(amount_minor=12_345, currency=currency, locale="zh")
    assert f"支付 {shown}" in open_page(payment["pay_url"]).text


def test_a_long_purchase_in_chinese_is_shown_whole(merchant: Merchant) -> None:
    lines = [{"title": f"第{n}行" + "菜" * 290, "amount_minor": n} for n in range(200)]
    payment = merchant.create(lines=lines)
    html = open_page(payment["pay_url"]).text
    assert "第0行" in html
    assert "第199行" in html


def test_paying_redirects_to_the_shop(merchant: Merchant) -> None:
    payment = merchant.create()
    answer = press(payment["pay_url"], action="pay", method="wallet")
    assert answer.status_code == 303
    assert answer.headers["location"].endswith(
        f"/back?cart=7&payment={payment['payment_id']}&status=captured"
    )
    after = merchant.show(payment["payment_id"])
    assert (after["captured_minor"], after["method"]) == (10_000, "wallet")
    page = PageText(open_page(payment["pay_url"]).text)
    assert "Paid" in page.text
    assert answer.headers["location"] in page.links
    assert "form" not in page.tags


@pytest.mark.parametrize(("action", "status"), [("decline", "failed"), ("cancel", "voided")])
def test_decline_and_cancel_redirect_without_a_charge(merchant: Merchant, action: str, status: str) -> None:
    payment = merchant.create()
    answer = press(payment["pay_url"], action=action)
    assert answer.headers["location"].endswith(f"status={status}")
    after = merchant.show(payment["payment_id"])
    assert (after["status"], after["authorised_minor"]) == (status, 0)
    assert "Nothing was charged" in open_page(payment["pay_url"]).text


def test_pressing_pay_many_times_at_once_charges_once(merchant: Merchant) -> None:
    payment = merchant.create()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: press(payment["pay_url"], action="pay"), range(8)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert merchant.show(payment["payment_id"])["captured_minor"] == 10_000
    assert merchant.list_event_types() == ["payment.authorised", "payment.captured"]


def test_a_fault_picked_on_the_page_strikes_this_payment_only(merchant: Merchant) -> None:
    payment, other = merchant.create(), merchant.create()
    press(payment["pay_url"], action="pay", fault="webhook_never")
    press(other["pay_url"], action="pay", fault="")
    assert {item["state"] for item in merchant.wait_for_quiet(payment["payment_id"])} == {"suppressed"}
    assert {item["state"] for item in merchant.wait_for_quiet(other["payment_id"])} == {"sent"}


def test_the_delay_given_on_the_page_is_used(merchant: Merchant) -> None:
    payment = merchant.create()
    press(payment["pay_url"], action="decline", fault="webhook_late", delay_s="600")
    [fault] = merchant.client.get("/v1/faults").json()["faults"]
    assert (fault["scope"], fault["params"]["delay_ms"]) == (f"payment:{payment['payment_id']}", 600_000)


def test_a_line_lost_after_the_charge_leaves_the_shopper_on_an_error_page(merchant: Merchant) -> None:
    payment = merchant.create()
    answer = press(payment["pay_url"], action="pay", fault="timeout_after_charge")
    assert (answer.status_code, answer.headers["content-type"]) == (504, "text/html; charset=utf-8")
    assert "The line went dead" in answer.text
    assert merchant.show(payment["payment_id"])["captured_minor"] == 10_000


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"action": "steal"},
        {"action": "pay", "fault": "earthquake"},
        {"action": "pay", "fault": "slow", "delay_s": "-1"},
        {"action": "pay", "fault": "slow", "delay_s": "601"},
        {"action": "pay", "fault": "slow", "delay_s": "²"},
        {"action": "pay", "fault": "slow", "delay_s": "9" * 5_000},
        {f"field{n}": "x" for n in range(30)},
    ],
)
def test_a_form_the_page_does_not_offer_is_refused_with_a_page(
    merchant: Merchant, form: dict[str, str]
) -> None:
    payment = merchant.create()
    answer = press(payment["pay_url"], **form)
    assert answer.status_code in (400, 422)
    assert "That did not work" in answer.text
    assert merchant.show(payment["payment_id"])["status"] == "created"
    assert merchant.client.get("/v1/faults").json()["faults"] == []


def test_an_unknown_payment_has_a_page_that_says_so(provider: Provider) -> None:
    for answer in (
        open_page(provider.url + "/pay/pay_none"),
        press(provider.url + "/pay/pay_none", action="pay"),
    ):
        assert answer.status_code == 404
        assert "No such payment" in answer.text
    assert "没有这笔付款" in open_page(provider.url + "/pay/pay_none", "zh").text
    read_error(httpx.get(provider.url + "/pay-static/..%2fschema.sql"), 404)


def test_every_word_of_the_pages_is_translated(tmp_path: Path) -> None:
    mapping = tmp_path / "babel.cfg"
    mapping.write_text("[jinja2: **.html]\ntrimmed = true\n", "utf-8")
    extracted = tmp_path / "pay.pot"
    command = [
        sys.executable,
        "-m",
        "babel.messages.frontend",
        "extract",
        "-F",
        str(mapping),
        "-o",
        str(extracted),
    ]
    subprocess.run([*command, str(PACKAGE / "templates")], check=True, capture_output=True)
    with extracted.open("rb") as file:
        wanted = {message.id for message in read_po(file) if message.id}
    with (PACKAGE / "locale" / "zh_Hans" / "LC_MESSAGES" / "pay.po").open("rb") as file:
        known = {
            message.id for message in read_po(file) if message.id and message.string and not message.fuzzy
        }
    assert len(wanted) > 50
    assert known == wanted


@pytest.mark.parametrize(
    ("currency", "shown"),
    [
        ("CNY", "CN¥15.97"),
        ("JPY", "¥1,597"),
        ("KWD", "KWD1.597"),
        ("IQD", "IQD\N{NO-BREAK SPACE}1.597"),
        ("AFN", "AFN\N{NO-BREAK SPACE}15.97"),
    ],
)
def test_amounts_have_the_digits_of_iso_4217(currency: str, shown: str) -> None:
    assert format_amount(1597, currency, "en") == shown
