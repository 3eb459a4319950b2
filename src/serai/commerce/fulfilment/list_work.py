"""What waits where: work of places by what is to be done next, and pick lists."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from serai.commerce.fulfilment import store
from serai.commerce.fulfilment.types import STAGES, Fulfilment, PickRow, Profile, Stage
from serai.commerce.place.api import load_place
from serai.commerce.types import Page
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, NotFound, _
from serai.identity.audit.api import AuditRow, record_rows


async def list_fulfilments(
    tx: Transaction,
    *,
    place_id: UUID | None = None,
    stage: Stage | None = None,
    order_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Fulfilment]:
    """Open work, what has waited longest first. Invalid ``list.cursor_invalid``."""
    limit = max(1, min(limit, 100))
    wanted = None if order_id is None else [order_id]
    rows = await store.list_work(tx, place_id, wanted, stage, _read_cursor(cursor), limit + 1)
    items = tuple(Fulfilment(**{k: v for k, v in row.items() if k != "stage"}) for row in rows[:limit])
    more = f"{items[-1].planned_at.isoformat()}|{items[-1].fulfilment_id}" if len(rows) > limit else None
    return Page(items, more)


def _read_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    if not cursor:
        return None
    try:
        moment, _bar, fulfilment_id = cursor.partition("|")
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None:
            raise ValueError(moment)
        return at.astimezone(UTC), UUID(fulfilment_id)
    except (ValueError, OverflowError) as error:
        raise Invalid("list.cursor_invalid", _("This list cannot be continued from there.")) from error


async def find_fulfilment(tx: Transaction, *, fulfilment_id: UUID) -> Fulfilment | None:
    """Open work; None when there is none of that id, or nothing is left to do."""
    row = await store.find_work(tx, fulfilment_id)
    if row is None:
        return None
    page = await list_fulfilments(tx, place_id=row["place_id"], order_id=row["order_id"])
    return page.items[0] if page.items else None


async def list_titles(tx: Transaction, *, sku_ids: Sequence[UUID]) -> dict[UUID, str]:
    """What SKUs are called."""
    return {row["sku_id"]: row["title"] for row in await store.list_titles(tx, sku_ids)}


async def count_fulfilments(tx: Transaction, *, place_id: UUID | None = None) -> dict[Stage, int]:
    """How much work waits for each next step; every step is there."""
    found = {row["stage"]: row["orders"] for row in await store.count_work(tx, place_id)}
    return {stage: found.get(stage, 0) for stage in STAGES}


async def list_picks(
    tx: Transaction, *, place_id: UUID, order_ids: Sequence[UUID] | None = None
) -> tuple[PickRow, ...]:
    """What is to be taken from the shelves of a place, for all accepted orders or some, as one walks along them.

    Of some orders, what is picked already is there too.
    """
    return tuple(PickRow(**dict(row)) for row in await store.list_picks(tx, place_id, order_ids))


async def accept_fulfilment(tx: Transaction, *, fulfilment_id: UUID, by: str) -> None:
    """A place takes on its work. Doing it again changes nothing. NotFound ``fulfilment.unknown``."""
    order_id = await store.accept_work(tx, fulfilment_id, clock.now(), by)
    if order_id is not None:
        details = {"fulfilment_id": str(fulfilment_id)}
        await record_rows(tx, [AuditRow(by, "fulfilment.accepted", "order", str(order_id), None, details)])
    elif await store.find_work(tx, fulfilment_id) is None:
        raise NotFound("fulfilment.unknown", _("There is no such work."))


async def load_profile(tx: Transaction, *, place_id: UUID) -> Profile:
    """What routing knows of a place. NotFound ``place.unknown``."""
    place = await load_place(tx, place_id=place_id)
    row = await store.find_profile(tx, place_id)
    return Profile(**dict(row)) if row else Profile(place_id, place.sells_online)


async def save_profile(tx: Transaction, *, profile: Profile, by: str) -> None:
    """Tell routing about a place.

    Raises:
        NotFound: ``place.unknown``. Invalid: ``place.position_invalid``, ``place.accept_invalid``.
    """
    await load_place(tx, place_id=profile.place_id)
    position = (profile.latitude, profile.longitude)
    if (None in position and position != (None, None)) or not (
        -90 <= (profile.latitude or 0) <= 90 and -180 <= (profile.longitude or 0) <= 180
    ):
        raise Invalid("place.position_invalid", _("That is no position on earth."), field="latitude")
    if profile.accept_minutes is not None and not 1 <= profile.accept_minutes <= 10_080:
        raise Invalid(
            "place.accept_invalid", _("Please give minutes from 1 to 10080."), field="accept_minutes"
        )
    values = [getattr(profile, name) for name in Profile.__struct_fields__]
    await store.save_profile(tx, values)
    details = {"ships": profile.ships, "city": profile.city, "accept_minutes": profile.accept_minutes}
    await record_rows(
        tx, [AuditRow(by, "place.profile_saved", "place", str(profile.place_id), None, details)]
    )
