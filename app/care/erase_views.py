"""The page on which an administrator erases one person's data: who it is, what will happen, and the act itself."""

from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.care.erased_files import files_with
from app.care.erased_words import kept_words, kind_names
from app.care.erasing import PersonIsUser, Plan, erase_person, list_erasures, plan_erasure
from app.care.people_found import Asked, Held, chosen_of, find_person
from app.care.views import bp
from app.identity.credentials import check_own_password
from app.identity.errors import field_error
from app.identity.forms import PasswordAndCodeForm, PasswordForm, typed
from app.identity.models import User
from app.identity.second_factor import prove, read_code, wrong_code
from app.identity.views import read_only
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.web.access import current_actor, needs
from app.web.form_errors import show_errors
from app.web.limits import SIGN_IN, limiter

_guesses = limiter.shared_limit(
    SIGN_IN, scope="second factor", key_func=lambda: f"user:{current_actor().user_id}"
)


@bp.get("/care/erase")
@needs(Permission.PERSON_MANAGE)
def erase() -> ResponseReturnValue:
    """Asks who it is; what was erased of late."""
    return _page(Asked())


@bp.post("/care/erase/look")
@needs(Permission.PERSON_MANAGE)
def look_before_erasing() -> ResponseReturnValue:
    """What is there, and what would be changed.  Posted, so that it stands in no log of addresses."""
    asked = _asked()
    try:
        return _shown(asked)
    except Invalid as error:
        return _page(asked, problems=_messages(error)), 422


@bp.post("/care/erase")
@needs(Permission.PERSON_MANAGE)
@_guesses
def erase_now() -> ResponseReturnValue:
    """Erase, once password and second factor are right; what is refused comes back as it was given."""
    asked, actor = _asked(), current_actor()
    user = db.session().get_one(User, actor.user_id)
    form = _proof_form(user)
    try:
        if missing := _missing(form):
            raise Invalid({"": missing})
        read_only()  # the slow part, without SQLite's lock
        user = db.session().get_one(User, actor.user_id)
        kept = check_own_password(user, typed(form.current_password))
        code = read_code(user, typed(form["code"])) if user.has_second_factor else None
        is_proved = True
        with transaction() as session:
            if code is not None:
                is_proved = prove(session, actor, user.id, kept, code, now=clock.now()) is not None
            if is_proved:
                chosen = chosen_of(find_person(session, actor, asked), request.form.getlist("record"))
                reason = request.form.get("reason", "")
                erase_person(session, actor, chosen, reason=reason, more=_more(), now=clock.now())
        if not is_proved:
            raise field_error("code", wrong_code())
    except Invalid as error:
        show_errors(form, error)
        return _shown(asked, form, _messages(error)), 422
    except PersonIsUser as error:
        return _shown(asked, form, [str(error.message)]), 409
    flash(_("The person's data is erased. It stands below that you did, and why."), "success")
    return redirect(url_for("duplicates.erase"), 303)


def _asked() -> Asked:
    given = {name: request.form.get(name, "").strip()[:320] for name in ("email", "phone", "name")}
    return Asked(**given)


def _more() -> list[str]:
    return [word for word in request.form.get("more", "")[:2000].split(",") if word.strip()]


def _proof_form(user: User) -> PasswordForm:
    return PasswordAndCodeForm() if user.has_second_factor else PasswordForm()


def _missing(form: PasswordForm) -> list[str]:
    """What was left empty, each with its label: the page is long, and this stands on top of it."""
    needed = [] if request.form.get("reason", "").strip() else [_("Say why. It stays on record.")]
    if not form.validate():
        needed += [f"{f.label.text}: {' '.join(map(str, f.errors))}" for f in form if f.errors]
    return needed


def _messages(error: Invalid) -> list[str]:
    return [str(message) for found in error.errors.values() for message in found]


def _shown(asked: Asked, form: Any = None, problems: Sequence[str] = ()) -> str:
    """The page with what was found; before anything was ticked, the sure ones are."""
    session, actor = db.session(), current_actor()
    found = find_person(session, actor, asked)
    refs = request.form.getlist("record") if "chosen" in request.form else None
    chosen = chosen_of(found, refs)
    plan = None
    problems = list(problems)
    if chosen:
        try:
            plan = plan_erasure(session, actor, chosen, _more())
        except Invalid as error:
            problems += [message for message in _messages(error) if message not in problems]
    user = session.get_one(User, actor.user_id)
    return _page(asked, found, chosen, plan, form or _empty_form(user), problems)


def _empty_form(user: User) -> PasswordForm:
    kind = PasswordAndCodeForm if user.has_second_factor else PasswordForm
    return kind(formdata=None)


def _page(
    asked: Asked,
    found: Sequence[Held] | None = None,
    chosen: Sequence[Held] = (),
    plan: Plan | None = None,
    form: Any = None,
    problems: Sequence[str] = (),
) -> str:
    return render_template(
        "care/erase.html",
        asked=asked,
        found=found,
        chosen={held.record.ref for held in chosen},
        plan=plan,
        counts=kind_names(plan.counts) if plan else [],
        files=len(files_with(plan.needles)) if plan else 0,
        kept=kept_words(),
        form=form,
        problems=problems,
        erasures=list_erasures(db.session(), current_actor()) if found is None else [],
        kind_names=kind_names,
    )
