"""Reads a promotion out of the form in which it is written; what the form does not show is kept as it was."""

from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.catalogue.api import find_skus
from serai.commerce.promotion.types import (
    AddOn,
    AmountOff,
    Audience,
    Benefit,
    Bundle,
    FreePiece,
    Gift,
    NthPiece,
    PercentOff,
    PiecesPercent,
    PiecesPrice,
    RuleFault,
    Scope,
    ShippingOff,
    SkuPrice,
    SkuQuantity,
    Terms,
    Tier,
    UnitPrice,
)
from serai.console.desk import Desk
from serai.console.form import Form, parse_uuid, take_amount, take_quantity, take_text
from serai.console.price import take_moment
from serai.console.product import explain_amount
from serai.console.promotion_kind import Kind
from serai.foundation.database import Transaction
from serai.foundation.errors import _

TIERS = 5
MAX_LISTED = 2000
# Where a fault of the terms is shown in the form.
FAULT_FIELDS = {
    "tiers": "tier_least_1",
    "percent_off": "percent",
    "sku_id": "sku",
    "budget_minor": "budget",
    "cap_minor": "cap",
    "scope": "scope",
}


class Reading:
    """One form while it is read: what is wrong is put at its field."""

    def __init__(self, desk: Desk, form: Form, kind: Kind) -> None:
        self.desk, self.form, self.kind = desk, form, kind
        self.currency = desk.merchant.currency
        self.known: dict[str, UUID] = {}

    def text(self, name: str) -> str:
        return self.form.values.get(name, "")

    def wrong(self, name: str, message: str, **data: object) -> None:
        self.form.errors.setdefault(name, self.desk.say(message, **data))

    def amount(self, name: str) -> int | None:
        """An amount in minor units, None when the field is empty."""
        if not self.text(name):
            return None
        return take_amount(self.form, name, self.currency, wrong=explain_amount(self.desk), positive=False)

    def count(self, name: str) -> int | None:
        """A whole number from 1 on, None when the field is empty."""
        if not self.text(name):
            return None
        return take_quantity(
            self.form, name, wrong=self.desk.say(_("Please give a whole number of at least 1."))
        )

    def percent(self, name: str) -> int:
        """A percentage as basis points; 0 when the field is empty."""
        text = self.text(name).removesuffix("%").strip().replace(",", ".")
        if not text:
            return 0
        try:
            points = Decimal(text) * 100
            if points == points.to_integral_value() and 0 <= points <= 10_000:
                return int(points)
        except InvalidOperation:
            pass
        self.wrong(name, _("Please give a percentage from 0 to 100, such as 12.5."))
        return 0

    def words(self, name: str) -> tuple[str, ...]:
        """Words between commas, each once."""
        found = [word.strip() for word in self.text(name).replace("\N{FULLWIDTH COMMA}", ",").split(",")]
        words = tuple(dict.fromkeys(word for word in found if word))
        if any(len(word) > 60 for word in words) or len(words) > 20 + 980 * (name == "brands"):
            self.wrong(name, _("That is too long."))
            return ()
        return words

    def rows(self, name: str) -> list[tuple[str, str]]:
        """Lines of a SKU and, after a space, a value that may be empty."""
        lines = [
            line.split(None, 1)
            for line in self.text(name)
            .replace(",", "\n" if name in ("skus", "excluded") else ",")
            .splitlines()
        ]
        return [(line[0], line[1].strip() if len(line) > 1 else "") for line in lines if line][:MAX_LISTED]

    def sku(self, name: str, code: str) -> UUID | None:
        """The id of a SKU that must be known."""
        sku_id = self.known.get(code)
        if sku_id is None:
            self.wrong(name, _("There is no SKU “%(sku)s”."), sku=code[:60])
        return sku_id

    def skus(self, name: str) -> tuple[UUID, ...]:
        found = [self.sku(name, code) for code, _value in self.rows(name)]
        return tuple(dict.fromkeys(each for each in found if each is not None))

    async def look_up(self, tx: Transaction) -> None:
        """Find all SKUs of the form at once."""
        codes = {
            code
            for name in ("skus", "excluded", "prices", "components", "sku")
            for code, _v in self.rows(name)
        }
        found = await find_skus(tx, skus=sorted(codes)) if codes else {}
        self.known = {code: sku_id for code, (sku_id, _product_id) in found.items()}


