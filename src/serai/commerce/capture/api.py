"""Taking, letting go and writing off what was pledged."""

from serai.commerce.capture.ask_capture import (
    ask_capture,
    ask_order,
    capture_payment,
    find_order_of,
    refuse_under_way,
)
from serai.commerce.capture.book_capture import book_capture, count_captured
from serai.commerce.capture.let_go import lose_pledge, release_parts

__all__ = [
    "ask_capture",
    "ask_order",
    "book_capture",
    "capture_payment",
    "count_captured",
    "find_order_of",
    "lose_pledge",
    "refuse_under_way",
    "release_parts",
]
