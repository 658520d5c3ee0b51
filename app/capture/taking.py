"""What strangers post to a form: made a lead, or put aside until somebody has looked at it.

The same form with the same content within an hour is one lead, also when two come at once or the form is sent
again after an answer was lost: a row with a unique digest is taken before the lead is made, in one transaction.
Nobody is written to: what was typed is an address of whomever.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign
from app.capture.fields import FormField, askable, asked, hideable
from app.capture.models import Cause, LeadForm, LeadFormPost, PostState
from app.events.operations import record
from app.fields.catalogue import catalogue
from app.fields.values import BadValue
from app.identity.queries import get_organisation
from app.intake.take_in import Arrival, take_in
from app.kernel import refs
from app.kernel.actor import Actor, Permission
from app.kernel.db import is_sqlite
from app.kernel.errors import Invalid, NotFound
from app.kernel.fold import email_key, fold, phone_key
from app.leads.models import Lead, LeadSource, LeadStatus, StatusCategory
from app.leads.values import NOBODY, LeadValues, read_field, read_lead_values, reading_for

# Nobody is signed in; the lead is compared with all there are and goes where the rules send it.
_FORM = Actor.system("web form", door="form")
WITHIN = timedelta(hours=1)
KEPT = timedelta(days=30)
PURGED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Post:
    """A post that was read.  typed: field → text, of those that hold something.  cause: why it is trapped."""

    typed: Mapping[str, str]
    values: LeadValues
    cause: Cause | None = None


def find_open_form(session: Session, key: str) -> LeadForm:
    """The form of that key, if it is in use.  Raises NotFound."""
    form = session.scalar(
        select(LeadForm).where(LeadForm.key == key[:40], LeadForm.is_active, LeadForm.deleted_at.is_(None))
    )
    if form is None:
        raise NotFound("lead form", key)
    return form


def asked_by(session: Session, form: LeadForm) -> list[FormField]:
    """What the form asks now, in the language of the moment."""
    strict = get_organisation(session).strict_capture
    return asked(form.fields, askable(catalogue(session).active("lead")), strict=strict)


def read_post(
    session: Session, fields: Sequence[FormField], typed: Mapping[str, str], cause: Cause | None = None
) -> Post:
    """What came, typed as the fields are.  typed: field → text; what the form does not ask is not looked at.

    Raises Invalid by field: what is missing or malformed.
    """
    given = {field.name: typed.get(field.name, "") for field in fields}
    reading = reading_for(session, _FORM, zone=ZoneInfo(get_organisation(session).time_zone))
    errors: dict[str, list[Any]] = {}
    values = LeadValues()
    for field in fields:
        try:
            values.fields |= read_lead_values({field.name: given[field.name]}, reading).fields
        except Invalid as error:
            errors |= error.errors
            continue
        if field.is_required and values.fields.get(field.name) in (None, False):
            errors[field.name] = [_l("This is required.")]
    if not errors and not values.identifies:
        errors[""] = [NOBODY]
    if errors:
        raise Invalid(errors)
    return Post({name: text for name, text in given.items() if text.strip()}, values, cause)


def take_post(session: Session, form: LeadForm, post: Post, *, now: datetime) -> Lead | None:
    """Make a lead of it; None where it was trapped, or has come within the hour already.

    Writes the post, and the lead with all that comes with one: assignment, events, notifications.  Does not
    commit.  Raises what `take_in` raises.
    """
    state = PostState.TRAPPED if post.cause else PostState.TAKEN
    if not _hold(session, form, post, state, now) or state is PostState.TRAPPED:
        return None
    return _make_lead(session, form, post.typed, now=now)


def release_posts(
    session: Session, actor: Actor, wanted: Sequence[str], *, now: datetime
) -> tuple[int, Sequence[str]]:
    """Make leads of trapped posts, as if they had just come; (how many, texts of those that cannot be taken).

    A post whose content has come otherwise within the hour makes no second lead.  Two people may press the
    button together: each post is taken out of the quarantine once.  Writes events; does not commit.
    Raises NotAllowed.
    """
    actor.require(Permission.LEAD_FORM_MANAGE)
    made = 0
    refused: list[str] = []
    for post, form in _trapped(session, wanted):
        if not _take_out(session, post):
            continue
        try:
            with session.begin_nested():
                whole = Post(post.values, LeadValues())
                if _hold(session, form, whole, PostState.TAKEN, now):
                    _make_lead(session, form, post.values, arrived_at=post.at, now=now)
                    made += 1
        except Invalid as error:
            refused.extend(str(m) for messages in error.errors.values() for m in messages)
            _put_back(session, post)
            continue
        record(session, actor, verb="post_released", subject=form, at=now)
    return made, refused


def discard_posts(session: Session, actor: Actor, wanted: Sequence[str], *, now: datetime) -> int:
    """Delete trapped posts for good; how many.  Writes one event for each form.  Raises NotAllowed."""
    actor.require(Permission.LEAD_FORM_MANAGE)
    gone: dict[int, tuple[LeadForm, int]] = {}
    for post, form in _trapped(session, wanted):
        if _take_out(session, post):
            gone[form.id] = form, gone.get(form.id, (form, 0))[1] + 1
    for form, count in gone.values():
        record(session, actor, verb="posts_discarded", subject=form, at=now, detail={"count": count})
    return sum(count for _form, count in gone.values())


def purge_posts(session: Session, *, now: datetime) -> int:
    """Forget posts that came more than 30 days ago, some hundreds at a time; how many.  Does not commit."""
    some = select(LeadFormPost.id).where(LeadFormPost.at < now - KEPT).limit(PURGED_AT_ONCE)
    statement = delete(LeadFormPost).where(LeadFormPost.id.in_(some))
    result = session.execute(statement.execution_options(synchronize_session=False))
    return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE has a count


def _trapped(session: Session, wanted: Sequence[str]) -> Sequence[tuple[LeadFormPost, LeadForm]]:
    statement = (
        select(LeadFormPost, LeadForm)
        .join(LeadForm, LeadForm.id == LeadFormPost.form_id)
        .where(LeadFormPost.ref.in_(wanted), LeadFormPost.state == PostState.TRAPPED)
        .order_by(LeadFormPost.id)
    )
    return [(post, form) for post, form in session.execute(statement)]


def _take_out(session: Session, post: LeadFormPost) -> bool:
    statement = delete(LeadFormPost).where(LeadFormPost.id == post.id)
    result = session.execute(statement.execution_options(synchronize_session=False))
    session.expunge(post)
    return bool(result.rowcount)  # type: ignore[attr-defined]  # as above


def _put_back(session: Session, post: LeadFormPost) -> None:
    names = (column.name for column in LeadFormPost.__table__.columns)
    session.execute(_insert(session).values({name: getattr(post, name) for name in names}))


def _insert(session: Session) -> Any:
    return (sqlite.insert if is_sqlite(session) else postgresql.insert)(LeadFormPost)


def _hold(session: Session, form: LeadForm, post: Post, state: PostState, now: datetime) -> bool:
    """Whether this content is new within the hour; then it is held by this transaction until it ends."""
    digest = _digest(form, post.typed, state)
    is_trapped = state is PostState.TRAPPED
    statement = _insert(session).values(
        ref=refs.new_ref(refs.FORM_POST),
        form_id=form.id,
        digest=digest,
        at=now,
        state=state,
        cause=post.cause,
        times=1,
        values=dict(post.typed) if is_trapped else {},
    )
    statement = statement.on_conflict_do_nothing(index_elements=["digest"]).returning(LeadFormPost.id)
    while True:
        if session.scalar(statement) is not None:
            return True
        found = select(LeadFormPost).where(LeadFormPost.digest == digest)
        if not is_sqlite(session):
            found = found.with_for_update()
        row = session.scalar(found.execution_options(populate_existing=True))
        if row is not None:
            break
        # Somebody has just deleted it: now there is room.
    row.times += 1
    if now - row.at < WITHIN:
        return False
    row.at = now
    return True


def _digest(form: LeadForm, typed: Mapping[str, str], state: PostState) -> str:
    """The same for what a person would call the same post."""
    content = sorted((name, same) for name, text in typed.items() if (same := _normal(name, text)))
    return hashlib.sha256(json.dumps([form.id, state, content]).encode()).hexdigest()


def _normal(name: str, text: str) -> str:
    if name == "email":
        return email_key(text) or fold(text)
    if name in ("phone", "mobile"):
        return phone_key(text) or fold(text)
    return fold(text)


def _make_lead(
    session: Session,
    form: LeadForm,
    typed: Mapping[str, str],
    *,
    arrived_at: datetime | None = None,
    now: datetime,
) -> Lead:
    raw: dict[str, Any] = {**_filled_in(session, form), **typed}
    if get_organisation(session).strict_capture:
        raw["status"] = _first_status(session)
    if arrived_at is not None:
        raw["arrived_at"] = arrived_at
    agreed = bool(raw.get("consent"))
    if agreed:
        raw.setdefault("consent_basis", "consent")
    lead, _is_new = take_in(session, _FORM, raw, Arrival(asks_required=False), now=now)
    if agreed:
        zone = ZoneInfo(get_organisation(session).time_zone)
        lead.consent_on, lead.consent_origin = (arrived_at or now).astimezone(zone).date(), form.name
    lead.imported = {"Web form": form.name}
    record(session, _FORM, verb="filled_in", subject=form, at=now, detail={"lead": lead.ref})
    return lead


def _filled_in(session: Session, form: LeadForm) -> dict[str, Any]:
    """What the form fills in by itself; what a field cannot hold any more, as a source that is gone, is left out."""
    known, reading = hideable(catalogue(session).active("lead")), reading_for(session, _FORM)
    kept: dict[str, Any] = {}
    for name, value in form.hidden.items():
        if name not in known:
            continue
        if name == "source":
            value = session.scalar(select(LeadSource.name).where(LeadSource.ref == value))
        if name == "campaign":
            kept_as = (Campaign.ref == value) | (Campaign.name == value)  # by its name once
            value = session.scalar(select(Campaign.name).where(kept_as, Campaign.archived_at.is_(None)))
        try:
            if read_field(name, value, reading) is not None:
                kept[name] = value
        except (BadValue, Invalid):
            continue
    return kept


def _first_status(session: Session) -> str | None:
    return session.scalars(
        select(LeadStatus.key)
        .where(LeadStatus.category == StatusCategory.NEW, LeadStatus.is_active)
        .order_by(LeadStatus.position, LeadStatus.id)
    ).first()
