"""Completing a checkout of an agent.

JUDGE     the checkout as it stands now; what is missing refuses it, and nothing has happened
PLACE     the core's own flow: one group in the lane with the order, the agent's mark on it, the checkout's new state and
          what it takes of the agent's allowances
PAY       the provider's payment is opened and paid with the agent's token, outside any transaction. What the provider says
          is taken in as a webhook's message would be, and whichever comes first counts
DECLINED  the order is called off, its goods and allowances are free, and the checkout is open again with a new cart
UNKNOWN   the provider does not answer: the checkout stays placed. Completing it again asks what became of it; the
          shop's own look-ups do so too
Every id follows from the checkout, so two calls at once place one order and charge once.
"""

from uuid import UUID

import msgspec

from serai.commerce.aftersale.api import cancel_order
from serai.commerce.agent import store
from serai.commerce.agent.claim_allowance import (
    claim_allowances,
    fund_allowances,
    refuse_claims,
    return_allowances,
)
from serai.commerce.agent.keep_session import lock_open, save_session, session_over
from serai.commerce.agent.offer_delivery import address_of, chosen_destination
from serai.commerce.agent.read_order import find_agent_order, write_agent_orders
from serai.commerce.agent.stand_session import (
    MISSING_FULFILMENT,
    contact_of,
    load_stand,
    owner_of,
    read_session,
    stand_session,
)
from serai.commerce.agent.types import Agent, AgentOrder, Credential, Session, Stand
from serai.commerce.cart import api as cart
from serai.commerce.checkout.api import place_order, refresh_payment, settle_payment, start_payment
from serai.commerce.order.api import load_order
from serai.commerce.order.types import Order
from serai.commerce.types import Commerce, TokenCharger
from serai.foundation import clock
from serai.foundation.errors import Conflict, Forbidden, Invalid, Refused, _
from serai.foundation.ids import MerchantId, derive_id
from serai.ledger.types import Write

LOCALE = "en"
PAID = ("paid", "fulfilled")


async def complete_session(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    agent: Agent,
    session_id: UUID,
    credential: Credential | None,
    base_url: str,
    key: UUID | None = None,
) -> Stand:
    """Place a checkout's order and pay it. Without a credential it waits for its buyer at the stand's ``pay_url``.

    ``key`` names the call: its repeat finds the checkout completed.

    Raises:
        NotFound: ``agent.session_unknown``. Conflict: ``agent.session_over``; ``agent.payment_declined``;
            ``agent.short``, ``checkout.short``, ``checkout.changed``; ``agent.payment_unsupported``.
        Invalid: ``agent.incomplete`` with ``problems``; ``payment.token_refused``.
        Forbidden: ``agent.order_limit``, ``agent.day_limit``; Limited: ``agent.hour_limit``. Nothing was placed then.
        Outside: the provider does not answer; whether it was paid is found out by asking again.
    """
    stand = await load_stand(commerce, merchant_id, agent=agent, session_id=session_id)
    session = stand.session
    if session.state in ("completed", "canceled"):
        await _note_end(commerce, merchant_id, agent, session)
        if session.state == "completed" and key and session.content.echo.get("completing") == str(key):
            return stand
        raise session_over(session.state)
    if credential is not None and not isinstance(commerce.providers[commerce.default_provider], TokenCharger):
        raise Conflict(
            "agent.payment_unsupported", _("This shop's payment provider takes no payments from agents.")
        )
    if session.order_id is not None:
        order_id = session.order_id
        await _note_placed(commerce, merchant_id, agent, session, order_id)
    else:
        order_id = await _place(commerce, merchant_id, agent, stand, key)
    try:
        order = await _pay(commerce, merchant_id, order_id, credential, base_url)
    except Invalid as refusal:
        if refusal.code == "payment.token_refused":
            await reopen_session(commerce, merchant_id, agent, session_id, order_id)
        raise
    return await _conclude(commerce, merchant_id, agent, session_id, order, is_tried=credential is not None)


