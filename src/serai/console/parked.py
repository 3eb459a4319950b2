"""Work that nobody tries any more: letters and other jobs, each with what went wrong; tried again, or given up."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.console.desk import AtDesk, Desk, not_found
from serai.console.form import Form, fill_form, parse_uuid, read_form
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, Refused, _
from serai.foundation.job import count_parked, drop_parked, list_parked, retry_parked
from serai.identity.audit import api as audit

PATH = "/console/parked"
PERMISSION = "settings.write"
SHOWN = 100
MAX_REASON = 300
AnyRequest = Request[Any, Any, Any]


async def _show(
    desk: Desk, *, form: Form | None = None, job_id: str = "", status_code: int = 200
) -> Response[str]:
    async with desk.reading() as tx:
        jobs = await list_parked(tx, limit=SHOWN)
        count = await count_parked(tx)
    return desk.page(
        "parked.html",
        "parked",
        desk.say(_("Parked work")),
        status_code=status_code,
        jobs=jobs,
        count=count,
        drop_form=form,
        drop_id=job_id,
        fresh_form=lambda each: fill_form(f"drop-{each}", reason=""),
    )


@get("/parked")
async def show_parked(desk: AtDesk) -> Response[str]:
    """What is parked, the newest first."""
    desk.require(PERMISSION)
    return await _show(desk)


@post("/parked/{job_id:str}/retry", status_code=303)
async def retry(request: AnyRequest, desk: AtDesk, job_id: FromPath[str]) -> Response[Any]:
    """Let it be tried again from the beginning."""
    desk.require(PERMISSION)
    form, wanted = read_form("retry", await request.form()), parse_uuid(job_id)
    if wanted is None:
        raise not_found()

    async def effect(tx: Transaction) -> dict[str, str]:
        job = await retry_parked(tx, job_id=wanted)
        await audit.record(
            tx,
            actor=desk.by,
            action="job.retried",
            subject_kind="job",
            subject_id=wanted,
            before={"job": job.name, "failed": job.reason},
        )
        return {"job": job.name}

    try:
        await desk.do_once(f"parked.retry.{wanted}", form, effect)
    except Refused as error:
        return desk.go(PATH, error.message, tone="bad", **error.data)
    return desk.go(PATH, _("It is tried again within seconds; if it fails again, it comes back here."))


@post("/parked/{job_id:str}/drop", status_code=200)
async def drop(request: AnyRequest, desk: AtDesk, job_id: FromPath[str]) -> Response[Any]:
    """Give it up for good, with a reason for the log."""
    desk.require(PERMISSION)
    wanted = parse_uuid(job_id)
    if wanted is None:
        raise not_found()
    form = read_form(f"drop-{wanted}", await request.form())
    reason = " ".join(form.values.get("reason", "").split())

    async def effect(tx: Transaction) -> dict[str, str]:
        if not reason or len(reason) > MAX_REASON:
            raise Invalid(
                "job.reason_missing", _("Please say why, in at most %(most)s characters."), most=MAX_REASON
            )
        job = await drop_parked(tx, job_id=wanted)
        await audit.record(
            tx,
            actor=desk.by,
            action="job.dropped",
            subject_kind="job",
            subject_id=wanted,
            before={"job": job.name, "failed": job.reason},
            after={"reason": reason},
        )
        return {"job": job.name}

    try:
        await desk.do_once(f"parked.drop.{wanted}", form, effect)
    except Refused as error:
        if error.code != "job.reason_missing":
            return desk.go(PATH, error.message, tone="bad", **error.data)
        form.errors["reason"] = desk.explain(error)
        return await _show(desk, form=form, job_id=str(wanted), status_code=error.status)
    return desk.go(PATH, _("It is given up; the log keeps your reason."))
