"""Amounts as each provider writes them, and which provider takes which amount. Pure."""

import re
from decimal import Decimal

from serai.foundation.money import minor_digits

# Stripe counts these without decimals (docs: zero-decimal currencies), and these with three, the last of them zero.
STRIPE_WHOLE = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
STRIPE_THOUSANDTHS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
# Without cents in life, yet counted in hundredths at Stripe, which must come to whole units.
STRIPE_WHOLE_IN_HUNDREDTHS = frozenset({"ISK", "UGX"})
# Least charges that Stripe publishes, in its own units; of other currencies Stripe itself refuses what is too little.
STRIPE_LEAST = {
    **dict.fromkeys(["USD", "AUD", "BRL", "CAD", "CHF", "EUR", "NZD", "SGD"], 50),
    "AED": 200,
    "BGN": 100,
    "CZK": 1500,
    "DKK": 250,
    "GBP": 30,
    "HKD": 400,
    "HUF": 17500,
    "INR": 50,
    "JPY": 50,
    "MXN": 1000,
    "MYR": 200,
    "NOK": 300,
    "PLN": 200,
    "RON": 200,
    "SEK": 300,
    "THB": 1000,
}
STRIPE_MOST = 99_999_999
# One hundred million yuan, Alipay's limit of a trade; WeChat's own limits follow the merchant's contract.
YUAN_MOST_MINOR = 10_000_000_000
YUAN = re.compile(r"(0|[1-9][0-9]{0,9})(\.[0-9]{1,2})?")


def stripe_digits(currency: str) -> int:
    """How many decimal digits Stripe's amounts in a currency have."""
    if currency in STRIPE_WHOLE:
        return 0
    return 3 if currency in STRIPE_THOUSANDTHS else 2


def to_stripe(minor: int, currency: str) -> int:
    """Our minor units as Stripe's. ValueError when Stripe cannot count that amount."""
    shift = stripe_digits(currency) - minor_digits(currency)
    amount, rest = (minor * 10**shift, 0) if shift >= 0 else divmod(minor, 10**-shift)
    step = 10 if currency in STRIPE_THOUSANDTHS else 100 if currency in STRIPE_WHOLE_IN_HUNDREDTHS else 1
    if rest or amount % step:
        raise ValueError(f"Stripe does not count {minor} minor units of {currency}")
    return amount


def from_stripe(amount: int, currency: str) -> int:
    """Stripe's units as our minor units. ValueError when they are not whole."""
    shift = minor_digits(currency) - stripe_digits(currency)
    minor, rest = (amount * 10**shift, 0) if shift >= 0 else divmod(amount, 10**-shift)
    if rest:
        raise ValueError(f"{amount} of Stripe's {currency} are no whole minor units")
    return minor


def to_yuan(minor: int) -> str:
    """Fen as yuan in text, as Alipay writes them."""
    return f"{minor // 100}.{minor % 100:02d}"


def from_yuan(text: str) -> int:
    """Yuan in text as fen. ValueError when the text is anything else."""
    if not YUAN.fullmatch(text):
        raise ValueError("that is no amount in yuan")
    return int(Decimal(text) * 100)


def takes(provider: str, amount_minor: int, currency: str) -> bool:
    """Whether a provider takes a payment of this amount at all."""
    if provider in ("wechat", "alipay"):
        return currency == "CNY" and 0 < amount_minor <= YUAN_MOST_MINOR
    if provider != "stripe":
        return amount_minor > 0
    try:
        amount = to_stripe(amount_minor, currency)
    except ValueError:
        return False
    return STRIPE_LEAST.get(currency, 1) <= amount <= STRIPE_MOST


def device_of(provider: str, device: str) -> str:
    """The device as far as it matters to a provider: WeChat and Alipay have one page for desks and another for phones."""
    if provider not in ("wechat", "alipay"):
        return ""
    return "phone" if device == "phone" else "desktop"


def hide(value: str) -> str:
    """A secret by its last letters, enough to tell two of them apart."""
    return f"…{value[-4:]}" if len(value) >= 12 else "…"