async def _place(
    commerce: Commerce, merchant_id: MerchantId, agent: Agent, stand: Stand, key: UUID | None
) -> UUID:
    session, quote, now = stand.session, stand.quote, clock.now()
    _refuse_problems(agent, stand)
    content, to = session.content, chosen_destination(session.content)
    assert quote is not None, "a checkout that is ready has goods"
    assert to is not None, "and an address"
    chosen = next(each for each in stand.options if each.code == content.option_code)
    echo = {**content.echo, "completing": str(key)} if key else content.echo
    content = msgspec.structs.replace(content, option_title=chosen.title, echo=echo)
    await fund_allowances(commerce, merchant_id, agent, now)
    order_id = derive_id("order", session.cart_id)
    mark = AgentOrder(
        order_id,
        agent.agent_id,
        agent.name,
        session.session_id,
        session.protocol,
        quote.total_minor,
        quote.currency,
        now.date(),
        now.hour,
        content.webhook_url,
        {},
        now,
        None,
    )
    try:
        placed = await place_order(
            commerce,
            merchant_id,
            owner=owner_of(session),
            cart_id=session.cart_id,
            contact=contact_of(agent, content),
            address=address_of(agent, to),
            delivery="ship",
            delivery_option=content.option_code,
            place_id=None,
            expected_digest=quote.digest,
            member_id=None,
            locale=LOCALE,
            channel="agent",
            writes=(Write(write_agent_orders, mark, early=True),),
            claims=claim_allowances(agent, order_id, quote.total_minor, now),
            refuse=lambda short: refuse_claims(agent, short, now),
        )
    except Refused:
        # A twin of this call may have had the order already, or may have lost it again to a declined payment.
        later = (await load_stand(commerce, merchant_id, agent=agent, session_id=session.session_id)).session
        if later.order_id != order_id:
            raise
    else:
        assert placed.order_id == order_id, "an order's id follows from its cart"
    await _note_placed(
        commerce, merchant_id, agent, msgspec.structs.replace(session, content=content), order_id
    )
    return order_id


async def _note_placed(
    commerce: Commerce, merchant_id: MerchantId, agent: Agent, placed: Session, order_id: UUID
) -> None:
    """Write down that a checkout is an order now. Conflict ``agent.session_over`` when it was cancelled meanwhile.

    Not beside the order: a change of the checkout locks it before its cart, and the order's group has the cart already.
    A crash between the two does no harm, since the cart names its order.
    """
    async with commerce.db.transaction(merchant_id) as tx:
        kept = read_session(await store.lock_session(tx, agent.agent_id, placed.session_id))
        if kept.state == "open" and kept.cart_id == placed.cart_id:
            marked = msgspec.structs.replace(kept, state="placed", order_id=order_id, content=placed.content)
            await save_session(tx, marked)
    if kept.state == "canceled" and kept.cart_id == placed.cart_id:
        # It was cancelled in the very moment in which its order was placed: nobody wants that any more.
        await _call_off(commerce, merchant_id, agent, order_id)
        raise session_over(kept.state)


def _refuse_problems(agent: Agent, stand: Stand) -> None:
    """Refuse what keeps a checkout from being completed; shortages first."""
    errors = [each for each in stand.problems if each.is_error]
    if not errors:
        return
    problems = [{"code": each.code, "text": each.text, "path": each.path} for each in errors]
    first = next((each for each in errors if each.code == "out_of_stock"), errors[0])
    if first.code == "out_of_stock":
        raise Conflict("agent.short", _("%(text)s"), text=first.text, problems=problems)
    if any(each.text == MISSING_FULFILMENT for each in errors):
        raise Invalid("agent.incomplete", MISSING_FULFILMENT, problems=problems)
    if first.code == "agent_limit":
        raise Forbidden(
            "agent.order_limit",
            _("This order is above what this agent may spend at once."),
            limit_minor=agent.order_minor,
            total_minor=stand.total_minor,
        )
    raise Invalid("agent.incomplete", _("%(text)s"), text=first.text, problems=problems)


async def _pay(
    commerce: Commerce,
    merchant_id: MerchantId,
    order_id: UUID,
    credential: Credential | None,
    base_url: str,
) -> Order:
    """The order after its payment was tried, if there was anything to pay."""
    order = await _load(commerce, merchant_id, order_id)
    if order.state != "awaiting_payment":
        return order
    if order.payments and order.payments[-1].state == "created":
        # A try before may have been paid although its answer was lost.
        await refresh_payment(commerce, merchant_id, order_id=order_id)
        order = await _load(commerce, merchant_id, order_id)
        if order.state != "awaiting_payment" or order.payments[-1].state != "created":
            return order
    try:
        # A token belongs to the provider that takes tokens; a person may choose.
        provider = commerce.default_provider if credential else None
        await start_payment(commerce, merchant_id, order_id=order_id, base_url=base_url, provider=provider)
    except Refused as refusal:
        if refusal.code not in ("payment.closed", "order.cannot_pay"):
            raise
        await refresh_payment(commerce, merchant_id, order_id=order_id)
        return await _load(commerce, merchant_id, order_id)
    order = await _load(commerce, merchant_id, order_id)
    if credential is None or order.state != "awaiting_payment":
        return order
    intent = order.payments[-1]
    charger = commerce.providers[intent.provider]
    assert isinstance(charger, TokenCharger), "it was looked at before"
    assert intent.provider_payment_id, "it was opened just now"
    kind = "card" if credential.handler == "card" else "token"
    paid = await charger.charge_token(
        merchant_id, intent.provider_payment_id, kind=kind, token=credential.token
    )
    for event in paid.events:
        await settle_payment(commerce, merchant_id, event=event, source="agent")
    return await _load(commerce, merchant_id, order_id)


