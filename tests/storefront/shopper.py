"""Shoppers that use the shop as browsers without JavaScript do: cookies, forms, redirects followed only when asked."""

from typing import Any
from uuid import UUID

import httpx
from tests.console.shop import HtmlForm, Shop, read

from serai.commerce.order.types import Order

CONTACT = {"email": "ada@example.org", "name": "Ada Li", "phone": ""}
ADDRESS = {
    "country": "US",
    "line1": "12 Main Street",
    "line2": "",
    "city": "Columbus",
    "region": "OH",
    "postcode": "43004",
}


def text_of(response: httpx.Response) -> str:
    """What the page says, white space single."""
    return " ".join(read(response).text.split())


def forms_of(response: httpx.Response, action: str) -> list[HtmlForm]:
    """The forms of a page with this address, in its order."""
    return [form for form in read(response).forms if form.action == action]


class Shopper:
    """One browser in one shop."""

    def __init__(self, client: httpx.AsyncClient, shop: Shop) -> None:
        self.client = client
        self.shop = shop

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    async def post(
        self, path: str, *, headers: dict[str, str] | None = None, **fields: Any
    ) -> httpx.Response:
        """Send fields to an address, with the CSRF token that any page has given."""
        if "csrftoken" not in self.client.cookies:
            await self.get("/help")
        token = self.client.cookies["csrftoken"]
        return await self.client.post(path, data={"_csrf_token": token, **fields}, headers=headers)

    async def follow(self, response: httpx.Response) -> httpx.Response:
        """The page that a redirect leads to."""
        assert response.status_code == 303, text_of(response)
        return await self.get(response.headers["location"])

    async def add(
        self, sku_id: UUID | str | None = None, quantity: object = 1, **more: Any
    ) -> httpx.Response:
        """Put something into the cart, as the button of a product page does."""
        fields = {"sku_id": str(sku_id or self.shop.sku_id), "quantity": str(quantity), "next": "/cart"}
        return await self.post("/cart/lines", **(fields | more))

    async def read_quantities(self) -> list[str]:
        """The quantities in the cart, as its page shows them."""
        page = await self.get("/cart")
        assert page.status_code == 200
        return [forms_of(page, action)[0].values["quantity"] for action in await self.list_lines()]

    async def list_lines(self) -> list[str]:
        """The addresses under which the lines of the cart are changed, in its order."""
        actions = [form.action for form in read(await self.get("/cart")).forms]
        return list(dict.fromkeys(action for action in actions if action.startswith("/cart/lines/")))

    async def open_checkout(self) -> HtmlForm:
        """The checkout form, filled for a guest in the United States."""
        [form] = forms_of(await self.get("/checkout"), "/checkout")
        form.values |= CONTACT | ADDRESS
        return form

    async def send_checkout(self, form: HtmlForm, intent: str = "pay", **fields: Any) -> httpx.Response:
        return await self.client.post(form.action, data={**form.values, "intent": intent, **fields})

    async def list_orders(self) -> list[Order]:
        """All orders of the shop, from its database."""
        rows = await self.shop.fetch("SELECT order_id FROM commerce.sales_order ORDER BY placed_at, order_id")
        return [await self.shop.load_order(row["order_id"]) for row in rows]
