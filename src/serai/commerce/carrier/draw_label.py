"""A label as it is stuck on a parcel: 100 × 150 mm, who gets it, the carrier's number as Code 128. Pure."""

from html import escape

from barcode import Code128
from barcode.writer import SVGWriter

from serai.commerce.carrier.types import Label
from serai.commerce.order.types import Order
from serai.commerce.parcel.types import Parcel

WIDTH_MM, HEIGHT_MM = 100, 150


def draw_label(order: Order, parcel: Parcel, label: Label, *, sender: str) -> str:
    """The label as an SVG document."""
    address = order.address
    rows = [order.name]
    if address is not None:
        rows += [
            address.line1,
            address.line2,
            ", ".join(part for part in (address.district, address.city, address.region) if part),
            " ".join(part for part in (address.postcode, address.country) if part),
        ]
    lines = [row for row in rows if row]
    tracking = label.tracking or ""
    texts = [
        (f'<text x="6" y="12" font-size="7" font-weight="700">{escape(label.carrier.title())}</text>'),
        (
            f'<text x="94" y="12" font-size="9" font-weight="700" text-anchor="end">{escape(label.sort)}</text>'
        ),
        f'<text x="6" y="20" font-size="3.6">{escape(label.service)} · {escape(sender[:60])}</text>',
        '<path d="M4 25h92M4 82h92" stroke="#000" stroke-width=".5"/>',
        *(
            f'<text x="6" y="{35 + n * 8}" font-size="{6 if n == 0 else 5.2}">{escape(row[:40])}</text>'
            for n, row in enumerate(lines)
        ),
        f'<text x="50" y="126" font-size="5" text-anchor="middle" letter-spacing=".6">{escape(tracking)}</text>',
        f'<text x="6" y="142" font-size="4">{escape(order.number)} / {parcel.parcel_no}</text>',
        f'<text x="94" y="142" font-size="4" text-anchor="end">{_weight(parcel)}</text>',
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH_MM}mm" height="{HEIGHT_MM}mm"'
        f' viewBox="0 0 {WIDTH_MM} {HEIGHT_MM}" font-family="Inter, sans-serif">'
        '<rect width="100" height="150" fill="#fff"/>'
        f"{''.join(texts)}{draw_bars(tracking)}</svg>"
    )


def _weight(parcel: Parcel) -> str:
    return f"{parcel.weight_g / 1000:g} kg" if parcel.weight_g else ""


def draw_bars(text: str) -> str:
    """A Code 128 of a text, 84 mm wide and 30 mm high."""
    if not text:
        return ""
    (modules,) = Code128(text, writer=SVGWriter()).build()
    width = 84 / len(modules)
    bars, begin = [], None
    for place, module in enumerate(modules + "0"):
        if module == "1" and begin is None:
            begin = place
        elif module != "1" and begin is not None:
            bars.append(
                f"M{8 + begin * width:.3f} 89h{(place - begin) * width:.3f}v30h-{(place - begin) * width:.3f}z"
            )
            begin = None
    return f'<path d="{"".join(bars)}" fill="#000"/>'
