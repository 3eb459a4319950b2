"""Puts the parts together: routes, error answers, the postman's task."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from litestar import Litestar, Response, get
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from serai_sandbox.pay import api, confirm, page, rehearsal
from serai_sandbox.pay.account import AccountsUnusable
from serai_sandbox.pay.answer import AnyRequest, AnyResponse, Sandbox
from serai_sandbox.pay.language import Pages
from serai_sandbox.pay.refusal import Refusal

log = logging.getLogger("serai_sandbox.pay")

CODES = {404: "path_unknown", 405: "method_not_allowed"}


@get("/healthz")
async def get_health(request: AnyRequest) -> AnyResponse:
    """Answer when the store can be read."""
    request.app.state.sandbox.books.store.find_next_due_ms()
    return api.respond({"status": "ok"})


@get("/")
async def get_root() -> AnyResponse:
    """Tell a visitor what this is."""
    return Response(
        "Payment sandbox: no money moves. Its protocol is described in the README of serai_sandbox.\n"
    )


def _answer_failure(
    request: AnyRequest, status: int, code: str, message: str, refusal: Refusal | None
) -> AnyResponse:
    if request.url.path.startswith("/pay/"):
        return page.respond_notice(request, status, code)
    return api.respond((refusal or Refusal(status, code, message)).to_body(), status)


def answer_refusal(request: AnyRequest, error: Refusal) -> AnyResponse:
    """Answer an expected refusal."""
    return _answer_failure(request, error.status, error.code, error.message, error)


def answer_http_error(request: AnyRequest, error: HTTPException) -> AnyResponse:
    """Answer what the framework refuses: unknown paths, wrong methods."""
    code = CODES.get(error.status_code, "request_invalid")
    return _answer_failure(request, error.status_code, code, str(error.detail) + ".", None)


def answer_unusable_accounts(request: AnyRequest, error: AccountsUnusable) -> AnyResponse:
    """The accounts file was changed into something unusable: the operator reads why in the log, the caller does not."""
    log.error("accounts: %s", error)
    return _answer_failure(
        request, 503, "accounts_unusable", "The sandbox's accounts file is unusable; see its log.", None
    )


def answer_bug(request: AnyRequest, error: Exception) -> AnyResponse:
    """Log a bug and answer without details."""
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _answer_failure(request, 500, "sandbox_bug", "The sandbox itself failed; see its log.", None)


def build_application(sandbox: Sandbox) -> Litestar:
    """Return the ASGI application; its lifespan runs the postman."""

    @contextlib.asynccontextmanager
    async def run_postman(app: Litestar) -> AsyncIterator[None]:
        task = asyncio.create_task(sandbox.postman.run())
        task.add_done_callback(_report_end)
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    return Litestar(
        [get_root, get_health, *api.HANDLERS, *confirm.HANDLERS, *rehearsal.HANDLERS, *page.HANDLERS],
        lifespan=[run_postman],
        state=State({"sandbox": sandbox, "pages": Pages()}),
        exception_handlers={
            Refusal: answer_refusal,
            HTTPException: answer_http_error,
            AccountsUnusable: answer_unusable_accounts,
            Exception: answer_bug,
        },
        # Bodies are read, and limited, by api.read_raw.
        request_max_body_size=None,
        openapi_config=None,
        logging_config=None,
    )


def _report_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("the postman stopped: webhooks are no longer sent", exc_info=task.exception())
