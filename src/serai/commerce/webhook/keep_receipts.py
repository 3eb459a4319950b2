"""The console's own receiver: a consumer as it should be, whose page shows newcomers what arrives and whether it is true."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.types import Commerce
from serai.commerce.webhook import store
from serai.commerce.webhook.edit_endpoint import list_secret_values, lock_endpoint, unknown_endpoint
from serai.commerce.webhook.logic import verify_message
from serai.commerce.webhook.types import Receipt, Verdict
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, Refused, _
from serai.foundation.ids import MerchantId, new_id

KEPT = 100
SHOWN_CHARACTERS = 20_000
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature", "content-type", "user-agent")
# What the receiver may be told to answer, so that one sees repeats, holds and parked messages.
ANSWERS = (204, 500, 503)


class _Object(msgspec.Struct, frozen=True):
    id: str = ""
    sequence: int | None = None


class _Message(msgspec.Struct, frozen=True):
    type: str = ""
    object: _Object = _Object()


async def take_message(
    commerce: Commerce, merchant_id: MerchantId, *, endpoint_id: UUID, headers: Mapping[str, str], body: bytes
) -> int:
    """Check a message, keep it for the page, and say with which status to answer.

    Raises:
        NotFound: ``webhook.endpoint_unknown``, this is no receiver.
    """
    async with commerce.db.transaction(merchant_id) as tx:
        endpoint = await lock_endpoint(tx, endpoint_id)
        if not endpoint.is_receiver:
            raise unknown_endpoint()
        secrets = await list_secret_values(tx, commerce=commerce, endpoint_id=endpoint_id)
        verdict, refused = _judge(secrets, headers, body)
        message_id = headers.get("webhook-id", "").replace("\0", "")[:100]
        message = _read(body)
        answered = refused or endpoint.receiver_status
        repeat = verdict == "good" and await store.has_receipt(tx, endpoint_id, message_id)
        kept = {name: headers.get(name, "").replace("\0", "")[:500] for name in HEADERS}
        receipt = Receipt(
            new_id(),
            endpoint_id,
            message_id,
            verdict,
            message.type[:60],
            message.object.id[:60],
            message.object.sequence,
            repeat,
            answered,
            kept,
            body.decode("utf-8", "replace").replace("\0", "")[:SHOWN_CHARACTERS],
            clock.now(),
        )
        await store.insert_receipt(tx, receipt)
        await store.keep_newest_receipts(tx, endpoint_id, KEPT)
    return answered


def _judge(secrets: tuple[str, ...], headers: Mapping[str, str], body: bytes) -> tuple[Verdict, int]:
    try:
        verify_message(secrets, headers, body, now=clock.now())
    except Refused as refusal:
        verdicts: dict[str, Verdict] = {"webhook.stale": "stale", "webhook.malformed": "malformed"}
        return verdicts.get(refusal.code, "forged"), 400 if isinstance(refusal, Invalid) else 401
    return "good", 0


def _read(body: bytes) -> _Message:
    """What the page tells of a message; one of another shape is shown as it came."""
    try:
        message = msgspec.json.decode(body, type=_Message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Message()
    number = message.object.sequence
    if "\0" in message.type + message.object.id or (number is not None and not 0 < number < 2**62):
        return _Message()
    return message


async def list_receipts(tx: Transaction, *, endpoint_id: UUID, limit: int = KEPT) -> list[Receipt]:
    """What came, the newest first."""
    return [Receipt(*row.values()) for row in await store.list_receipts(tx, endpoint_id, limit)]


async def set_answer(tx: Transaction, *, endpoint_id: UUID, status: int) -> None:
    """What the receiver answers to true messages from now on. Invalid ``webhook.answer_unknown``, or NotFound."""
    if status not in ANSWERS:
        raise Invalid("webhook.answer_unknown", _("Please choose one of the answers."), field="status")
    endpoint = await lock_endpoint(tx, endpoint_id)
    if not endpoint.is_receiver:
        raise unknown_endpoint()
    await store.update_receiver(tx, endpoint_id, status)


def shown_data(receipt: Receipt) -> Any:
    """A receipt's body, indented where it is JSON."""
    try:
        return msgspec.json.format(receipt.body.encode(), indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return receipt.body
