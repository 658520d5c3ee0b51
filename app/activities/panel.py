"""The timeline of a record with its panel to log on, as pages of any room show it.

feed = feed_of(session, actor, lead)          # in the view, with a record that the actor may read
{% include "activities/_feed.html" %}         # in the page
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import g, request, url_for
from sqlalchemy.orm import Session

from app.activities.comments import company_to_write_with
from app.activities.fields import KINDS
from app.activities.forms import ActivityForm, CommentForm
from app.activities.people import PersonNamed, colleagues_of, contacts_to_pick
from app.activities.places import Record, place_of
from app.activities.queries import planned, timeline
from app.activities.words import TimelineRow
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.sharing.levels import find_level

SHORT, LONG = 15, 50


@dataclass(frozen=True, slots=True)
class Conversation:
    """Where one writes to the other side of a lead.

    other: what that is called.  vendor, partner: who reads it.
    """

    url: str
    other: str
    vendor: str
    partner: str
    form: CommentForm


@dataclass(frozen=True, slots=True)
class Feed:
    """What `activities/_feed.html` shows.

    log_url: where the panel posts, "" for people who may not log.  older_url: the next page, "" at the end.
    fresh: public name of the activity just logged, which takes the focus.  audit_url: the record's part of the
    audit log, "" for people who may not read it.  contacts, colleagues: whom the panel offers to pick.
    me: public name of the reader.  conversation: None where nobody is on the other side, or one may not write.
    """

    planned: Sequence[TimelineRow]
    rows: Sequence[TimelineRow]
    form: ActivityForm
    log_url: str
    older_url: str
    fresh: str = ""
    audit_url: str = ""
    contacts: Sequence[PersonNamed] = ()
    colleagues: Sequence[PersonNamed] = ()
    me: str = ""
    conversation: Conversation | None = None
    icons: Mapping[str, str] = field(
        default_factory=lambda: {kind.value: words.icon for kind, words in KINDS.items()}
    )


def feed_of(
    session: Session,
    actor: Actor,
    record: Record,
    *,
    form: ActivityForm | None = None,
    comment: CommentForm | None = None,
    fresh: str = "",
    cursor: str | None = None,
    limit: int = SHORT,
    given: Level | None = None,
) -> Feed:
    """The feed of a record that the actor may read.  A number of statements that no number of rows changes.

    given: the actor's level of the record, where it is known already.
    Without a form, `?with=` of the address picks whom a call was with, and `?log=` its kind.
    """
    where = log_url(session, actor, record, given)
    page = timeline(session, actor, record, cursor=cursor, limit=limit)
    return Feed(
        planned=[] if cursor else planned(session, actor, record),
        rows=page.items,
        form=form or _form_asked_for(),
        log_url=where,
        contacts=contacts_to_pick(session, actor, record) if where else (),
        colleagues=colleagues_of(session, actor.company_id) if where else (),
        me=actor.ref,
        conversation=_conversation(session, actor, record, comment) if where and not cursor else None,
        older_url=timeline_url(record, page.older) if page.older else "",
        fresh=fresh,
        audit_url=url_for("audit.index", record=record.ref) if actor.can(Permission.EVENT_VIEW) else "",
    )


def _conversation(
    session: Session, actor: Actor, record: Record, form: CommentForm | None
) -> Conversation | None:
    company = company_to_write_with(session, actor, record)
    if company is None:
        return None
    vendor = g.organisation.name
    return Conversation(
        url_for("activities.comment_on_lead", lead_ref=record.ref),
        vendor if actor.is_partner else company.name,
        vendor,
        company.name,
        form or CommentForm(formdata=None, data={"company": company.ref}),
    )


def _form_asked_for() -> ActivityForm:
    given: dict[str, Any] = {"people": request.args.getlist("with")}
    if request.args.get("log") in {kind.value for kind in KINDS}:
        given["kind"] = request.args["log"]
    return ActivityForm(formdata=None, data=given)


def log_url(session: Session, actor: Actor, record: Record, given: Level | None = None) -> str:
    """Where to log on the record that the actor reads, "" where `require_logging` would refuse it."""
    if not actor.can(Permission.ACTIVITY_LOG) or place_of(record).is_closed(record):
        return ""
    if actor.is_partner and (given or find_level(session, actor, record) or Level.PREVIEW) < Level.EDIT:
        return ""
    kind, named = _place(record)
    return url_for(f"activities.log_on_{kind}", **named)


def timeline_url(record: Record, cursor: str | None = None) -> str:
    """The page of everything that happened to the record."""
    kind, named = _place(record)
    return url_for(f"activities.of_{kind}", cursor=cursor, **named)


def record_url(record: Record) -> str:
    """The record's own page."""
    kind, named = _place(record)
    return url_for(f"{refs.room_of(kind)}.show", **named)


def _place(record: Record) -> tuple[str, dict[str, Any]]:
    kind = record.__tablename__
    return kind, {f"{kind}_ref": record.ref}
