"""Setup: how accounts are to be named."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.naming import Naming, read_naming
from app.care.naming import set_account_naming
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.web.access import current_actor, needs

bp = Blueprint("naming", __name__, url_prefix="/setup/naming")


@bp.get("")
@needs(Permission.SETTING_MANAGE)
def show() -> ResponseReturnValue:
    """The hint, the patterns, and a name to try them with."""
    naming = Naming.stored(get_organisation(db.session()).account_naming)
    return _page(naming, "\n".join(naming.patterns), {})


def _page(naming: Naming, patterns: str, errors: dict[str, str]) -> str:
    tried = request.values.get("tried", "")[:255]
    return render_template(
        "setup/naming.html",
        naming=naming,
        patterns=patterns,
        errors=errors,
        tried=tried,
        fits=naming.fits(tried),
    )


@bp.post("")
@needs(Permission.SETTING_MANAGE)
def save() -> ResponseReturnValue:
    """Keep them; or only try a name with what is typed."""
    hint, patterns = request.form.get("hint", ""), request.form.get("patterns", "")
    is_must = request.form.get("is_must") == "1"
    try:
        naming = read_naming(hint, patterns, is_must)
    except Invalid as error:
        texts = {
            name: " ".join(str(message) for message in messages) for name, messages in error.errors.items()
        }
        return _page(Naming(hint[:1000], (), is_must), patterns, texts), 422
    if request.form.get("try"):
        return _page(naming, patterns, {})
    with transaction() as session:
        set_account_naming(session, current_actor(), naming, now=clock.now())
    flash(_("Saved. Accounts that are there already stay as they are."), "success")
    return redirect(url_for("naming.show"), 303)
