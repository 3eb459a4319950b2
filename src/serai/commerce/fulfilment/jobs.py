"""What must happen when nobody asks: paid orders are given to places, and taken from those that do not accept in time."""

import logging

from serai.commerce.fulfilment import collect_parcel, store
from serai.commerce.fulfilment.route_order import route_order
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.errors import Refused
from serai.foundation.ids import MerchantId

log = logging.getLogger("serai.commerce")

BATCH = 200


async def route_orders(commerce: Commerce, owner: Database) -> int:
    """Give paid orders to places. Returns how many; one that fails does not stop the others."""
    done = 0
    for row in await store.list_unrouted(owner, BATCH):
        try:
            await route_order(commerce, MerchantId(row["merchant_id"]), order_id=row["order_id"])
            done += 1
        except Refused as error:
            log.info("order %s is not given to a place: %s", row["order_id"], error)
        except Exception:
            log.exception("order %s could not be given to a place", row["order_id"])
    return done


async def reroute_orders(commerce: Commerce, owner: Database) -> int:
    """Take work from places that did not accept it in time, where another one has the goods. Returns how many."""
    done = 0
    for row in await store.list_unaccepted(owner, clock.now(), BATCH):
        try:
            await route_order(
                commerce,
                MerchantId(row["merchant_id"]),
                order_id=row["order_id"],
                exclude=(row["place_id"],),
            )
            done += 1
        except Refused as error:
            log.info("order %s stays where it is: %s", row["order_id"], error)
        except Exception:
            log.exception("order %s could not be given to another place", row["order_id"])
    return done


async def restock_uncollected(commerce: Commerce, owner: Database) -> int:
    """Put back on the shelf what nobody has collected in time. Returns how many parcels."""
    done = 0
    for row in await store.list_uncollected(owner, clock.now(), BATCH):
        try:
            await collect_parcel.restock_uncollected(
                commerce,
                MerchantId(row["merchant_id"]),
                order_id=row["order_id"],
                parcel_id=row["parcel_id"],
            )
            done += 1
        except Refused as error:
            log.info("parcel %s still waits for its buyer: %s", row["parcel_id"], error)
        except Exception:
            log.exception("parcel %s could not be put back", row["parcel_id"])
    return done
