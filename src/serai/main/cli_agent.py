"""Commands about agents that shop for people."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from serai.main.fault import Fault
from serai.main.settings import load_house
from serai.main.telling import console, telling_faults

agents = typer.Typer(help="Agents that shop for people.", no_args_is_help=True)


@agents.command("rehearse")
def rehearse(
    folder: Annotated[
        Path, typer.Argument(help="Folder with the CSV files of the protocol's test shop (flower_shop).")
    ],
) -> None:
    """Fill the first shop with a protocol's test data and open it to agents without a key. For tests only."""
    from serai.main.borrowing import borrow_database
    from serai.main.demo.rehearse import fill_flower_shop
    from serai.main.platform import open_configured_platform
    from serai.main.settings import load_settings

    async def fill(url: str) -> dict[str, int]:
        platform = await open_configured_platform(url, load_settings(os.environ))
        try:
            return await fill_flower_shop(platform, folder)
        finally:
            await platform.close()

    with telling_faults(), borrow_database(load_house(os.environ)) as url:
        for name, count in asyncio.run(fill(url)).items():
            console.print(f"{count} {name}", highlight=False)
        console.print("Agents without a key may shop here now, as “Conformance suite”.")


def mcp(
    merchant: Annotated[str, typer.Option(help="The shop's short name; the first one when left out.")] = "",
) -> None:
    """Serve the shop's tools to a language model on standard input and output (Model Context Protocol).

    The agent's key comes in the environment variable MCP_AGENT_KEY.
    """
    from serai.main.agent_tools import serve_stdio
    from serai.main.borrowing import borrow_database
    from serai.main.platform import open_configured_platform
    from serai.main.settings import load_settings

    key = os.environ.get("MCP_AGENT_KEY", "")
    house = load_house(os.environ)

    async def serve(url: str) -> None:
        platform = await open_configured_platform(url, load_settings(os.environ))
        try:
            await serve_stdio(platform, key=key, slug=merchant, base_url=house.web_url())
        finally:
            await platform.close()

    with telling_faults():
        if not key:
            raise Fault("There is no agent's key.", "Issue one in the console and set MCP_AGENT_KEY to it.")
        with borrow_database(house) as url:
            asyncio.run(serve(url))
