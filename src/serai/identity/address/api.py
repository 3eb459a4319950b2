"""Addresses of members: list, add, edit, remove, choose the default. Nobody reaches those of somebody else."""

from uuid import UUID

import msgspec

from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, NotFound, _
from serai.foundation.ids import new_id
from serai.identity.address import store
from serai.identity.address.types import AddressFields, MemberAddress

__all__ = ["AddressFields", "MemberAddress", "add_address", "list_addresses"]

ADDRESS_LIMIT = 20
FIELD_LIMIT = 200


async def list_addresses(tx: Transaction, *, member_id: UUID) -> list[MemberAddress]:
    """A member's addresses, the default first."""
    rows = await store.list_addresses(tx, member_id)
    return [MemberAddress(**dict(row)) for row in rows]


async def load_address(tx: Transaction, *, member_id: UUID, address_id: UUID) -> MemberAddress:
    """One of the member's addresses. NotFound ``address.unknown``."""
    for address in await list_addresses(tx, member_id=member_id):
        if address.address_id == address_id:
            return address
    raise _unknown()


def _unknown() -> NotFound:
    return NotFound("address.unknown", _("There is no such address."))


async def add_address(
    tx: Transaction, *, member_id: UUID, fields: AddressFields, make_default: bool = False
) -> UUID:
    """Keep an address; the first one is the default. Returns its id.

    Raises:
        Conflict: ``address.too_many``.
        NotFound: ``member.unknown``.
    """
    await _lock(tx, member_id)
    known = await store.list_addresses(tx, member_id)
    if len(known) >= ADDRESS_LIMIT:
        raise Conflict(
            "address.too_many", _("You can keep at most %(limit)s addresses."), limit=ADDRESS_LIMIT
        )
    is_default = make_default or not known
    if is_default:
        await store.clear_default(tx, member_id)
    address_id = new_id()
    await store.insert_address(tx, address_id, member_id, _cut(fields), is_default, clock.now())
    return address_id


async def _lock(tx: Transaction, member_id: UUID) -> None:
    if await store.lock_member(tx, member_id) is None:
        raise NotFound("member.unknown", _("There is no such account."))


def _cut(fields: AddressFields) -> AddressFields:
    values = {
        name: str(value).strip()[:FIELD_LIMIT] for name, value in msgspec.structs.asdict(fields).items()
    }
    return AddressFields(**values)


async def edit_address(
    tx: Transaction, *, member_id: UUID, address_id: UUID, fields: AddressFields, make_default: bool = False
) -> None:
    """Change an address. NotFound ``address.unknown``."""
    await _lock(tx, member_id)
    if not await store.update_address(tx, address_id, member_id, _cut(fields)):
        raise _unknown()
    if make_default:
        await _make_default(tx, member_id, address_id)


async def choose_default(tx: Transaction, *, member_id: UUID, address_id: UUID) -> None:
    """Make an address the one that checkout begins with. NotFound ``address.unknown``."""
    await _lock(tx, member_id)
    await _make_default(tx, member_id, address_id)


async def _make_default(tx: Transaction, member_id: UUID, address_id: UUID) -> None:
    await store.clear_default(tx, member_id)
    if not await store.set_default(tx, address_id, member_id):
        raise _unknown()


async def remove_address(tx: Transaction, *, member_id: UUID, address_id: UUID) -> None:
    """Forget an address; when it was the default, the oldest one left follows. NotFound ``address.unknown``."""
    await _lock(tx, member_id)
    was_default = await store.delete_address(tx, address_id, member_id)
    if was_default is None:
        raise _unknown()
    left = await store.list_addresses(tx, member_id)
    if was_default and left:
        await store.set_default(tx, left[0]["address_id"], member_id)


async def remove_addresses_of(tx: Transaction, *, member_id: UUID) -> None:
    """Forget all addresses of a member."""
    await store.delete_addresses_of(tx, member_id)
