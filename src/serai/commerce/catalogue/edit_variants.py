"""A product's versions: its options, the variants of their combinations, how each is measured, and its barcodes.

Every change locks the product's row first and raises its version, so that two editors meet there and nowhere else.
"""

from collections.abc import Sequence
from itertools import product as combine
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.catalogue import store, write_variants
from serai.commerce.catalogue.add_products import index_product
from serai.commerce.catalogue.edit_product import check_price, lock_version
from serai.commerce.catalogue.events import ProductChanged
from serai.commerce.catalogue.give_barcodes import give_barcode, list_barcodes, list_codes, replace_gtin
from serai.commerce.catalogue.load_product import find_category, load_product, load_variant
from serai.commerce.catalogue.logic import parse_content
from serai.commerce.catalogue.parse_barcode import parse_gtin, read_house_code
from serai.commerce.catalogue.types import NewVariant, Product, ProductOption, Variant, VariantEdit
from serai.commerce.search import api as search
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import new_id
from serai.identity.audit import api as audit
from serai.ledger import api as ledger

MAX_OPTIONS = 3
MAX_VALUES = 50
MAX_VARIANTS = 100
SCALES = {"pc": (0, 0), "kg": (1, 3), "l": (1, 3), "m": (1, 3)}


async def set_options(
    tx: Transaction, *, product_id: UUID, version: int, options: Sequence[ProductOption], by: str
) -> Product:
    """Say what a product's variants differ in. A first option is taken on by the variants that are there: the first
    variant gets the first values; later only names, values that nobody uses and new values may change.

    Raises:
        NotFound: ``product.unknown``; Conflict: ``product.edited_meanwhile``, ``product.value_in_use``.
        Invalid: ``product.option_invalid``, ``product.too_many_variants``.
    """
    product = await lock_version(tx, product_id, version)
    tidy = [_tidy_option(option) for option in options]
    _check_options(tidy)
    for variant in product.variants:
        choices = _carry_choices(variant, product.options, tidy)
        if choices != variant.choices:
            await _write(tx, msgspec.structs.replace(variant, choices=choices, option=" / ".join(choices)))
    await write_variants.update_options(tx, product_id, [msgspec.to_builtins(option) for option in tidy])
    return await _finish(
        tx,
        product_id,
        by,
        "product.options_changed",
        before=msgspec.to_builtins(product.options),
        after=msgspec.to_builtins(tidy),
    )


def _tidy_option(option: ProductOption) -> ProductOption:
    values = tuple(" ".join(value.split()) for value in option.values)
    return ProductOption(" ".join(option.name.split()), values, option.translations)


def _check_options(options: Sequence[ProductOption]) -> None:
    names = [option.name.casefold() for option in options]
    wrong = len(options) > MAX_OPTIONS or len(set(names)) != len(names)
    combinations = 1
    for option in options:
        combinations *= max(1, len(option.values))
        folded = {value.casefold() for value in option.values}
        wrong |= not option.name or len(option.name) > 40 or not option.values
        wrong |= len(folded) != len(option.values) or len(option.values) > MAX_VALUES
        wrong |= any(not value or len(value) > 40 for value in option.values)
    if wrong:
        raise Invalid(
            "product.option_invalid",
            _(
                "Please give at most %(most)s options, each with a name and different values of up to 40 characters."
            ),
            field="options",
            most=MAX_OPTIONS,
        )
    if combinations > MAX_VARIANTS:
        raise Invalid(
            "product.too_many_variants",
            _("That makes %(count)s variants; a product has at most %(most)s."),
            field="options",
            count=combinations,
            most=MAX_VARIANTS,
        )


def _carry_choices(
    variant: Variant, before: Sequence[ProductOption], after: Sequence[ProductOption]
) -> tuple[str, ...]:
    """A variant's choices under changed options: options keep their place, new ones start at their first value."""
    choices = []
    for place, option in enumerate(after):
        chosen = variant.choices[place] if place < len(before) and place < len(variant.choices) else None
        if chosen is None:
            chosen = option.values[0]
        elif chosen not in option.values:
            raise Conflict(
                "product.value_in_use",
                _("“%(value)s” cannot go: the variant %(sku)s has it."),
                field="options",
                value=chosen,
                sku=variant.sku,
            )
        choices.append(chosen)
    return tuple(choices)


async def _write(tx: Transaction, variant: Variant, position: int | None = None) -> None:
    place = position
    if place is None:
        place = await store.find_position(tx, variant.sku_id)
    await write_variants.update_variant(
        tx,
        variant.sku_id,
        (
            variant.option,
            list(variant.choices),
            variant.content_text,
            variant.content_amount,
            variant.content_unit,
            variant.scale,
            variant.unit,
            variant.increment,
            variant.active,
            place,
        ),
    )


