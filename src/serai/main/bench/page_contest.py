"""Pages per second: a product's page against the bare answer of the same web worker."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

from serai.main.bench.arena import Arena
from serai.main.bench.figure import Contest, Side, cpu_per_unit, ratio
from serai.main.bench.load import drive_http, write_request
from serai.main.bench.shop import open_shop

PRODUCTS = 500
PAGES = 200
CONNECTIONS = 32
HEADERS = {"accept-encoding": "gzip", "accept-language": "en", "accept": "text/html"}

FIGURES = (
    ratio(
        "pages.product_over_bare",
        "product",
        "bare",
        "product pages per second, over bare answers (/healthz) per second of the same web worker",
        must=0.5,
    ),
    cpu_per_unit(
        "pages.product_cpu_us", "product", ("web",), "CPU per product page on the web worker", unit="us"
    ),
    cpu_per_unit("pages.bare_cpu_us", "bare", ("web",), "CPU per bare answer on the web worker", unit="us"),
)


@asynccontextmanager
async def open_pages(arena: Arena, _needed: frozenset[str]) -> AsyncIterator[Mapping[str, Side]]:
    """Both sides ask the same worker over the same number of keep-alive connections, as a browser asks."""
    shop = await open_shop(arena, "pages", products=PRODUCTS)
    await arena.gather_statistics()
    step = max(1, len(shop.slugs) // PAGES)
    targets = {
        "product": [f"/p/{slug}" for slug in shop.slugs[::step]],
        "bare": ["/healthz"],
    }
    async with arena.run_web() as port:
        yield {
            name: Side(
                partial(
                    drive_http,
                    arena,
                    port,
                    [write_request("GET", target, shop.host, HEADERS) for target in paths],
                    connections=CONNECTIONS,
                    expect=200,
                ),
                f"{CONNECTIONS} connections, {len(paths)} addresses, compressed where it pays",
                "web",
            )
            for name, paths in targets.items()
        }
    await arena.require_clean()


CONTESTS = (Contest("pages", FIGURES, open_pages),)
