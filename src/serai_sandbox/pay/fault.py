"""The faults one can order, their parameters, and taking them when their moment comes. A fault belongs to an account
and a scope (the account, one payment, one merchant reference) and is used up by its count."""

from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from serai_sandbox.pay.refusal import Refusal
from serai_sandbox.pay.store import Store

FaultName = Literal[
    "slow",
    "no_answer",
    "error_500",
    "timeout_after_charge",
    "decline",
    "wrong_amount",
    "webhook_never",
    "webhook_late",
    "webhook_duplicate",
    "webhook_out_of_order",
    "webhook_forged",
    "refund_fails",
    "refund_late",
]
Operation = Literal["create", "read", "capture", "void", "refund", "pay"]
DelayMs = Annotated[int, Meta(ge=0, le=600_000)]

ACTIVE_LIMIT = 500
API_OPERATIONS: tuple[Operation, ...] = ("create", "read", "capture", "void", "refund")
CHARGE_OPERATIONS: tuple[Operation, ...] = ("pay", "capture", "refund")


class FaultParams(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All parameters any fault knows; `PARAMETERS` says which belong to which. None means the default stated there."""

    delay_ms: DelayMs | None = None
    times: Annotated[int, Meta(ge=2, le=20)] | None = None
    delta_minor: Annotated[int, Meta(ge=-1_000_000_000, le=1_000_000_000)] | None = None
    where: Literal["everywhere", "webhook"] | None = None
    how: Literal["status_504", "drop", "refused", "later"] | None = None
    genuine_follows: bool | None = None
    on: Annotated[list[Operation], Meta(min_length=1, max_length=6)] | None = None
    types: Annotated[list[str], Meta(min_length=1, max_length=20)] | None = None


# Which parameters a fault takes, and the values it uses when they are not given.
PARAMETERS: dict[str, FaultParams] = {
    "slow": FaultParams(delay_ms=3_000, on=list(API_OPERATIONS)),
    "no_answer": FaultParams(delay_ms=120_000, on=list(API_OPERATIONS)),
    "error_500": FaultParams(on=list(API_OPERATIONS)),
    "timeout_after_charge": FaultParams(delay_ms=0, how="status_504", on=list(CHARGE_OPERATIONS)),
    "decline": FaultParams(),
    "wrong_amount": FaultParams(delta_minor=-1, where="everywhere", types=["*"]),
    "webhook_never": FaultParams(types=["*"]),
    "webhook_late": FaultParams(delay_ms=5_000, types=["*"]),
    "webhook_duplicate": FaultParams(times=2, types=["*"]),
    # The authorisation is held back until a later event of the payment has arrived, or delay_ms have passed.
    "webhook_out_of_order": FaultParams(delay_ms=10_000, types=["payment.authorised"]),
    "webhook_forged": FaultParams(genuine_follows=False, types=["*"]),
    "refund_fails": FaultParams(how="refused", delay_ms=1_000),
    "refund_late": FaultParams(delay_ms=5_000),
}
HOW_OF = {"timeout_after_charge": {"status_504", "drop"}, "refund_fails": {"refused", "later"}}


class CreateFault(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /v1/faults`. `count` None means: until it is removed."""

    fault: FaultName
    scope: Annotated[str, Meta(pattern=r"^(account|payment:.{1,200}|reference:.{1,200})$")] = "account"
    count: Annotated[int, Meta(ge=1, le=10_000)] | None = 1
    params: FaultParams = FaultParams()


class Fault(Struct, frozen=True):
    """An ordered fault as the store holds it."""

    fault_id: str
    account: str
    scope: str
    fault: FaultName
    remaining: int | None
    params_json: str
    created_ms: int

    @property
    def params(self) -> FaultParams:
        """The parameters, all that the fault takes filled in."""
        return msgspec.json.decode(self.params_json, type=FaultParams)


def fill_params(name: FaultName, given: FaultParams) -> FaultParams:
    """Return the given parameters completed with the fault's defaults; raises Refusal for one it does not take."""
    defaults = msgspec.structs.asdict(PARAMETERS[name])
    filled = {}
    for field, value in msgspec.structs.asdict(given).items():
        if value is not None and defaults[field] is None:
            raise Refusal(
                422, "fault_param", f"The fault {name} takes no parameter {field}.", field=f"params.{field}"
            )
        filled[field] = defaults[field] if value is None else value
    if name in HOW_OF and filled["how"] not in HOW_OF[name]:
        allowed = ", ".join(sorted(HOW_OF[name]))
        raise Refusal(422, "fault_param", f"For {name}, how is one of: {allowed}.", field="params.how")
    if name == "wrong_amount" and filled["delta_minor"] == 0:
        raise Refusal(
            422, "fault_param", "delta_minor 0 would be the right amount.", field="params.delta_minor"
        )
    return FaultParams(**filled)


def order_fault(store: Store, account: str, fault_id: str, request: CreateFault, now_ms: int) -> Fault:
    """Store a fault; raises Refusal when the account has too many or a parameter does not belong."""
    if len(store.list_faults(Fault, account, None, ACTIVE_LIMIT)) >= ACTIVE_LIMIT:
        raise Refusal(
            409, "fault_limit", f"An account may have {ACTIVE_LIMIT} active faults; remove some first."
        )
    params = fill_params(request.fault, request.params)
    fault = Fault(
        fault_id=fault_id,
        account=account,
        scope=request.scope,
        fault=request.fault,
        remaining=request.count,
        params_json=msgspec.json.encode(params).decode(),
        created_ms=now_ms,
    )
    store.insert_fault(fault)
    return fault


def take_faults(
    store: Store,
    account: str,
    *,
    payment_id: str | None,
    reference: str | None,
    names: tuple[FaultName, ...],
    accepts: Callable[[Fault], bool] = lambda fault: True,
) -> dict[FaultName, FaultParams]:
    """Return the faults that strike now, at most one of each name, and count each down by one.

    A fault of the payment goes before one of its reference, that before one of the account; among equals the oldest.
    """
    scopes = [f"payment:{payment_id}"] if payment_id else []
    scopes += [f"reference:{reference}"] if reference else []
    scopes.append("account")
    candidates = [
        fault
        for fault in store.list_faults(Fault, account, scopes, ACTIVE_LIMIT)
        if fault.fault in names and accepts(fault)
    ]
    taken: dict[FaultName, FaultParams] = {}
    for fault in sorted(candidates, key=lambda fault: scopes.index(fault.scope)):
        if fault.fault not in taken:
            taken[fault.fault] = fault.params
            store.count_down_fault(fault.fault_id, fault.remaining)
    return taken


def shift_amount(amount_minor: int, delta_minor: int) -> int:
    """Return a wrong amount that stays positive: when the shift would reach zero it goes the other way."""
    shifted = amount_minor + delta_minor
    return shifted if shifted > 0 else amount_minor - delta_minor
