"""A small shop of one test's own, with staff in every role, and visitors that use its console as browsers do."""

import asyncio
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import httpx
from tests.console.till import Till

from serai.commerce.cart.api import add_line
from serai.commerce.catalogue.api import NewProduct, add_categories, create_product
from serai.commerce.catalogue.types import Category, Product
from serai.commerce.checkout.api import (
    Address,
    Contact,
    place_order,
    quote_cart,
    settle_payment,
    start_group,
    start_payment,
)
from serai.commerce.order.api import find_order
from serai.commerce.order.types import Order
from serai.commerce.place.api import add_places
from serai.commerce.place.types import Place
from serai.commerce.stock.api import load_available, receive_stock
from serai.commerce.types import Commerce
from serai.foundation.ids import MerchantId, new_id
from serai.identity.merchant.types import Merchant
from serai.identity.session.api import hash_password
from serai.identity.staff import store as staff_store

PASSWORD = "a calm sentence as password"
ROLES = ("owner", "manager", "clerk")


@dataclass
class Shop:
    """One merchant with two places, one category and one product in stock."""

    merchant: Merchant
    commerce: Commerce
    till: Till
    online: Place
    store: Place
    category: Category
    product: Product

    @property
    def merchant_id(self) -> MerchantId:
        return MerchantId(self.merchant.merchant_id)

    @property
    def sku_id(self) -> UUID:
        return self.product.variants[0].sku_id

    def email(self, role: str) -> str:
        return f"{role}@{self.merchant.slug}.example"

    async def load_available(self, place: Place | None = None) -> int:
        async with self.commerce.db.transaction(self.merchant_id, "read") as tx:
            place_id = (place or self.online).place_id
            return (await load_available(tx, sku_ids=[self.sku_id], place_id=place_id))[self.sku_id]

    async def place_order(
        self,
        quantity: int = 2,
        *,
        email: str = "grace@example.com",
        paid: bool = True,
        group_promotion_id: UUID | None = None,
    ) -> Order:
        """An order of the product as a guest of the web shop places it, paid unless said otherwise; one that opens a
        group of a promotion where that is given."""
        owner = f"web:{new_id()}"
        async with self.commerce.db.transaction(self.merchant_id) as tx:
            await add_line(tx, owner=owner, sku_id=self.sku_id, quantity=quantity)
            if group_promotion_id:
                await start_group(tx, owner=owner, promotion_id=group_promotion_id)
            quote = await quote_cart(tx, settings=self.commerce.settings, owner=owner)
        placed = await place_order(
            self.commerce,
            self.merchant_id,
            owner=owner,
            cart_id=quote.cart_id,
            contact=Contact(email, "Grace Hopper", "+1 555 0134"),
            address=Address("US", "NY", "New York", "", "1 Harbor Street", "", "10001"),
            delivery="ship",
            place_id=None,
            expected_digest=quote.digest,
            member_id=None,
            locale="en",
        )
        if paid:
            await self.pay(placed.order_id)
        return await self.load_order(placed.order_id)

    async def pay(self, order_id: UUID) -> None:
        await start_payment(self.commerce, self.merchant_id, order_id=order_id, base_url="http://127.0.0.1")
        intent_id = (await self.load_order(order_id)).payments[-1].intent_id
        await settle_payment(
            self.commerce, self.merchant_id, event=self.till.capture(intent_id), source="webhook"
        )

    async def load_order(self, order_id: UUID) -> Order:
        async with self.commerce.db.transaction(self.merchant_id, "read") as tx:
            order = await find_order(tx, order_id=order_id)
        assert order is not None
        return order

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        """Rows that this merchant may see."""
        async with self.commerce.db.transaction(self.merchant_id, "read") as tx:
            return await tx.fetch(sql, *args)

    async def list_audit(self, action: str) -> list[Any]:
        return await self.fetch(
            "SELECT actor, subject_id, before, after FROM identity.audit WHERE action = $1 ORDER BY audit_id",
            action,
        )


