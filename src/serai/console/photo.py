"""A product's photographs: uploaded, described, ordered, deleted and brought back."""

from typing import Any

from litestar import Request, Response, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath

from serai.commerce.catalogue.api import load_product
from serai.commerce.media import api as media
from serai.console.desk import AtDesk, Desk, not_found
from serai.console.form import Form, parse_uuid, read_form
from serai.console.product import PATH, show_details
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, Refused, _

AnyRequest = Request[Any, Any, Any]
UPLOAD_BYTES = 101_000_000
MAX_FILES = 12
STEPS = {"earlier": -1, "later": 1}


@post("/products/{product_id:str}/photos", status_code=200, request_max_body_size=UPLOAD_BYTES)
async def upload_photos(request: AnyRequest, desk: AtDesk, product_id: FromPath[str]) -> Response[Any]:
    """Take one or several pictures. Those that are refused are told by name; the good ones are kept."""
    desk.require("product.write")
    sent = await request.form()
    form = read_form("photo", sent)
    files = [file for file in sent.getall("file", []) if isinstance(file, UploadFile) and file.filename]
    wanted = parse_uuid(product_id)
    if wanted is None:
        raise not_found()
    problems = []
    if not files:
        problems.append(desk.say(_("Please choose a picture.")))
    for file in files[:MAX_FILES]:
        try:
            await _keep(desk, product_id, form, file)
        except Refused as error:
            problems.append(f"{file.filename[:80]}: {desk.explain(error)}")
    if len(files) > MAX_FILES:
        problems.append(
            desk.say(_("At most %(most)s pictures at once; the others were left out."), most=MAX_FILES)
        )
    if problems:
        form.errors["file"] = " ".join(problems)
        return await show_details(desk, product_id, photo_form=form, status_code=422)
    return _back(desk, product_id, _("The photographs are in."))


async def _keep(desk: Desk, product_id: str, form: Form, file: UploadFile) -> None:
    settings = desk.commerce.settings
    wanted = parse_uuid(product_id)
    if wanted is None:
        raise not_found()
    content = await file.read(settings.media_file_mb * 1_000_000 + 1)
    picture = await media.check_upload(
        content, said_type=file.content_type or "", file_name=file.filename or "", settings=settings
    )
    async with desk.reading() as tx:
        await load_product(tx, product_id=wanted)
    await media.store_picture(desk.commerce.blobs, desk.merchant_id, picture)
    async with desk.db.transaction(desk.merchant_id) as tx:
        await media.add_photo(
            tx, product_id=wanted, picture=picture, alt=form.values.get("alt", ""), by=desk.by
        )


def _back(desk: Desk, product_id: str, message: str) -> Response[Any]:
    return desk.go(f"{PATH}/{product_id}#photos", message)


@post("/products/{product_id:str}/photos/{media_id:str}", status_code=200)
async def edit_photo(
    request: AnyRequest, desk: AtDesk, product_id: FromPath[str], media_id: FromPath[str]
) -> Response[Any]:
    """Describe, move, delete or bring back one photograph; the button that was pressed says which."""
    desk.require("product.write")
    form = read_form("photo", await request.form())
    photo_id, owner_id = parse_uuid(media_id), parse_uuid(product_id)
    if photo_id is None or owner_id is None:
        raise not_found()
    one: dict[str, Any] = {"media_id": photo_id, "product_id": owner_id, "by": desk.by}
    what = form.values.get("what", "")

    async def effect(tx: Transaction) -> str:
        if what in STEPS:
            order = (await media.list_photos(tx, product_ids=[owner_id]))[owner_id]
            places = [photo.media_id for photo in order]
            if photo_id in places:
                await media.move_photo(tx, position=max(0, places.index(photo_id) + STEPS[what]), **one)
            return _("The order has changed.")
        if what == "delete":
            await media.delete_photo(tx, **one)
            return _("The photograph is deleted. For a day you can bring it back.")
        if what == "restore":
            await media.restore_photo(tx, **one)
            return _("The photograph is back.")
        if what != "describe":
            raise Invalid("media.nothing_to_change", _("Please say what to change."))
        await media.describe_photo(tx, alt=form.values.get("alt", ""), **one)
        return _("Saved.")

    try:
        async with desk.db.transaction(desk.merchant_id) as tx:
            message = await effect(tx)
    except Invalid as error:
        form.errors["file"] = desk.explain(error)
        return await show_details(desk, product_id, photo_form=form, status_code=error.status)
    return _back(desk, product_id, message)
