"""An error as Stripe tells it."""


class Fail(Exception):
    """An error in Stripe's form."""

    def __init__(self, status: int, kind: str, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.kind, self.message, self.code = status, kind, message, code
