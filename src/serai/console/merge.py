"""Two edits of one product brought together: what only one side changed is taken, what both changed is asked.

The form carries the values it was opened with (its base), so a field that the editor never touched is told from one that
was set back on purpose.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from serai.console.form import Form

MAX_BASE_CHARACTERS = 40_000


class Difference(msgspec.Struct, frozen=True):
    """A field in which the saved version and this form differ. ``kind``: ``theirs`` was taken over since this form had
    not touched it, ``mine`` is kept since the other had not, ``both`` have changed it and the reader has to choose."""

    name: str
    label: str
    before: str
    saved: str
    yours: str
    kind: Literal["theirs", "mine", "both"]
    saved_value: str
    yours_value: str


def pack_base(values: Mapping[str, str], names: Iterable[str]) -> str:
    """The values a form is opened with, to come back with it."""
    return base64.urlsafe_b64encode(msgspec.json.encode({n: values.get(n, "") for n in names})).decode()


def read_base(packed: str) -> dict[str, str] | None:
    """The values the form was opened with; None when they are missing or no such thing, as from an older page."""
    if not packed or len(packed) > MAX_BASE_CHARACTERS:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(packed), type=dict[str, str])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None


def merge_edits(
    form: Form, *, saved: Mapping[str, str], labels: Mapping[str, str], names: Mapping[str, str]
) -> list[Difference]:
    """Bring the form up to the saved version, in place, and tell every field that was in question.

    ``names`` shows ids as people know them. Without a base every difference counts as changed by both.
    """
    base = read_base(form.values.get("base", ""))
    found = []
    for name, label in labels.items():
        if name not in form.values or form.values[name] == saved.get(name, ""):
            continue
        mine, theirs = form.values[name], saved.get(name, "")
        before = base.get(name) if base is not None else None
        kind: Literal["theirs", "mine", "both"] = "both"
        if before is not None and same(mine, before):
            kind = "theirs"
            form.values[name] = theirs
        elif before is not None and same(theirs, before):
            kind = "mine"
        found.append(
            Difference(
                name,
                label,
                names.get(before or "", before or ""),
                names.get(theirs, theirs),
                names.get(mine, mine),
                kind,
                theirs,
                mine,
            )
        )
    return found


def same(one: str, other: str) -> bool:
    """Whether two values are the same but for the line ends that browsers send."""
    return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()


def apply_choices(form: Form, names: Iterable[str]) -> None:
    """Put the chosen values of a conflict (``take_<field>`` holds one of them) into their fields."""
    for name in names:
        if (chosen := form.values.pop(f"take_{name}", None)) in ("saved", "yours"):
            form.values[name] = form.values.get(f"{chosen}_{name}", form.values.get(name, ""))
        form.values.pop(f"saved_{name}", None)
        form.values.pop(f"yours_{name}", None)