async def _finish(
    tx: Transaction, product_id: UUID, by: str, action: str, *, before: Any, after: Any
) -> Product:
    """Index the product by all its codes, raise its version, tell and record."""
    product = await load_product(tx, product_id=product_id)
    barcodes = await list_barcodes(tx, sku_ids=[v.sku_id for v in product.variants])
    entry = index_product(
        tx.merchant_id,
        title=product.title,
        translations=product.translations,
        brand=product.brand,
        description=product.description,
        codes=list_codes(product.variants, barcodes),
        content=product.variants[0].content_text if product.variants else None,
        category=await find_category(tx, category_id=product.category_id),
    )
    await search.write_entries(tx, product_ids=[product_id], documents=[entry], brands=[product.brand])
    await store.raise_version(tx, product_id)
    await append_facts(tx, [Fact(product_id, ProductChanged(product_id, "edited"))])
    await audit.record(
        tx,
        actor=by,
        action=action,
        subject_kind="product",
        subject_id=product_id,
        before={"is": before},
        after={"is": after},
    )
    return await load_product(tx, product_id=product_id)


async def add_variants(
    tx: Transaction, *, product_id: UUID, version: int, variants: Sequence[NewVariant], by: str
) -> Product:
    """Add variants with their first prices.

    Raises:
        NotFound: ``product.unknown``. Conflict: ``product.edited_meanwhile``, ``product.sku_taken``,
            ``product.choices_taken``, ``product.barcode_taken``.
        Invalid: ``product.choices_invalid``, ``product.too_many_variants``, ``product.sku_missing``,
            ``product.price_invalid``, ``product.gtin_invalid``, ``product.measure_invalid``.
    """
    product = await lock_version(tx, product_id, version)
    if len(product.variants) + len(variants) > MAX_VARIANTS:
        raise Invalid(
            "product.too_many_variants",
            _("That makes %(count)s variants; a product has at most %(most)s."),
            count=len(product.variants) + len(variants),
            most=MAX_VARIANTS,
        )
    taken = {variant.choices for variant in product.variants}
    for new in variants:
        choices = tuple(new.choices)
        check_choices(product, choices)
        if choices in taken:
            raise Conflict(
                "product.choices_taken",
                _("There is a variant “%(choices)s” already."),
                choices=" / ".join(choices),
            )
        taken.add(choices)
        await _add_variant(tx, product, new, by)
    return await _finish(
        tx, product_id, by, "product.variants_added", before=None, after=[new.sku for new in variants]
    )


async def _add_variant(tx: Transaction, product: Product, new: NewVariant, by: str) -> None:
    sku = " ".join(new.sku.split())
    if not sku or len(sku) > 60:
        raise Invalid("product.sku_missing", _("Please give a SKU of at most 60 characters."), field="sku")
    check_price(new.price_minor)
    check_measure(new.unit, new.scale, new.increment)
    content = parse_content(new.content_text)
    sku_id = new_id()
    parts = (content.text, content.amount, content.unit) if content else (None, None, None)
    currency = product.variants[0].currency if product.variants else new.currency
    made = await write_variants.insert_variant(
        tx,
        (
            sku_id,
            product.product_id,
            sku,
            " / ".join(new.choices),
            list(new.choices),
            currency,
            new.price_minor,
            *parts,
            new.scale,
            new.unit,
            new.increment,
        ),
    )
    if not made:
        raise Conflict("product.sku_taken", _("Another product has this SKU already."), field="sku", sku=sku)
    if new.price_minor is not None:
        await store.insert_prices(
            tx,
            ([new_id()], [sku_id], [currency], [new.price_minor], [clock.now()], ["first price"], [by]),
        )
    if new.gtin:
        await write_variants.update_gtin(tx, sku_id, new.gtin)
        await give_barcode(tx, sku_id=sku_id, gtin=new.gtin, by=by)


def check_choices(product: Product, choices: tuple[str, ...]) -> None:
    """Invalid ``product.choices_invalid`` unless there is one known value for each option."""
    if len(choices) != len(product.options) or any(
        choice not in option.values for choice, option in zip(choices, product.options, strict=True)
    ):
        raise Invalid(
            "product.choices_invalid",
            _("Please choose one value of each option: %(options)s."),
            field="choices",
            options=", ".join(option.name for option in product.options) or "-",
        )


def check_measure(unit: str, scale: int, increment: int) -> None:
    """Invalid ``product.measure_invalid`` unless the scale fits the unit: pieces are whole, the rest has 1 to 3 digits."""
    low, high = SCALES.get(unit, (1, 0))
    if not low <= scale <= high or not 1 <= increment <= 1_000_000:
        raise Invalid(
            "product.measure_invalid",
            _("Pieces are sold whole; kg, l and m with one to three decimals, in steps of at least one."),
            field="unit",
        )


async def fill_matrix(
    tx: Transaction, *, product_id: UUID, version: int, by: str, price_minor: int | None
) -> Product:
    """Add a variant for every combination of values that has none, with SKUs made from the first one's."""
    product = await load_product(tx, product_id=product_id)
    if not product.options or not product.variants:
        return product
    first = product.variants[0]
    have = {variant.choices for variant in product.variants}
    missing = [c for c in combine(*(option.values for option in product.options)) if c not in have]
    if not missing:
        return product
    new = [
        NewVariant(
            sku=_make_sku(first.sku, choices),
            choices=choices,
            price_minor=first.price_minor if price_minor is None else price_minor,
            currency=first.currency,
            content_text=first.content_text or "",
            unit=first.unit,
            scale=first.scale,
            increment=first.increment,
        )
        for choices in missing
    ]
    return await add_variants(tx, product_id=product_id, version=version, variants=new, by=by)


