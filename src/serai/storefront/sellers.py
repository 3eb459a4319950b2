"""The shops of a market as its front shows them: who sells here, and one set of departments over all of their shelves.

Each shop is asked in a transaction of its own. Goods of a shop have addresses such as ``/p/tea@leafhouse``: the product's
own slug, and the shop's short name.
"""

import time
from collections.abc import Iterable
from uuid import UUID

import msgspec

from serai.commerce.catalogue.types import Category, Product, ProductCard
from serai.commerce.market.api import list_members
from serai.commerce.media.types import Photo
from serai.commerce.place import api as place_api
from serai.commerce.place.types import Place
from serai.foundation.database import Database, Transaction
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.merchant.api import list_merchants
from serai.storefront.shelf import ShelfMemory, Shelves

MARKETS_LIMIT = 100
# A page asks every shop, so a market's front shows so many of them at most, the first that joined.
SELLERS_LIMIT = 50


class Seller(msgspec.Struct, frozen=True):
    """A shop that sells in the market. ``online`` is where its parcels leave from."""

    merchant_id: MerchantId
    slug: str
    name: str
    shelves: Shelves
    online: Place | None

    def place(self, slug: str) -> str:
        """A product's slug as the market writes it."""
        return f"{slug}@{self.slug}"

    def show_photo(self, digest: str | None) -> str | None:
        """A photograph's name as the market writes it: whose it is comes first."""
        return f"{self.merchant_id}_{digest}" if digest else None

    def show_card(self, card: ProductCard) -> ProductCard:
        """A card whose links lead to the product at the market."""
        return msgspec.structs.replace(card, slug=self.place(card.slug), photo=self.show_photo(card.photo))

    def show_all(
        self, product: Product, beside: list[ProductCard], photos: list[Photo]
    ) -> tuple[Product, list[ProductCard], list[Photo]]:
        """A product, what stands beside it and its photographs, with the market's addresses."""
        return (
            msgspec.structs.replace(product, slug=self.place(product.slug)),
            [self.show_card(card) for card in beside],
            [msgspec.structs.replace(p, digest=f"{self.merchant_id}_{p.digest}") for p in photos],
        )


class Mall(msgspec.Struct, frozen=True):
    """A market's shops, and the departments that they have together."""

    sellers: tuple[Seller, ...] = ()
    shelves: Shelves = Shelves((), ())

    def find(self, *, slug: str | None = None, merchant_id: UUID | None = None) -> Seller | None:
        """A shop by its short name or id."""
        return next((s for s in self.sellers if s.slug == slug or s.merchant_id == merchant_id), None)

    def split(self, slug: str) -> tuple[Seller | None, str]:
        """The shop and the product's own slug out of an address."""
        own, _at, shop = slug.rpartition("@")
        return self.find(slug=shop) if own else None, own

    def name_of(self, merchant_id: UUID) -> str:
        """What a shop is called; one that has left is named by its id."""
        seller = self.find(merchant_id=merchant_id)
        return seller.name if seller else str(merchant_id)


class MallMemory:
    """Malls by market, remembered for some seconds: they stand around every page."""

    def __init__(self, shelves: ShelfMemory, *, remember_s: float = 15.0) -> None:
        self._shelves = shelves
        self._remember_s = remember_s
        self._known: dict[UUID, tuple[float, Mall]] = {}

    async def load(self, db: Database, market_id: MerchantId) -> Mall:
        """The shops of a market."""
        known = self._known.get(market_id)
        if known and known[0] > time.monotonic():
            return known[1]
        async with db.transaction(market_id, "read") as tx:
            members = [each.member_id for each in await list_members(tx) if each.left_at is None]
        names = {each.merchant_id: each for each in await list_merchants(db)}
        sellers = []
        for member_id in members[:SELLERS_LIMIT]:
            shop = names[member_id]
            async with db.transaction(MerchantId(member_id), "read") as tx:
                shelves = await self._shelves.load(tx)
                online = await find_online(tx)
            sellers.append(Seller(MerchantId(member_id), shop.slug, shop.name, shelves, online))
        mall = Mall(tuple(sellers), merge_shelves(market_id, [seller.shelves for seller in sellers]))
        if len(self._known) >= MARKETS_LIMIT:
            self._known.clear()
        self._known[market_id] = (time.monotonic() + self._remember_s, mall)
        return mall


async def find_online(tx: Transaction) -> Place | None:
    """The place that a shop's parcels leave from."""
    return next((p for p in await place_api.list_places(tx, kind="warehouse") if p.sells_online), None)


def merge_shelves(market_id: UUID, every: Iterable[Shelves]) -> Shelves:
    """Departments of one address are one department, whoever has them: its goods are those of all."""
    merged: dict[str, Category] = {}
    for shelves in every:
        slugs = {category.category_id: category.slug for category in shelves.categories}
        for category in shelves.categories:
            known = merged.get(category.slug)
            if known is not None:
                merged[category.slug] = msgspec.structs.replace(
                    known,
                    product_count=known.product_count + category.product_count,
                    translations=category.translations | known.translations,
                    motif=known.motif or category.motif,
                )
                continue
            parent = slugs.get(category.parent_id) if category.parent_id else None
            merged[category.slug] = msgspec.structs.replace(
                category,
                category_id=derive_id("market category", market_id, category.slug),
                parent_id=derive_id("market category", market_id, parent) if parent else None,
            )
    categories = tuple(merged.values())
    return Shelves(categories, tuple(c for c in categories if c.parent_id is None and c.product_count))
