"""The hosted pay page: what the shopper sees, chooses and presses. It works without scripts and sets no cookie."""

import hashlib
from importlib import resources
from typing import Any, get_args
from urllib.parse import parse_qs, urlsplit

from litestar import Response, get, post

from serai_sandbox.pay.answer import AnyRequest, AnyResponse, Subject, answer_command
from serai_sandbox.pay.api import find_sandbox, read_raw
from serai_sandbox.pay.delivery import now_ms
from serai_sandbox.pay.event import make_id
from serai_sandbox.pay.fault import PARAMETERS, CreateFault, FaultName, FaultParams, order_fault
from serai_sandbox.pay.language import LANGUAGES, Language, choose_language
from serai_sandbox.pay.payment import decide_payment, open_pay_page
from serai_sandbox.pay.redirect import build_return_url
from serai_sandbox.pay.refusal import Refusal
from serai_sandbox.pay.types import UNPAID, Method, Outcome, Payment

OUTCOMES: dict[str, Outcome] = {"pay": "paid", "decline": "declined", "cancel": "cancelled"}
# These strike once when picked on the page, so that the shop's next try gets through; the others last for the payment.
ONE_TIME_FAULTS = ("error_500", "no_answer", "timeout_after_charge", "decline")
DELAY_LIMIT_S = 600
CODE_SIZE = 21


