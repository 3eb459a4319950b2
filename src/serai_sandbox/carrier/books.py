"""What the carrier knows: shipments, where each has been, and the faults that somebody asked for. In memory."""

import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

SERVICES = {
    "standard": ("Caravan Standard", 390, 3),
    "express": ("Caravan Express", 890, 1),
}
KINDS = ("picked_up", "in_transit", "out_for_delivery", "failed_attempt", "delivered", "lost", "returned")
FAULTS = (
    "slow",
    "no_answer",
    "error_500",
    "timeout_after_label",
    "webhook_never",
    "webhook_duplicate",
    "webhook_out_of_order",
    "webhook_forged",
)
HEAVIEST_G = 31_500


class Refusal(Exception):
    """A call that the carrier does not do: the status and the reason of the answer."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


@dataclass
class Shipment:
    """A parcel that a label was bought for. ``body`` is the call that bought it: the same again gets the same."""

    shipment_id: str
    account: str
    reference: str
    tracking: str
    service: str
    price_minor: int
    webhook_url: str
    body: dict[str, Any]
    is_void: bool = False
    events: list[dict[str, Any]] = field(default_factory=list)

    def show(self) -> dict[str, Any]:
        return {
            "shipment_id": self.shipment_id,
            "reference": self.reference,
            "tracking": self.tracking,
            "service": self.service,
            "price_minor": self.price_minor,
            "status": "void" if self.is_void else self.events[-1]["kind"] if self.events else "bought",
            "label": {"barcode": self.tracking, "sort": self.tracking[-2:]},
            "events": self.events,
        }


class Books:
    """All shipments of all accounts. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shipments: dict[str, Shipment] = {}
        self._faults: list[dict[str, Any]] = []

    def quote(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        """What each service costs for a parcel."""
        weight = _read_weight(body)
        return [
            {"service": name, "name": title, "price_minor": price + weight // 1000 * 60, "days": days}
            for name, (title, price, days) in SERVICES.items()
        ]

    def buy(self, account: str, body: dict[str, Any]) -> tuple[Shipment, bool]:
        """The shipment of a reference, and whether it is new. Refusal for another body under the same reference."""
        reference, service = str(body.get("reference", "")), str(body.get("service", ""))
        if not reference or service not in SERVICES or not str(body.get("to", {}).get("country", "")):
            raise Refusal(422, "invalid")
        weight = _read_weight(body)
        with self._lock:
            known = self._find(account, reference)
            if known is not None:
                if known.body != body:
                    raise Refusal(422, "reference_reused")
                return known, False
            tracking = f"CV{secrets.randbelow(10**10):010}"
            made = Shipment(
                f"sh_{secrets.token_hex(8)}",
                account,
                reference,
                tracking,
                service,
                SERVICES[service][1] + weight // 1000 * 60,
                str(body.get("webhook_url", "")),
                body,
            )
            self._shipments[made.shipment_id] = made
            return made, True

    def _find(self, account: str, reference: str) -> Shipment | None:
        return next(
            (s for s in self._shipments.values() if s.account == account and s.reference == reference), None
        )

    def find(self, account: str, reference: str) -> Shipment | None:
        with self._lock:
            return self._find(account, reference)

    def load(self, account: str, shipment_id: str) -> Shipment:
        """A shipment of an account. Refusal 404."""
        with self._lock:
            found = self._shipments.get(shipment_id)
        if found is None or found.account != account:
            raise Refusal(404, "unknown")
        return found

    def void(self, shipment: Shipment) -> None:
        """Take a label back. Refusal 409 once the parcel moves."""
        with self._lock:
            if shipment.events:
                raise Refusal(409, "moving")
            shipment.is_void = True

    def advance(self, shipment: Shipment, kind: str, place: str) -> dict[str, Any]:
        """Something happened to a parcel on its way. Refusal 409 for a void one."""
        if kind not in KINDS:
            raise Refusal(422, "invalid")
        with self._lock:
            if shipment.is_void:
                raise Refusal(409, "void")
            event = {
                "event_id": f"ev_{secrets.token_hex(8)}",
                "shipment_id": shipment.shipment_id,
                "reference": shipment.reference,
                "tracking": shipment.tracking,
                "kind": kind,
                "place": place,
                "at": datetime.now(UTC).isoformat(),
                "sequence": len(shipment.events) + 1,
            }
            shipment.events.append(event)
            return event

    def order_fault(self, fault: str, count: int, params: dict[str, Any]) -> None:
        if fault not in FAULTS or count < 1:
            raise Refusal(422, "invalid")
        with self._lock:
            self._faults.append({"fault": fault, "count": count, "params": params})

    def take_fault(self, *names: str, on: str = "") -> dict[str, Any] | None:
        """The first fault of these that strikes now; it is used up by it."""
        with self._lock:
            for each in self._faults:
                wanted = each["params"].get("on")
                if each["fault"] in names and (not wanted or wanted == on):
                    each["count"] -= 1
                    if not each["count"]:
                        self._faults.remove(each)
                    return each
        return None


def _read_weight(body: dict[str, Any]) -> int:
    weight = body.get("weight_g")
    if isinstance(weight, bool) or not isinstance(weight, int) or not 1 <= weight <= HEAVIEST_G:
        raise Refusal(422, "weight")
    return weight
