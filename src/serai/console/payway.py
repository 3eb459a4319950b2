"""Payment providers: the merchant's accounts, sealed as they are saved, and which of them shoppers are offered."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.payway import api as payway
from serai.commerce.payway.types import FIELDS, NAMES, OFFERS, SANDBOX, Field, PayAccount
from serai.console.desk import AtDesk, Desk, not_found
from serai.console.form import Form, fill_form, note_refusal, read_form
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _

PATH = "/console/payments"
PERMISSION = "settings.write"
# An amount that every provider takes, to tell whether it takes the shop's currency.
USUAL_MINOR = 100_000
AnyRequest = Request[Any, Any, Any]
ABOUT = {
    "stripe": _("Cards of the whole world, on Stripe's own page."),
    "wechat": _("A code to scan on a desk, the app on a phone. Takes yuan."),
    "alipay": _("Alipay's cashier on a desk, its app on a phone. Takes yuan."),
    SANDBOX: _("For trying the shop out: no money moves. Switch it off before you sell in earnest."),
}


class Line(msgspec.Struct, frozen=True):
    """A provider as the list shows it."""

    account: PayAccount
    name: str
    about: str
    offer: Any
    takes_currency: bool
    form: Form


def _vault(request: AnyRequest) -> payway.Vault:
    vault: payway.Vault = request.app.state.vault
    return vault


def _webhook_url(request: AnyRequest, desk: Desk, provider: str) -> str:
    base = (desk.commerce.settings.public_url or str(request.base_url)).rstrip("/")
    return f"{base}/webhooks/{provider}/{desk.merchant_id}"


@get("/payments")
async def show_providers(request: AnyRequest, desk: AtDesk) -> Response[str]:
    """Every provider and where the merchant stands with it."""
    desk.require(PERMISSION)
    async with desk.reading() as tx:
        accounts = await payway.list_pay_accounts(tx, _vault(request))
    currency = desk.merchant.currency
    lines = [
        Line(
            account,
            NAMES[account.provider],
            desk.say(ABOUT[account.provider]),
            OFFERS[account.provider],
            payway.takes(account.provider, USUAL_MINOR, currency),
            fill_form(f"switch-{account.provider}"),
        )
        for account in accounts
    ]
    is_open = any(line.account.is_enabled and line.takes_currency for line in lines)
    return desk.page(
        "payway_list.html",
        "payway",
        desk.say(_("Payment providers")),
        lines=lines,
        currency=currency,
        is_open=is_open,
    )


@get("/payments/{provider:str}")
async def show_account(request: AnyRequest, desk: AtDesk, provider: FromPath[str]) -> Response[str]:
    """The form of one account."""
    desk.require(PERMISSION)
    account = await _load(request, desk, provider)
    return _show(request, desk, account, _fill(account))


async def _load(request: AnyRequest, desk: Desk, provider: str) -> PayAccount:
    if payway.find_provider(provider) is None:
        raise not_found()
    async with desk.reading() as tx:
        accounts = await payway.list_pay_accounts(tx, _vault(request))
    return next(account for account in accounts if account.provider == provider)


def _fill(account: PayAccount) -> Form:
    """What is known, without secrets: a field of a secret is empty and says what is there."""
    shown = {field.name: "" for field in _fields(account)}
    for field in _fields(account):
        if not field.is_secret:
            shown[field.name] = account.values.get(field.name, "")
    return fill_form("payway", **shown)


def _fields(account: PayAccount) -> tuple[Field, ...]:
    provider = payway.find_provider(account.provider)
    return FIELDS[provider] if provider else ()


def _show(
    request: AnyRequest, desk: Desk, account: PayAccount, form: Form, *, status_code: int = 200
) -> Response[str]:
    name = NAMES[account.provider]
    return desk.page(
        "payway.html",
        "payway",
        name,
        crumbs=[(desk.say(_("Payment providers")), PATH), (name, "")],
        status_code=status_code,
        account=account,
        fields=_fields(account),
        form=form,
        offer=OFFERS[account.provider],
        webhook_url=_webhook_url(request, desk, account.provider),
        currency=desk.merchant.currency,
        takes_currency=payway.takes(account.provider, USUAL_MINOR, desk.merchant.currency),
    )


@post("/payments/{provider:str}", status_code=200)
async def save_account(request: AnyRequest, desk: AtDesk, provider: FromPath[str]) -> Response[Any]:
    """Save an account and offer it. A secret that was typed is never shown again, not even when something is wrong."""
    desk.require(PERMISSION)
    account = await _load(request, desk, provider)
    known = payway.find_provider(provider)
    assert known is not None
    form = read_form("payway", await request.form())
    values = {field.name: form.values.get(field.name, "") for field in _fields(account)}
    form.values = values

    async def effect(tx: Transaction) -> dict[str, str]:
        await payway.save_pay_account(tx, _vault(request), provider=known, values=values, by=desk.by)
        return {}

    try:
        await desk.do_once(f"payway.save.{provider}", form, effect)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        kept = {f.name: "" if f.is_secret else form.values[f.name] for f in _fields(account)}
        return _show(
            request, desk, account, Form(kept, form.errors, prefix=form.prefix), status_code=error.status
        )
    return desk.go(PATH, _("%(name)s is saved and offered to shoppers."), name=NAMES[provider])


@post("/payments/{provider:str}/switch", status_code=303)
async def switch_account(request: AnyRequest, desk: AtDesk, provider: FromPath[str]) -> Response[Any]:
    """Offer a provider to shoppers, or no more."""
    desk.require(PERMISSION)
    form = read_form(f"switch-{provider[:40]}", await request.form())
    is_enabled = form.values.get("on") == "1"

    async def effect(tx: Transaction) -> dict[str, str]:
        await payway.switch_pay_account(tx, provider=provider, is_enabled=is_enabled, by=desk.by)
        return {}

    try:
        await desk.do_once(f"payway.switch.{provider[:40]}", form, effect)
    except Refused as error:
        if error.code == "payway.unknown":
            raise
        return desk.go(PATH, error.message, tone="bad", **error.data)
    if is_enabled:
        return desk.go(PATH, _("%(name)s is offered to shoppers."), name=NAMES[provider])
    return desk.go(
        PATH,
        _("%(name)s is not offered any more. Payments from before are still told and refunded."),
        name=NAMES[provider],
    )
