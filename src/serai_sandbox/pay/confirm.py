"""Paying without the pay page: a program pays for a shopper with a token, or with the number of a test card.

Tokens are made up: `success_token` and whatever begins with `tok_` pays, `fail_token` and what begins with `tok_declined`
is declined by the bank. Of card numbers, 4242424242424242 pays. Everything else is refused and decides nothing.
"""

from typing import Annotated

from litestar import post
from msgspec import Meta, Struct

from serai_sandbox.pay.answer import AnyRequest, AnyResponse, Subject, answer_command
from serai_sandbox.pay.api import authenticate, fail, find_sandbox, load_payment, read_body, respond
from serai_sandbox.pay.payment import decide_payment
from serai_sandbox.pay.refusal import Refusal
from serai_sandbox.pay.types import Outcome

PAYING_CARDS = frozenset({"4242424242424242"})
DECLINED_CARDS = frozenset({"4000000000000002"})


class ConfirmPayment(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of a confirmation: exactly one of the two."""

    token: Annotated[str, Meta(min_length=1, max_length=500)] | None = None
    card_number: Annotated[str, Meta(pattern=r"^\d{12,19}$")] | None = None


def judge(body: ConfirmPayment) -> Outcome:
    """Return what becomes of it; raises Refusal 422 for a token or card that is none of the made up ones."""
    if (body.token is None) == (body.card_number is None):
        raise Refusal(422, "body_invalid", "Give a token or a card_number.", field="token")
    if body.token == "fail_token" or (body.token or "").startswith("tok_declined"):
        return "declined"
    if body.card_number in DECLINED_CARDS:
        return "declined"
    if body.token == "success_token" or (body.token or "").startswith("tok_"):
        return "paid"
    if body.card_number in PAYING_CARDS:
        return "paid"
    raise Refusal(422, "instrument_unknown", "There is no such token or card.", field="token")


@post("/v1/payments/{payment_id:str}/confirm", status_code=200)
async def post_confirm(request: AnyRequest, payment_id: str) -> AnyResponse:
    """Pay with a token. A payment that is decided already stays as it is, so repeating it charges nothing."""
    sandbox, account = find_sandbox(request), authenticate(request)
    payment = load_payment(sandbox, account, payment_id)
    body = await read_body(request, ConfirmPayment)
    outcome = judge(body)

    def work(now_ms: int) -> AnyResponse:
        with sandbox.books.store.transact():
            decided = decide_payment(
                sandbox.books, load_payment(sandbox, account, payment_id), outcome, "card", now_ms
            )
        return respond(sandbox.books.render(decided))

    subject = Subject(account.slug, "pay", payment_id=payment.payment_id, reference=payment.reference)
    return await answer_command(sandbox, subject, work, fail)


HANDLERS = [post_confirm]
