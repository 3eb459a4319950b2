"""Settings: one Struct per system whose defaults run a laptop, filled once from the environment.

``SERAI_<FIELD>`` fills the field of the foundation's Struct, ``SERAI_<SYSTEM>_<FIELD>`` that of another system. All
errors are reported together, and an unknown ``SERAI_`` name is an error too, since it is most likely a misspelling.
"""

from collections.abc import Mapping
from typing import Any

import msgspec


class SettingsWrong(Exception):
    """Some settings cannot be used; ``reasons`` has one sentence per fault."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


class Setting(msgspec.Struct, frozen=True):
    """One setting as ``serai settings`` prints it."""

    name: str
    value: Any
    origin: str


def read_settings(
    environ: Mapping[str, str], structs: Mapping[str, type[msgspec.Struct]]
) -> tuple[dict[str, Any], list[Setting]]:
    """Fill each system's Struct from the environment.

    Returns:
        the filled Structs by system, and every setting with its origin (``default`` or the variable's name).

    Raises:
        SettingsWrong: with one reason per unusable or unknown variable.
    """
    filled: dict[str, Any] = {}
    listed: list[Setting] = []
    reasons: list[str] = []
    known = set()
    for system, struct in structs.items():
        prefix = "SERAI_" if system == "foundation" else f"SERAI_{system.upper()}_"
        values: dict[str, Any] = {}
        for field in msgspec.structs.fields(struct):
            name = prefix + field.name.upper()
            known.add(name)
            if name in environ:
                try:
                    values[field.name] = msgspec.convert(environ[name], field.type, strict=False)
                except (msgspec.ValidationError, ValueError) as error:
                    # The value may be a secret in the wrong place, so only its fault is told.
                    reasons.append(f"{name}: {error}")
        try:
            filled[system] = msgspec.convert(values, struct, strict=False, from_attributes=True)
        except msgspec.ValidationError as error:
            reasons.append(f"{system}: {error}")
            continue
        for field in msgspec.structs.fields(struct):
            name = prefix + field.name.upper()
            listed.append(
                Setting(
                    name, getattr(filled[system], field.name), "environment" if name in environ else "default"
                )
            )
    for name in sorted(set(environ) - known):
        if name.startswith("SERAI_"):
            reasons.append(f"{name}: no such setting (see `serai settings`)")
    if reasons:
        raise SettingsWrong(reasons)
    return filled, listed
