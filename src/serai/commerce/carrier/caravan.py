"""The adapter to the simulated carrier, over its public HTTP protocol."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

import httpx
import msgspec

from serai.commerce.types import CarrierLabel, CarrierRate, ShipmentRequest, TrackEvent, TrackKind
from serai.foundation import clock
from serai.foundation.errors import Invalid, Outside, Unauthorised, _

NAME = "caravan"
SIGNATURE_AGE_S = 600
KINDS = frozenset(get_args(TrackKind))


class CaravanAccount(msgspec.Struct, frozen=True):
    """An account at the carrier."""

    secret: str
    webhook_secret: str


class CaravanCarrier:
    """A :class:`~serai.commerce.types.Carrier`.

    Args:
        base_url: where the carrier answers.
        account: the installation's account; all its merchants send with it.
        timeout_s: how long it may take to answer.
    """

    name = NAME
    title = "Caravan"
    services = ("standard", "express")

    def __init__(self, base_url: str, account: CaravanAccount, timeout_s: float) -> None:
        self._account = account
        self._client = httpx.AsyncClient(base_url=base_url, timeout=timeout_s, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def _call(self, method: str, path: str, **more: Any) -> tuple[int, dict[str, Any]]:
        headers = {"authorization": f"Bearer {self._account.secret}"}
        try:
            answer = await self._client.request(method, path, headers=headers, **more)
            content = answer.json()
        except httpx.HTTPError as error:
            raise Outside(NAME, f"{type(error).__name__}: {error}") from error
        except ValueError as error:
            raise Outside(NAME, "answered something that is not JSON") from error
        if answer.status_code >= 500 or answer.status_code in (401, 429) or not isinstance(content, dict):
            raise Outside(NAME, f"answered {answer.status_code}")
        return answer.status_code, content

    async def quote(self, merchant_id: UUID, request: ShipmentRequest) -> tuple[CarrierRate, ...]:
        status, content = await self._call("POST", "/v1/rates", json=_write(request))
        if status != 200:
            raise refused(content)
        try:
            return msgspec.convert(content["rates"], tuple[CarrierRate, ...])
        except (KeyError, msgspec.ValidationError) as error:
            raise Outside(NAME, f"rates that cannot be read: {error}") from error

    async def buy(self, merchant_id: UUID, request: ShipmentRequest) -> CarrierLabel:
        status, content = await self._call("POST", "/v1/shipments", json=_write(request))
        if status not in (200, 201):
            raise refused(content)
        return _read_label(content)

    async def find(self, merchant_id: UUID, label_id: UUID) -> CarrierLabel | None:
        _status, content = await self._call("GET", "/v1/shipments", params={"reference": str(label_id)})
        found = content.get("shipments") or []
        return _read_label(found[0]) if found else None

    async def void(self, merchant_id: UUID, shipment_id: str) -> bool:
        status, _content = await self._call("POST", f"/v1/shipments/{shipment_id}/void")
        if status not in (200, 409):
            raise Outside(NAME, f"answered {status} to taking a label back")
        return status == 200

    def read_webhook(self, merchant_id: UUID, headers: Mapping[str, str], body: bytes) -> TrackEvent:
        parts = dict(
            part.split("=", 1) for part in headers.get("carrier-signature", "").split(",") if "=" in part
        )
        sent_at = parts.get("t", "")
        secret = self._account.webhook_secret.encode()
        wanted = hmac.new(secret, sent_at.encode() + b"." + body, hashlib.sha256).hexdigest()
        if not sent_at.isdecimal() or not hmac.compare_digest(
            wanted.encode(), parts.get("v1", "").encode("utf-8", "replace")
        ):
            raise Unauthorised("webhook.forged", _("The signature does not fit the message."))
        if abs(clock.now().timestamp() - int(sent_at[:12])) > SIGNATURE_AGE_S:
            raise Unauthorised("webhook.old", _("The message is too old."))
        try:
            return _read_event(msgspec.json.decode(body))
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
            raise Invalid("webhook.malformed", _("The message cannot be read.")) from error


def refused(content: Mapping[str, Any]) -> Invalid:
    """The carrier does not take the parcel as it is described."""
    return Invalid(
        "carrier.refused",
        _("The carrier does not take this parcel: %(why)s."),
        why=str(content.get("error", ""))[:100],
    )


def _write(request: ShipmentRequest) -> dict[str, Any]:
    body = msgspec.to_builtins(request)
    body["reference"] = body.pop("label_id")
    return {name: value for name, value in body.items() if value is not None}


def _read_label(content: Mapping[str, Any]) -> CarrierLabel:
    try:
        return CarrierLabel(
            str(content["shipment_id"])[:100],
            str(content["tracking"])[:100],
            str(content["service"])[:60],
            int(content["price_minor"]),
            str(content.get("label", {}).get("sort", ""))[:20],
            content.get("status") == "void",
            tuple(_read_event(each) for each in content.get("events", ())),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Outside(NAME, f"a label that cannot be read: {error}") from error


def _read_event(content: Any) -> TrackEvent:
    kind = content["kind"]
    if kind not in KINDS:
        raise ValueError(kind)
    at = datetime.fromisoformat(content["at"])
    if at.tzinfo is None:
        raise ValueError(content["at"])
    sequence = content["sequence"]
    if isinstance(sequence, bool) or not isinstance(sequence, int) or not 0 < sequence < 2**31:
        raise ValueError(sequence)
    event_id = str(content["event_id"])
    if not 1 <= len(event_id) <= 200 or "\0" in event_id:
        raise ValueError(event_id)
    place = str(content.get("place", "")).replace("\0", "")[:200]
    return TrackEvent(event_id, str(content["shipment_id"]), kind, place, at, sequence)
