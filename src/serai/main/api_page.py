"""The API's reference as a page, drawn from its OpenAPI document; nothing of it is loaded from elsewhere."""

import json
from typing import Any

import msgspec
from litestar import Request, Response, get

from serai.foundation.pages import render

BASE = "/api/v1"
PLACES = {"path": "path", "query": "query", "header": "header"}
EXAMPLES = {"string": "text", "integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}


class Input(msgspec.Struct, frozen=True):
    """A parameter or a field of the body."""

    name: str
    place: str
    kind: str
    is_needed: bool


class Call(msgspec.Struct, frozen=True):
    """One operation with its inputs and a command that tries it."""

    method: str
    path: str
    words: str
    inputs: tuple[Input, ...]
    example: str


@get(f"{BASE}/docs", include_in_schema=False)
async def show_api(request: Request[Any, Any, Any]) -> Response[str]:
    """The reference."""
    document = request.app.openapi_schema.to_schema()
    base = f"{request.base_url}".rstrip("/") + BASE
    return render(request, "console/api.html", title="API", sections=list_sections(document, base), base=base)


def list_sections(document: dict[str, Any], base: str) -> list[tuple[str, list[Call]]]:
    """Operations by tag, in the order of the document."""
    schemas = document["components"]["schemas"]
    sections: dict[str, list[Call]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if isinstance(operation, dict) and operation.get("tags"):
                call = _describe(path, method, operation, schemas, base)
                sections.setdefault(operation["tags"][0], []).append(call)
    return sorted(sections.items())


def _describe(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any], base: str) -> Call:
    inputs = [
        Input(
            p["name"], PLACES.get(p["in"], p["in"]), _name_kind(p.get("schema", {})), bool(p.get("required"))
        )
        for p in operation.get("parameters", ())
    ]
    body = _find_body(operation, schemas)
    fields = body.get("properties", {})
    needed = set(body.get("required", ()))
    inputs += [Input(name, "body", _name_kind(schema), name in needed) for name, schema in fields.items()]
    command = [
        f"curl -X {method.upper()} '{base}{path.removeprefix(BASE)}'",
        "  -H 'Authorization: Bearer sk_…'",
    ]
    if method != "get":
        command.append("  -H 'Idempotency-Key: 7f3c…'")
    if fields:
        example = {name: EXAMPLES.get(_name_kind(fields[name]), "…") for name in fields if name in needed}
        command += [
            "  -H 'Content-Type: application/json'",
            f"  -d '{json.dumps(example, ensure_ascii=False)}'",
        ]
    words = operation.get("description") or operation.get("summary") or ""
    return Call(method.upper(), path, words.split("\n")[0], tuple(inputs), " \\\n".join(command))


def _find_body(operation: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    media: dict[str, Any] = next(iter(content.values()), {})
    schema: dict[str, Any] = media.get("schema", {})
    found: dict[str, Any] = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
    return found


def _name_kind(schema: dict[str, Any]) -> str:
    """A type in a word or two."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            kinds = [_name_kind(each) for each in schema[choice]]
            return " | ".join(dict.fromkeys(kind for kind in kinds if kind != "null"))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    kind = schema.get("type", "any")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "any")
    return f"{kind} ({schema['format']})" if kind == "string" and "format" in schema else str(kind)
