"""The one tree of expected errors; whatever is not in it is a bug.

Refused                an expected "no", told to the caller with a code and a reason
├── Invalid      422   the input breaks a rule
├── NotFound     404   no such thing, or not yours
├── Conflict     409   the state does not allow it (any more)
├── Forbidden    403   you may not
├── Unauthorised 401   we do not know who you are
└── Limited      429   too much, too fast
Outside          502   another party (a payment provider) is down or answers nonsense
"""

from typing import Any, ClassVar


class Refused(Exception):
    """An expected refusal.

    Args:
        code: stable dotted code such as ``order.cart_changed``; clients may branch on it.
        message: a gettext message id in English with ``%(name)s`` places, shown to people.
        data: JSON-able facts behind the refusal; they also fill the places of the message.
    """

    status: ClassVar[int] = 400

    def __init__(self, code: str, message: str, **data: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.data = data


class Invalid(Refused):
    status = 422


class NotFound(Refused):
    status = 404


class Conflict(Refused):
    status = 409


class Forbidden(Refused):
    status = 403


class Unauthorised(Refused):
    status = 401


class Limited(Refused):
    status = 429


class Outside(Exception):
    """Another party failed. ``retryable`` tells whether the same call may succeed later."""

    def __init__(self, party: str, reason: str, *, retryable: bool = True) -> None:
        super().__init__(f"{party}: {reason}")
        self.party = party
        self.reason = reason
        self.retryable = retryable


def _(message: str) -> str:
    """Mark a message for the gettext catalogue without translating it here."""
    return message
