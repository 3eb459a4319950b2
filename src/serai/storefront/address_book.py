"""The member's addresses: list, add, edit, remove, choose the default; the form follows the country."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _
from serai.foundation.pages import request_locale
from serai.identity.address import api as address_api
from serai.identity.address.types import AddressFields, MemberAddress
from serai.identity.member.types import Member
from serai.storefront.checkout import LABEL_LIMIT, CheckoutForm, check_address, check_phone, read_fields
from serai.storefront.country import choose_country, list_countries, write_address
from serai.storefront.form import read_values
from serai.storefront.member import go, load_member, sign_in_first
from serai.storefront.view import Asked, Shell, database_of, load_shell, merchant_id_of, show

PATH = "/account/addresses"


@get(PATH, include_in_schema=False)
async def show_addresses(request: Asked) -> Response[Any]:
    """All addresses, the default first."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        if shell.member is None:
            return sign_in_first(PATH)
        addresses = await address_api.list_addresses(tx, member_id=shell.member.member_id)
    locale = request_locale(request)
    return show(
        request,
        "address_list.html",
        shell=shell,
        addresses=[(address, write_rows(address, locale)) for address in addresses],
        is_full=len(addresses) >= address_api.ADDRESS_LIMIT,
    )


def write_rows(address: MemberAddress, locale: str) -> list[str]:
    """An address line by line, as its country writes it."""
    parts = {name: str(value or "") for name, value in msgspec.structs.asdict(address).items()}
    return [*write_address(parts, address.name, locale), *([address.phone] if address.phone else [])]


@get(f"{PATH}/new", include_in_schema=False)
async def show_new_address(request: Asked) -> Response[Any]:
    """An empty form."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
    if shell.member is None:
        return sign_in_first(f"{PATH}/new")
    country = choose_country(request.query_params.get("country"), request_locale(request))
    form = CheckoutForm(values={"name": shell.member.name}, country=country)
    return _show_form(request, shell, form, action=PATH)


@post(PATH, include_in_schema=False)
async def add_address(request: Asked) -> Response[Any]:
    """Keep a new address; ``intent=refresh`` only shows the form of another country."""
    return await _save(request, None)


@get(f"{PATH}/{{address_id:uuid}}", include_in_schema=False)
async def show_address(request: Asked, address_id: FromPath[UUID]) -> Response[Any]:
    """The form to change an address."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        if shell.member is None:
            return sign_in_first(f"{PATH}/{address_id}")
        address = await address_api.load_address(tx, member_id=shell.member.member_id, address_id=address_id)
    form = CheckoutForm(values=fill_values(address), country=choose_country(address.country, "en"))
    return _show_form(request, shell, form, action=f"{PATH}/{address_id}", is_default=address.is_default)


@post(f"{PATH}/{{address_id:uuid}}", include_in_schema=False)
async def edit_address(request: Asked, address_id: FromPath[UUID]) -> Response[Any]:
    """Change an address."""
    return await _save(request, address_id)


@post(f"{PATH}/{{address_id:uuid}}/default", include_in_schema=False)
async def choose_default(request: Asked, address_id: FromPath[UUID]) -> Response[Any]:
    """Let checkout begin with this address."""
    async with database_of(request).transaction(merchant_id_of(request)) as tx:
        member = await load_member(request, tx)
        await address_api.choose_default(tx, member_id=member.member_id, address_id=address_id)
    return Redirect(PATH, status_code=303)


@post(f"{PATH}/{{address_id:uuid}}/remove", include_in_schema=False)
async def remove_address(request: Asked, address_id: FromPath[UUID]) -> Response[Any]:
    """Forget an address."""
    async with database_of(request).transaction(merchant_id_of(request)) as tx:
        member = await load_member(request, tx)
        await address_api.remove_address(tx, member_id=member.member_id, address_id=address_id)
    return go(request, PATH, _("The address is removed."))


def fill_values(address: MemberAddress) -> dict[str, str]:
    """An address as the values of a form."""
    values = msgspec.structs.asdict(address)
    return {name: value for name, value in values.items() if isinstance(value, str)}


async def _save(request: Asked, address_id: UUID | None) -> Response[Any]:
    locale = request_locale(request)
    values = await read_values(request)
    form = CheckoutForm(values=values, country=choose_country(values.get("country"), locale))
    is_default = bool(values.get("is_default"))
    if values.get("intent") != "refresh":
        form.limit("label", locale=locale, limit=LABEL_LIMIT)
        form.require("name", _("Please write your name."), locale=locale, limit=100)
        check_phone(form, locale)
        check_address(form, locale)
        if form.is_good:
            try:
                async with database_of(request).transaction(merchant_id_of(request)) as tx:
                    member = await load_member(request, tx)
                    await _write(tx, member, address_id, read_fields(form), is_default)
                return go(request, PATH, _("The address is kept."))
            except Refused as refusal:
                if refusal.status in (401, 404):
                    raise
                form.take_refusal(refusal, locale=locale)
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
    if shell.member is None:
        return sign_in_first(PATH)
    action = f"{PATH}/{address_id}" if address_id else PATH
    return _show_form(request, shell, form, action=action, is_default=is_default)


async def _write(
    tx: Transaction, member: Member, address_id: UUID | None, fields: AddressFields, is_default: bool
) -> None:
    if address_id is None:
        await address_api.add_address(tx, member_id=member.member_id, fields=fields, make_default=is_default)
        return
    await address_api.edit_address(
        tx, member_id=member.member_id, address_id=address_id, fields=fields, make_default=is_default
    )


def _show_form(
    request: Asked, shell: Shell, form: CheckoutForm, *, action: str, is_default: bool = False
) -> Response[Any]:
    locale = request_locale(request)
    return show(
        request,
        "address.html",
        shell=shell,
        status_code=200 if form.is_good else 422,
        form=form,
        action=action,
        is_default=is_default,
        country_options=list_countries(locale),
        region_options=form.country.list_regions(locale),
    )