async def read_terms(tx: Transaction, desk: Desk, form: Form, kind: Kind, base: Terms | None) -> Terms | None:
    """The promotion that a form describes; None with errors at the fields. ``base`` is what is edited."""
    reading = Reading(desk, form, kind)
    await reading.look_up(tx)
    name = take_text(
        form,
        "name",
        limit=120,
        missing=desk.say(_("Please give the promotion a name.")),
        too_long=desk.say(_("That is too long.")),
    )
    chinese = take_text(form, "name_zh", limit=120, too_long=desk.say(_("That is too long.")))
    benefit = _read_benefit(reading, base)
    values = {
        **_read_limits(reading),
        "scope": _read_scope(reading, base),
        "audience": _read_audience(reading, base),
        "starts_at": take_moment(desk, form, "starts_at"),
        "ends_at": take_moment(desk, form, "ends_at"),
    }
    if form.errors or benefit is None:
        return None
    kept = {} if base is None else {k: v for k, v in base.translations.items() if k != "zh_Hans"}
    translations = kept | ({"zh_Hans": chinese} if chinese else {})
    start: dict[str, Any] = {} if base is None else {f: getattr(base, f) for f in ("basis", "funded_by")}
    start = {name: value for name, value in start.items() if name not in values}
    return Terms(
        name=name,
        translations=translations,
        layer=kind.layer,
        coupon=kind.coupon,
        benefit=benefit,
        **start,
        **values,
    )


def _read_limits(reading: Reading) -> dict[str, Any]:
    text = reading.text
    try:
        priority = int(text("priority") or "0")
        if abs(priority) > 1000:
            raise ValueError(priority)
    except ValueError:
        reading.wrong("priority", _("Please give a whole number from −1000 to 1000."))
        priority = 0
    combines = {"none": (), "tags": reading.words("combines_with")}.get(text("combines"))
    group = take_text(
        reading.form, "exclusive_group", limit=60, too_long=reading.desk.say(_("That is too long."))
    )
    return {
        "cap_minor": reading.amount("cap"),
        "budget_minor": reading.amount("budget"),
        "quota": reading.count("quota"),
        "per_user": reading.count("per_user"),
        "per_order": reading.count("per_order") if "per_order" in reading.kind.fields else None,
        "tags": reading.words("tags"),
        "combines_with": combines,
        "exclusive_group": group,
        "priority": priority,
        "stop_after": text("stop_after") == "1",
        "returns": "keep" if text("returns") == "keep" else "claw_back",
        **_read_funding(reading),
    }


def _read_funding(reading: Reading) -> dict[str, Any]:
    """A market bears its promotions itself, but for the part that its sellers bear."""
    if "seller_percent" not in reading.kind.fields:
        return {}
    return {"funded_by": "platform", "seller_percent": reading.percent("seller_percent")}


def _read_scope(reading: Reading, base: Terms | None) -> Scope:
    excluded = reading.skus("excluded")
    if reading.text("scope") != "some":
        return Scope(everything=True, excluded_sku_ids=excluded)
    categories = [parse_uuid(each) for each in reading.text("categories").split()]
    return Scope(
        sku_ids=reading.skus("skus"),
        product_ids=base.scope.product_ids if base else (),
        category_ids=tuple(dict.fromkeys(each for each in categories if each is not None))[:1000],
        brands=reading.words("brands"),
        seller_ids=base.scope.seller_ids if base else (),
        excluded_sku_ids=excluded,
    )


def _read_audience(reading: Reading, base: Terms | None) -> Audience:
    return Audience(
        channels=tuple(each for each in reading.text("channels").split() if len(each) <= 60)[:20],
        place_ids=base.audience.place_ids if base else (),
        member_levels=reading.words("levels"),
        members_only=reading.text("members_only") == "1",
    )


def _read_tiers(reading: Reading) -> tuple[Tier, ...]:
    assert reading.kind.tiers is not None
    readers = {
        "money": lambda name: reading.amount(name) or 0,
        "pieces": lambda name: reading.count(name) or 0,
        "percent": reading.percent,
    }
    of, gives = readers[reading.kind.tiers[0]], readers[reading.kind.tiers[1]]
    return tuple(
        Tier(of(f"tier_least_{n}"), gives(f"tier_benefit_{n}"))
        for n in range(1, TIERS + 1)
        if reading.text(f"tier_least_{n}") or reading.text(f"tier_benefit_{n}")
    )


