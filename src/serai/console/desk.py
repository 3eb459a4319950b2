"""Who sits at the console in a request, and what every page of it needs: navigation, language, messages."""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.response import Redirect

from serai.commerce.types import Commerce
from serai.console.form import Form, clean_text
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Conflict, NotFound, Refused, _
from serai.foundation.i18n import translate
from serai.foundation.idempotency import Reply, make_call, run_once
from serai.foundation.ids import MerchantId, new_id
from serai.foundation.pages import render, request_locale
from serai.identity.merchant.types import Merchant
from serai.identity.passkey.api import list_passkeys
from serai.identity.staff.api import find_staff, require
from serai.identity.staff.types import Staff

HOME = "/console"
SESSION_COOKIE = "console_session"
FLASH_COOKIE = "console_flash"
FLASH_SECONDS = 120
MAX_FLASH_CHARACTERS = 400
MAX_QUERY_CHARACTERS = 200
# A double press lands while its twin is still at work; most work ends well within this.
TWIN_TRIES = 25
TWIN_WAIT_S = 0.2

AnyRequest = Request[Any, Any, Any]
# What somebody without the passkey that is required may do: make one.
WITHOUT_PASSKEY = ("/console/passkeys", "/console/password", "/console/locale")


class SignInNeeded(Exception):
    """Nobody is signed in; the reader is sent to sign in and comes back afterwards."""


class PasswordNeeded(Exception):
    """The one-time password has to be replaced before anything else."""


class PasskeyNeeded(Exception):
    """The merchant requires passkeys, and this person has none yet."""


class NavItem(msgspec.Struct, frozen=True):
    """An entry of the navigation; ``house`` marks the administration of the house itself."""

    icon: str
    label: str
    href: str
    house: bool
    active: bool


class Flash(msgspec.Struct, frozen=True):
    """A message that survives one redirect. ``tone`` is ``ok``, ``warn`` or ``bad``."""

    tone: str
    text: str


# Section, permission that shows it, label, address, whether it belongs to the administration.
SECTIONS = (
    ("board", "board.read", _("Today"), "/console", False),
    ("order", "order.read", _("Orders"), "/console/orders", False),
    ("fulfilment", "order.read", _("Fulfilment"), "/console/fulfilment", False),
    ("return", "order.read", _("Returns"), "/console/returns", False),
    ("product", "product.read", _("Products"), "/console/products", False),
    ("promotion", "product.read", _("Promotions"), "/console/promotions", False),
    ("presale", "product.read", _("Presales"), "/console/presales", False),
    ("stock", "stock.read", _("Stock"), "/console/stock", False),
    ("question", "product.read", _("Questions"), "/console/questions", False),
    ("member", "order.read", _("Members"), "/console/members", True),
    ("tender", "order.read", _("Gift cards and points"), "/console/gift-cards", True),
    ("money", "order.read", _("Money"), "/console/money", True),
    ("method", "settings.write", _("Payment methods"), "/console/payment-methods", True),
    ("market", "audit.read", _("Settlement"), "/console/settlement", True),
    ("paper", "order.read", _("Invoices"), "/console/papers", True),
    ("setting", "settings.write", _("Settings"), "/console/settings", True),
    ("payway", "settings.write", _("Payment providers"), "/console/payments", True),
    ("tax", "settings.write", _("Taxes"), "/console/taxes", True),
    ("delivery", "settings.write", _("Delivery"), "/console/delivery", True),
    ("staff", "staff.manage", _("Staff"), "/console/staff", True),
    ("key", "apikey.manage", _("API keys"), "/console/keys", True),
    ("agent", "apikey.manage", _("Agents"), "/console/agents", True),
    ("webhook", "settings.write", _("Webhooks"), "/console/webhooks", True),
    ("overload", "overload.write", _("Peak switches"), "/console/overload", True),
    ("line", "overload.write", _("Waiting lines"), "/console/lines", True),
    ("audit", "audit.read", _("Audit log"), "/console/audit", True),
    ("service", "settings.write", _("Service"), "/console/service", True),
    ("parked", "settings.write", _("Parked work"), "/console/parked", True),
)


