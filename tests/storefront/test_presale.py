"""A presale in the shop: told on the product's page, agreed to at the checkout, paid in two steps, lost or given back."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.console.shop import Shop
from tests.presale.conftest import issue_coupon
from tests.storefront.cashier import PAY_URL, Cashier
from tests.storefront.conftest import Enter
from tests.storefront.shopper import ADDRESS, CONTACT, Shopper, forms_of, text_of

from serai.commerce.catalogue.api import NewProduct, create_product
from serai.commerce.checkout.close_presales import close_presale
from serai.commerce.checkout.fix_balance import fix_balance
from serai.commerce.presale import api
from serai.commerce.presale.types import Presale, PresaleTerms, PresaleTier
from serai.commerce.stock.api import receive_stock
from serai.foundation import clock

DAY = timedelta(days=1)


async def launch(shop: Shop, **terms: Any) -> Presale:
    """A presale of the shop's article for two days; balances for two days after."""
    now = clock.now()
    given: dict[str, Any] = {
        "name": "Early bird",
        "sku_ids": (shop.sku_id,),
        "price_minor": 400,
        "deposit_minor": 50,
        "credit_minor": 100,
        "tiers": (PresaleTier(2, 5000),),
        "deposit_from": now - timedelta(hours=1),
        "deposit_until": now + 2 * DAY,
        "balance_from": now + 2 * DAY,
        "balance_until": now + 4 * DAY,
        "quota": 5,
    }
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        draft = await api.create_presale(tx, terms=PresaleTerms(**(given | terms)), by="test")
    return await api.publish_presale(
        shop.commerce, shop.merchant_id, presale_id=draft.presale_id, version=1, by="test"
    )


async def add_basil(shop: Shop) -> UUID:
    """Another article, in stock."""
    new = NewProduct(
        title="Basil", sku="BASIL", category_id=shop.category.category_id, price_minor=199, currency="USD"
    )
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        product = await create_product(tx, product=new, by="test")
    sku_id = product.variants[0].sku_id
    await receive_stock(
        shop.commerce,
        shop.merchant_id,
        sku_id=sku_id,
        place_id=shop.online.place_id,
        quantity=5,
        reason="opening",
        by="test",
        key="basil",
    )
    return sku_id


async def reserve(shopper: Shopper, presale: Presale, quantity: int = 1, **fields: Any) -> Any:
    """From the product's page to the sent checkout."""
    product = await shopper.get(f"/p/{shopper.shop.product.slug}")
    [form] = forms_of(product, f"/presales/{presale.presale_id}")
    answer = await shopper.client.post(form.action, data={**form.values, "quantity": str(quantity)})
    page = await shopper.follow(answer)
    [checkout] = forms_of(page, f"/checkout?presale={presale.presale_id}")
    checkout.values |= CONTACT | ADDRESS
    return await shopper.client.post(checkout.action, data={**checkout.values, "intent": "pay", **fields})


def link_of(till: Cashier) -> str:
    return till.opened[-1].return_url.split(".test", 1)[1]


async def close(shop: Shop, presale: Presale, order_id: UUID) -> None:
    assert await close_presale(shop.commerce, shop.merchant_id, presale_id=presale.presale_id)
    assert await fix_balance(shop.commerce, shop.merchant_id, order_id=order_id)


async def test_a_product_tells_its_presale_and_cannot_be_bought_otherwise(
    shopper: Shopper, shop: Shop
) -> None:
    presale = await launch(shop)
    page = text_of(await shopper.get(f"/p/{shop.product.slug}"))
    for words in (
        "Early bird",
        "Now: deposit$0.50counts as $1.00",
        "Later: balance$3.00by the count so far",
        "0 pieces ordered 2 more and everybody pays less.",
        "From 2$1.50",
        "the deposit is not given back",
    ):
        assert words in page
    assert "Add to cart" not in page
    answer = await shopper.add()
    assert "ordered on its own, with a deposit" in text_of(await shopper.follow(answer))
    with clock.clock_shifted(timedelta(hours=-2)):
        early = text_of(await shopper.get(f"/p/{shop.product.slug}"))
    assert "Deposits from" in early
    assert "Add to cart" in early
    assert f"/presales/{presale.presale_id}" not in early


