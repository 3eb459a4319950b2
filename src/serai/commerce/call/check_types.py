"""A body's whole numbers and truth values are what they were sent as: the framework would also take "1", 1.0 and true."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from serai.foundation.errors import Invalid, _

DEPTH_LIMIT = 40


def check_types(sent: Any, taken: Any) -> None:
    """Refuse a body in which a whole number or a truth value was made of something else.

    Args:
        sent: the body as JSON values. taken: what the framework has made of it.

    Raises:
        Invalid: ``body.type_wrong`` with ``field``, the path of the first such value, and ``expected``.
    """
    for path, expected in _find_made(sent, taken, "", 0):
        raise Invalid(
            "body.type_wrong",
            _("“%(field)s” wants a whole number, without quotes or a point.")
            if expected == "int"
            else _("“%(field)s” wants true or false."),
            field=path,
            expected=expected,
        )


def _find_made(sent: Any, taken: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    """Paths whose value was made of another type, with the type that was wanted."""
    if depth > DEPTH_LIMIT:
        return
    if isinstance(taken, bool):
        if not isinstance(sent, bool):
            yield path, "bool"
    elif isinstance(taken, int):
        if isinstance(sent, bool) or not isinstance(sent, int):
            yield path, "int"
    elif isinstance(taken, msgspec.Struct) and isinstance(sent, Mapping):
        for name, encoded in zip(taken.__struct_fields__, taken.__struct_encode_fields__, strict=True):
            if encoded in sent:
                below = f"{path}.{encoded}" if path else encoded
                yield from _find_made(sent[encoded], getattr(taken, name), below, depth + 1)
    elif isinstance(taken, Mapping) and isinstance(sent, Mapping):
        for name, value in taken.items():
            if str(name) in sent:
                yield from _find_made(sent[str(name)], value, f"{path}[{name}]", depth + 1)
    elif isinstance(taken, (list, tuple)) and isinstance(sent, list):
        for place, (one, other) in enumerate(zip(sent, taken, strict=False)):
            yield from _find_made(one, other, f"{path}[{place}]", depth + 1)
