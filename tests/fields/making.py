"""Fields for tests."""

from app.fields.drafts import ChoiceDraft, FieldDraft
from app.fields.operations import create_field
from app.fields.work import GRACE, work_step
from app.kernel import clock
from tests.factories import actor_of


def draft(object_="account", kind="text", label="Segment", choices=(), **more):
    values = {
        "help": "What to fill in.",
        "description": "What it means.",
        "asked_by": "Sales",
        "visibility": "" if object_ != "lead" else "hidden" if kind == "user" else "after_claim",
    }
    return FieldDraft(
        object=object_,
        kind=kind,
        label=label,
        choices=[ChoiceDraft(name=name) for name in choices],
        **{**values, **more},
    )


def make_field(session, ada, object_="account", kind="text", label="Segment", *, commits=True, **more):
    found = create_field(
        session, actor_of(session, ada), draft(object_, kind, label, **more), now=clock.now()
    )
    if commits:
        session.commit()
    return found


def finish_work(session):
    """What the worker does in a while."""
    now = clock.now() + GRACE
    while work_step(session, now=now):
        session.commit()
    session.commit()