def respond_page(
    request: AnyRequest,
    template: str,
    language: Language,
    status: int = 200,
    payment: Payment | None = None,
    **values: Any,
) -> AnyResponse:
    """Return a rendered page with headers that let it load its own style and send its form, and nothing else."""
    html = request.app.state.pages.render(
        template,
        language,
        payment=payment,
        other_language=next(other for other in LANGUAGES if other != language),
        **values,
    )
    targets = "'self'"
    if payment is not None:
        parts = urlsplit(payment.return_url)
        # Browsers apply form-action to the redirect after the form too. The grammar knows no IPv6 host.
        targets += f" {parts.scheme}:" if "[" in parts.netloc else f" {parts.scheme}://{parts.netloc}"
    policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    headers = {
        "content-security-policy": f"{policy}; form-action {targets}",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    return Response(html, status_code=status, media_type="text/html", headers=headers)


def respond_notice(request: AnyRequest, status: int, code: str) -> AnyResponse:
    """Return the page for something that went wrong, in the browser's language."""
    language = choose_language(
        request.query_params.get("lang", ""), "", request.headers.get("accept-language", "")
    )
    return respond_page(request, "notice.html", language, status, code=code, return_url=None)


def _choose_for(request: AnyRequest, payment: Payment, wanted: str) -> Language:
    return choose_language(wanted, payment.locale, request.headers.get("accept-language", ""))


def draw_code(payment_id: str) -> list[tuple[int, int]]:
    """Return the dark cells of a drawing that looks like a QR code and, on purpose, is none."""
    bits = hashlib.shake_256(payment_id.encode()).digest(CODE_SIZE * CODE_SIZE // 8 + 1)
    cells = []
    for y in range(CODE_SIZE):
        for x in range(CODE_SIZE):
            corner = [(x - cx, y - cy) for cx, cy in ((0, 0), (CODE_SIZE - 7, 0), (0, CODE_SIZE - 7))]
            inside = [(dx, dy) for dx, dy in corner if -1 <= dx <= 7 and -1 <= dy <= 7]
            if inside:
                ring = max(abs(inside[0][0] - 3), abs(inside[0][1] - 3))
                is_dark = ring in (0, 1, 3)
            else:
                index = y * CODE_SIZE + x
                is_dark = bool(bits[index // 8] >> (index % 8) & 1)
            if is_dark:
                cells.append((x, y))
    return cells


@get("/pay/{payment_id:str}")
async def get_pay_page(request: AnyRequest, payment_id: str) -> AnyResponse:
    """Show the payment: the form while it is open, what became of it afterwards."""
    sandbox = find_sandbox(request)
    with sandbox.books.store.transact():
        payment = sandbox.books.store.find_payment(payment_id)
        if payment is not None:
            payment = open_pay_page(sandbox.books, payment, now_ms())
    if payment is None:
        return respond_notice(request, 404, "unknown")
    language = _choose_for(request, payment, request.query_params.get("lang", ""))
    if payment.status not in UNPAID:
        return respond_page(
            request,
            "notice.html",
            language,
            payment=payment,
            code="done",
            return_url=build_return_url(payment),
        )
    account = sandbox.accounts.find_by_slug(payment.account)
    return respond_page(
        request,
        "pay.html",
        language,
        payment=payment,
        merchant=(account.name if account else "") or payment.account,
        lines=payment.list_lines(),
        minutes_left=max(1, (payment.expires_ms - now_ms()) // 60_000),
        code_cells=draw_code(payment.payment_id),
        code_size=CODE_SIZE,
        delay_limit_s=DELAY_LIMIT_S,
    )


async def _read_form(request: AnyRequest) -> dict[str, str]:
    raw = await read_raw(request)
    try:
        fields = parse_qs(raw.decode("utf-8"), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise Refusal(400, "body_malformed", "The form cannot be read.") from error
    return {name: values[-1] for name, values in fields.items()}


def read_page_fault(payment_id: str, form: dict[str, str]) -> CreateFault | None:
    """Return the fault picked on the page, or None; raises Refusal 422 for what the page does not offer."""
    name = form.get("fault", "")
    if not name:
        return None
    if name not in get_args(FaultName):
        raise Refusal(422, "body_invalid", "The page offers no such fault.", field="fault")
    delay_ms = None
    text = form.get("delay_s", "").strip()
    if text and PARAMETERS[name].delay_ms is not None:
        if not text.isascii() or not text.isdigit() or int(text[:6]) > DELAY_LIMIT_S:
            raise Refusal(422, "body_invalid", f"The delay is 0 to {DELAY_LIMIT_S} seconds.", field="delay_s")
        delay_ms = int(text) * 1000
    fault: FaultName = name  # type: ignore[assignment]
    count = 1 if name in ONE_TIME_FAULTS else None
    return CreateFault(fault, f"payment:{payment_id}", count, FaultParams(delay_ms=delay_ms))


@post("/pay/{payment_id:str}")
async def post_pay_page(request: AnyRequest, payment_id: str) -> AnyResponse:
    """Carry out what the shopper pressed and send the browser back to the shop. Pressing twice charges once."""
    sandbox = find_sandbox(request)
    store = sandbox.books.store
    found = store.find_payment(payment_id)
    if found is None:
        return respond_notice(request, 404, "unknown")
    form = await _read_form(request)
    outcome = OUTCOMES.get(form.get("action", ""))
    method: Method = "wallet" if form.get("method") == "wallet" else "card"
    if outcome is None:
        raise Refusal(422, "body_invalid", "The page offers no such action.", field="action")
    fault = read_page_fault(payment_id, form)
    if fault is not None:
        with store.transact():
            order_fault(store, found.account, make_id("flt"), fault, now_ms())

    def work(now_ms: int) -> AnyResponse:
        with store.transact():
            payment = store.find_payment(payment_id)
            assert payment is not None, "payments are never deleted"
            payment = decide_payment(sandbox.books, payment, outcome, method, now_ms)
        headers = {
            "location": build_return_url(payment),
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
        }
        return Response(b"", status_code=303, media_type="text/plain", headers=headers)

    def render_failure(status: int, code: str, message: str) -> AnyResponse:
        payment = store.find_payment(payment_id)
        assert payment is not None, "payments are never deleted"
        language = _choose_for(request, payment, form.get("lang", ""))
        return_url = build_return_url(payment) if code == "provider_timeout" else None
        return respond_page(
            request, "notice.html", language, status, payment, code=code, return_url=return_url
        )

    subject = Subject(found.account, "pay", payment_id, found.reference)
    return await answer_command(sandbox, subject, work, render_failure)


@get("/pay-static/{name:str}")
async def get_asset(name: str) -> Response[bytes]:
    """Serve the page's own style and icon."""
    media_type = {"pay.css": "text/css", "icon.svg": "image/svg+xml"}.get(name)
    if media_type is None:
        raise Refusal(404, "unknown", "There is no such file.")
    content = resources.files("serai_sandbox.pay").joinpath("static", name).read_bytes()
    return Response(content, media_type=media_type, headers={"cache-control": "max-age=300"})


HANDLERS = [get_pay_page, post_pay_page, get_asset]
