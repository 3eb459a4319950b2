"""Settings of overload control, read from the environment as ``SERAI_OVERLOAD_<FIELD>``. All count for one web worker."""

from ipaddress import ip_address
from typing import Annotated

import msgspec
from msgspec import Meta


class OverloadSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits at the door of a web worker; the defaults suit a laptop as well as a server."""

    limiter: Annotated[
        bool, Meta(description="Limit the requests under way by their latency; false only to measure without")
    ] = True
    initial: Annotated[int, Meta(ge=2, le=1_000, description="Requests under way at the start")] = 32
    floor: Annotated[int, Meta(ge=2, le=1_000, description="Requests under way that are always allowed")] = 16
    most: Annotated[int, Meta(ge=2, le=10_000, description="Requests under way that are never exceeded")] = (
        200
    )
    probe: Annotated[
        int,
        Meta(ge=1, le=100, description="Requests under way while the latency of a quiet worker is sought"),
    ] = 4
    queue: Annotated[int, Meta(ge=0, le=10_000, description="Requests that may wait")] = 256
    address_per_s: Annotated[
        float, Meta(ge=0, description="Requests a second of one network address; 0: no limit")
    ] = 200.0
    address_burst: Annotated[
        int, Meta(ge=1, description="Requests of one network address that may come at once")
    ] = 1_000
    key_per_s: Annotated[float, Meta(ge=0, description="Requests a second of one API key; 0: no limit")] = (
        5_000.0
    )
    key_burst: Annotated[int, Meta(ge=1, description="Requests of one API key that may come at once")] = (
        10_000
    )
    robot_per_s: Annotated[
        float,
        Meta(ge=0, description="Requests a second of one robot, by what it calls itself; 0: no limit"),
    ] = 10.0
    proxies: Annotated[
        str,
        Meta(
            description="Addresses of reverse proxies, separated by commas, whose X-Forwarded-For is believed"
        ),
    ] = ""

    def __post_init__(self) -> None:
        for address in self.list_proxies():
            ip_address(address)
        if not self.probe <= self.most or not self.floor <= self.initial <= self.most:
            raise ValueError("must hold: floor <= initial <= most, and probe <= most")

    def list_proxies(self) -> tuple[str, ...]:
        """The proxies' addresses, one by one."""
        return tuple(each.strip() for each in self.proxies.split(",") if each.strip())
