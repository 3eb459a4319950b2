"""JSON API of balances: a coupon on what an order of a presale has still to pay."""

from uuid import UUID

from litestar import Response, post
from litestar.params import FromPath, JSONBody

from serai.commerce.call.api import API, Asked, answer_through_lane, recognise_caller
from serai.commerce.checkout.fix_balance import use_coupon
from serai.commerce.checkout.read_body import CouponCode
from serai.commerce.order.types import Order


@post(f"{API}/orders/{{order_id:uuid}}/balance/coupon", tags=["presales"], status_code=200)
async def post_balance_coupon(
    request: Asked, order_id: FromPath[UUID], data: JSONBody[CouponCode]
) -> Response[Order]:
    """Use a coupon on the balance, once per order. What it does not apply to is refused with the reason."""
    caller = await recognise_caller(request, "checkout:write")

    async def effect(_effect_id: UUID) -> Order:
        return await use_coupon(caller.commerce, caller.merchant_id, order_id=order_id, code=data.code)

    return await answer_through_lane(request, caller, "balance_coupon", data, effect)
