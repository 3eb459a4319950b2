"""When the owner's password is lost: a new one from the command line, by whoever holds the machine."""

from serai.foundation.database import open_database
from serai.foundation.ids import MerchantId
from serai.identity.merchant.api import list_merchants
from serai.identity.staff.api import list_staff, reset_password
from serai.main.fault import Fault


async def give_new_password(url: str, *, email: str, merchant: str) -> str:
    """Reset the password of somebody at the console and return it.

    Raises:
        Fault: there is no such merchant or person; the message lists who there is.
    """
    db = await open_database(url, size=1)
    try:
        merchants = await list_merchants(db)
        chosen = next((m for m in merchants if not merchant or m.slug == merchant), None)
        if chosen is None:
            known = ", ".join(m.slug for m in merchants) or "none yet"
            raise Fault(f"There is no merchant {merchant!r}.", f"There are: {known}")
        async with db.transaction(MerchantId(chosen.merchant_id)) as tx:
            people = await list_staff(tx)
            person = next((s for s in people if s.email == email.strip().lower()), None)
            if person is None:
                known = ", ".join(s.email for s in people) or "nobody yet"
                raise Fault(f"Nobody at {chosen.name} has the address {email!r}.", f"There are: {known}")
            return await reset_password(tx, staff_id=person.staff_id, by="command line")
    finally:
        await db.close()
