"""Commands about merchants and the people at their consoles."""

import asyncio
import os
from typing import Annotated

import typer
from rich.table import Table

from serai.main.installation import Installation
from serai.main.settings import load_house
from serai.main.telling import console, telling_faults

merchants = typer.Typer(help="Open further shops in this installation.", no_args_is_help=True)


@merchants.command("list")
def list_shops() -> None:
    """List the merchants of this installation."""
    from serai.main.borrowing import borrow_database
    from serai.main.opening import list_shops

    with telling_faults(), borrow_database(load_house(os.environ)) as url:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for title in ("Short name", "Name", "Currency", "Host names"):
            table.add_column(title, overflow="fold")
        for shop in asyncio.run(list_shops(url)):
            hosts = ", ".join(shop.hostnames) or "-"
            table.add_row(
                shop.slug, shop.name, shop.currency, hosts + (" (and every other)" if shop.is_default else "")
            )
        console.print(table, highlight=False, markup=False)


@merchants.command("add")
def add_shop(
    slug: Annotated[str, typer.Argument(help="Short name: small letters, digits, hyphens.")],
    name: Annotated[str, typer.Option(help="The shop's name.")],
    host: Annotated[list[str], typer.Option(help="Host name at which the shop answers; may be given again.")],
    email: Annotated[str, typer.Option(help="E-mail address of the shop's owner.")],
    currency: Annotated[str, typer.Option(help="ISO 4217 code of the shop's currency.")] = "USD",
    market: Annotated[
        bool, typer.Option("--market", help="A market: it sells the goods of its members.")
    ] = False,
) -> None:
    """Open a further shop: its own goods, orders, staff and money, answering at its own host name."""
    from serai.main.borrowing import borrow_database
    from serai.main.opening import open_shop

    with telling_faults():
        house = load_house(os.environ)
        with borrow_database(house) as url:
            opened = asyncio.run(
                open_shop(
                    url,
                    installation=Installation.at(house.data_dir),
                    slug=slug,
                    name=name,
                    hostnames=tuple(host),
                    currency=currency,
                    email=email,
                    kind="market" if market else "shop",
                )
            )
        console.print(
            f"{name} answers at {', '.join(host)} (a running Serai takes payments after its next start)."
        )
        console.print(
            f"Owner {opened.owner_email}, password {opened.owner_password}", highlight=False, markup=False
        )


@merchants.command("join")
def join_market(
    market: Annotated[str, typer.Argument(help="The market's short name.")],
    member: Annotated[str, typer.Argument(help="Short name of the shop that is to sell there.")],
    commission: Annotated[
        float, typer.Option(min=0, max=100, help="The market's share of goods, in percent.")
    ] = 5.0,
) -> None:
    """Let a shop sell in a market."""
    from serai.main.borrowing import borrow_database
    from serai.main.opening import join_market

    with telling_faults(), borrow_database(load_house(os.environ)) as url:
        asyncio.run(join_market(url, market=market, member=member, commission_percent=commission))
        console.print(f"{member} sells in {market}, for {commission:g} % of its goods.", highlight=False)


def reset_password(
    email: Annotated[str, typer.Argument(help="E-mail address of somebody at the console.")],
    merchant: Annotated[
        str, typer.Option(help="The merchant's short name; the first one when left out.")
    ] = "",
) -> None:
    """Give somebody at the console a new password, shown once; every session of theirs ends."""
    from serai.main.borrowing import borrow_database
    from serai.main.rescue import give_new_password

    with telling_faults(), borrow_database(load_house(os.environ)) as url:
        password = asyncio.run(give_new_password(url, email=email, merchant=merchant))
        console.print(f"New password of {email}: {password}", highlight=False, markup=False, soft_wrap=True)
        console.print("It is shown this once and has to be changed at the first sign-in.")
