"""All addresses of the shop; the composition root mounts them."""

from litestar.types import ControllerRouterHandler

from serai.storefront import account, browse, cart, checkout, compare, home, order, picture, place, product

ROUTES: list[ControllerRouterHandler] = [
    home.show_home,
    home.show_help,
    home.choose_language,
    browse.show_department,
    browse.show_search,
    browse.show_suggestions,
    product.show_product,
    compare.show_comparison,
    picture.show_label,
    place.show_stores,
    place.choose_store,
    cart.show_cart,
    cart.add_to_cart,
    cart.change_line,
    cart.accept_prices,
    checkout.show_checkout,
    checkout.send_checkout,
    order.show_guest_order,
    order.wait_for_payment,
    order.pay_guest_order,
    order.cancel_guest_order,
    account.show_account,
    account.show_sign_in,
    account.sign_in,
    account.show_register,
    account.register,
    account.sign_out,
    account.show_profile,
    account.edit_profile,
    account.show_member_order,
    account.pay_member_order,
    account.cancel_member_order,
]
