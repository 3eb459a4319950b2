"""What must happen when nobody asks: statements are fetched, and judged to their end."""

from serai.commerce.reconciliation import fetch_statement as fetching
from serai.commerce.reconciliation import match_lines
from serai.commerce.types import Commerce
from serai.foundation.database import Database
from serai.foundation.ids import MerchantId
from serai.identity.merchant.api import list_merchants


async def finish_statements(commerce: Commerce, owner: Database) -> int:
    """Judge what was read and not judged: a process may have died in the middle."""
    return await match_lines.finish_statements(commerce, owner)


async def fetch_statements(commerce: Commerce, owner: Database) -> int:
    """Fetch the last days' statements of all merchants from providers that can be asked; again what failed."""
    merchants = [MerchantId(each.merchant_id) for each in await list_merchants(commerce.db)]
    return await fetching.fetch_statements(commerce, owner, merchants)