def _bounded(reading: Reading, name: str, most: int, least: int = 1) -> int:
    """A whole number that the benefit needs."""
    number = reading.count(name) or 0
    if not least <= number <= most:
        reading.wrong(
            name, _("Please give a whole number from %(least)s to %(most)s."), least=least, most=most
        )
    return number


def _required(reading: Reading, name: str) -> int:
    amount = reading.amount(name)
    if amount is None:
        reading.form.errors[name] = explain_amount(reading.desk)
    return amount or 0


def _read_benefit(reading: Reading, base: Terms | None) -> Benefit | None:
    if reading.kind.tiers:
        tiers = _read_tiers(reading)
        if reading.kind.benefit is AmountOff:
            return AmountOff(tiers, reading.text("every") == "1")
        return PercentOff(tiers) if reading.kind.benefit is PercentOff else PiecesPercent(tiers)
    match reading.kind.code:
        case "pieces_price":
            return PiecesPrice(_bounded(reading, "pieces", 1000, 2), _required(reading, "price"))
        case "nth_piece":
            return NthPiece(_bounded(reading, "nth", 1000, 2), reading.percent("percent"))
        case "add_on":
            sku_id = reading.sku("sku", reading.text("sku"))
            price, most = _required(reading, "price"), _bounded(reading, "most", 1000)
            return AddOn(sku_id, price, reading.amount("least") or 0, most) if sku_id else None
        case "gift":
            return _read_gift(reading)
        case "bundle":
            return Bundle(_read_components(reading), _required(reading, "price"))
        case "coupon_free":
            return FreePiece(_bounded(reading, "quantity", 1000))
        case "shipping" | "coupon_shipping":
            return ShippingOff(reading.amount("amount"), reading.amount("least") or 0)
    return _read_price(reading)


def _read_gift(reading: Reading) -> Gift | None:
    sku_id = reading.sku("sku", reading.text("sku"))
    pieces = reading.text("unit") == "pieces"
    least = reading.count("least") if pieces else reading.amount("least")
    quantity, most = _bounded(reading, "quantity", 1000), _bounded(reading, "most", 1000)
    if sku_id is None:
        return None
    every = reading.text("per_step") == "1"
    return Gift(sku_id, quantity, least or 0, "pieces" if pieces else "minor", every, most)


def _read_components(reading: Reading) -> tuple[SkuQuantity, ...]:
    found = []
    for code, text in reading.rows("components")[:51]:
        sku_id = reading.sku("components", code)
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1 if not text else 0
        if not 1 <= number <= 100_000:
            reading.wrong("components", _("Please write a SKU and a number on each line."))
        elif sku_id:
            found.append(SkuQuantity(sku_id, number))
    if len(found) > 50:
        reading.wrong("components", _("That is too long."))
    return tuple(found)


def _read_price(reading: Reading) -> UnitPrice:
    prices = []
    for code, text in reading.rows("prices"):
        sku_id = reading.sku("prices", code)
        line = Form({"price": text})
        minor = take_amount(line, "price", reading.currency, wrong="wrong", positive=False)
        if line.errors:
            reading.wrong("prices", _("Please write a SKU and its price on each line."))
        elif sku_id:
            prices.append(SkuPrice(sku_id, minor))
    assert reading.kind.source is not None, "kinds that write a price say which"
    benefit = UnitPrice(
        reading.kind.source,
        tuple(prices),
        reading.percent("percent"),
    )
    if reading.kind.code != "group":
        return benefit
    people, hours = _bounded(reading, "people", 1000, 2), _bounded(reading, "hours", 720)
    return msgspec.structs.replace(benefit, people=people, hours=hours)


def note_faults(desk: Desk, form: Form, faults: tuple[RuleFault, ...]) -> None:
    """Put what is wrong with the terms at its fields, in words."""
    for fault in faults:
        field = FAULT_FIELDS.get(fault.field, fault.field)
        if field == "prices" and "prices" not in form.values:
            field = "percent"
        text = desk.say(fault.message, **fault.data)
        known = field in form.values or field.startswith("tier_")
        key = field if known else ""
        form.errors[key] = f"{form.errors[key]} {text}" if key in form.errors else text
