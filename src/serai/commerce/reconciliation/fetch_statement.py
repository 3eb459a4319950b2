"""Yesterday's statements of providers that can be asked for them."""

import hashlib
import logging
from datetime import date, timedelta

import msgspec

from serai.commerce.reconciliation.match_lines import keep_lines
from serai.commerce.reconciliation.types import Statement
from serai.commerce.types import Commerce, StatementSource
from serai.foundation import clock
from serai.foundation.errors import Invalid, Outside, _
from serai.foundation.ids import MerchantId

log = logging.getLogger("serai.commerce")


async def fetch_statement(
    commerce: Commerce, merchant_id: MerchantId, *, provider: str, day: date, by: str
) -> Statement:
    """Ask a provider for its statement of a day (UTC), keep it and hold it against our books.

    Raises:
        Invalid: ``statement.not_fetched`` for a provider that has none to ask for.
        Outside: the provider does not answer.
    """
    source: object = commerce.providers.get(provider)
    if not isinstance(source, StatementSource):
        raise Invalid(
            "statement.not_fetched",
            _("This provider cannot be asked for a statement. Please upload its file."),
            field="provider",
        )
    rows = await source.load_statement(merchant_id, day)
    name = hashlib.sha256(msgspec.json.encode(rows)).hexdigest()
    return await keep_lines(
        commerce,
        merchant_id,
        provider=provider,
        form="api",
        file_name=day.isoformat(),
        name=f"{day}:{name}",
        lines=rows,
        by=by,
    )


async def fetch_statements(commerce: Commerce, merchants: list[MerchantId]) -> int:
    """Fetch yesterday's statements of these merchants. Returns how many came."""
    day = clock.now().date() - timedelta(days=1)
    done = 0
    for merchant_id in merchants:
        for name, source in commerce.providers.items():
            if not isinstance(source, StatementSource):
                continue
            try:
                await fetch_statement(commerce, merchant_id, provider=name, day=day, by="system")
                done += 1
            except Outside as error:
                log.info("no statement of %s for merchant %s: %s", name, merchant_id, error)
            except Exception:
                log.exception("the statement of %s for merchant %s could not be kept", name, merchant_id)
    return done