async def _conclude(
    commerce: Commerce,
    merchant_id: MerchantId,
    agent: Agent,
    session_id: UUID,
    order: Order,
    *,
    is_tried: bool,
) -> Stand:
    last = order.payments[-1] if order.payments else None
    is_declined = (
        order.state == "awaiting_payment"
        and last is not None
        and last.state in ("failed", "voided", "expired")
    )
    if is_declined or order.state in ("cancelled", "expired"):
        await reopen_session(commerce, merchant_id, agent, session_id, order.order_id)
        raise Conflict("agent.payment_declined", _("The payment was declined. Nothing was charged."))
    async with commerce.db.transaction(merchant_id) as tx:
        session = read_session(await store.lock_session(tx, agent.agent_id, session_id))
        if order.paid_at is not None and session.state == "placed":
            session = await save_session(tx, msgspec.structs.replace(session, state="completed"))
        stand = await stand_session(tx, commerce, agent, session)
    if order.paid_at is None and is_tried:
        raise Conflict(
            "agent.payment_pending",
            _("The payment is still being decided. Please ask again."),
            retry_after_s=2,
        )
    return stand


async def _note_end(commerce: Commerce, merchant_id: MerchantId, agent: Agent, session: Session) -> None:
    """Write down what became of a placed checkout whose payment ended elsewhere."""
    async with commerce.db.transaction(merchant_id) as tx:
        kept = read_session(await store.lock_session(tx, agent.agent_id, session.session_id))
        if kept.state == "placed" and session.state == "completed":
            await save_session(tx, msgspec.structs.replace(kept, state="completed"))


async def reopen_session(
    commerce: Commerce, merchant_id: MerchantId, agent: Agent, session_id: UUID, order_id: UUID
) -> None:
    """Call the order of a declined payment off, and let the checkout go on with the same goods in a new cart."""
    await _call_off(commerce, merchant_id, agent, order_id)
    order = await _load(commerce, merchant_id, order_id)
    async with commerce.db.transaction(merchant_id) as tx:
        session = read_session(await store.lock_session(tx, agent.agent_id, session_id))
        if session.state != "placed" or session.order_id != order_id:
            return
        opened = await cart.open_cart(tx, owner=owner_of(session), fresh=True)
        for line in order.lines:
            if line.extra:
                continue
            try:
                await cart.add_line(
                    tx,
                    owner=owner_of(session),
                    sku_id=line.sku_id,
                    quantity=line.quantity,
                    cart_id=opened.cart_id,
                )
            except Refused:
                # It was sold to somebody else meanwhile: the checkout shows what is left.
                continue
        coupons = list(session.content.coupon_codes)
        if coupons:
            await cart.set_details(tx, owner=owner_of(session), cart_id=opened.cart_id, coupons=coupons)
        await save_session(tx, msgspec.structs.replace(session, state="open", cart_id=opened.cart_id))


async def _call_off(commerce: Commerce, merchant_id: MerchantId, agent: Agent, order_id: UUID) -> None:
    order = await _load(commerce, merchant_id, order_id)
    if order.state == "awaiting_payment":
        await cancel_order(
            commerce,
            merchant_id,
            order_id=order_id,
            by=agent.actor,
            reason="payment declined",
            unpaid_only=True,
        )
    async with commerce.db.transaction(merchant_id, "read") as tx:
        placed = await find_agent_order(tx, order_id=order_id)
    if placed is not None:
        await return_allowances(commerce, merchant_id, placed)


async def cancel_session(
    commerce: Commerce, merchant_id: MerchantId, *, agent: Agent, session_id: UUID
) -> Stand:
    """Give a checkout up; one that was placed and not paid takes its order along.

    Raises:
        NotFound: ``agent.session_unknown``. Conflict: ``agent.session_over``; ``order.cannot_cancel`` when it is paid now.
    """
    stand = await load_stand(commerce, merchant_id, agent=agent, session_id=session_id)
    session = stand.session
    if session.state in ("completed", "canceled"):
        raise session_over(session.state)
    if session.order_id is not None:
        await _note_placed(commerce, merchant_id, agent, session, session.order_id)
        await reopen_session(commerce, merchant_id, agent, session_id, session.order_id)
    async with commerce.db.transaction(merchant_id) as tx:
        session = await lock_open(tx, agent, session_id)
        session = await save_session(tx, msgspec.structs.replace(session, state="canceled"))
        return await stand_session(tx, commerce, agent, session)


async def _load(commerce: Commerce, merchant_id: MerchantId, order_id: UUID) -> Order:
    async with commerce.db.transaction(merchant_id, "read") as tx:
        return await load_order(tx, order_id=order_id)
