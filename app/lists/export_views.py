"""Asking for a list as a file, watching it being written, taking it; and the list of such jobs."""

import re
from typing import Any

from flask import Response, abort, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.kernel import clock, labels
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Conflict
from app.lists.catalogue import objects
from app.lists.door import bp, list_url, object_named, params_sent
from app.lists.export_operations import ask_for_export
from app.lists.jobs import cancel_job, file_of
from app.lists.models import JobKind, JobState, ListJob
from app.lists.queries import get_job, jobs_of, refusals_of
from app.lists.standing import has_lost
from app.lists.undo import may_undo
from app.web.access import current_actor, needs
from app.web.htmx import wants_fragment
from app.web.once import once

_TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@bp.post("/<thing>/export")
@needs(Permission.ACCOUNT_EXPORT)
@once
def export(thing: str) -> ResponseReturnValue:
    """Ask for the list as a file; recorded."""
    actor = current_actor()
    object_ = object_named(actor, thing)
    with transaction() as session:
        job = ask_for_export(
            session,
            actor,
            object_,
            params_sent(),
            format_=request.form.get("format", "csv"),
            purpose=request.form.get("purpose", ""),
            headings=request.form.get("headings", ""),
            now=clock.now(),
        )
    return redirect(url_for("lists.show_export", export_ref=job.ref), 303)


@bp.get("/jobs")
@needs(Permission.ACCOUNT_KEEP)
def jobs() -> ResponseReturnValue:
    """The exports and changes of many that the person asked for lately."""
    found = [shown_job(job) for job in jobs_of(db.session(), current_actor())]
    return render_template("lists/jobs.html", jobs=found)


@bp.get("/exports/<ref('exp'):export_ref>")
@needs(Permission.ACCOUNT_EXPORT)
def show_export(export_ref: str) -> ResponseReturnValue:
    """How far an export is; its link once it is there."""
    return job_page(get_job(db.session(), current_actor(), export_ref, kind=JobKind.EXPORT))


@bp.get("/exports/<ref('exp'):export_ref>/file")
@needs(Permission.ACCOUNT_EXPORT)
def download(export_ref: str) -> ResponseReturnValue:
    """The file, for whoever asked for it and as long as it is kept."""
    actor = current_actor()
    return send_export(actor, get_job(db.session(), actor, export_ref, kind=JobKind.EXPORT))


class Withdrawn(Conflict):
    """The person has lost something of what the file may hold."""

    message = _l(
        "What you may see has changed since this file was made, so that it is not given out. Export the list again."
    )


def send_export(actor: Actor, job: ListJob) -> Response:
    """The file of an export as an attachment; 404 while it is not there, or no longer.  Raises NotAllowed, Withdrawn."""
    if not is_kept(job) or not file_of(job).exists():
        abort(404)
    actor.require(objects()[job.object].view)
    actor.require(objects()[job.object].export)
    if not is_downloadable(actor, job):
        raise Withdrawn
    type_, name = _TYPES[job.task["format"]], _file_name(job)
    answer = send_file(file_of(job), type_, as_attachment=True, download_name=name, max_age=0)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _file_name(job: ListJob) -> str:
    """`leads-2026-05-12.csv`: the records as their reader calls them, in signs that every file system takes."""
    called = re.sub(r"\W+", "-", labels.many(job.object)).strip("-") or job.object
    return f"{called}-{job.created_at:%Y-%m-%d}.{job.task['format']}"


def is_downloadable(actor: Actor, job: ListJob) -> bool:
    """Whether the job has a file that the person may take now: they have lost nothing since it was begun."""
    return is_kept(job) and not has_lost(actor, job.task.get("standing"))


def is_kept(job: ListJob) -> bool:
    """Whether the job has a file."""
    in_time = job.expires_at is not None and job.expires_at > clock.now()
    return job.state is JobState.DONE and bool(job.path) and in_time


@bp.post("/jobs/<job_ref>/cancel")
@needs(Permission.ACCOUNT_KEEP)
def cancel(job_ref: str) -> ResponseReturnValue:
    """End a job that has not ended; what was changed stays."""
    actor = current_actor()
    with transaction() as session:
        job = get_job(session, actor, job_ref)
        cancel_job(session, actor, job, now=clock.now())
    return redirect(address_of(job), 303)


def address_of(job: ListJob) -> str:
    """The page of a job."""
    if job.kind is JobKind.EXPORT:
        return url_for("lists.show_export", export_ref=job.ref)
    if job.kind is JobKind.MERGE:
        return url_for("merging.show_merge", merge_ref=job.ref)
    return url_for("lists.show_change", change_ref=job.ref)


def _title(job: ListJob) -> str:
    """What is done, in words."""
    if job.kind is JobKind.MERGE:
        return _("Merge into %(name)s", name=job.task["name"])
    records = labels.many(job.object)
    if job.kind is JobKind.EXPORT:
        return _("Export of %(accounts)s", accounts=records)
    if "of" in job.task:
        return _("Undoing a change of %(accounts)s", accounts=records)
    return _("Change of %(accounts)s", accounts=records)


def shown_job(job: ListJob) -> dict[str, Any]:
    """A job as its page and the list of jobs show it."""
    return {
        "job": job,
        "url": address_of(job),
        "title": _title(job),
        "object": objects()[job.object],
        "is_over": job.state not in (JobState.WAITING, JobState.RUNNING),
        "file_url": url_for("lists.download", export_ref=job.ref)
        if is_downloadable(current_actor(), job)
        else "",
        "is_withdrawn": is_kept(job) and not is_downloadable(current_actor(), job),
    }


def job_page(job: ListJob) -> ResponseReturnValue:
    """The page of a job, or the part of it that asks for itself until the job is over."""
    session = db.session()
    template = "lists/_job.html" if wants_fragment() else "lists/job.html"
    answer: Response = Response(
        render_template(
            template,
            **shown_job(job),
            refusals=refusals_of(session, job),
            list_url=_list_url(job),
            may_undo=may_undo(job, clock.now()),
        )
    )
    answer.headers["Vary"] = "HX-Request"
    return answer


def _list_url(job: ListJob) -> str:
    return list_url(objects()[job.object], {name: list(v) for name, v in job.query.items()})
