"""Checkout: quote a cart, place it, start and settle its payment."""

from serai.commerce.checkout.accept_promise import accept_promise, list_order_methods
from serai.commerce.checkout.adjust_order import Item, read_quote
from serai.commerce.checkout.choose_delivery import keep_choice, refuse_way
from serai.commerce.checkout.draft_order import draft_order, tax_draft
from serai.commerce.checkout.enter_coupon import choose_add_on, enter_coupon, remove_coupon
from serai.commerce.checkout.enter_tender import drop_tender, enter_gift_card, pay_draft, use_balance
from serai.commerce.checkout.fix_balance import use_coupon as use_balance_coupon
from serai.commerce.checkout.logic import check_address, check_contact
from serai.commerce.checkout.place_order import (
    Draft,
    check_total,
    describe_placed,
    place_order,
    price_items,
    submit_draft,
)
from serai.commerce.checkout.preview_promotion import Preview, preview_promotion
from serai.commerce.checkout.price_goods import Goods, Priced, Shopper, price_each, price_goods
from serai.commerce.checkout.quote_cart import choose_place, quote_cart
from serai.commerce.checkout.quote_presale import refuse_presale
from serai.commerce.checkout.settle_payment import refresh_payment, settle_payment
from serai.commerce.checkout.start_payment import list_pay_offers, start_payment
from serai.commerce.checkout.take_seat import (
    choose_group,
    join_group,
    read_group_price,
    seats_of,
    start_group,
)
from serai.commerce.checkout.types import DeliveryOption, PlacedOrder, Quote
from serai.commerce.order.types import Address, Contact

__all__ = [
    "Address",
    "Contact",
    "DeliveryOption",
    "Draft",
    "Goods",
    "Item",
    "PlacedOrder",
    "Preview",
    "Priced",
    "Quote",
    "Shopper",
    "accept_promise",
    "check_address",
    "check_contact",
    "check_total",
    "choose_add_on",
    "choose_group",
    "choose_place",
    "describe_placed",
    "draft_order",
    "drop_tender",
    "enter_coupon",
    "enter_gift_card",
    "join_group",
    "keep_choice",
    "list_order_methods",
    "list_pay_offers",
    "pay_draft",
    "place_order",
    "preview_promotion",
    "price_each",
    "price_goods",
    "price_items",
    "quote_cart",
    "read_quote",
    "read_group_price",
    "refresh_payment",
    "refuse_presale",
    "refuse_way",
    "remove_coupon",
    "seats_of",
    "settle_payment",
    "start_group",
    "start_payment",
    "submit_draft",
    "use_balance_coupon",
    "tax_draft",
    "use_balance",
]
