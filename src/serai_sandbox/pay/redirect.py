"""Where the shopper's browser goes after the pay page."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from serai_sandbox.pay.types import Payment


def build_return_url(payment: Payment) -> str:
    """Return the merchant's return_url with `payment` and `status` in its query, anything already there kept."""
    parts = urlsplit(payment.return_url)
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True)]
    query = [(name, value) for name, value in query if name not in ("payment", "status")]
    query += [("payment", payment.payment_id), ("status", payment.status)]
    return urlunsplit(parts._replace(query=urlencode(query)))
