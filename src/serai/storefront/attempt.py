"""How often a browser may try a code, of a coupon or a gift card: guessing is slow, for a session and for an address."""

from serai.foundation.errors import Limited
from serai.foundation.limit import take_token
from serai.storefront import cookie
from serai.storefront.member import client_ip
from serai.storefront.view import Asked, database_of, merchant_id_of

PER_SESSION = 12
PER_ADDRESS = 60
WITHIN_S = 600


async def take_attempt(request: Asked, field: str) -> None:
    """Count a code that somebody typed. It counts whatever comes of it, so it has a transaction of its own.

    Raises:
        Limited: ``limit.reached`` at the ``field`` where the code was typed.
    """
    session = cookie.read_secret(request, cookie.MEMBER) or cookie.read_secret(request, cookie.CART)
    try:
        async with database_of(request).transaction(merchant_id_of(request), "write") as tx:
            await take_token(tx, name="code.client", who=client_ip(request), most=PER_ADDRESS, per_s=WITHIN_S)
            if session:
                await take_token(tx, name="code.session", who=session, most=PER_SESSION, per_s=WITHIN_S)
    except Limited as refusal:
        refusal.data["field"] = field
        raise
