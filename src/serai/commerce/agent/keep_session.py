"""Checkouts of agents: open, change, look at, cancel. Goods lie in a cart of the core; the rest beside it.

What an agent says is data: items, codes and addresses are looked up or kept as texts of limited length, prices are never
taken from it, and a checkout of another agent is not there.
"""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.agent import store
from serai.commerce.agent.stand_session import (
    CART_GONE,
    owner_of,
    read_session,
    session_unknown,
    stand_session,
)
from serai.commerce.agent.types import (
    Agent,
    Change,
    Content,
    Destination,
    Protocol,
    Session,
    Stand,
)
from serai.commerce.cart import api as cart
from serai.commerce.catalogue.api import find_skus, list_category_chains, list_sale_items
from serai.commerce.checkout.api import enter_coupon
from serai.commerce.place.api import default_place
from serai.commerce.stock.api import allot
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Forbidden, Invalid, NotFound, Refused, _
from serai.foundation.ids import MerchantId, derive_id

MAX_LINES = 100
MAX_CODES = 12
MAX_DESTINATIONS = 20
MAX_TEXT = 200
MAX_BOOK = 50
MAX_QUANTITY = 100_000


async def open_session(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    agent: Agent,
    protocol: Protocol,
    key: UUID,
    change: Change,
) -> Stand:
    """Open a checkout. ``key`` names the call: a repeat finds the checkout that its first has opened.

    Raises:
        Invalid: ``agent.item_unknown`` with ``item``; ``agent.quantity_invalid``; ``agent.text_too_long``, ``agent.too_many``;
            ``agent.currency``.
        Conflict: ``agent.short`` with ``title``, ``available``. Forbidden: ``agent.category``.
    """
    session_id = derive_id("agent session", agent.agent_id, key)
    async with commerce.db.transaction(merchant_id) as tx:
        row = await store.find_session(tx, agent.agent_id, session_id)
        if row is None:
            opened = await cart.open_cart(tx, owner=_owner(agent, session_id), fresh=True)
            content = Content()
            values = (session_id, agent.agent_id, protocol, opened.cart_id, msgspec.to_builtins(content))
            row = await store.insert_session(tx, values, clock.now())
            session = await _apply(tx, agent, read_session(row), change)
        else:
            session = read_session(row)
        return await stand_session(tx, commerce, agent, session)


async def update_session(
    commerce: Commerce, merchant_id: MerchantId, *, agent: Agent, session_id: UUID, change: Change
) -> Stand:
    """Change a checkout; nothing of it changes when a part is refused.

    Raises:
        NotFound: ``agent.session_unknown``. Conflict: ``agent.session_over`` once it is placed, completed or cancelled.
        Invalid, Conflict, Forbidden: as of :func:`open_session`.
    """
    try:
        async with commerce.db.transaction(merchant_id) as tx:
            session = await lock_open(tx, agent, session_id)
            session = await _apply(tx, agent, session, change)
            return await stand_session(tx, commerce, agent, session)
    except NotFound as refusal:
        if refusal.code != CART_GONE:
            raise
        # Its cart has become an order in this very moment.
        raise session_over("placed") from refusal


async def lock_open(tx: Transaction, agent: Agent, session_id: UUID) -> Session:
    """An agent's checkout that may still change. NotFound ``agent.session_unknown``; Conflict ``agent.session_over``."""
    row = await store.lock_session(tx, agent.agent_id, session_id)
    if row is None:
        raise session_unknown()
    session = read_session(row)
    if session.state != "open":
        raise session_over(session.state)
    return session


def session_over(state: str) -> Conflict:
    """The refusal for a checkout that cannot change any more."""
    message = {
        "placed": _("The payment of this checkout is being decided; it cannot be changed."),
        "completed": _("This checkout is completed."),
        "canceled": _("This checkout was cancelled."),
    }[state]
    return Conflict("agent.session_over", message, state=state)


async def save_session(tx: Transaction, session: Session) -> Session:
    """Write a locked checkout as it shall be."""
    order_id = session.order_id if session.state in ("placed", "completed") else None
    row = await store.update_session(
        tx,
        session.session_id,
        session.state,
        session.cart_id,
        order_id,
        msgspec.to_builtins(session.content),
        clock.now(),
    )
    return read_session(row)


def _owner(agent: Agent, session_id: UUID) -> str:
    return f"{agent.owner}:{session_id}"


