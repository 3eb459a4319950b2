"""What is kept of a checkout's form once the order stands: a typed address, and the word on what is missing."""

from uuid import UUID

import msgspec

from serai.commerce.fulfilment.api import agree_substitutes
from serai.identity.address import api as address_api
from serai.identity.address.types import AddressFields
from serai.identity.member.types import Member
from serai.storefront.form import Form
from serai.storefront.view import Asked, commerce_of, database_of, merchant_id_of


async def keep_word(request: Asked, form: Form, order_id: UUID) -> None:
    """The shopper's yes to something similar for all that is missing; nothing said is a no."""
    if form.values.get("instead") == "1":
        await agree_substitutes(
            commerce_of(request), merchant_id_of(request), order_id=order_id, wishes={0: True}, by="shopper"
        )


async def keep_typed_address(request: Asked, member: Member, fields: AddressFields) -> None:
    """Keep an order's address in the account, unless it is there already or the account holds as many as it may."""
    async with database_of(request).transaction(merchant_id_of(request)) as tx:
        known = await address_api.list_addresses(tx, member_id=member.member_id)
        same = any(
            all(
                getattr(address, name) == value
                for name, value in msgspec.structs.asdict(fields).items()
                if name != "label"
            )
            for address in known
        )
        if not same and len(known) < address_api.ADDRESS_LIMIT:
            await address_api.add_address(tx, member_id=member.member_id, fields=fields)
