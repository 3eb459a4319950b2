"""How an address is written in the countries that a shop delivers to: which parts, in which order, and their rules."""

import re
from collections.abc import Sequence

import msgspec
from babel import Locale

from serai.foundation.errors import _
from serai.storefront.region import CHINA, UNITED_STATES, label_region


class AddressPart(msgspec.Struct, frozen=True, kw_only=True):
    """One field of an address. ``label``, ``hint`` and ``missing`` are message ids."""

    name: str
    label: str
    missing: str
    autocomplete: str
    inputmode: str = ""
    maxlength: int = 100
    width: str = ""
    hint: str = ""
    is_required: bool = True
    is_choice: bool = False


class Country(msgspec.Struct, frozen=True, kw_only=True):
    """A country's address form. ``postcode`` is what a postal code looks like, ``postcode_words`` says it in words."""

    code: str
    parts: tuple[AddressPart, ...]
    regions: tuple[str, ...] = ()
    postcode: str = r"[A-Za-z0-9][A-Za-z0-9 \-]{1,11}"
    postcode_words: str = _("That does not look like a postal code.")
    is_phone_required: bool = False
    is_largest_first: bool = False

    def list_regions(self, locale: str) -> list[tuple[str, str]]:
        """Code and name of each region, with an empty first choice."""
        return [("", "–")] + [(code, label_region(self.code, code, locale)) for code in self.regions]

    def fits_postcode(self, text: str) -> bool:
        """Whether a postal code could be one of this country."""
        return re.fullmatch(self.postcode, text) is not None


STREET = AddressPart(
    name="line1",
    label=_("Street and number"),
    missing=_("Please write the street and number."),
    autocomplete="address-line1",
)
FLAT = AddressPart(
    name="line2",
    label=_("Flat, floor, building"),
    missing="",
    autocomplete="address-line2",
    is_required=False,
)
CITY = AddressPart(
    name="city", label=_("City"), missing=_("Please write the city."), autocomplete="address-level2"
)

US = Country(
    code="US",
    parts=(
        STREET,
        FLAT,
        msgspec.structs.replace(CITY, width="third"),
        AddressPart(
            name="region",
            label=_("State or territory"),
            missing=_("Please choose the state."),
            autocomplete="address-level1",
            width="third",
            is_choice=True,
        ),
        AddressPart(
            name="postcode",
            label=_("ZIP code"),
            missing=_("Please write the ZIP code."),
            autocomplete="postal-code",
            inputmode="numeric",
            maxlength=10,
            width="third",
        ),
    ),
    regions=tuple(UNITED_STATES),
    postcode=r"[0-9]{5}(-[0-9]{4})?",
    postcode_words=_("A ZIP code has five digits, such as 43004."),
)

CN = Country(
    code="CN",
    parts=(
        AddressPart(
            name="region",
            label=_("Province"),
            missing=_("Please choose the province."),
            autocomplete="address-level1",
            width="third",
            is_choice=True,
        ),
        msgspec.structs.replace(CITY, width="third"),
        AddressPart(
            name="district",
            label=_("District or county"),
            missing=_("Please write the district or county."),
            autocomplete="address-level3",
            width="third",
        ),
        AddressPart(
            name="line1",
            label=_("Street, building and flat"),
            missing=_("Please write the street, building and flat."),
            autocomplete="street-address",
            maxlength=120,
        ),
        AddressPart(
            name="postcode",
            label=_("Postal code"),
            missing="",
            autocomplete="postal-code",
            inputmode="numeric",
            maxlength=6,
            width="third",
            is_required=False,
        ),
    ),
    regions=tuple(CHINA),
    postcode=r"[0-9]{6}",
    postcode_words=_("A postal code in mainland China has six digits."),
    is_phone_required=True,
    is_largest_first=True,
)

ELSEWHERE_PARTS = (
    STREET,
    FLAT,
    AddressPart(
        name="postcode",
        label=_("Postal code"),
        missing=_("Please write the postal code."),
        autocomplete="postal-code",
        maxlength=12,
        width="third",
    ),
    msgspec.structs.replace(CITY, width="third"),
    AddressPart(
        name="region",
        label=_("Region"),
        missing="",
        autocomplete="address-level1",
        width="third",
        is_required=False,
    ),
)

COUNTRIES = {
    country.code: country
    for country in (
        US,
        CN,
        *(Country(code=code, parts=ELSEWHERE_PARTS) for code in ("CA", "GB", "DE", "FR", "AU", "JP", "SG")),
    )
}


def choose_country(code: str | None, locale: str) -> Country:
    """The country of a form, else the one that fits the reader's language."""
    return COUNTRIES.get(code or "") or (CN if locale.startswith("zh") else US)


def list_countries(locale: str) -> list[tuple[str, str]]:
    """Code and name of each country that can be delivered to, in the reader's language."""
    return [(code, name_country(code, locale)) for code in COUNTRIES]


def name_country(code: str, locale: str) -> str:
    """A country's name, its code where nobody knows a name."""
    return str(Locale.parse(locale).territories.get(code, code))


def write_address(parts: dict[str, str], name: str, locale: str) -> list[str]:
    """An address as its country writes it, one line each; a shopper reads it on the order."""
    country = parts.get("country", "")
    region = label_region(country, parts.get("region", ""), locale)
    city, district, postcode = (parts.get(field, "") for field in ("city", "district", "postcode"))
    lines: Sequence[str]
    if country in COUNTRIES and COUNTRIES[country].is_largest_first:
        gap = "" if locale.startswith("zh") else " "
        lines = (gap.join(p for p in (region, city, district) if p), parts.get("line1", ""), postcode)
    elif country == "US":
        lines = (
            parts.get("line1", ""),
            parts.get("line2", ""),
            f"{city}, {parts.get('region', '')} {postcode}",
        )
    else:
        lines = (parts.get("line1", ""), parts.get("line2", ""), f"{postcode} {city}", region)
    return [line.strip() for line in (name, *lines, name_country(country, locale)) if line.strip(" ,")]
