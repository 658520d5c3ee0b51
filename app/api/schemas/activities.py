"""Activities as the API takes and shows them."""

from typing import Literal

from pydantic import StrictBool, StrictStr

from app.api.schemas.common import Answer, Body, Id, Moment, Person, RecordRef, Text, list_of

Kind = Literal["call", "task", "meeting", "email", "note"]


class Participant(Body):
    """Somebody who takes part: a colleague, or a contact."""

    type: Literal["user", "contact"]
    id: StrictStr


class ParticipantNamed(Answer):
    """Somebody who takes part, whom the caller may see."""

    type: Literal["user", "contact"]
    id: Id
    name: str


class NewActivity(Body):
    """Something done or planned; a task is planned and all else done unless `done` says otherwise.

    `due_at` of a meeting is when it begins, `ends_at` when it ends.  `assigned_to` is the id of a colleague who
    sees the record; the caller unless given.  `shared`: of a note on a lead that a partner's user owns, that it is
    written to the other side, vendor or partner, who is told; 409 `no-other-side` where there is none.
    `shared_with`: the id of the partner account that its author thinks of; 409 `stale` once the lead has gone to another.
    """

    kind: Kind
    subject: StrictStr
    text: Text = None
    at: Text = None
    due_at: Text = None
    done: StrictBool | None = None
    ends_at: Text = None
    place: Text = None
    outcome: Text = None
    remind_at: Text = None
    assigned_to: Text = None
    participants: list[Participant] | None = None
    shared: StrictBool | None = None
    shared_with: Text = None


class ActivityChanges(Body):
    """Fields to change; those left out stay."""

    kind: Kind | None = None
    subject: Text = None
    text: Text = None
    at: Text = None
    due_at: Text = None
    done: StrictBool | None = None
    ends_at: Text = None
    place: Text = None
    outcome: Text = None
    remind_at: Text = None
    assigned_to: Text = None
    participants: list[Participant] | None = None


class Activity(Answer):
    """A call, task, meeting, e-mail or note on a record.

    `shared`: it was written to the other side, vendor or partner; partner people are not told who of the vendor's it was.
    """

    id: Id
    version: str
    kind: Kind
    subject: str
    text: str | None
    at: Moment
    due_at: Moment | None
    ends_at: Moment | None
    place: str | None
    done: bool
    outcome: str | None
    shared: bool
    remind_at: Moment | None
    record: RecordRef
    participants: list[ParticipantNamed]
    assigned_to: Person | None
    created_by: Person | None
    created_at: Moment
    updated_at: Moment


ActivityList = list_of(Activity)
