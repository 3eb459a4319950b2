"""A member's address as other modules see it."""

from uuid import UUID

import msgspec


class AddressFields(msgspec.Struct, frozen=True, kw_only=True):
    """What a member writes. ``country`` is ISO 3166 alpha-2; which other fields are used depends on the country."""

    label: str = ""
    name: str
    phone: str = ""
    country: str
    region: str = ""
    city: str = ""
    district: str = ""
    line1: str = ""
    line2: str = ""
    postcode: str = ""


class MemberAddress(AddressFields, frozen=True, kw_only=True):
    """A kept address; of several one is the default."""

    address_id: UUID
    is_default: bool