async def _apply(tx: Transaction, agent: Agent, session: Session, change: Change) -> Session:
    content = session.content
    if change.lines is not None:
        content = await _set_lines(tx, agent, session, content, change.lines)
    if change.codes is not None:
        content = await _set_codes(tx, session, content, change.codes)
    if change.buyer is not None:
        content = msgspec.structs.replace(content, buyer=_check_texts(change.buyer))
    content = await _set_delivery(tx, agent, content, change)
    if change.webhook_url is not None:
        content = msgspec.structs.replace(content, webhook_url=change.webhook_url[:2000])
    if change.echo is not None:
        content = msgspec.structs.replace(content, echo={**content.echo, **change.echo})
    return await save_session(tx, msgspec.structs.replace(session, content=content))


async def _set_lines(
    tx: Transaction, agent: Agent, session: Session, content: Content, lines: tuple[tuple[str, int], ...]
) -> Content:
    """Bring the cart to exactly these items."""
    if len(lines) > MAX_LINES:
        raise _too_many("line_items", MAX_LINES)
    wanted, names = await _find_items(tx, lines)
    await _check_categories(tx, agent, wanted, names)
    owner, cart_id = owner_of(session), session.cart_id
    held = {line.sku_id: line for line in (await cart.load_cart(tx, owner=owner, cart_id=cart_id)).lines}
    for sku_id, line in held.items():
        if sku_id not in wanted:
            await cart.remove_line(tx, owner=owner, cart_id=cart_id, line_id=line.line_id)
    for sku_id, quantity in wanted.items():
        line_held = held.get(sku_id)
        if line_held is not None and line_held.quantity == quantity:
            continue
        try:
            if line_held is None:
                await cart.add_line(tx, owner=owner, cart_id=cart_id, sku_id=sku_id, quantity=quantity)
            else:
                await cart.set_line(
                    tx, owner=owner, cart_id=cart_id, line_id=line_held.line_id, quantity=quantity
                )
        except Refused as refusal:
            if refusal.code == "cart.quantity_invalid":
                # More than one may order at once is often more than there is: that is the better reason.
                most, _parts = await allot(
                    tx, wanted=[(sku_id, quantity)], place_ids=[(await default_place(tx)).place_id]
                )
                if most[0] < quantity:
                    raise _short(names[sku_id], most[0]) from refusal
            raise _refuse_line(refusal, names[sku_id]) from refusal
    return msgspec.structs.replace(content, items={str(sku_id): name for sku_id, name in names.items()})


def _refuse_line(refusal: Refused, item: str) -> Refused:
    """A cart's refusal in an agent's words."""
    if refusal.code == "cart.short":
        return _short(item, refusal.data.get("available", 0))
    if refusal.code == "cart.product_unknown":
        return _unknown_item(item)
    if refusal.code in ("cart.quantity_invalid", "cart.increment"):
        return Invalid(
            "agent.quantity_invalid", _("That quantity of “%(item)s” cannot be ordered."), item=item
        )
    return refusal


def _short(item: str, available: Any) -> Conflict:
    return Conflict(
        "agent.short",
        _("Insufficient stock for “%(item)s”: %(available)s available."),
        item=item,
        available=available,
    )


def _unknown_item(item: str) -> Invalid:
    return Invalid("agent.item_unknown", _("Product “%(item)s” not found."), item=item[:MAX_TEXT])


async def _find_items(
    tx: Transaction, lines: tuple[tuple[str, int], ...]
) -> tuple[dict[UUID, int], dict[UUID, str]]:
    """(quantity, the agent's name) by SKU: an item is named by its code or its id."""
    for item, quantity in lines:
        if not item or len(item) > MAX_TEXT or "\0" in item:
            raise _unknown_item(item)
        if not 0 < quantity <= MAX_QUANTITY:
            raise Invalid(
                "agent.quantity_invalid", _("That quantity of “%(item)s” cannot be ordered."), item=item
            )
    known = await find_skus(tx, skus=[item for item, _quantity in lines])
    wanted: dict[UUID, int] = {}
    names: dict[UUID, str] = {}
    for item, quantity in lines:
        sku_id = known[item][0] if item in known else _read_uuid(item)
        if sku_id is None:
            raise _unknown_item(item)
        wanted[sku_id] = wanted.get(sku_id, 0) + quantity
        names.setdefault(sku_id, item)
    found = await list_sale_items(tx, sku_ids=list(wanted), channel="agent")
    for sku_id, item in names.items():
        if sku_id not in found or not found[sku_id].sellable:
            raise _unknown_item(item)
    return wanted, names


def _read_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def _check_categories(
    tx: Transaction, agent: Agent, wanted: Mapping[UUID, int], names: Mapping[UUID, str]
) -> None:
    if not agent.category_ids or not wanted:
        return
    chains = await list_category_chains(tx, sku_ids=list(wanted))
    for sku_id in wanted:
        if not set(chains.get(sku_id, ())) & set(agent.category_ids):
            raise Forbidden("agent.category", _("This agent may not buy “%(item)s”."), item=names[sku_id])


