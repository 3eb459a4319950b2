"""Export all that is held of a member, and erase a member.

Erasing blanks every personal field and keeps what books and tax law need: numbers, dates, goods, amounts, country, region
and postal code of orders. It waits until no order is under way, since a parcel needs its address. What a payment
provider told (``commerce.payment_event``) is kept unchanged; providers are asked to send no names.
"""

import secrets
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.agent import api as agent_api
from serai.commerce.alert import api as alert_api
from serai.commerce.consultation import api as consultation_api
from serai.commerce.gift import api as gift_api
from serai.commerce.order import api as order_api
from serai.commerce.paper import api as paper_api
from serai.commerce.privacy import store
from serai.commerce.returns import api as returns_api
from serai.commerce.returns.types import OPEN
from serai.commerce.tender import api as tender_api
from serai.commerce.tender.types import Kind
from serai.commerce.wish import api as wish_api
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, NotFound, _
from serai.foundation.mail import drop_letters
from serai.identity.address import api as address_api
from serai.identity.consent import api as consent_api
from serai.identity.member import api as member_api
from serai.identity.member.types import Member
from serai.identity.merchant.api import load_merchant
from serai.identity.passkey import api as passkey_api
from serai.identity.session import api as session_api

__all__ = ["blank_orders", "erase_member", "export_member"]

MOVEMENTS = 100
PURSES: tuple[Kind, ...] = ("points", "wallet")
OPEN_STATES = frozenset({"awaiting_payment", "awaiting_deposit", "awaiting_balance", "paid"})


async def _load(tx: Transaction, member_id: UUID) -> Member:
    member = await member_api.find_member(tx, member_id=member_id)
    if member is None:
        raise NotFound("member.unknown", _("There is no such account."))
    return member


def _proven_email(member: Member) -> str:
    """The address, if it was proven: an unproven one may be somebody else's, whose guest orders are not shown."""
    return member.email or "" if member.email_verified_at else ""


async def export_member(tx: Transaction, *, member_id: UUID) -> dict[str, Any]:
    """Everything held of a member across the systems, as JSON values by subject. NotFound ``member.unknown``."""
    member = await _load(tx, member_id)
    who = {"kind": "member", "subject_id": member_id}
    orders = []
    for row in await store.list_orders(tx, member_id, _proven_email(member)):
        order = await order_api.load_order(tx, order_id=row["order_id"])
        gift = await gift_api.find_gift(tx, order_id=order.order_id)
        returns = await returns_api.list_order_returns(tx, order_id=order.order_id)
        papers = await paper_api.list_of_order(tx, order=order)
        buyer = await paper_api.find_buyer(tx, order_id=order.order_id)
        orders.append(
            {
                "order": order,
                "gift": gift,
                "returns": returns,
                "papers": papers.issued,
                "invoice_details": buyer,
            }
        )
    lists = [
        await wish_api.open_list(tx, member_id=member_id, list_id=one.list_id)
        for one in await wish_api.list_lists(tx, member_id=member_id)
    ]
    passkeys = await passkey_api.list_passkeys(tx, **who)  # type: ignore[arg-type]  # one of two keyword pairs
    exported: dict[str, Any] = msgspec.to_builtins(
        {
            "exported_at": clock.now(),
            "member": member,
            "addresses": await address_api.list_addresses(tx, member_id=member_id),
            "consents": await consent_api.list_consents(tx, member_id=member_id),
            "sessions": await session_api.list_sessions(tx, **who),  # type: ignore[arg-type]  # one of two keyword pairs
            "passkeys": [
                {"name": key.name, "made_at": key.made_at, "used_at": key.used_at} for key in passkeys
            ],
            "orders": orders,
            "market_checkouts": [
                dict(row) for row in await store.list_checkouts(tx, member_id, _proven_email(member))
            ],
            "purse": await _export_purse(tx, member_id),
            "wish_lists": lists,
            "alerts": await alert_api.list_alerts(tx, member_id=member_id),
            "questions": await consultation_api.list_of_member(tx, member_id=member_id),
        }
    )
    return exported


async def _export_purse(tx: Transaction, member_id: UUID) -> dict[str, Any]:
    """Points and red packets: what there is, and the latest movements of each."""
    currency = (await load_merchant(tx)).currency
    return {"balance": await tender_api.load_purse(tx, member_id=member_id, currency=currency)} | {
        kind: (
            await tender_api.list_entries(
                tx, kind=kind, subject_id=member_id, currency=currency, limit=MOVEMENTS
            )
        ).items
        for kind in PURSES
    }


async def erase_member(tx: Transaction, *, member_id: UUID) -> None:
    """Erase a member in all systems, in one transaction.

    Raises:
        NotFound: ``member.unknown``.
        Conflict: ``member.orders_open`` with ``numbers`` while an order waits for its payment or its parcel.
    """
    member = await _load(tx, member_id)
    rows = await store.list_orders(tx, member_id, _proven_email(member))
    under_way = [row["number"] for row in rows if row["state"] in OPEN_STATES]
    for row in rows:
        # Goods on their way back, and the money for them, need somebody to write to.
        for found in await returns_api.list_order_returns(tx, order_id=row["order_id"]):
            under_way += [found.number] if found.state in OPEN else []
    if under_way:
        raise Conflict(
            "member.orders_open",
            _(
                "Orders are under way: %(numbers)s. Please wait until they have arrived, or cancel them first."
            ),
            numbers=", ".join(under_way[:5]),
        )
    order_ids = [row["order_id"] for row in rows]
    await blank_orders(tx, order_ids=order_ids)
    await store.blank_checkouts(tx, member_id, _proven_email(member))
    await wish_api.remove_lists_of(tx, member_id=member_id)
    await alert_api.remove_alerts_of(tx, member_id=member_id, email=member.email or "")
    await consultation_api.blank_questions_of(tx, member_id=member_id, email=member.email or "")
    if member.email:
        await drop_letters(tx, to=member.email)
        await agent_api.forget_buyer(tx, email=member.email)
    await member_api.erase_member(tx, member_id=member_id)


async def blank_orders(tx: Transaction, *, order_ids: Sequence[UUID]) -> None:
    """Take every personal field out of orders that are over, the words of their gifts and returns, and what was wanted
    on invoices; their guests' links open nothing any more. Issued invoices stay, as the law wants them."""
    ids = list(order_ids)
    await store.blank_orders(tx, ids, [secrets.token_bytes(20) for _id in ids])
    await gift_api.blank_gifts(tx, order_ids=ids)
    await returns_api.blank_returns(tx, order_ids=ids)
    await paper_api.delete_buyers(tx, order_ids=ids)
    await agent_api.forget_orders(tx, order_ids=ids)
