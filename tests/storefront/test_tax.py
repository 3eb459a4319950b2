"""What shoppers read of taxes: beside the price, at checkout, and on the order."""

from tests.console.shop import Shop
from tests.storefront.cashier import PAY_URL, Cashier
from tests.storefront.shopper import Shopper, text_of

from serai.commerce.tax.api import NewRate, add_rate, save_profile


async def tax(shop: Shop, country: str, region: str, percent: int, name: str, *, included: bool) -> None:
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await save_profile(tx, country=country, region=region, shipping_taxed=True, by="t")
        rate = NewRate(
            country=country, region=region, name=name, rate_ppm=percent * 10_000, included=included
        )
        await add_rate(tx, rate=rate, by="t")


async def test_a_shop_without_rates_says_nothing_of_taxes(shopper: Shopper, shop: Shop) -> None:
    page = text_of(await shopper.get(f"/p/{shop.product.slug}"))
    assert "incl." not in page
    assert "by destination" not in page


async def test_an_included_tax_is_named_beside_the_price_and_below_the_total(
    shopper: Shopper, shop: Shop
) -> None:
    await tax(shop, "US", "", 10, "GST", included=True)
    assert "incl. 10 % GST" in text_of(await shopper.get(f"/p/{shop.product.slug}"))
    await shopper.add(quantity=2)
    # (998 + 599) holds 145 at 10 %.
    page = text_of(await shopper.get("/checkout"))
    assert "Total$15.97ofwhichGST10%$1.45" in page.replace(" ", "")


async def test_a_tax_on_top_follows_the_address_and_is_agreed_to_before_paying(
    shopper: Shopper, shop: Shop, till: Cashier
) -> None:
    await tax(shop, "US", "OH", 10, "Ohio sales tax", included=False)
    assert "plus Ohio sales tax, by destination" in text_of(await shopper.get(f"/p/{shop.product.slug}"))
    await shopper.add(quantity=2)
    form = await shopper.open_checkout()
    # The empty form knew no region, so its total was without the tax: it is told before anything is charged.
    answer = await shopper.send_checkout(form)
    assert answer.status_code == 409
    page = text_of(answer)
    assert "Nothing was charged" in page
    assert "Ohiosalestax10%$1.60Total$17.57" in page.replace(" ", "")
    assert till.opened == []
    answer = await shopper.send_checkout(form, intent="refresh")
    again = await shopper.open_checkout()
    again.values |= {"digest": read_digest(answer.text)}
    answer = await shopper.send_checkout(again)
    assert answer.headers["location"] == PAY_URL
    assert till.opened[0].amount_minor == 1757
    [order] = await shopper.list_orders()
    assert (order.tax_minor, order.total_minor) == (160, 1757)


def read_digest(text: str) -> str:
    return text.split('name="digest" value="', 1)[1].split('"', 1)[0]
