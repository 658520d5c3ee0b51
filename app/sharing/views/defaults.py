"""Organisation-wide defaults: what everybody inside, and every partner user, has of all records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.documents.queries import count_library
from app.identity.models import Organisation
from app.identity.organisation import LEVELS, edit_organisation
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.actor import Level, Permission
from app.kernel.db import db, let_go, transaction
from app.kernel.errors import Invalid, Stale
from app.sharing.asking import Question, ask
from app.sharing.consequences import count_given
from app.sharing.forms import (
    COMING,
    OBJECTS,
    chosen_defaults,
    default_helps,
    default_words,
    defaults_form,
    faults_of_defaults,
)
from app.sharing.models import SharingRuleKind
from app.sharing.principals import ALL_PARTNERS
from app.sharing.prospects import of_defaults
from app.sharing.sharing_rules import Written
from app.sharing.words import count_words
from app.web.access import current_actor, needs
from app.web.form_errors import show_errors

ALL = (*OBJECTS, *COMING)

bp = Blueprint("sharing_defaults", __name__, url_prefix="/setup/sharing-defaults")


@bp.get("")
@needs(Permission.SETTING_MANAGE)
def show() -> ResponseReturnValue:
    """One table: object by inside and partners."""
    organisation = get_organisation(db.session())
    is_on = organisation.prm_enabled_at is not None
    form = defaults_form(prm_is_on=is_on, current=organisation.defaults, objects=ALL)
    form.version.data = str(organisation.version)
    return _page(form, organisation)


@dataclass(frozen=True, slots=True)
class Reach:
    """What every partner user would come to see.  opened: (object, edits, how many)."""

    opened: Sequence[tuple[str, bool, str]]


def _page(
    form: Any, organisation: Organisation, reach: Reach | None = None, question: Question | None = None
) -> str:
    return render_template(
        "sharing/defaults.html",
        form=form,
        objects=ALL,
        coming=COMING,
        numbers={},
        prm=organisation,
        words=default_words(),
        helps=default_helps(),
        reach=reach,
        question=question,
    )


def _wider_for_partners(session: Session, chosen: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """The objects of which every partner user would have more than now, with what they would have.

    Without those of which there are none yet: nobody comes to see anything of them.
    """
    before = get_organisation(session).defaults
    return {
        thing: levels["external"]
        for thing, levels in chosen.items()
        if (thing == "document" or thing not in COMING)
        and LEVELS.index(levels.get("external", "private")) > LEVELS.index(before[thing]["external"])
    }


def _reach(session: Session, wider: Mapping[str, str]) -> Reach | None:
    told = []
    for thing, level in wider.items():
        if thing == "document":
            number = count_library(session, current_actor(), for_partners=True)
        else:
            every = Written(thing, "", SharingRuleKind.CRITERIA, None, {}, ALL_PARTNERS, Level.READ)
            number = count_given(session, every)
        told.append((thing, level == "read_write", count_words(number)))
    return Reach(told) if told else None


def _ask(session: Session, chosen: Mapping[str, Mapping[str, str]]) -> tuple[Question | None, Reach | None]:
    """What is to be agreed to first."""
    wider = _wider_for_partners(session, chosen)
    before = get_organisation(session).defaults
    let_go()  # counting needs no lock
    after = {thing: {**levels, **chosen.get(thing, {})} for thing, levels in before.items()}
    about = ",".join(f"{thing}:{level}" for thing, level in wider.items())
    question = ask(of_defaults(session, after), chosen, about=about)
    return question, _reach(session, wider) if question is not None else None


@bp.post("")
@needs(Permission.SETTING_MANAGE)
def save() -> ResponseReturnValue:
    """Change all of them at once."""
    is_on = get_organisation(db.session()).prm_enabled_at is not None
    form = defaults_form(prm_is_on=is_on, objects=ALL)
    chosen = chosen_defaults(form, prm_is_on=is_on, objects=ALL)
    try:
        _refuse_wrong(form, chosen)
        question, reach = _ask(db.session(), chosen)
        if question is not None:
            return _page(form, get_organisation(db.session()), reach, question)
        with transaction() as session:
            edit_organisation(
                session, current_actor(), {"defaults": chosen}, version=_version(form), now=clock.now()
            )
    except Invalid as error:
        show_errors(form, error)
        return _page(form, get_organisation(db.session())), 422
    except Stale:
        form.form_errors = [_("Somebody changed this while you were editing. Reload to see it as it is now.")]
        return _page(form, get_organisation(db.session())), 409
    flash(_("Saved. It counts on the next click of everybody."), "success")
    return redirect(url_for("sharing_defaults.show"), 303)


def _version(form: Any) -> int | None:
    text = str(form.version.data or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _refuse_wrong(form: Any, chosen: dict[str, dict[str, str]]) -> None:
    """Raises Invalid at the fields themselves; the operation refuses the same without saying where."""
    errors = faults_of_defaults(chosen)
    if not form.validate_on_submit() and form.errors:
        errors.update({name: list(messages) for name, messages in form.errors.items()})
    if errors:
        form.form_errors = []
        raise Invalid(errors)
