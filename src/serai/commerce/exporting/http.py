"""JSON API's one endpoint that answers with a file: the catalogue."""

from collections.abc import AsyncIterator
from typing import Annotated, Literal
from uuid import UUID

from litestar import get
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream

from serai.commerce.call.api import API, Asked, recognise_caller
from serai.commerce.exporting.api import MEDIA_TYPES, Format, export_products, name_file


@get(f"{API}/exports/products", tags=["products"])
async def get_export(
    request: Asked,
    kind: Annotated[Literal["csv", "xlsx"], QueryParameter(name="format")] = "csv",
    category_id: FromQuery[UUID | None] = None,
    words: Annotated[str, QueryParameter(name="query", max_length=200)] = "",
    published: FromQuery[bool | None] = None,
) -> Stream:
    """All products, or those that match, as a file that an import reads."""
    caller = await recognise_caller(request, "product:write")
    chosen: Format = kind

    async def stream() -> AsyncIterator[bytes]:
        async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
            async for piece in export_products(
                tx, kind=chosen, category_id=category_id, query=words, published=published
            ):
                yield piece

    return Stream(
        stream(),
        media_type=MEDIA_TYPES[kind],
        headers={"content-disposition": f'attachment; filename="{name_file(kind)}"'},
    )


HANDLERS = [get_export]