class Desk:
    """One signed-in person in one request."""

    def __init__(self, request: AnyRequest, staff: Staff, token: str) -> None:
        self.request = request
        self.staff = staff
        self.token = token
        self.merchant: Merchant = request.scope["state"]["merchant"]
        self.locale = request_locale(request)
        self.db: Database = request.app.state.db
        self.commerce: Commerce = request.app.state.commerce

    @property
    def merchant_id(self) -> MerchantId:
        return MerchantId(self.merchant.merchant_id)

    @property
    def by(self) -> str:
        """How this person is named in the audit log."""
        return self.staff.email

    def require(self, permission: str) -> None:
        """Forbidden ``staff.not_allowed`` unless the role allows it."""
        require(self.staff, permission)

    def reading(self) -> Any:
        """A read-only transaction of this merchant."""
        return self.db.transaction(self.merchant_id, "read")

    def say(self, message: str, **data: object) -> str:
        """A marked message in the reader's language."""
        return translate(message, self.locale, data)

    def explain(self, error: Refused) -> str:
        """A refusal in the reader's language."""
        return translate(error.message, self.locale, error.data)

    def query(self, name: str, allowed: Sequence[str] = ()) -> str:
        """A parameter of the address, trimmed; one that is not ``allowed`` counts as the first allowed one."""
        value = clean_text(self.request.query_params.get(name, "")).strip()[:MAX_QUERY_CHARACTERS]
        if allowed and value not in allowed:
            return allowed[0]
        return value

    @property
    def is_partial(self) -> bool:
        """Whether htmx asks for a part of the page; a page restored from history is always whole."""
        headers = self.request.headers
        return headers.get("hx-request") == "true" and headers.get("hx-history-restore-request") != "true"

    def page(
        self,
        template: str,
        section: str,
        title: str,
        *,
        crumbs: Sequence[tuple[str, str]] = (),
        status_code: int = 200,
        block: str | None = None,
        **context: Any,
    ) -> Response[str]:
        """A page of the console. ``crumbs`` are (label, address), the last one without an address."""
        flash = _read_flash(self.request)
        context.setdefault("search_text", "")
        response = render(
            self.request,
            f"console/{template}",
            status_code=status_code,
            block=block,
            headers={"cache-control": "no-store"},
            staff=self.staff,
            may=self.staff.may,
            nav=list_sections(self.staff, section, self.locale, merchant=self.merchant),
            title=title,
            crumbs=crumbs,
            flash=flash,
            here=here(self.request),
            **context,
        )
        if flash and block is None:
            response.delete_cookie(FLASH_COOKIE, path=HOME)
        return response

    def go(self, path: str, message: str = "", *, tone: str = "ok", **data: object) -> Redirect:
        """Redirect after a change, with a message to be shown there."""
        response = Redirect(path, status_code=303)
        if message:
            text = self.say(message, **data)[:MAX_FLASH_CHARACTERS]
            packed = base64.urlsafe_b64encode(msgspec.json.encode(Flash(tone, text))).decode()
            response.set_cookie(
                FLASH_COOKIE, packed, max_age=FLASH_SECONDS, path=HOME, httponly=True, samesite="strict",
                secure=is_secure(self.request),
            )  # fmt: skip
        return response

    async def do_once(
        self, operation: str, form: Form, effect: Callable[[Transaction], Awaitable[Any]]
    ) -> Reply:
        """Do what a form asks for once, however often it is sent; the answer's body is what ``effect`` returned.

        Raises:
            Conflict: ``console.form_reused`` when the form was sent before with other values, with a new key in it.
        """
        call = make_call(f"staff:{self.staff.staff_id}", f"console.{operation}", form.key, form.values)

        async def run(tx: Transaction) -> tuple[int, Any]:
            return 200, await effect(tx)

        for tries_left in reversed(range(TWIN_TRIES)):
            try:
                return await run_once(self.db, self.merchant_id, call, run)
            except Refused as error:
                if error.code == "idempotency.body_differs":
                    form.key = str(new_id())
                    raise form_reused() from error
                if error.code != "idempotency.in_flight" or not tries_left:
                    raise
                await asyncio.sleep(TWIN_WAIT_S)
        raise AssertionError("the last try either answers or raises")

    async def claim_form(self, operation: str, form: Form) -> None:
        """Bind a form's key to its values before work that knows the key itself, such as the lane's.

        The same form again passes, since the work then changes nothing. Conflict ``console.form_reused`` when the
        values differ: the work would take it for done and drop it silently.
        """

        async def nothing(_tx: Transaction) -> None:
            return None

        await self.do_once(operation, form, nothing)