async def _set_codes(tx: Transaction, session: Session, content: Content, codes: tuple[str, ...]) -> Content:
    """Enter exactly these codes. Unknown ones are noted, not refused."""
    if len(codes) > MAX_CODES:
        raise _too_many("discounts", MAX_CODES)
    owner = owner_of(session)
    await cart.set_details(tx, owner=owner, cart_id=session.cart_id, coupons=[])
    entered: dict[str, str] = {}
    unknown = []
    for code in dict.fromkeys(codes):
        before = set(entered)
        try:
            if not 0 < len(code) <= 100 or "\0" in code:
                raise NotFound("coupon.unknown", _("There is no such coupon."))
            held = await enter_coupon(tx, owner=owner, code=code, cart_id=session.cart_id)
        except (NotFound, Conflict, Invalid):
            unknown.append(code[:100])
            continue
        coupons = held.details.get("coupons")
        for coupon_id in coupons if isinstance(coupons, list) else ():
            if coupon_id not in before:
                entered[str(coupon_id)] = code
    return msgspec.structs.replace(
        content, codes=tuple(code[:100] for code in codes), unknown_codes=tuple(unknown), coupon_codes=entered
    )


async def _set_delivery(tx: Transaction, agent: Agent, content: Content, change: Change) -> Content:
    has_shipping = content.has_shipping if change.has_shipping is None else change.has_shipping
    destinations = content.destinations
    email = content.buyer.email if content.buyer else ""
    if change.destinations is not None:
        if len(change.destinations) > MAX_DESTINATIONS:
            raise _too_many("destinations", MAX_DESTINATIONS)
        destinations = tuple([await _keep_address(tx, agent, email, each) for each in change.destinations])
    elif has_shipping and not destinations and agent.is_test and email:
        destinations = await _list_book(tx, agent, email)
    chosen = content.destination_id if change.destination_id is None else change.destination_id
    if chosen not in {each.destination_id for each in destinations}:
        chosen = ""
    option = content.option_code if change.option_code is None else change.option_code
    return msgspec.structs.replace(
        content,
        has_shipping=has_shipping,
        destinations=destinations,
        destination_id=chosen,
        option_code=option[:MAX_TEXT],
    )


async def _keep_address(tx: Transaction, agent: Agent, email: str, given: Destination) -> Destination:
    """An address with an id. A test agent's book knows those that it gave before for the same buyer."""
    given = _check_texts(given)
    buyer = digest_buyer(email)
    book = await _list_book(tx, agent, email) if agent.is_test and email else ()
    same = next((each for each in book if each.place == given.place), None)
    if given.destination_id:
        return given
    address_id = (
        same.destination_id if same else f"dest_{derive_id('address', agent.agent_id, *given.place).hex[:16]}"
    )
    kept = msgspec.structs.replace(given, destination_id=address_id)
    if same is None and agent.is_test and email and len(book) < MAX_BOOK:
        await store.insert_address(
            tx, agent.agent_id, buyer, address_id, len(book), msgspec.to_builtins(kept)
        )
    return kept


async def remember_address(tx: Transaction, *, agent: Agent, email: str, address: Destination) -> None:
    """Put an address with its id into a test agent's book; one that is there already stays."""
    position = len(await store.list_addresses(tx, agent.agent_id, digest_buyer(email)))
    kept = msgspec.to_builtins(_check_texts(address))
    await store.insert_address(
        tx, agent.agent_id, digest_buyer(email), address.destination_id, position, kept
    )


async def _list_book(tx: Transaction, agent: Agent, email: str) -> tuple[Destination, ...]:
    rows = await store.list_addresses(tx, agent.agent_id, digest_buyer(email))
    return tuple(msgspec.convert(row["address"], Destination) for row in rows)


def digest_buyer(email: str) -> bytes:
    """What an address book keeps of a buyer's e-mail address."""
    return hashlib.blake2b(email.strip().lower().encode(), digest_size=20).digest()


def _check_texts(given: Any) -> Any:
    """A Struct of texts, refused when one is too long or cannot be stored. Invalid ``agent.text_too_long``."""
    for name in given.__struct_fields__:
        value = getattr(given, name)
        if isinstance(value, str) and (len(value) > MAX_TEXT or "\0" in value):
            raise Invalid("agent.text_too_long", _("That text is too long."), field=name)
        if isinstance(value, dict) and len(value) > 20:
            raise _too_many(name, 20)
    return given


def _too_many(field: str, most: int) -> Invalid:
    return Invalid("agent.too_many", _("At most %(most)s of them."), field=field, most=most)
