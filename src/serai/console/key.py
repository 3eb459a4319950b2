"""API keys: list, create with scopes, revoke. For owners."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.console.desk import AtDesk, Desk, not_found
from serai.console.form import Form, fill_form, note_refusal, parse_uuid, read_form, take_text
from serai.console.staff import Secret
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _
from serai.identity.apikey.api import create_key, list_keys, revoke_key
from serai.identity.apikey.types import SCOPES

PATH = "/console/keys"
SCOPE_NOTES = {
    "catalogue:read": _("Read products, categories and prices"),
    "checkout:write": _("Fill carts and place orders"),
    "order:read": _("Read orders"),
    "order:write": _("Fulfil, cancel and refund orders"),
    "stock:read": _("Read stock"),
    "stock:write": _("Receive, adjust and transfer stock"),
    "product:write": _("Add and change products and prices"),
    "promotion:write": _("Write, publish and stop promotions, issue coupons"),
    "tender:write": _("Issue gift cards, give and use members' points and red packets"),
    "webhook:read": _("See where webhooks go and what became of each"),
    "webhook:write": _("Set up webhooks, send messages again"),
}


def _new_form() -> Form:
    return fill_form("key", name="")


async def _show_list(
    desk: Desk,
    form: Form,
    *,
    chosen: list[str] | None = None,
    secret: Secret | None = None,
    open_action: str = "",
    status_code: int = 200,
) -> Response[str]:
    async with desk.reading() as tx:
        keys = await list_keys(tx)
    return desk.page(
        "key_list.html",
        "key",
        desk.say(_("API keys")),
        status_code=status_code,
        keys=keys,
        form=form,
        scopes=[(scope, desk.say(SCOPE_NOTES.get(scope, scope))) for scope in SCOPES],
        chosen_scopes=chosen or [],
        open_action=open_action,
        secret=secret,
    )


@get("/keys")
async def show_keys(desk: AtDesk) -> Response[str]:
    """All keys, revoked ones too."""
    desk.require("apikey.manage")
    return await _show_list(desk, _new_form())


@post("/keys", status_code=200)
async def create(request: Request[Any, Any, Any], desk: AtDesk) -> Response[Any]:
    """Make a key. Its secret is in this answer only: a digest is all that is kept."""
    desk.require("apikey.manage")
    sent = await request.form()
    form = read_form("key", {name: sent.get(name) for name in ("name", "key")})
    scopes = [scope for scope in sent.getall("scopes", []) if isinstance(scope, str)]
    form.values["scopes"] = " ".join(scopes)[:200]
    name = take_text(
        form,
        "name",
        limit=100,
        missing=desk.say(_("Please give the key a name.")),
        too_long=desk.say(_("That is too long.")),
    )
    if not scopes:
        form.errors["scopes"] = desk.say(_("Please choose what the key may do."))
    if form.errors:
        return await _show_list(desk, form, chosen=scopes, open_action="create", status_code=422)
    made: list[Secret] = []

    async def effect(tx: Transaction) -> dict[str, str]:
        key, secret = await create_key(tx, name=name, scopes=scopes, by=desk.by)
        made.append(Secret(key.name, secret))
        return {"key_id": str(key.key_id)}

    try:
        await desk.do_once("apikey.create", form, effect)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        return await _show_list(desk, form, chosen=scopes, open_action="create", status_code=error.status)
    if not made:
        message = _(
            "The key “%(name)s” has been made already. If its secret was missed, revoke it and make another."
        )
        return desk.go(PATH, message, tone="warn", name=name)
    return await _show_list(desk, _new_form(), secret=made[0])


@post("/keys/{key_id:str}/revoke", status_code=303)
async def revoke(desk: AtDesk, key_id: FromPath[str]) -> Response[Any]:
    """End a key for good."""
    desk.require("apikey.manage")
    wanted = parse_uuid(key_id)
    if wanted is None:
        raise not_found()
    async with desk.db.transaction(desk.merchant_id) as tx:
        key = await revoke_key(tx, key_id=wanted, by=desk.by)
    return desk.go(PATH, _("The key “%(name)s” is revoked."), name=key.name)
