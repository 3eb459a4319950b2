"""Drawn labels instead of photographs, as images that a browser may keep for ever: the address names the drawing."""

import re

from litestar import Response, get
from litestar.params import FromPath

from serai.foundation.errors import NotFound, _
from serai.storefront.label import label_svg

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
YEAR_S = 31_536_000


@get("/label/{motif:str}/{file_name:str}", include_in_schema=False)
async def show_label(motif: FromPath[str], file_name: FromPath[str]) -> Response[str]:
    """The drawing of a motif, varied by a seed such as a product's id."""
    seed, dot, kind = file_name.rpartition(".")
    if not dot or kind != "svg" or not NAME.fullmatch(seed) or not NAME.fullmatch(motif):
        raise NotFound("label.unknown", _("There is no such picture."))
    return Response(
        label_svg(motif, seed),
        media_type="image/svg+xml",
        headers={
            "cache-control": f"public, max-age={YEAR_S}, immutable",
            "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
        },
    )