# What a handler asks for to be given the signed-in person.
AtDesk = NamedDependency[Desk]


def form_reused() -> Conflict:
    """The refusal of a form that comes back changed after it was done."""
    return Conflict(
        "console.form_reused",
        _(
            "This form has been sent before with other values. Please check it and send it again if you mean it."
        ),
    )


async def open_desk(request: AnyRequest) -> Desk:
    """The person who is signed in.

    Raises:
        SignInNeeded: nobody is.
        PasswordNeeded: a one-time password is still in use.
        PasskeyNeeded: a passkey is required and there is none yet.
    """
    token = request.cookies.get(SESSION_COOKIE, "")
    if not token:
        raise SignInNeeded
    merchant: Merchant = request.scope["state"]["merchant"]
    db: Database = request.app.state.db
    async with db.transaction(MerchantId(merchant.merchant_id), "read") as tx:
        staff = await find_staff(tx, token=token)
    if staff is None:
        raise SignInNeeded
    desk = Desk(request, staff, token)
    request.scope["state"]["console_desk"] = desk
    if staff.must_change_password and request.url.path not in {"/console/password", "/console/locale"}:
        raise PasswordNeeded
    if merchant.staff_passkeys and not request.url.path.startswith(WITHOUT_PASSKEY):
        async with desk.reading() as tx:
            if not await list_passkeys(tx, kind="staff", subject_id=staff.staff_id):
                raise PasskeyNeeded
    return desk


def list_sections(
    staff: Staff, section: str, locale: str, *, merchant: Merchant | None = None
) -> list[NavItem]:
    """What somebody's role lets them see, in the reader's language.

    Only markets settle with members; how the whole installation does is shown to the default merchant, who runs it.
    """
    return [
        NavItem(name, translate(label, locale), href, house, name == section)
        for name, permission, label, href, house in SECTIONS
        if staff.may(permission)
        and (name != "market" or (merchant is not None and merchant.kind == "market"))
        and (name != "service" or (merchant is not None and merchant.is_default))
    ]


def go_to_sign_in(request: AnyRequest, _error: SignInNeeded) -> Response[Any]:
    """Send the reader to sign in; a refresh in the background makes the whole page go there."""
    back = here(request) if request.method == "GET" else HOME
    address = "/console/sign-in" + (f"?next={quote(back, safe='')}" if back != HOME else "")
    return _send(request, address)


def go_to_password(request: AnyRequest, _error: PasswordNeeded) -> Response[Any]:
    """Send the reader to choose a password of their own."""
    return _send(request, "/console/password")


def go_to_passkeys(request: AnyRequest, _error: PasskeyNeeded) -> Response[Any]:
    """Send the reader to make a passkey."""
    return _send(request, "/console/passkeys")


def _send(request: AnyRequest, address: str) -> Response[Any]:
    if request.headers.get("hx-request") == "true":
        return Response(None, status_code=204, headers={"hx-redirect": address})
    return Redirect(address, status_code=303)


def here(request: AnyRequest) -> str:
    """Path and query of the request, as a place to come back to."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def safe_back(address: object) -> str:
    """An address inside the console; anything else becomes its first page, so that nobody is led astray."""
    if not isinstance(address, str) or len(address) > 500 or not address.isprintable() or "\\" in address:
        return HOME
    inside = address == HOME or address.startswith((f"{HOME}/", f"{HOME}?"))
    return address if inside else HOME


def link(path: str, **parameters: object) -> str:
    """An address with its parameters; empty ones are left out."""
    kept = {name: value for name, value in parameters.items() if value not in (None, "")}
    return f"{path}?{urlencode(kept)}" if kept else path


def is_secure(request: AnyRequest) -> bool:
    """Whether the browser came over HTTPS, so that cookies may insist on it."""
    return request.url.scheme == "https"


def not_found() -> NotFound:
    """The refusal for things of nobody and things of somebody else alike."""
    return NotFound("console.not_found", _("There is nothing here, or it is not yours."))


def _read_flash(request: AnyRequest) -> Flash | None:
    packed = request.cookies.get(FLASH_COOKIE, "")
    if not packed:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(packed), type=Flash)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None
