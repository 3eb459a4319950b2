"""Make the words of products' index entries afresh, from everything they are found by: texts, codes of all variants, brand,
category, what their photographs show."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from serai.commerce.search import refresh_store, store
from serai.commerce.search.make_document import Document, make_document
from serai.foundation.database import Transaction

CategoryNames = Mapping[UUID, Sequence[str]]


async def load_category_names(tx: Transaction) -> dict[UUID, list[str]]:
    """Names of all categories in all their languages."""
    return {
        row["category_id"]: [row["name"], *row["translations"].values()]
        for row in await refresh_store.list_category_names(tx)
    }


async def remake_entries(
    tx: Transaction, *, product_ids: Sequence[UUID], names: CategoryNames
) -> list[tuple[Document, str]]:
    """Write entries afresh, with their products locked in the order of their ids. Returns each entry's document and
    the product's brand, for the vocabulary."""
    rows = await refresh_store.lock_words(tx, product_ids)
    documents = [
        make_document(
            tx.merchant_id,
            titles=[row["title"], *row["translations"].values()],
            groups=[row["brand"], *names.get(row["category_id"], [])],
            description="\n".join([row["description"], *row["alts"]]),
            codes=row["codes"],
            content=row["content"] or "",
        )
        for row in rows
    ]
    await store.write_entries(
        tx,
        [row["product_id"] for row in rows],
        [document.vector for document in documents],
        [document.title_key for document in documents],
    )
    return [(document, row["brand"]) for document, row in zip(documents, rows, strict=True)]