async def test_a_shopper_agrees_pays_the_deposit_and_later_the_balance(
    shopper: Shopper, shop: Shop, till: Cashier
) -> None:
    presale = await launch(shop)
    refused = await reserve(shopper, presale, 2)
    assert refused.status_code == 422
    assert "Please agree to the terms of the presale" in text_of(refused)
    assert await shopper.list_orders() == []
    answer = await reserve(shopper, presale, 2, agree="1")
    assert answer.headers["location"] == PAY_URL
    assert till.opened[-1].amount_minor == 100
    assert till.opened[-1].lines[0][0].startswith("Deposit: ")
    till.outcome = "paid"
    page = text_of(await shopper.follow(await shopper.get(link_of(till))))
    assert "Thank you. Your place is reserved." in page
    [order] = await shopper.list_orders()
    here = link_of(till).replace("/return", "")
    till.outcome = ""
    with clock.clock_shifted(2 * DAY):
        await close(shop, presale, order.order_id)
        paying = await shopper.get(here)
        # Half of two at 4.00, less the 2.00 that the deposit counts for, and the delivery.
        assert "Balance: $7.99" in text_of(paying)
        assert "2 pieces were ordered, so the price fell for everybody." in text_of(paying)
        form = forms_of(paying, here.replace("?", "/pay?"))[0]
        assert (await shopper.client.post(form.action, data=form.values)).headers["location"] == PAY_URL
        assert till.opened[-1].amount_minor == 799
        waiting = await shopper.get(link_of(till))
        assert "we are asking for your payment" in text_of(waiting)
        till.outcome = "paid"
        done = await shopper.follow(await shopper.get(link_of(till)))
        assert "Thank you. Your order is placed." in text_of(done)
    assert (await shop.load_order(order.order_id)).state == "paid"


async def test_a_coupon_lowers_the_balance_on_the_order_page(
    shopper: Shopper, shop: Shop, till: Cashier
) -> None:
    presale = await launch(shop, tiers=())
    small, large = await issue_coupon(shop, 300, 100), await issue_coupon(shop, 301, 100)
    await reserve(shopper, presale, agree="1")
    till.outcome = "paid"
    await shopper.get(link_of(till))
    [order] = await shopper.list_orders()
    here = link_of(till).replace("/return", "")
    with clock.clock_shifted(2 * DAY):
        await close(shop, presale, order.order_id)
        [form] = forms_of(await shopper.get(here), here.replace("?", "/coupon?"))
        for code, words in (
            ("NO-SUCH-CODE", "This code is not known."),
            (large, "This coupon holds for a balance of $3.01 or more."),
            (small, "The coupon takes $1.00 off your balance."),
        ):
            answer = await shopper.client.post(form.action, data={**form.values, "code": code})
            page = await shopper.follow(answer)
            assert words in text_of(page)
        assert "Balance: $7.99" in text_of(page)
        assert forms_of(page, form.action) == []


async def test_stepping_back_tells_before_what_it_costs(shopper: Shopper, shop: Shop, till: Cashier) -> None:
    presale = await launch(shop)
    await reserve(shopper, presale, agree="1")
    till.outcome = "paid"
    await shopper.get(link_of(till))
    here = link_of(till).replace("/return", "")
    page = await shopper.get(here)
    assert "As agreed, the deposit of $0.50 is not given back." in text_of(page)
    [form] = forms_of(page, here.replace("?", "/cancel?"))
    gone = await shopper.follow(await shopper.client.post(form.action, data=form.values))
    assert "As agreed, the deposit of $0.50 is not given back." in text_of(gone)
    [order] = await shopper.list_orders()
    assert (order.state, order.kept_minor, order.refunded_minor) == ("cancelled", 50, 0)


async def test_a_presale_does_not_touch_the_cart_and_mixed_goods_are_explained(
    shopper: Shopper, shop: Shop, enter: Enter
) -> None:
    """What lay in the cart before the presale began cannot be ordered together with it."""
    await shopper.add(await add_basil(shop))
    await shopper.add()
    presale = await launch(shop)
    page = text_of(await shopper.get("/cart"))
    assert "is on presale and is ordered on its own." in page
    refused = await shopper.get("/checkout")
    assert "is on presale and is ordered on its own." in text_of(refused)
    assert (await reserve(shopper, presale, agree="1")).status_code == 303
    assert await shopper.read_quantities() == ["1", "1"]


async def test_another_browser_cannot_check_out_a_presale_cart(
    shopper: Shopper, shop: Shop, enter: Enter
) -> None:
    presale = await launch(shop)
    stranger = await enter()
    answer = await stranger.get(f"/checkout?presale={presale.presale_id}")
    assert answer.status_code == 303
    assert (await shopper.get("/checkout?presale=nonsense")).status_code == 303


async def test_members_have_a_limit_and_are_told_so(shopper: Shopper, shop: Shop) -> None:
    presale = await launch(shop, per_member=1)
    answer = await reserve(shopper, presale, agree="1")
    assert answer.status_code == 409
    assert "Please sign in: of this presale every member may take up to 1." in text_of(answer)
    assert await shopper.list_orders() == []
