"""Rows of waiting rooms and of places in their lines."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Database, Rows, Transaction

ROOM = "room_id, sku_id, title, per_s, hold_s, units_each, next_at, opened_at, closed_at"


async def insert_room(
    tx: Transaction,
    room_id: UUID,
    sku_id: UUID,
    title: str,
    per_s: float,
    hold_s: int,
    units: int,
    at: datetime,
) -> bool:
    """False when the SKU has an open line already."""
    return bool(
        await tx.fetchval(
            "INSERT INTO overload.room (merchant_id, room_id, sku_id, title, per_s, hold_s, units_each, next_at, opened_at)"
            " VALUES ($1, $2, $3, $4, $5::float8, $6, $7, $8::timestamptz - make_interval(secs => 1 / $5::float8), $8)"
            " ON CONFLICT (merchant_id, sku_id) WHERE closed_at IS NULL DO NOTHING RETURNING true",
            tx.merchant_id, room_id, sku_id, title, per_s, hold_s, units, at,
        )
    )  # fmt: skip


async def close_room(tx: Transaction, room_id: UUID, at: datetime) -> bool:
    return bool(
        await tx.fetchval(
            "UPDATE overload.room SET closed_at = $3 WHERE merchant_id = $1 AND room_id = $2 AND closed_at IS NULL"
            " RETURNING true",
            tx.merchant_id, room_id, at,
        )
    )  # fmt: skip


async def set_rate(tx: Transaction, room_id: UUID, per_s: float) -> bool:
    return bool(
        await tx.fetchval(
            "UPDATE overload.room SET per_s = $3 WHERE merchant_id = $1 AND room_id = $2 AND closed_at IS NULL"
            " RETURNING true",
            tx.merchant_id, room_id, per_s,
        )
    )  # fmt: skip


async def find_room(tx: Transaction, room_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {ROOM} FROM overload.room WHERE merchant_id = $1 AND room_id = $2", tx.merchant_id, room_id
    )


async def find_open(tx: Transaction, sku_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {ROOM} FROM overload.room WHERE merchant_id = $1 AND sku_id = $2 AND closed_at IS NULL",
        tx.merchant_id,
        sku_id,
    )


async def seize_room(tx: Transaction, room_id: UUID) -> Any:
    """The room for whoever lets people in; None while somebody else is at it."""
    return await tx.fetchrow(
        f"SELECT {ROOM} FROM overload.room WHERE merchant_id = $1 AND room_id = $2 AND closed_at IS NULL"
        " FOR UPDATE SKIP LOCKED",
        tx.merchant_id,
        room_id,
    )


async def list_rooms(tx: Transaction, limit: int) -> Rows:
    """Open ones first, then the latest."""
    return await tx.fetch(
        f"SELECT {ROOM} FROM overload.room WHERE merchant_id = $1"
        " ORDER BY closed_at IS NOT NULL, opened_at DESC LIMIT $2",
        tx.merchant_id,
        limit,
    )


async def list_all_open(owner: Database) -> Rows:
    return await owner.fetch("SELECT merchant_id, sku_id, room_id FROM overload.room WHERE closed_at IS NULL")


async def take_number(tx: Transaction, room_id: UUID) -> int | None:
    number: int | None = await tx.fetchval(
        "UPDATE overload.room SET last_no = last_no + 1 WHERE merchant_id = $1 AND room_id = $2 AND closed_at IS NULL"
        " RETURNING last_no",
        tx.merchant_id,
        room_id,
    )
    return number


async def put_place(tx: Transaction, room_id: UUID, buyer: bytes, number: int, at: datetime) -> None:
    """Stand at the end of the line; who stands in it already, or has bought, stays where they are."""
    await tx.execute(
        "INSERT INTO overload.place AS p (merchant_id, room_id, buyer, place_no, state, joined_at)"
        " VALUES ($1, $2, $3, $4, 'waiting', $5)"
        " ON CONFLICT (merchant_id, room_id, buyer) DO UPDATE SET place_no = $4, state = 'waiting', joined_at = $5,"
        "   until = NULL, cart_id = NULL"
        " WHERE p.state = 'lapsed' OR (p.state IN ('admitted', 'taken') AND p.until <= $5)",
        tx.merchant_id, room_id, buyer, number, at,
    )  # fmt: skip


async def find_place(tx: Transaction, room_id: UUID, buyers: Sequence[bytes]) -> Any:
    """The best place that one of these names has."""
    return await tx.fetchrow(
        "SELECT buyer, place_no, state, until FROM overload.place"
        " WHERE merchant_id = $1 AND room_id = $2 AND buyer = ANY($3)"
        " ORDER BY state <> 'bought', state NOT IN ('admitted', 'taken'), state = 'lapsed', place_no LIMIT 1",
        tx.merchant_id,
        room_id,
        list(buyers),
    )


async def count_ahead(tx: Transaction, room_id: UUID, number: int) -> int:
    ahead: int = await tx.fetchval(
        "SELECT count(*) FROM overload.place"
        " WHERE merchant_id = $1 AND room_id = $2 AND state = 'waiting' AND place_no < $3",
        tx.merchant_id,
        room_id,
        number,
    )
    return ahead


async def count_held(tx: Transaction, room_id: UUID, now: datetime) -> int:
    held: int = await tx.fetchval(
        "SELECT count(*) FROM overload.place WHERE merchant_id = $1 AND room_id = $2"
        " AND state IN ('admitted', 'taken') AND until > $3",
        tx.merchant_id,
        room_id,
        now,
    )
    return held


async def lapse_places(tx: Transaction, room_id: UUID, now: datetime) -> None:
    await tx.execute(
        "UPDATE overload.place SET state = 'lapsed' WHERE merchant_id = $1 AND room_id = $2"
        " AND state IN ('admitted', 'taken') AND until <= $3",
        tx.merchant_id,
        room_id,
        now,
    )


async def admit_places(tx: Transaction, room_id: UUID, many: int, until: datetime) -> int:
    """Let in the first of the line and return how many there were."""
    status = await tx.execute(
        "UPDATE overload.place SET state = 'admitted', until = $4 WHERE merchant_id = $1 AND room_id = $2 AND buyer IN"
        " (SELECT buyer FROM overload.place WHERE merchant_id = $1 AND room_id = $2 AND state = 'waiting'"
        "  ORDER BY place_no LIMIT $3)",
        tx.merchant_id,
        room_id,
        many,
        until,
    )
    return int(status.split()[-1])


async def note_admitted(tx: Transaction, room_id: UUID, next_at: datetime) -> None:
    await tx.execute(
        "UPDATE overload.room SET next_at = $3 WHERE merchant_id = $1 AND room_id = $2",
        tx.merchant_id,
        room_id,
        next_at,
    )


async def take_place(
    tx: Transaction, room_id: UUID, buyers: Sequence[bytes], cart_id: UUID, now: datetime
) -> bool:
    """Take an admission for one cart; the same cart may take it again."""
    return bool(
        await tx.fetchval(
            "UPDATE overload.place SET state = CASE state WHEN 'bought' THEN state ELSE 'taken' END, cart_id = $4"
            " WHERE merchant_id = $1 AND room_id = $2"
            " AND buyer = (SELECT buyer FROM overload.place WHERE merchant_id = $1 AND room_id = $2 AND buyer = ANY($3)"
            "   AND until > $5 AND (state = 'admitted' OR (state IN ('taken', 'bought') AND cart_id = $4)) LIMIT 1 FOR UPDATE)"
            " RETURNING true",
            tx.merchant_id, room_id, list(buyers), cart_id, now,
        )
    )  # fmt: skip


async def end_taking(tx: Transaction, room_id: UUID, cart_id: UUID, state: str) -> None:
    await tx.execute(
        "UPDATE overload.place SET state = $4 WHERE merchant_id = $1 AND room_id = $2 AND cart_id = $3"
        " AND state = 'taken'",
        tx.merchant_id,
        room_id,
        cart_id,
        state,
    )


async def count_places(tx: Transaction, room_id: UUID, now: datetime) -> Any:
    return await tx.fetchrow(
        "SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting,"
        " count(*) FILTER (WHERE state IN ('admitted', 'taken') AND until > $3) AS admitted,"
        " count(*) FILTER (WHERE state = 'bought') AS bought,"
        " count(*) FILTER (WHERE state = 'lapsed' OR (state IN ('admitted', 'taken') AND until <= $3)) AS lapsed"
        " FROM overload.place WHERE merchant_id = $1 AND room_id = $2",
        tx.merchant_id,
        room_id,
        now,
    )
