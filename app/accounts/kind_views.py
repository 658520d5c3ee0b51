"""Making a person of a business account, or a business of a person: what becomes of it, then the act."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms import HiddenField, StringField

from app.accounts.fields import ACCOUNT_FIELDS
from app.accounts.kinds import change_kind, refuse_company
from app.accounts.models import Account, AccountKind
from app.accounts.queries import get_account
from app.fields.inputs import Marked
from app.kernel import clock
from app.kernel.actor import Level, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Conflict, Invalid, why_in_use
from app.web.access import current_actor, needs
from app.web.form_errors import show_errors
from app.web.forms import Form

bp = Blueprint("account_kind", __name__, url_prefix="/accounts")


class PersonForm(Form):
    """Who the person is."""

    version = HiddenField()
    last_name = StringField(ACCOUNT_FIELDS["last_name"].label, validators=[Marked()])
    first_name = StringField(ACCOUNT_FIELDS["first_name"].label)
    title = StringField(ACCOUNT_FIELDS["title"].label)
    email = StringField(ACCOUNT_FIELDS["email"].label)
    mobile = StringField(ACCOUNT_FIELDS["mobile"].label)


class BusinessForm(Form):
    """What the company is called."""

    version = HiddenField()
    name = StringField(ACCOUNT_FIELDS["name"].label, validators=[Marked()])


@bp.get("/<ref('acct'):account_ref>/kind")
@needs(Permission.ACCOUNT_EDIT)
def ask(account_ref: str) -> ResponseReturnValue:
    """What making the other kind of it means, and what it needs for that."""
    session = db.session()
    account = get_account(session, current_actor(), account_ref, Level.EDIT)
    if account.kind is AccountKind.PERSON:
        form = BusinessForm(formdata=None, name=account.name, version=str(account.version))
        return _page(account, form)
    first, _blank, last = account.name.rpartition(" ")
    person = PersonForm(formdata=None, first_name=first, last_name=last, version=str(account.version))
    return _page(account, person, why_in_use(refuse_company, session, account))


def _page(account: Account, form: Form, refusal: Any = None) -> str:
    return render_template(
        "accounts/kind.html", page_ref=account.ref, account=account, form=form, refusal=refusal
    )


@bp.post("/<ref('acct'):account_ref>/kind")
@needs(Permission.ACCOUNT_EDIT)
def change(account_ref: str) -> ResponseReturnValue:
    """Make the other kind of it; nothing where somebody else just did."""
    actor = current_actor()
    account = get_account(db.session(), actor, account_ref, Level.EDIT)
    is_person = account.kind is AccountKind.PERSON
    form: PersonForm | BusinessForm = BusinessForm() if is_person else PersonForm()
    values = {name: request.form[name] for name in form.data if name in request.form and name not in _OWN}
    version = str(form.version.data or "")
    try:
        with transaction() as session:
            changed = change_kind(
                session,
                actor,
                account_ref,
                AccountKind.BUSINESS if is_person else AccountKind.PERSON,
                values,
                version=int(version)
                if version.isascii() and version.isdecimal() and len(version) < 10
                else None,
                now=clock.now(),
            )
            name = changed.name
    except Invalid as error:
        show_errors(form, error)
        return _page(account, form), 422
    except Conflict as error:
        show_errors(form, Invalid({"": [error.message]}))
        return _page(account, form), error.status
    flash(_("%(name)s is saved.", name=name), "success")
    return redirect(url_for("accounts.show", account_ref=account_ref), 303)


_OWN = ("version", "csrf_token")