@cache
def _hash_password() -> "asyncio.Future[str]":
    # Hashing is slow on purpose, and all the staff of all these shops share one password.
    return asyncio.ensure_future(hash_password(PASSWORD))


async def furnish(merchant: Merchant, commerce: Commerce, till: Till) -> Shop:
    """Put staff, places, a category and a product of which 40 are in stock into a new merchant."""
    merchant_id = MerchantId(merchant.merchant_id)
    online = Place(new_id(), "online", "Online warehouse", "warehouse", True, True)
    store = Place(new_id(), "s1", "Harbor store", "store", False, True)
    category = Category(new_id(), None, "grocery", "Grocery", {}, None, 0, True)
    password_hash = await _hash_password()
    async with commerce.db.transaction(merchant_id) as tx:
        for role in ROLES:
            email = f"{role}@{merchant.slug}.example"
            await staff_store.insert_staff(tx, new_id(), email, role.title(), role, password_hash, False)
        await add_places(tx, places=[online, store])
        await add_categories(tx, categories=[category])
        new = NewProduct(
            title="Ice, crushed",
            sku="ICE-1",
            category_id=category.category_id,
            price_minor=499,
            currency=merchant.currency,
        )
        product = await create_product(tx, product=new, by="set-up")
    shop = Shop(merchant, commerce, till, online, store, category, product)
    await receive_stock(
        commerce,
        merchant_id,
        sku_id=shop.sku_id,
        place_id=online.place_id,
        quantity=40,
        reason="opening",
        by="set-up",
        key="1",
    )
    return shop


@dataclass
class HtmlForm:
    """A form as the page holds it: its address, and what it would send untouched."""

    action: str
    values: dict[str, str] = field(default_factory=dict)


class Reader(HTMLParser):
    """Collects the forms and the visible text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[HtmlForm] = []
        self.text = ""
        self._select = ""
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(HtmlForm(values.get("action", "")))
        elif tag == "input" and self.forms and values.get("name"):
            if values.get("type") not in ("checkbox", "radio") or "checked" in values:
                self.forms[-1].values[values["name"]] = values.get("value", "")
        elif tag == "select":
            # Of a list that takes several nothing is chosen by itself.
            self._select = "" if "multiple" in values else values.get("name", "")
        elif tag == "option" and self.forms and self._select:
            if "selected" in values or self._select not in self.forms[-1].values:
                self.forms[-1].values[self._select] = values.get("value", "")
        elif tag == "textarea" and self.forms and values.get("name"):
            self._area = values["name"]
            self.forms[-1].values[self._area] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.forms[-1].values[self._area] += data
        self.text += data


def read(response: httpx.Response) -> Reader:
    """The page of a response."""
    reader = Reader()
    reader.feed(response.text)
    return reader


def find_form(response: httpx.Response, action: str) -> HtmlForm:
    """The form of a page with this address."""
    return next(form for form in read(response).forms if form.action == action)


class Visitor:
    """A browser at the console of one shop: keeps cookies, fills forms, follows nothing by itself."""

    def __init__(self, client: httpx.AsyncClient, shop: Shop) -> None:
        self.client = client
        self.shop = shop

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers=headers)

    async def submit(self, page: str, action: str, **fields: Any) -> httpx.Response:
        """Open a page, fill the form with this address, send it."""
        return await self.send(find_form(await self.get(page), action), **fields)

    async def send(self, form: HtmlForm, **fields: Any) -> httpx.Response:
        return await self.client.post(form.action, data={**form.values, **fields})

    async def post_plain(self, path: str, **fields: Any) -> httpx.Response:
        """Send what no page offered, with a valid CSRF token: a forged request by somebody who is signed in."""
        token = self.client.cookies.get("csrftoken", "")
        return await self.client.post(path, data={"_csrf_token": token, "key": str(new_id()), **fields})

    async def sign_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        return await self.submit("/console/sign-in", "/console/sign-in", email=email, password=password)
