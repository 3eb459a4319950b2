"""The goods of a promotion, in words and by their SKU codes."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from serai.commerce.catalogue.api import list_categories, load_variant
from serai.commerce.promotion.types import Scope
from serai.console.desk import Desk
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, _

NAMED = 200


async def name_skus(tx: Transaction, sku_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The codes of SKUs; one that is gone is left out."""
    names = {}
    for sku_id in list(dict.fromkeys(sku_ids))[:NAMED]:
        try:
            names[sku_id] = (await load_variant(tx, sku_id=sku_id)).sku
        except NotFound:
            continue
    return names


async def tell_scope(tx: Transaction, desk: Desk, scope: Scope, skus: Mapping[UUID, str]) -> list[str]:
    """What a promotion is about, part by part."""
    said = [desk.say(_("Everything"))] if scope.everything else []
    if scope.category_ids:
        labels = {c.category_id: c.label(desk.locale) for c in await list_categories(tx)}
        said += [labels.get(each, str(each)) for each in scope.category_ids]
    said += scope.brands
    said += [skus.get(each, str(each)) for each in scope.sku_ids]
    if scope.product_ids:
        said.append(desk.say(_("%(num)s products"), num=len(scope.product_ids)))
    said += [desk.say(_("not %(sku)s"), sku=skus.get(each, str(each))) for each in scope.excluded_sku_ids]
    return said
