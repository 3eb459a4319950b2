"""All handlers of the console, for the composition root to include."""

from litestar import Router
from litestar.di import Provide

from serai.console import (
    audit,
    board,
    key,
    order,
    photo,
    product,
    product_list,
    search,
    sign_in,
    staff,
    stock,
    variant,
)
from serai.console.desk import (
    HOME,
    PasswordNeeded,
    SignInNeeded,
    go_to_password,
    go_to_sign_in,
    open_desk,
)

ROUTES = [
    Router(
        path=HOME,
        route_handlers=[
            sign_in.show_sign_in,
            sign_in.sign_in,
            sign_in.sign_out,
            sign_in.show_password_form,
            sign_in.save_password,
            sign_in.choose_language,
            board.show_board,
            search.search,
            order.show_orders,
            order.show_order,
            order.fulfil,
            order.cancel,
            order.refund,
            product_list.show_products,
            product_list.show_new_product,
            product_list.add_product,
            product.show_product,
            product.save_product,
            product.change_price,
            product.publish,
            product.unpublish,
            photo.upload_photos,
            photo.edit_photo,
            variant.save_options,
            variant.save_variant,
            stock.show_stock,
            stock.show_item,
            stock.receive,
            stock.adjust,
            stock.transfer,
            staff.show_staff,
            staff.invite,
            staff.set_role,
            staff.deactivate,
            staff.activate,
            staff.give_password,
            key.show_keys,
            key.create,
            key.revoke,
            audit.show_audit,
        ],
        dependencies={"desk": Provide(open_desk)},
        exception_handlers={SignInNeeded: go_to_sign_in, PasswordNeeded: go_to_password},
        # Pages and forms for people; the reference is about the API for programs.
        include_in_schema=False,
    )
]
