"""Alerts: set, confirm, end, and fire when a price has fallen or goods are back. Each fires once and is over.

Only an address that proved itself is written to: a member's verified one at once, any other after its link was used.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from serai.commerce.alert import store
from serai.commerce.alert.types import Alert, AlertKind, FiredAlert, NewAlert
from serai.commerce.catalogue.api import list_sale_items
from serai.commerce.catalogue.types import SaleItem
from serai.commerce.place.api import default_place
from serai.commerce.price.api import choose_price, price_items
from serai.commerce.stock.api import load_available
from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.ids import new_id
from serai.foundation.limit import take_token
from serai.foundation.mail import ADDRESS

__all__ = [
    "Alert",
    "AlertKind",
    "FiredAlert",
    "NewAlert",
    "fire_price_alerts",
    "fire_stock_alerts",
    "list_due_prices",
    "set_alert",
]

ALERT_LIMIT = 50
# Letters that ask for a confirmation go to addresses that may be anybody's.
PER_ADDRESS, PER_CLIENT, DAY_S = 5, 30, 86_400
UNCONFIRMED_DAYS, ENDED_DAYS = 3, 30


def digest_token(token: str) -> bytes:
    """What is stored of an alert's token."""
    return hashlib.blake2b(token.encode(), digest_size=20).digest()


async def set_alert(
    tx: Transaction,
    *,
    kind: AlertKind,
    sku_id: UUID,
    email: str,
    locale: str,
    member_id: UUID | None,
    is_proven: bool,
    ip: str = "",
) -> NewAlert:
    """Wait for a SKU. ``is_proven``: the address is known to be the asker's own. The same wish again is one alert.

    Raises:
        Invalid: ``email.invalid``. NotFound: ``cart.product_unknown``. Conflict: ``alert.too_many``.
        Limited: ``limit.reached``, per address and client, where a confirmation has to be sent.
    """
    email = email.strip().lower()
    if not ADDRESS.fullmatch(email):
        raise Invalid("email.invalid", _("That is not an e-mail address."), field="email")
    items = await list_sale_items(tx, sku_ids=[sku_id])
    if sku_id not in items:
        raise NotFound("cart.product_unknown", _("This product is not sold here (any more)."))
    seen_minor = (await _list_public_prices(tx, items)).get(sku_id)
    if not is_proven:
        await take_token(tx, name="alert", who=email, most=PER_ADDRESS, per_s=DAY_S)
        if ip:
            await take_token(tx, name="alert.client", who=ip, most=PER_CLIENT, per_s=DAY_S)
    token, now = secrets.token_urlsafe(24), clock.now()
    row = await store.insert_alert(
        tx,
        new_id(),
        kind,
        sku_id,
        member_id,
        email,
        locale,
        seen_minor,
        digest_token(token),
        now,
        now if is_proven else None,
    )
    if await store.count_open(tx, email) > ALERT_LIMIT:
        raise Conflict("alert.too_many", _("At most %(limit)s alerts wait at a time."), limit=ALERT_LIMIT)
    return NewAlert(row["alert_id"], token, row["confirmed_at"] is not None)


async def _list_public_prices(tx: Transaction, items: Mapping[UUID, SaleItem]) -> dict[UUID, int]:
    """What everybody pays now for one piece, offers counted."""
    prices = await price_items(tx, items=items)
    return {
        sku_id: choose_price(sale.list_minor, [o for o in sale.offers if o.is_public], 1)[0]
        for sku_id, sale in prices.items()
    }


async def load_alert(tx: Transaction, *, token: str) -> Alert:
    """The alert of a letter's link. NotFound ``alert.unknown`` when it is over."""
    row = await store.find_by_token(tx, digest_token(token[:100]))
    if row is None:
        raise NotFound("alert.unknown", _("This alert is over. Nothing more will be sent for it."))
    return Alert(*row.values())


async def confirm_alert(tx: Transaction, *, token: str) -> Alert:
    """The address is the asker's own: from now on the alert waits. NotFound ``alert.unknown``."""
    alert = await load_alert(tx, token=token)
    await store.confirm_alert(tx, alert.alert_id, clock.now())
    return alert


async def end_alert(tx: Transaction, *, token: str) -> None:
    """Nothing is wanted any more. NotFound ``alert.unknown``."""
    alert = await load_alert(tx, token=token)
    await store.delete_alert(tx, alert.alert_id)


async def end_own_alert(tx: Transaction, *, member_id: UUID, alert_id: UUID) -> None:
    """End one of a member's alerts; one that is over already needs no ending."""
    if any(alert.alert_id == alert_id for alert in await list_alerts(tx, member_id=member_id)):
        await store.delete_alert(tx, alert_id)


async def list_alerts(tx: Transaction, *, member_id: UUID) -> list[Alert]:
    """What a member waits for, the newest first."""
    return [Alert(*row.values()) for row in await store.list_alerts(tx, member_id)]


async def fire_price_alerts(tx: Transaction, *, sku_ids: Sequence[UUID]) -> list[FiredAlert]:
    """Take the alerts of SKUs that cost less today than when their reader asked."""
    waiting = [Alert(*row.values()) for row in await store.list_waiting(tx, "price", list(sku_ids))]
    items = await list_sale_items(tx, sku_ids=[alert.sku_id for alert in waiting])
    prices = await _list_public_prices(tx, items)
    fired = []
    for alert in waiting:
        item, price_minor = items.get(alert.sku_id), prices.get(alert.sku_id)
        if item is None or not item.sellable or price_minor is None:
            continue
        if alert.seen_price_minor is None or price_minor < alert.seen_price_minor:
            fired.append(FiredAlert(alert, price_minor, item.currency))
    await store.end_alerts(tx, [one.alert.alert_id for one in fired], clock.now())
    return fired


async def list_due_prices(owner: Database, *, limit: int = 500) -> list[tuple[UUID, UUID]]:
    """(merchant, SKU) of price alerts whose goods have an offer for everybody that began to hold, over all merchants."""
    return [tuple(row.values()) for row in await store.list_due(owner, clock.now(), limit)]


async def fire_stock_alerts(tx: Transaction, *, sku_ids: Sequence[UUID]) -> list[FiredAlert]:
    """Take the alerts of SKUs that can be delivered (again)."""
    waiting = [Alert(*row.values()) for row in await store.list_waiting(tx, "stock", list(sku_ids))]
    if not waiting:
        return []
    wanted = list({alert.sku_id for alert in waiting})
    items = await list_sale_items(tx, sku_ids=wanted)
    available = await load_available(tx, sku_ids=wanted, place_id=(await default_place(tx)).place_id)
    fired = [
        FiredAlert(alert, items[alert.sku_id].price_minor, items[alert.sku_id].currency)
        for alert in waiting
        if alert.sku_id in items and items[alert.sku_id].sellable and available[alert.sku_id] > 0
    ]
    await store.end_alerts(tx, [one.alert.alert_id for one in fired], clock.now())
    return fired


async def remove_alerts_of(tx: Transaction, *, member_id: UUID, email: str) -> None:
    """Forget what a member waited for, also as a guest with the same address."""
    await store.delete_alerts_of(tx, member_id, email)


async def delete_old_alerts(tx: Transaction) -> None:
    """Forget alerts that nobody confirmed within three days, and addresses of those that were over a month ago."""
    now = clock.now()
    await store.delete_old(tx, now - timedelta(days=UNCONFIRMED_DAYS), now - timedelta(days=ENDED_DAYS))
