"""What the shop does when something happened: it writes to the people concerned. The worker runs it."""

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from serai.commerce.alert.api import fire_price_alerts, fire_stock_alerts
from serai.commerce.catalogue.api import find_product
from serai.commerce.consultation.api import load_question
from serai.commerce.fulfilment.api import pickup_code
from serai.commerce.gift.api import find_gift
from serai.commerce.order.api import access_token, find_order
from serai.commerce.order.types import Order
from serai.commerce.promotion.api import list_group_orders
from serai.commerce.returns.api import find_return
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.event import Event, Subscriber
from serai.foundation.mail import queue_letter
from serai.identity.merchant.api import load_merchant
from serai.storefront.alerting import write_alerts
from serai.storefront.letter import ORDER_WORDS, write_answer_letter, write_order_letter
from serai.storefront.presale_letter import PRESALE_WORDS, is_about_presale, write_presale_letter
from serai.storefront.return_letter import RETURN_WORDS, write_return_letter

# A subscriber begins at the log's beginning: what is older than this is no news any more, and nobody is told.
NEWS = timedelta(days=1)


def order_letters(commerce: Commerce) -> Subscriber:
    """Letters about orders, with the link under which guests find theirs."""

    async def handle(tx: Transaction, events: Sequence[Event]) -> None:
        for event in events:
            if event.recorded_at < clock.now() - NEWS:
                continue
            order = await find_order(tx, order_id=event.subject_id)
            # An API's buyer may have given no address, and an erased one has none any more.
            if order is None or not order.email or _is_needless(order, event):
                continue
            gift = await find_gift(tx, order_id=order.order_id)
            path = _order_path(commerce, order)
            if is_about_presale(order, event.name):
                zone = (await load_merchant(tx)).zone
                letter = write_presale_letter(order, event.name, event.data, path=path, zone=zone)
                await queue_letter(tx, letter)
                continue
            if event.name not in ORDER_WORDS:
                continue
            letter = write_order_letter(
                order,
                event.name,
                path=path,
                amount_minor=int(event.data.get("amount_minor", 0)),
                gift_message=gift.message if gift else "",
                in_group=_is_about_group(order, event),
                secured=str(event.data.get("secured", "")),
                parcel=_read_parcel(commerce, event),
            )
            await queue_letter(tx, letter)

    return Subscriber("shop letters", frozenset(ORDER_WORDS) | frozenset(PRESALE_WORDS), handle)


def _is_needless(order: Order, event: Event) -> bool:
    """Whether another letter says it already: there is nothing to pay, or an order's end tells what goes back."""
    if event.name == "OrderPlaced":
        return order.total_minor == order.tender_minor
    if event.name == "ParcelTracked":
        return event.data.get("kind") != "delivered"
    if event.name == "OrderShipped":
        # An order that leaves whole has one letter; of several parcels each has its own.
        return bool(event.data.get("is_last")) and event.data.get("parcel_no") == 1
    if event.name == "OrderFulfilled":
        return sum(each.shipped_at is not None for each in order.parcels) > 1
    return event.name == "TenderRefunded" and event.data.get("reason") == "cancel"


def _read_parcel(commerce: Commerce, event: Event) -> tuple[int, str] | None:
    """Number, and tracking or code, of the parcel that an event is about."""
    match event.name:
        case "OrderShipped":
            return int(event.data["parcel_no"]), str(event.data["tracking"])
        case "PickupReady":
            code = pickup_code(commerce.secret, UUID(event.data["parcel_id"]))
            return int(event.data["parcel_no"]), code
        case "ParcelTracked":
            return int(event.data["parcel_no"]), ""
        case _:
            return None


def _order_path(commerce: Commerce, order: Order) -> str:
    query = urlencode({"key": access_token(commerce.secret, order.order_id)})
    return f"/orders/{order.order_id}?{query}"


def _is_about_group(order: Order, event: Event) -> bool:
    """Whether the group is the news: an order that waits for it, or was called off with it."""
    if event.name == "OrderPaid":
        return order.awaits_group
    return event.name == "OrderCancelled" and order.group is not None and event.data.get("by") == "system"


def group_letters(commerce: Commerce) -> Subscriber:
    """To everybody in a group, when it is complete. Of one that fails, each order's own end tells."""

    async def handle(tx: Transaction, events: Sequence[Event]) -> None:
        for event in events:
            if event.data["outcome"] != "grouped" or event.recorded_at < clock.now() - NEWS:
                continue
            for order_id, state in await list_group_orders(tx, group_id=event.subject_id):
                order = await find_order(tx, order_id=order_id) if state in ("paid", "fulfilled") else None
                if order is not None and order.email:
                    path = _order_path(commerce, order)
                    await queue_letter(tx, write_order_letter(order, event.name, path=path, in_group=True))

    return Subscriber("group letters", frozenset({"GroupEnded"}), handle)


async def tell_alerts(tx: Transaction, events: Sequence[Event]) -> None:
    """Write to those who waited for a lower price or for goods: once each, since firing ends an alert."""
    priced = [UUID(event.data["sku_id"]) for event in events if event.name in ("PriceChanged", "OfferAdded")]
    moved = [UUID(event.data["sku_id"]) for event in events if event.name == "StockMoved"]
    for event in events:
        if event.name in ("OrderCancelled", "OrderExpired"):
            order = await find_order(tx, order_id=event.subject_id)
            moved += [line.sku_id for line in order.lines] if order else []
    fired = await fire_price_alerts(tx, sku_ids=priced) if priced else []
    fired += await fire_stock_alerts(tx, sku_ids=moved) if moved else []
    await write_alerts(tx, fired)


async def tell_answers(tx: Transaction, events: Sequence[Event]) -> None:
    """Write to whoever asked, when staff have answered."""
    for event in events:
        question = await load_question(tx, question_id=event.subject_id)
        answer = next((a for a in question.answers if str(a.answer_id) == event.data["answer_id"]), None)
        product = await find_product(tx, product_id=question.product_id, published=None)
        if answer is None or product is None or not question.email or event.recorded_at < clock.now() - NEWS:
            continue
        letter = write_answer_letter(
            email=question.email,
            name=question.name,
            locale=question.locale,
            title=product.label(question.locale),
            question=question.words,
            answer=answer.words,
            path=f"/p/{product.slug}/questions",
        )
        await queue_letter(tx, letter)


ALERTS = Subscriber(
    "alerts",
    frozenset({"PriceChanged", "OfferAdded", "StockMoved", "OrderCancelled", "OrderExpired"}),
    tell_alerts,
)
ANSWERS = Subscriber("answers", frozenset({"QuestionAnswered"}), tell_answers)


def return_letters(commerce: Commerce) -> Subscriber:
    """Letters about returns, each with the link to its page."""

    async def handle(tx: Transaction, events: Sequence[Event]) -> None:
        for event in events:
            if event.recorded_at < clock.now() - NEWS:
                continue
            order = await find_order(tx, order_id=event.subject_id)
            found = await find_return(tx, return_id=UUID(event.data["return_id"]))
            if order is None or found is None or not order.email:
                continue
            key = access_token(commerce.secret, order.order_id)
            path = f"/orders/{order.order_id}/returns/{found.return_id}?{urlencode({'key': key})}"
            await queue_letter(tx, write_return_letter(order, found, event.name, event.data, path=path))

    return Subscriber("return letters", frozenset(RETURN_WORDS), handle)
