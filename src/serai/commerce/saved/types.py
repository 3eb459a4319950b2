"""Saved lines as other modules see them."""

import msgspec

from serai.commerce.catalogue.types import SaleItem


class SavedLine(msgspec.Struct, frozen=True):
    """Goods kept for later, as sold today."""

    item: SaleItem
    quantity: int
