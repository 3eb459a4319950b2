"""The audit log: who changed what, when, and what it was before."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, get

from serai.commerce.catalogue.api import list_categories
from serai.commerce.place.api import list_places
from serai.console.desk import AtDesk, Desk, link
from serai.console.form import parse_uuid
from serai.foundation.errors import Invalid, _
from serai.foundation.money import format_money
from serai.identity.audit.api import list_entries
from serai.identity.audit.types import AuditEntry
from serai.identity.staff.api import list_staff

PATH = "/console/audit"
PAGE_SIZE = 50
# An action that is not listed is shown by its code: a new one is legible before it has words.
ACTIONS = {
    "apikey.created": _("API key created"),
    "apikey.revoked": _("API key revoked"),
    "attribute.deleted": _("Attribute deleted"),
    "attribute.saved": _("Attribute defined"),
    "bundle.changed": _("Bundle changed"),
    "category.attributes_changed": _("Attributes of a category changed"),
    "job.dropped": _("Parked work dropped"),
    "job.retried": _("Parked work started again"),
    "merchant.changed": _("Shop settings changed"),
    "order.cancelled": _("Order cancelled"),
    "order.fulfilled": _("Order fulfilled"),
    "order.refunded": _("Refund started"),
    "price.changed": _("Price changed"),
    "product.barcode_added": _("Barcode added"),
    "product.barcode_removed": _("Barcode taken off"),
    "product.channels_changed": _("Channels of a product changed"),
    "product.created": _("Product added"),
    "product.edited": _("Product edited"),
    "product.facts_changed": _("Attributes of a product changed"),
    "product.options_changed": _("Options of a product changed"),
    "product.published": _("Product published"),
    "product.unpublished": _("Product taken out of the shop"),
    "product.variant_edited": _("Variant edited"),
    "product.variants_added": _("Variants added"),
    "products.edited_together": _("Products changed together"),
    "return.approved": _("Return approved"),
    "return.declined": _("Return declined"),
    "return.exchanged": _("Return exchanged"),
    "return.expired": _("Return ended"),
    "return.received": _("Returned goods booked in"),
    "return.refunded": _("Return refunded"),
    "return.reopened": _("Declined return taken up again"),
    "return.requested": _("Return asked for by staff"),
    "return.terms_saved": _("Terms of returns changed"),
    "search.pinned": _("Results pinned"),
    "staff.changed": _("Role or access changed"),
    "staff.invited": _("Staff invited"),
    "staff.passkey_added": _("Passkey made"),
    "retention.applied": _("Old personal data forgotten"),
    "retention.changed": _("Retention of personal data changed"),
    "staff.passkey_removed": _("Passkey removed"),
    "staff.password_changed": _("Password changed"),
    "staff.password_reset": _("New one-time password given"),
    "staff.sign_in_failed": _("Sign-in failed"),
    "staff.signed_in": _("Signed in"),
    "stock.adjusted": _("Stock adjusted"),
    "stock.received": _("Goods received"),
    "stock.transferred": _("Stock transferred"),
    "synonym.set": _("Search words changed"),
    "payway.saved": _("Account at a payment provider saved"),
    "payway.switched": _("Payment provider offered, or no more"),
    "webhook.added": _("Webhook added"),
    "webhook.changed": _("Webhook changed"),
    "webhook.deleted": _("Webhook deleted"),
    "webhook.disabled": _("Webhook switched off after failures"),
    "webhook.parked_resent": _("Parked messages of a webhook sent again"),
    "webhook.paused": _("Webhook paused"),
    "webhook.resent": _("Message of a webhook sent again"),
    "webhook.resumed": _("Webhook resumed"),
    "webhook.secret_rotated": _("New secret of a webhook"),
    "webhook.tested": _("Test message sent to a webhook"),
}
SUBJECTS = {
    "apikey": (_("API key"), "/console/keys"),
    "attribute": (_("Attribute"), "/console/attributes/"),
    "order": (_("Order"), "/console/orders/"),
    "product": (_("Product"), "/console/products/"),
    "sku": (_("Stock"), "/console/stock/"),
    "staff": (_("Staff"), "/console/staff"),
    "webhook": (_("Webhook"), "/console/webhooks/"),
}
FIELDS = {
    "active": _("Active"),
    "amount_minor": _("Amount"),
    "brand": _("Brand"),
    "category_id": _("Category"),
    "content_text": _("Content"),
    "description": _("Description"),
    "email": _("E-mail"),
    "gtin": _("GTIN"),
    "ip": _("IP address"),
    "name": _("Name"),
    "place_ids": _("Place"),
    "price_minor": _("Price"),
    "published": _("In the shop"),
    "quantity": _("Quantity"),
    "reason": _("Reason"),
    "role": _("Role"),
    "scopes": _("Permissions"),
    "sku": _("SKU"),
    "title": _("Title"),
    "tracking": _("Tracking number"),
}


class Change(msgspec.Struct, frozen=True):
    """A field before and after; None on the side where there was nothing to tell."""

    name: str
    before: str | None
    after: str | None


class EntryView(msgspec.Struct, frozen=True):
    """An entry in words."""

    at: datetime
    who: str
    action: str
    subject_kind: str
    subject_id: str
    subject_short: str
    href: str
    changes: list[Change]


@get("/audit")
async def show_audit(desk: AtDesk) -> Response[str]:
    """The log, the newest first, of everybody or somebody, of everything or one subject."""
    desk.require("audit.read")
    actor, subject, cursor = desk.query("actor"), desk.query("subject"), desk.query("cursor")
    before = parse_uuid(cursor) if cursor else None
    if cursor and before is None:
        raise Invalid("list.cursor_invalid", _("This list cannot be continued from there."))
    async with desk.reading() as tx:
        people = await list_staff(tx)
        entries = await list_entries(
            tx, subject_id=subject or None, actor=actor or None, before=before, limit=PAGE_SIZE + 1
        )
        # Ids in the changes are told as names.
        names = {str(place.place_id): place.name for place in await list_places(tx)}
        if any("category_id" in (entry.after or {}) for entry in entries):
            names |= {str(c.category_id): c.label(desk.locale) for c in await list_categories(tx)}
    names |= {person.email: person.name for person in people}
    actors = [(person.email, person.name) for person in people]
    if actor and actor not in {email for email, _name in actors}:
        actors.append((actor, actor))
    shown = entries[:PAGE_SIZE]
    kept = {"actor": actor, "subject": subject}
    return desk.page(
        "audit_list.html",
        "audit",
        desk.say(_("Audit log")),
        entries=[view_entry(desk, entry, names) for entry in shown],
        actor=actor,
        subject=subject,
        actor_choices=actors,
        first_href=link(PATH, **kept) if cursor else "",
        next_href=link(PATH, **kept, cursor=shown[-1].audit_id) if len(entries) > PAGE_SIZE else "",
    )


def view_entry(desk: Desk, entry: AuditEntry, names: Mapping[str, str]) -> EntryView:
    """An entry in the reader's language."""
    label, href = SUBJECTS.get(entry.subject_kind, ("", ""))
    if href.endswith("/"):
        href += entry.subject_id
    subject_short = entry.subject_id if len(entry.subject_id) <= 20 else f"…{entry.subject_id[-8:]}"
    action = ACTIONS.get(entry.action)
    return EntryView(
        entry.at,
        names.get(entry.actor, entry.actor),
        desk.say(action) if action else entry.action,
        desk.say(label) if label else entry.subject_kind,
        entry.subject_id,
        subject_short,
        href,
        list_changes(desk, entry.before or {}, entry.after or {}, names),
    )


def list_changes(
    desk: Desk, before: Mapping[str, Any], after: Mapping[str, Any], known: Mapping[str, str]
) -> list[Change]:
    """What differs, field by field; fields of both sides that are equal are left out. ``known`` names ids."""
    names = [*before, *(name for name in after if name not in before)]
    return [
        Change(
            desk.say(FIELDS[name]) if name in FIELDS else name.replace("_", " "),
            _show_value(desk, name, before[name], known) if name in before else None,
            _show_value(desk, name, after[name], known) if name in after else None,
        )
        for name in names
        if before.get(name) != after.get(name) or (name in before) != (name in after)
    ]


def _show_value(desk: Desk, name: str, value: object, known: Mapping[str, str]) -> str:
    match value:
        case None | "":
            return "–"
        case bool():
            return desk.say(_("yes")) if value else desk.say(_("no"))
        case int() if name.endswith("_minor"):
            return format_money(value, desk.merchant.currency, desk.locale)
        case list():
            return ", ".join(known.get(str(item), str(item)) for item in value)
        case dict():
            return ", ".join(f"{key}: {item}" for key, item in value.items())
        case _:
            return known.get(str(value), str(value)[:300])
