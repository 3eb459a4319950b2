"""JSON API of photographs, and the address under which their sizes are served."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath, JSONBody, MultipartBody
from msgspec import Meta

from serai.commerce.call.api import API, Asked, answer_in_transaction, recognise_caller
from serai.commerce.media import api
from serai.commerce.media.types import Photo
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, NotFound, _

# The size of a photograph is a setting with its own refusal; this bounds what is read at all.
UPLOAD_BYTES = 101_000_000


class PhotoUpload(msgspec.Struct, frozen=True):
    """A JPEG, PNG, WebP or AVIF picture as ``file``, and what it shows as ``alt``."""

    file: UploadFile
    alt: str = ""


class PhotoEdit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change: what the photograph shows, or its place among the product's (0 first)."""

    alt: Annotated[str, Meta(max_length=api.MAX_ALT)] | None = None
    position: Annotated[int, Meta(ge=0, le=1000)] | None = None


@get(f"{API}/products/{{product_id:uuid}}/media", tags=["media"])
async def get_photos(request: Asked, product_id: FromPath[UUID]) -> list[Photo]:
    """A product's photographs in their order; each is served at ``/media/<digest>-<thumb|card|large>.webp``."""
    caller = await recognise_caller(request, "catalogue:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return (await api.list_photos(tx, product_ids=[product_id]))[product_id]


@post(f"{API}/products/{{product_id:uuid}}/media", tags=["media"], request_max_body_size=UPLOAD_BYTES)
async def post_photo(
    request: Asked, product_id: FromPath[UUID], data: MultipartBody[PhotoUpload]
) -> Response[Photo]:
    """Upload a photograph. Its sizes are made at once; what is no whole picture is refused and not kept."""
    caller = await recognise_caller(request, "product:write")
    settings = caller.commerce.settings
    limit = settings.media_file_mb * 1_000_000
    content = await data.file.read(limit + 1)
    picture = await api.check_upload(
        content,
        said_type=data.file.content_type or "",
        file_name=data.file.filename or "",
        settings=settings,
    )
    await api.store_picture(caller.commerce.blobs, caller.merchant_id, picture)
    body = {"digest": picture.digest, "alt": data.alt}

    async def effect(tx: Transaction) -> Photo:
        return await api.add_photo(tx, product_id=product_id, picture=picture, alt=data.alt, by=caller.actor)

    return await answer_in_transaction(request, caller, "photo", body, effect, status=201)


@patch(f"{API}/media/{{media_id:uuid}}", tags=["media"])
async def patch_photo(request: Asked, media_id: FromPath[UUID], data: JSONBody[PhotoEdit]) -> Response[Photo]:
    """Describe a photograph, or put it at another place."""
    caller = await recognise_caller(request, "product:write")
    if data.alt is None and data.position is None:
        raise Invalid("media.nothing_to_change", _("Please say what to change."))

    async def effect(tx: Transaction) -> Photo:
        photo: Photo | None = None
        if data.alt is not None:
            photo = await api.describe_photo(tx, media_id=media_id, alt=data.alt, by=caller.actor)
        if data.position is not None:
            order = await api.move_photo(tx, media_id=media_id, position=data.position, by=caller.actor)
            photo = next(p for p in order if p.media_id == media_id)
        assert photo is not None, "one of the two was given"
        return photo

    return await answer_in_transaction(request, caller, "photo.edit", data, effect)


@delete(f"{API}/media/{{media_id:uuid}}", tags=["media"], status_code=200)
async def delete_photo(request: Asked, media_id: FromPath[UUID]) -> Response[Photo]:
    """Take a photograph off its product; it can be brought back for a day."""
    caller = await recognise_caller(request, "product:write")

    async def effect(tx: Transaction) -> Photo:
        return await api.delete_photo(tx, media_id=media_id, by=caller.actor)

    return await answer_in_transaction(request, caller, "photo.delete", {}, effect)


@post(f"{API}/media/{{media_id:uuid}}/restore", tags=["media"])
async def restore_photo(request: Asked, media_id: FromPath[UUID]) -> Response[Photo]:
    """Bring a deleted photograph back."""
    caller = await recognise_caller(request, "product:write")

    async def effect(tx: Transaction) -> Photo:
        return await api.restore_photo(tx, media_id=media_id, by=caller.actor)

    return await answer_in_transaction(request, caller, "photo.restore", {}, effect, status=200)


@get("/media/{file_name:str}", include_in_schema=False)
async def serve_photo(request: Asked, file_name: FromPath[str]) -> Response[bytes]:
    """One size of a photograph; its address names its content, so it may be kept for ever.

    A market shows those of its shops: there the address begins with the id of the shop that serves it too.
    """
    merchant = request.scope["state"]["merchant"]
    merchant_id, own_name = merchant.merchant_id, file_name
    if merchant.kind == "market":
        shop, _line, own_name = file_name.partition("_")
        merchant_id = read_shop(shop)
    content = await api.read_size(request.app.state.commerce.blobs, merchant_id, own_name)
    if content is None:
        raise NotFound("media.unknown", _("There is no such photograph."))
    return Response(
        content,
        media_type="image/webp",
        headers={
            "cache-control": "public, max-age=31536000, immutable",
            "content-security-policy": "default-src 'none'",
        },
    )


def read_shop(text: str) -> UUID:
    """The id of a shop out of an address. NotFound ``media.unknown`` for anything else."""
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("media.unknown", _("There is no such photograph.")) from error


HANDLERS = [get_photos, post_photo, patch_photo, delete_photo, restore_photo, serve_photo]
