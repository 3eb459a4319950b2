"""Statements of providers that can be asked for them: by themselves every day, or by staff for any day.

PLAN    each day of the last ones that is over gets a row, for every provider that the merchant was ever paid through
ASK     what is due; each attempt is counted before it is made, so two workers ask once
KEEP    lines are kept and judged as those of a file; what we have booked within the day and no line tells is missing there
FAIL    why is written down and shown, and it is asked for again, ever more rarely, for two weeks
"""

import hashlib
import logging
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from serai.commerce.reconciliation import fetch_store, store
from serai.commerce.reconciliation.match_lines import keep_lines
from serai.commerce.reconciliation.read_statement import read_statement
from serai.commerce.reconciliation.types import Line, Statement, StatementFetch
from serai.commerce.types import Commerce, StatementSource
from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Invalid, Outside, _
from serai.foundation.ids import MerchantId

log = logging.getLogger("serai.commerce")
# Providers write a day's statement in the morning after it: WeChat Pay at ten, Alipay at nine.
READY_AFTER = timedelta(hours=11)
CATCH_UP_DAYS = 3
ASK_FOR_DAYS = 14
FIRST_RETRY = timedelta(minutes=15)
LAST_RETRY = timedelta(hours=6)
BATCH = 100
SHOWN = 30


async def fetch_statement(
    commerce: Commerce, merchant_id: MerchantId, *, provider: str, day: date, by: str
) -> Statement:
    """Ask a provider for its statement of a day (as it counts days), keep it and hold it against our books.

    Raises:
        Invalid: ``statement.not_fetched`` for a provider that has none to ask for.
        Outside: the provider does not answer, has no statement yet, or gave one that cannot be read.
    """
    source: object = commerce.providers.get(provider)
    if not isinstance(source, StatementSource):
        raise Invalid(
            "statement.not_fetched",
            _("This provider cannot be asked for a statement. Please upload its file."),
            field="provider",
        )
    form, rows = _read(provider, await source.load_statement(merchant_id, day))
    name = hashlib.sha256(msgspec.json.encode(rows)).hexdigest()
    since = datetime.combine(day, time(), UTC) - timedelta(hours=source.day_offset_h)
    until = since + timedelta(days=1)
    statement = await keep_lines(
        commerce,
        merchant_id,
        provider=provider,
        form=form,
        file_name=day.isoformat(),
        name=f"{day}:{name}",
        lines=rows,
        by=by,
        span=(since, min(until, clock.now())),
    )
    if until <= clock.now():
        async with commerce.db.transaction(merchant_id) as tx:
            await fetch_store.note_done(tx, provider, day, clock.now(), statement.statement_id)
    return statement


def _read(provider: str, content: tuple[Line, ...] | bytes) -> tuple[str, tuple[Line, ...]]:
    """(format, lines) of what a provider gave. Outside when its file cannot be read: it may come whole another time."""
    if not isinstance(content, bytes):
        return "api", content
    try:
        form, lines = read_statement(content)
    except Invalid as error:
        raise Outside(
            provider, f"gave a statement that cannot be read: {error.code}, line {error.data.get('line')}"
        ) from error
    if form != provider:
        raise Outside(provider, f"gave a statement in the form of {form}")
    return form, tuple(lines)


async def plan_fetches(commerce: Commerce, merchant_id: MerchantId) -> None:
    """Write down which days are to be fetched: the last ones that are over and whose statement should be there."""
    async with commerce.db.transaction(merchant_id) as tx:
        names = {row["provider"] for row in await store.list_providers(tx)}
        for name in sorted(names):
            source: object = commerce.providers.get(name)
            if isinstance(source, StatementSource):
                there = clock.now() + timedelta(hours=source.day_offset_h) - READY_AFTER
                days = [there.date() - timedelta(days=n) for n in range(1, CATCH_UP_DAYS + 1)]
                await fetch_store.insert_fetches(tx, name, days, clock.now())


async def fetch_statements(commerce: Commerce, owner: Database, merchants: list[MerchantId]) -> int:
    """Plan for these merchants and ask for what is due, over all. Returns how many statements came."""
    for merchant_id in merchants:
        await plan_fetches(commerce, merchant_id)
    now, done = clock.now(), 0
    oldest = now.date() - timedelta(days=ASK_FOR_DAYS)
    due = await fetch_store.list_due(owner, now, oldest, BATCH)
    # Day after day: what moved in a day's last hours is looked for with the next day's statement, and must not seem missing.
    for merchant, provider, day in sorted(due, key=lambda row: row["day"]):
        done += await _try(commerce, MerchantId(merchant), provider, day)
    return done


async def _try(commerce: Commerce, merchant_id: MerchantId, provider: str, day: date) -> bool:
    now = clock.now()
    async with commerce.db.transaction(merchant_id) as tx:
        attempts = await fetch_store.claim_fetch(tx, provider, day, now, now + FIRST_RETRY)
    if attempts is None:
        return False
    try:
        await fetch_statement(commerce, merchant_id, provider=provider, day=day, by="system")
        return True
    except (Outside, Invalid) as error:
        failure = str(error)
        log.info("no statement of %s for merchant %s: %s", provider, merchant_id, error)
    except Exception as error:
        failure = type(error).__name__
        log.exception("the statement of %s for merchant %s could not be kept", provider, merchant_id)
    wait = min(LAST_RETRY, FIRST_RETRY * 2 ** min(attempts - 1, 8))
    async with commerce.db.transaction(merchant_id) as tx:
        await fetch_store.note_failure(tx, provider, day, failure[:300], now + wait)
    return False


async def list_fetches(tx: Transaction) -> tuple[StatementFetch, ...]:
    """The days of the last weeks whose statement was asked for in vain, the newest first."""
    oldest = clock.now().date() - timedelta(days=ASK_FOR_DAYS)
    return tuple(StatementFetch(**dict(row)) for row in await fetch_store.list_open(tx, oldest, SHOWN))