def _make_sku(base: str, choices: tuple[str, ...]) -> str:
    """``TEE`` and (``Dark red``, ``L``) give ``TEE-DARKRED-L``; too long a name is cut, the end kept whole."""
    end = "-".join("".join(c for c in choice.upper() if c.isalnum())[:12] for choice in choices)
    return f"{base[: max(1, 59 - len(end))]}-{end}"[:60]


async def edit_variant(tx: Transaction, *, sku_id: UUID, version: int, edit: VariantEdit, by: str) -> Product:
    """Change what is given of a variant (None leaves it). ``version`` is that of its product.

    Raises:
        NotFound: ``product.unknown``. Conflict: ``product.edited_meanwhile``, ``product.choices_taken``,
            ``product.barcode_taken``, ``product.measure_in_use``.
        Invalid: what :func:`add_variants` raises.
    """
    product = await lock_version(tx, (await load_variant(tx, sku_id=sku_id)).product_id, version)
    before = next(variant for variant in product.variants if variant.sku_id == sku_id)
    after = await _apply(tx, product, before, edit)
    await _write(tx, after, edit.position)
    if edit.gtin is not None and edit.gtin != (before.gtin or ""):
        await replace_gtin(tx, variant=before, gtin=edit.gtin, by=by)
    return await _finish(
        tx,
        product.product_id,
        by,
        "product.variant_edited",
        before=msgspec.to_builtins(before),
        after={name: value for name, value in msgspec.to_builtins(edit).items() if value is not None},
    )


async def _apply(tx: Transaction, product: Product, before: Variant, edit: VariantEdit) -> Variant:
    after = before
    if edit.choices is not None and tuple(edit.choices) != before.choices:
        choices = tuple(edit.choices)
        check_choices(product, choices)
        if any(v.choices == choices for v in product.variants):
            raise Conflict(
                "product.choices_taken",
                _("There is a variant “%(choices)s” already."),
                choices=" / ".join(choices),
            )
        after = msgspec.structs.replace(after, choices=choices, option=" / ".join(choices))
    if edit.content_text is not None:
        content = parse_content(edit.content_text)
        parts = (content.text, content.amount, content.unit) if content else (None, None, None)
        after = msgspec.structs.replace(
            after, content_text=parts[0], content_amount=parts[1], content_unit=parts[2]
        )
    if edit.active is not None:
        after = msgspec.structs.replace(after, active=edit.active)
    measure = (
        before.unit if edit.unit is None else edit.unit,
        before.scale if edit.scale is None else edit.scale,
        before.increment if edit.increment is None else edit.increment,
    )
    check_measure(*measure)
    if measure[:2] != (before.unit, before.scale) and await _has_stock_book(tx, before.sku_id):
        raise Conflict(
            "product.measure_in_use",
            _("Stock of this variant is counted already; how it is measured cannot change any more."),
            field="unit",
        )
    return msgspec.structs.replace(after, unit=measure[0], scale=measure[1], increment=measure[2])


async def _has_stock_book(tx: Transaction, sku_id: UUID) -> bool:
    """Whether a step of this SKU was ever counted: from then on a step has to mean the same."""
    return bool(await ledger.list_subject_balances(tx, kind="stock", subject_ids=[sku_id]))


async def add_barcode(tx: Transaction, *, sku_id: UUID, gtin: str, by: str) -> Product:
    """One more code for a variant, with audit. Raises what :func:`give_barcode` raises, NotFound ``product.unknown``."""
    variant = await load_variant(tx, sku_id=sku_id)
    await store.lock_product(tx, variant.product_id)
    code = await give_barcode(tx, sku_id=sku_id, gtin=gtin, by=by)
    if variant.gtin is None and read_house_code(code.gtin) is None:
        await write_variants.update_gtin(tx, sku_id, gtin.replace(" ", "").replace("-", ""))
    return await _finish(tx, variant.product_id, by, "product.barcode_added", before=None, after=code.gtin)


async def remove_barcode(tx: Transaction, *, sku_id: UUID, gtin: str, by: str) -> Product:
    """Take a code off a variant. NotFound ``product.barcode_unknown``."""
    variant = await load_variant(tx, sku_id=sku_id)
    await store.lock_product(tx, variant.product_id)
    code = parse_gtin(gtin)
    house = read_house_code(code)
    code = house.gtin if house else code
    if not await write_variants.delete_barcode(tx, code, sku_id):
        raise NotFound("product.barcode_unknown", _("The variant does not have this barcode."))
    if variant.gtin and variant.gtin.rjust(14, "0") == code:
        await write_variants.update_gtin(tx, sku_id, None)
    return await _finish(tx, variant.product_id, by, "product.barcode_removed", before=code, after=None)
