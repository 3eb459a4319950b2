"""The refusals of the payment provider: one class, a stable code each, an HTTP status and a sentence for a person."""

from typing import Any


class Refusal(Exception):
    """An expected "no". `code` is stable and meant for programs, `message` for people, `data` for details."""

    def __init__(self, status: int, code: str, message: str, **data: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.data = data

    def to_body(self) -> dict[str, Any]:
        """Return the JSON body every error of the API has: {"error": {"code", "message", ...data}}."""
        return {"error": {"code": self.code, "message": self.message, **self.data}}


def refuse_unknown_payment() -> Refusal:
    """The same answer for a payment that does not exist and for one of another account."""
    return Refusal(404, "payment_unknown", "No payment of this account has that id.")


def refuse_state(verb: str, status: str) -> Refusal:
    """The payment's state does not allow the command."""
    return Refusal(
        409, "payment_state", f"A payment that is {status} cannot be {verb}.", payment_status=status
    )


def refuse_amount(message: str, limit_minor: int) -> Refusal:
    """The amount exceeds what is left to capture or refund; `limit_minor` tells how much that is."""
    return Refusal(422, "amount_too_large", message, limit_minor=limit_minor)
