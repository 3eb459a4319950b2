"""Purposes of links and how long they last."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

import msgspec

Purpose = Literal["verify", "sign_in", "reset"]
LIFETIMES: dict[Purpose, timedelta] = {
    "verify": timedelta(days=2),
    "sign_in": timedelta(minutes=15),
    "reset": timedelta(minutes=30),
}


class UsedLink(msgspec.Struct, frozen=True):
    """What a link proved: this member reads this address."""

    member_id: UUID
    email: str
