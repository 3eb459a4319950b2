"""How a command is answered when faults were ordered: late, with an error, not at all, or not although it was done."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from litestar import Request, Response
from litestar.types import Receive, Scope, Send

from serai_sandbox.pay.account import AccountBook
from serai_sandbox.pay.delivery import Postman, now_ms
from serai_sandbox.pay.fault import Fault, FaultName, FaultParams, Operation, take_faults
from serai_sandbox.pay.payment import Books

AnyRequest = Request[Any, Any, Any]
AnyResponse = Response[Any]


@dataclass
class Sandbox:
    """What the handlers share: the books, the accounts, the postman, and the sign that the process is stopping."""

    books: Books
    accounts: AccountBook
    postman: Postman
    is_closing: asyncio.Event = field(default_factory=asyncio.Event)

    async def pause(self, delay_ms: int) -> None:
        """Wait, but never longer than the process lives."""
        try:
            await asyncio.wait_for(self.is_closing.wait(), delay_ms / 1000)
        except TimeoutError:
            return


@dataclass(frozen=True)
class Subject:
    """What a command is about, for finding the faults meant for it."""

    account: str
    operation: Operation
    payment_id: str | None = None
    reference: str | None = None

    def take(self, sandbox: Sandbox, *names: FaultName) -> dict[FaultName, FaultParams]:
        """Use up and return the faults ordered for this operation."""

        def strikes(fault: Fault) -> bool:
            return self.operation in (fault.params.on or [])

        with sandbox.books.store.transact():
            return take_faults(
                sandbox.books.store,
                self.account,
                payment_id=self.payment_id,
                reference=self.reference,
                names=names,
                accepts=strikes,
            )


class SilentResponse(Response[None]):
    """Sends nothing until the client gives up, the patience is over or the process stops, and then drops the line."""

    def __init__(self, sandbox: Sandbox, delay_ms: int) -> None:
        super().__init__(None)
        self._sandbox = sandbox
        self._delay_ms = delay_ms

    def to_asgi_response(self, request: AnyRequest, **kwargs: Any) -> Callable[..., Awaitable[None]]:  # type: ignore[override]
        async def respond(scope: Scope, receive: Receive, send: Send) -> None:
            leave = asyncio.ensure_future(_wait_for_disconnect(receive))
            patience = asyncio.ensure_future(self._sandbox.pause(self._delay_ms))
            await asyncio.wait({leave, patience}, return_when=asyncio.FIRST_COMPLETED)
            is_gone = leave.done()
            leave.cancel()
            patience.cancel()
            if not is_gone:
                await _send_half(send)

        return respond


class BrokenResponse(Response[None]):
    """Starts an answer and drops the connection in its middle."""

    def to_asgi_response(self, request: AnyRequest, **kwargs: Any) -> Callable[..., Awaitable[None]]:  # type: ignore[override]
        async def respond(scope: Scope, receive: Receive, send: Send) -> None:
            await _send_half(send)

        return respond


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_half(send: Send) -> None:
    # A body shorter than its announced length makes the server close the connection: the client sees a broken line.
    headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})


async def answer_command(
    sandbox: Sandbox,
    subject: Subject,
    work: Callable[[int], AnyResponse],
    render_failure: Callable[[int, str, str], AnyResponse],
) -> AnyResponse:
    """Carry out `work(now_ms)` and answer as the ordered faults want.

    error_500 and no_answer strike before the work: nothing happens. timeout_after_charge strikes after it: all has
    happened and only the answer is lost. slow delays the answer. `render_failure(status, code, message)` makes the
    error in the form of the caller, JSON or a page. Refusals raised by the work pass through.
    """
    before = subject.take(sandbox, "error_500", "no_answer", "slow")
    if "error_500" in before:
        return render_failure(500, "provider_error", "Ordered fault: the provider failed and did nothing.")
    if "no_answer" in before:
        return SilentResponse(sandbox, before["no_answer"].delay_ms or 0)
    response = work(now_ms())
    sandbox.postman.wake()
    if "slow" in before:
        await sandbox.pause(before["slow"].delay_ms or 0)
    lost = subject.take(sandbox, "timeout_after_charge").get("timeout_after_charge")
    if lost is None:
        return response
    await sandbox.pause(lost.delay_ms or 0)
    if lost.how == "drop":
        return BrokenResponse(None)
    return render_failure(
        504, "provider_timeout", "Ordered fault: the command was carried out, its answer was lost."
    )
