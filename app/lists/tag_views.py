"""Tags on a record's page: adding one, taking one off, and which are offered while one is typed."""

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.kernel import clock, refs
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid, NotFound
from app.lists.door import bp, object_named
from app.lists.tagging import Tags, change_tag, tags_offered, tags_on
from app.web.access import current_actor, needs
from app.web.htmx import wants_fragment


@bp.get("/tags")
@needs(Permission.ACCOUNT_EDIT)
def tags() -> ResponseReturnValue:
    """Names of tags that begin with what was typed, for an input's list."""
    names = tags_offered(db.session(), current_actor(), request.args.get("tag", ""))
    return render_template("lists/_tag_options.html", names=names)


@bp.post("/<thing>/tags/<record_ref>")
@needs(Permission.ACCOUNT_EDIT)
def change_tags(thing: str, record_ref: str) -> ResponseReturnValue:
    """Put a tag on the record, or take one off; the tags as they are then, or the record's page."""
    actor = current_actor()
    object_ = object_named(actor, thing)
    if not refs.is_ref(object_.prefix, record_ref):
        raise NotFound(object_.prefix, record_ref)
    off = request.form.get("off", "")
    try:
        with transaction() as session:
            record = change_tag(
                session, actor, object_, record_ref, off or request.form.get("tag", ""), on=not off,
                now=clock.now(),
            )  # fmt: skip
            shown = tags_on(session, actor, record, may_edit=True)
    except Invalid as error:
        if not wants_fragment():
            raise
        problem = " ".join(str(each) for messages in error.errors.values() for each in messages)
        names = request.form.getlist("name")
        return render_template("lists/_tags.html", tags=Tags(thing, record_ref, names, True, problem)), 422
    if not wants_fragment():
        return redirect(f"{url_for(object_.root)}/{record_ref}", 303)
    return render_template("lists/_tags.html", tags=shown)
