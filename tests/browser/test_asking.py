"""What a shopper does before buying: ask about a product, and put three side by side. On a desk and on a phone."""

import pytest
from playwright.async_api import expect
from tests.browser.conftest import OWNER_EMAIL, Enter
from tests.durability.running import RunningShop

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize("width", [1280, 390])
async def test_a_question_is_asked_answered_and_shown(
    enter: Enter, running: RunningShop, owner_password: str, width: int
) -> None:
    title = f"Kettle, enamel, {width}"
    question, answer = f"Does the lid of number {width} whistle?", f"It does, and loudly ({width})."
    await running.shop.add_product(title, price_minor=2999, stock=5)
    shopper, owner = await enter(width=width), await enter()
    await shopper.find_product(f"enamel kettle {width}", title)
    product = shopper.page.url
    await shopper.page.get_by_role("link", name="Ask about this product").click()
    await shopper.page.get_by_label("Your question").fill(question)
    await shopper.page.get_by_label("E-mail").fill("ada@example.org")
    await shopper.page.get_by_role("button", name="Ask", exact=True).click()
    await expect(shopper.heading("Your question is with our staff")).to_be_visible()

    await owner.sign_in(OWNER_EMAIL, owner_password)
    await owner.page.goto("/console/questions")
    card = owner.page.get_by_role("region", name=question)
    await card.get_by_label("Your answer").fill(answer)
    await card.get_by_label("Show it on the product’s page").check()
    await card.get_by_role("button", name="Send the answer").click()
    await expect(card).to_have_count(0)

    await shopper.page.goto(product)
    await expect(shopper.page.get_by_text(question)).to_be_visible()
    await expect(shopper.page.get_by_text(answer)).to_be_visible()
    for visitor in (shopper, owner):
        visitor.assert_calm()


@pytest.mark.parametrize("width", [1280, 390])
async def test_three_products_are_compared_and_one_is_taken(
    enter: Enter, running: RunningShop, width: int
) -> None:
    title = f"Flour, wheat {width}"
    await running.shop.add_product(title, price_minor=349, stock=5)
    shopper = await enter(width=width)
    await shopper.find_product(f"wheat flour {width}", title)
    await shopper.page.get_by_role("link", name="Compare with others").click()
    table = shopper.page.get_by_role("region", name="Comparison")
    for columns in (2, 3):
        await (
            shopper.page.get_by_role("region", name="Put another one beside")
            .get_by_role("link")
            .first.click()
        )
        await expect(table.get_by_role("columnheader")).to_have_count(columns)
    await expect(table.get_by_role("columnheader", name=title)).to_be_visible()
    await shopper.assert_fits()
    await table.get_by_role("button", name=f"Add to cart: {title}").click()
    await expect(shopper.page.get_by_role("link", name="View cart")).to_be_visible()
    await shopper.page.goto("/cart")
    await expect(shopper.page.get_by_role("main").get_by_role("link", name=title).first).to_be_visible()
    shopper.assert_calm()
