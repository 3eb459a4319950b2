"""What the API's description says beyond the handlers: the idempotency key of every change, and problems as answers."""

from typing import Any

from litestar import Litestar
from litestar.openapi.spec import (
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Parameter,
    PathItem,
    Reference,
    Schema,
)
from litestar.openapi.spec.enums import OpenAPIType

from serai.foundation.idempotency import MAX_KEY

CHANGES = ("post", "put", "patch", "delete")
REFUSALS = {
    "400": "The request cannot be read: malformed JSON, a wrong type, an unknown field.",
    "401": "No API key, or not a valid one.",
    "403": "The key lacks the scope.",
    "404": "No such thing, or not this merchant's.",
    "409": "The state does not allow it, or the same call is still under way.",
    "422": "A rule is broken, or the idempotency key was used for another body.",
    "429": "Too much at once; Retry-After tells when to come again.",
    "503": "The shop cannot answer just now; the call may be sent again.",
}
PROBLEM = Schema(
    type=OpenAPIType.OBJECT,
    title="Problem",
    description="An RFC 9457 problem. `code` is stable; `data` holds the facts behind it.",
    required=["type", "title", "status", "code"],
    properties={
        "type": Schema(type=OpenAPIType.STRING),
        "title": Schema(type=OpenAPIType.STRING),
        "status": Schema(type=OpenAPIType.INTEGER),
        "code": Schema(type=OpenAPIType.STRING),
        "detail": Schema(type=OpenAPIType.STRING),
        "data": Schema(type=OpenAPIType.OBJECT),
        "instance": Schema(type=OpenAPIType.STRING),
    },
)


def complete_schema(app: Litestar) -> None:
    """Complete the application's OpenAPI document in place."""
    schema = app.openapi_schema
    schema.components.schemas["Problem"] = PROBLEM
    for path, item in (schema.paths or {}).items():
        if path.startswith("/api/"):
            _complete_path(item)


def _complete_path(item: PathItem) -> None:
    for method in ("get", *CHANGES):
        operation: Operation | None = getattr(item, method)
        if operation is None:
            continue
        if method in CHANGES and not (operation.operation_id or "").endswith("Payment"):
            operation.parameters = [*(operation.parameters or []), _key_parameter()]
        answers: dict[str, Any] = dict(operation.responses or {})
        for status, words in REFUSALS.items():
            content = {
                "application/problem+json": OpenAPIMediaType(Reference(ref="#/components/schemas/Problem"))
            }
            answers[status] = OpenAPIResponse(description=words, content=content)
        operation.responses = answers


def _key_parameter() -> Parameter:
    return Parameter(
        name="Idempotency-Key",
        param_in="header",
        required=True,
        description="Chosen by the caller. The same key and body again gets the stored answer.",
        schema=Schema(type=OpenAPIType.STRING, min_length=1, max_length=MAX_KEY),
    )
