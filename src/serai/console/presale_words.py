"""What happens to presales and their orders, and the accounts behind them, in the console's words."""

from serai.foundation.errors import _

PRESALE_ACCOUNTS = {
    "deferred_deposits": _("Deposits of presales"),
    "kept_deposits": _("Deposits that stayed"),
}
PRESALE_EVENTS = {
    "DepositPaid": _("Deposit of %(amount)s paid"),
    "BalanceFixed": _("Deposits are counted; the balance is %(amount)s"),
    "BalanceLowered": _("A coupon was used on the balance; %(amount)s are left"),
    "BalanceOpened": _("The buyer was told that the balance of %(amount)s can be paid"),
    "BalanceReminded": _("The buyer was reminded of the balance of %(amount)s"),
    "OrderLapsed": _("Lapsed: the balance did not come in time"),
}
