"""Commands about agents that shop for people."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

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
