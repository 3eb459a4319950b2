"""SQL of agents, their checkouts, orders and addresses."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction

AGENT = (
    "agent_id, name, prefix, scopes, is_open, is_test, order_minor, day_minor, hour_orders, category_ids, expires_at,"
    " created_by, created_at, revoked_at, last_used_at"
)
SESSION = "session_id, agent_id, protocol, cart_id, state, order_id, content, version, created_at, updated_at"
ORDER = (
    "order_id, agent_id, agent_name, session_id, protocol, amount_minor, currency, day, hour, webhook_url, reports,"
    " placed_at, returned_at"
)


async def insert_agent(tx: Transaction, values: Sequence[Any]) -> Any:
    return await tx.fetchrow(
        "INSERT INTO commerce.agent (merchant_id, agent_id, name, prefix, secret_digest, scopes, is_open, is_test,"
        "   order_minor, day_minor, hour_orders, category_ids, expires_at, created_by, created_at)"
        f" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) RETURNING {AGENT}",
        tx.merchant_id,
        *values,
    )


async def update_agent(tx: Transaction, agent_id: UUID, values: Sequence[Any]) -> Any:
    return await tx.fetchrow(
        "UPDATE commerce.agent SET name = $3, scopes = $4, is_open = $5, is_test = $6, order_minor = $7, day_minor = $8,"
        "   hour_orders = $9, category_ids = $10, expires_at = $11"
        f" WHERE merchant_id = $1 AND agent_id = $2 RETURNING {AGENT}",
        tx.merchant_id,
        agent_id,
        *values,
    )


async def revoke_agent(tx: Transaction, agent_id: UUID, at: datetime) -> Any:
    return await tx.fetchrow(
        "UPDATE commerce.agent SET revoked_at = coalesce(revoked_at, $3), is_open = false"
        f" WHERE merchant_id = $1 AND agent_id = $2 RETURNING {AGENT}",
        tx.merchant_id,
        agent_id,
        at,
    )


async def list_agents(tx: Transaction) -> list[Any]:
    return await tx.fetch(
        f"SELECT {AGENT} FROM commerce.agent WHERE merchant_id = $1 ORDER BY revoked_at IS NOT NULL, agent_id DESC",
        tx.merchant_id,
    )


async def find_agent(tx: Transaction, agent_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {AGENT} FROM commerce.agent WHERE merchant_id = $1 AND agent_id = $2",
        tx.merchant_id,
        agent_id,
    )


async def lock_agent(tx: Transaction, agent_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {AGENT} FROM commerce.agent WHERE merchant_id = $1 AND agent_id = $2 FOR UPDATE",
        tx.merchant_id,
        agent_id,
    )


async def use_agent(tx: Transaction, digest: bytes | None, now: datetime) -> Any:
    """The living agent of a key, or without one the open agent; notes its use, at most once a minute."""
    row = await tx.fetchrow(
        f"SELECT {AGENT} FROM commerce.agent WHERE merchant_id = $1 AND revoked_at IS NULL"
        " AND CASE WHEN $2::bytea IS NULL THEN is_open ELSE secret_digest = $2 END",
        tx.merchant_id,
        digest,
    )
    if row is not None and (row["last_used_at"] is None or (now - row["last_used_at"]).total_seconds() > 60):
        await tx.execute(
            "UPDATE commerce.agent SET last_used_at = $3 WHERE merchant_id = $1 AND agent_id = $2",
            tx.merchant_id,
            row["agent_id"],
            now,
        )
    return row


async def insert_session(tx: Transaction, values: Sequence[Any], now: datetime) -> Any:
    return await tx.fetchrow(
        "INSERT INTO commerce.agent_session (merchant_id, session_id, agent_id, protocol, cart_id, content, created_at,"
        f"   updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7) RETURNING {SESSION}",
        tx.merchant_id,
        *values,
        now,
    )


async def find_session(tx: Transaction, agent_id: UUID, session_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {SESSION} FROM commerce.agent_session"
        " WHERE merchant_id = $1 AND session_id = $2 AND agent_id = $3",
        tx.merchant_id,
        session_id,
        agent_id,
    )


async def lock_session(tx: Transaction, agent_id: UUID, session_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {SESSION} FROM commerce.agent_session"
        " WHERE merchant_id = $1 AND session_id = $2 AND agent_id = $3 FOR UPDATE",
        tx.merchant_id,
        session_id,
        agent_id,
    )


async def update_session(
    tx: Transaction,
    session_id: UUID,
    state: str,
    cart_id: UUID,
    order_id: UUID | None,
    content: Any,
    now: datetime,
) -> Any:
    return await tx.fetchrow(
        "UPDATE commerce.agent_session SET state = $3, cart_id = $4, order_id = $5, content = $6, updated_at = $7,"
        "   version = version + 1"
        f" WHERE merchant_id = $1 AND session_id = $2 RETURNING {SESSION}",
        tx.merchant_id,
        session_id,
        state,
        cart_id,
        order_id,
        content,
        now,
    )


async def insert_orders(tx: Transaction, columns: Sequence[list[Any]]) -> None:
    await tx.execute(
        "INSERT INTO commerce.agent_order (merchant_id, order_id, agent_id, agent_name, session_id, protocol, amount_minor,"
        "   currency, day, hour, webhook_url, placed_at) SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::text[],"
        "   $5::uuid[], $6::text[], $7::bigint[], $8::text[], $9::date[], $10::smallint[], $11::text[], $12::timestamptz[])",
        tx.merchant_id,
        *columns,
    )


async def find_order(tx: Transaction, order_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {ORDER} FROM commerce.agent_order WHERE merchant_id = $1 AND order_id = $2",
        tx.merchant_id,
        order_id,
    )


async def list_orders(tx: Transaction, order_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        f"SELECT {ORDER} FROM commerce.agent_order WHERE merchant_id = $1 AND order_id = ANY($2)",
        tx.merchant_id,
        order_ids,
    )


async def return_orders(tx: Transaction, order_ids: list[UUID], now: datetime) -> None:
    await tx.execute(
        "UPDATE commerce.agent_order SET returned_at = coalesce(returned_at, $3)"
        " WHERE merchant_id = $1 AND order_id = ANY($2)",
        tx.merchant_id,
        order_ids,
        now,
    )


async def update_reports(tx: Transaction, order_id: UUID, reports: Any) -> None:
    await tx.execute(
        "UPDATE commerce.agent_order SET reports = $3 WHERE merchant_id = $1 AND order_id = $2",
        tx.merchant_id,
        order_id,
        reports,
    )


async def count_orders(tx: Transaction) -> list[Any]:
    return await tx.fetch(
        "SELECT agent_id, count(*)::int AS orders, sum(amount_minor)::bigint AS amount_minor FROM commerce.agent_order"
        " WHERE merchant_id = $1 AND returned_at IS NULL GROUP BY agent_id",
        tx.merchant_id,
    )


async def list_addresses(tx: Transaction, agent_id: UUID, buyer: bytes) -> list[Any]:
    return await tx.fetch(
        "SELECT address_id, address FROM commerce.agent_address WHERE merchant_id = $1 AND agent_id = $2 AND buyer = $3"
        " ORDER BY position, address_id",
        tx.merchant_id,
        agent_id,
        buyer,
    )


async def insert_address(
    tx: Transaction, agent_id: UUID, buyer: bytes, address_id: str, position: int, address: Any
) -> None:
    await tx.execute(
        "INSERT INTO commerce.agent_address (merchant_id, agent_id, buyer, address_id, position, address)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        tx.merchant_id,
        agent_id,
        buyer,
        address_id,
        position,
        address,
    )


async def delete_old_sessions(tx: Transaction, before: datetime) -> int:
    done = await tx.execute(
        "DELETE FROM commerce.agent_session WHERE merchant_id = $1 AND updated_at < $2 AND state IN ('open', 'canceled')",
        tx.merchant_id,
        before,
    )
    return int(done.rsplit(" ", 1)[1])


async def delete_sessions_of(tx: Transaction, order_ids: list[UUID]) -> None:
    await tx.execute(
        "DELETE FROM commerce.agent_session WHERE merchant_id = $1 AND order_id = ANY($2)",
        tx.merchant_id,
        order_ids,
    )
    await tx.execute(
        "UPDATE commerce.agent_order SET reports = '{}', webhook_url = '' WHERE merchant_id = $1 AND order_id = ANY($2)",
        tx.merchant_id,
        order_ids,
    )


async def delete_addresses_of(tx: Transaction, buyer: bytes) -> None:
    await tx.execute(
        "DELETE FROM commerce.agent_address WHERE merchant_id = $1 AND buyer = $2", tx.merchant_id, buyer
    )
