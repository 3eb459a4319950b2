"""Delivery options as shoppers meet them: before there is a cart, at the checkout, on the order, and in its letters."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.console.shop import Shop
from tests.storefront.cashier import Cashier
from tests.storefront.conftest import Enter
from tests.storefront.shopper import Shopper, forms_of, text_of
from tests.storefront.test_checkout import link_of

from serai.commerce.delivery import api
from serai.commerce.delivery.types import Calendar, OptionTerms, Price, PriceStep, Zone
from serai.foundation import clock
from serai.storefront.letter import write_order_letter


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    """A Tuesday morning in New York, two days before Thanksgiving."""
    with clock.clock_at(datetime(2026, 11, 24, 14, 0, tzinfo=UTC)):
        yield


async def write_options(shop: Shop, **more: Any) -> None:
    """Standard for 5.99 in two to four days, express for 12.90 on the next day, both in the United States."""
    options = {
        "standard": OptionTerms(
            title="Standard",
            translations={"zh_Hans": "标准快递"},
            carrier="UPS Ground",
            zone=Zone(("US",)),
            price=Price(steps=(PriceStep(0, 599),), remote_minor=2000, remote_regions=("AK",)),
            transit_low=2,
            transit_high=4,
        ),
        "express": OptionTerms(
            title="Express",
            translations={"zh_Hans": "次日达"},
            zone=Zone(("US",)),
            price=Price(steps=(PriceStep(0, 1290),)),
            handling_days=0,
            transit_low=1,
            transit_high=1,
        ),
    }
    calendar = Calendar(time_zone="America/New_York", cutoff_minute=15 * 60, country="US")
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await api.save_calendar(tx, calendar=calendar, by="test")
        for code, terms in options.items():
            await api.add_option(tx, code=code, terms=terms, by="test")


async def test_a_product_tells_when_it_arrives_and_until_when_that_holds(
    shop: Shop, shopper: Shopper
) -> None:
    await write_options(shop)
    said = text_of(await shopper.get(f"/p/{shop.product.slug}"))
    # Taken up on Tuesday, sent on Wednesday; Thursday is a holiday.
    assert "Arrives Mon, Nov 30 – Wed, Dec 2" in said.replace("\u202f", " ")
    assert "if ordered by Tue, Nov 24, 3:00 PM" in said.replace("\u202f", " ")


async def test_a_shopper_chooses_express_without_scripts_and_sees_new_totals(
    shop: Shop, shopper: Shopper, till: Cashier
) -> None:
    await write_options(shop)
    await shopper.add(quantity=2)
    form = await shopper.open_checkout()
    assert form.values["delivery"] == "ship:standard"
    page = await shopper.send_checkout(form, "refresh", delivery="ship:express")
    assert "22.88" in text_of(page)
    assert "Arrives Wed, Nov 25" in text_of(page)
    [form] = forms_of(page, "/checkout")
    assert form.values["delivery"] == "ship:express"
    # The choice is kept with the cart.
    assert forms_of(await shopper.get("/checkout"), "/checkout")[0].values["delivery"] == "ship:express"
    answer = await shopper.send_checkout(form)
    assert answer.status_code == 303
    [order] = await shopper.list_orders()
    assert (order.total_minor, order.shipping_minor) == (2 * 499 + 1290, 1290)
    assert order.shipping is not None
    assert order.shipping.option_code == "express"
    till.outcome = "paid"
    assert "Arrives Wed, Nov 25" in text_of(await shopper.follow(await shopper.get(link_of(till))))
    letter = write_order_letter(await shop.load_order(order.order_id), "OrderPaid", path="/")
    assert "Arrives Wed, Nov 25." in letter.lines
    assert any(label == "Delivery (Express)" for label, _value in letter.rows)


async def test_paying_for_an_option_whose_price_was_not_seen_is_not_charged(
    shop: Shop, shopper: Shopper
) -> None:
    await write_options(shop)
    await shopper.add()
    form = await shopper.open_checkout()
    answer = await shopper.send_checkout(form, delivery="ship:express")
    assert answer.status_code == 409
    assert "The total has changed since you saw it. Nothing was charged." in text_of(answer)
    assert await shopper.list_orders() == []


async def test_a_cut_off_that_passes_is_told_as_new_days(shop: Shop, shopper: Shopper) -> None:
    await write_options(shop)
    await shopper.add()
    form = await shopper.open_checkout()
    form = forms_of(await shopper.send_checkout(form, "refresh"), "/checkout")[0]
    with clock.clock_at(datetime(2026, 11, 24, 20, 0, tzinfo=UTC)):
        answer = await shopper.send_checkout(form)
        assert answer.status_code == 409
        assert "The days of your delivery have changed since you saw them." in text_of(answer)
        assert (await shopper.send_checkout(forms_of(answer, "/checkout")[0])).status_code == 303


async def test_a_remote_region_costs_more_as_soon_as_it_is_known(shop: Shop, shopper: Shopper) -> None:
    await write_options(shop)
    await shopper.add()
    form = await shopper.open_checkout()
    assert "30.98" in text_of(await shopper.send_checkout(form, "refresh", region="AK", postcode="99501"))


async def test_countries_without_an_option_are_not_offered_and_an_old_address_is_told(
    shop: Shop, shopper: Shopper
) -> None:
    await write_options(shop)
    await shopper.add()
    page = await shopper.get("/checkout")
    assert 'value="US"' in page.text
    assert 'value="GB"' not in page.text
    form = await shopper.open_checkout()
    page = await shopper.send_checkout(form, "refresh", country="DE")
    assert "Nothing can be delivered to this address in Germany." in text_of(page)
    assert 'value="pay"' not in page.text
    forced = await shopper.send_checkout(form, country="DE", city="Berlin", postcode="10117")
    assert forced.status_code == 409
    assert await shopper.list_orders() == []


async def test_a_chinese_reader_is_told_in_chinese_of_what_goes_to_the_served_country(
    shop: Shop, enter: Enter
) -> None:
    await write_options(shop)
    shopper = await enter("zh-CN")
    said = text_of(await shopper.get(f"/p/{shop.product.slug}"))
    assert "预计11月30日周一至12月2日周三送达" in said
    await shopper.add()
    page = await shopper.get("/checkout")
    assert "次日达" in text_of(page)
    assert "预计11月25日周三送达" in text_of(page)


@pytest.mark.parametrize(
    "way",
    [
        "ship:",
        "ship:nothing",
        "ship:" + "x" * 5000,
        "pickup:express",
        "ship:express'--",
        "ship:\0",
        "ship:express\n",
        "\N{SNOWMAN}",
    ],
)
async def test_a_way_that_does_not_exist_counts_as_the_cheapest_or_as_pick_up(
    shop: Shop, shopper: Shopper, way: str
) -> None:
    await write_options(shop)
    await shopper.add()
    page = await shopper.send_checkout(await shopper.open_checkout(), "refresh", delivery=way)
    assert page.status_code == 200
    chosen = forms_of(page, "/checkout")[0].values["delivery"]
    assert chosen == ("pickup" if way.startswith("pickup") else "ship:standard")


async def test_pick_up_stays_free_and_shows_what_a_delivery_would_cost(shop: Shop, shopper: Shopper) -> None:
    await write_options(shop)
    await shopper.add()
    page = await shopper.send_checkout(await shopper.open_checkout(), "refresh", delivery="pickup")
    said = text_of(page)
    assert "12.90" in said
    assert "Pick up in a store" in said
    assert forms_of(page, "/checkout")[0].values["delivery"] == "pickup"
