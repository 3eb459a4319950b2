"""What the console says of returns in an order's history and its ledger."""

from serai.foundation.errors import _

RETURN_EVENTS = {
    "ReturnRequested": _("Return %(number)s asked for"),
    "ReturnApproved": _("Return %(number)s approved"),
    "ReturnDeclined": _("Return %(number)s declined: %(answer)s"),
    "ReturnReopened": _("Return %(number)s to be decided again"),
    "ReturnWithdrawn": _("Return %(number)s withdrawn"),
    "ReturnSent": _("Return %(number)s is on its way: %(carrier)s %(tracking)s"),
    "ReturnReceived": _("Return %(number)s came in: %(accepted)s accepted, %(refused)s not"),
    "ReturnRefunded": _("Return %(number)s refunded: %(amount)s"),
    "ReturnExchanged": _("Return %(number)s exchanged, %(amount)s goes back"),
    "ExchangeUndone": _("Exchange of return %(number)s called off: %(amount)s goes back"),
    "ReturnRejected": _("Nothing of return %(number)s accepted: %(answer)s"),
    "ReturnExpired": _("Return %(number)s was not sent"),
}
RETURN_ACCOUNTS = {
    "returnable": _("Pieces that may come back"),
    "returned": _("Pieces that came back"),
    "handed_over": _("Pieces handed over"),
    "return_closed": _("Returns"),
    "return_control": _("Returns, control"),
    "quarantine": _("Quarantine"),
    "exchange_hold": _("Kept aside for an exchange"),
    "line_refundable": _("Left to give back of a line"),
    "line_refund_control": _("Lines, control"),
    "shrink": _("Losses"),
}
