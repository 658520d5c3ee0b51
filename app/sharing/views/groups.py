"""Public groups: who is in them, what uses them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, let_go, transaction
from app.kernel.errors import Conflict, Invalid, Stale
from app.sharing.asking import Question, agree_page, ask
from app.sharing.consequences import Count, counts_of_rules, rules_through
from app.sharing.forms import GroupForm
from app.sharing.groups import (
    add_group_member,
    create_group,
    delete_group,
    edit_group,
    get_group,
    remove_group_member,
    uses_of,
)
from app.sharing.models import PublicGroup
from app.sharing.picker import Picker, offer, read_picker, role_choices, type_choices
from app.sharing.principals import find_principal, names_of, reaches_partners
from app.sharing.queries import list_groups, members_of_groups
from app.sharing.trying import group_member_added, group_member_removed
from app.sharing.words import Who, count_words, sentence_of, who_of
from app.web.access import current_actor, needs
from app.web.form_errors import show_errors
from app.web.listing import ListAddress
from app.web.once import once

bp = Blueprint("groups", __name__, url_prefix="/setup/groups")

NAMED_IN_LIST = 4


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group as the list shows it.  members: the first few in words; more: how many there are beside."""

    group: PublicGroup
    members: Sequence[str]
    more: int
    uses: Sequence[str]
    reaches_partners: bool


@dataclass(frozen=True, slots=True)
class MemberRow:
    ref: str
    who: Who
    reaches_partners: bool


@bp.get("")
@needs(Permission.SHARING_MANAGE)
def index() -> ResponseReturnValue:
    session = db.session()
    page = list_groups(session, current_actor(), cursor=request.args.get("cursor") or None)
    members = members_of_groups(session, [group.id for group in page.items])
    names = names_of(session, {member.principal_id for found in members.values() for member in found})
    rows = []
    for group in page.items:
        inside = [sentence_of(names[member.principal_id]) for member in members[group.id]]
        reaches = reaches_partners(session, f"group:{group.id}")
        shown = inside[:NAMED_IN_LIST]
        rows.append(GroupRow(group, shown, len(inside) - len(shown), uses_of(session, group), reaches))
    address = ListAddress(url_for("groups.index"), {})
    return render_template("groups/index.html", rows=rows, page=page, address=address)


@bp.get("/<ref('group'):group_ref>")
@needs(Permission.SHARING_MANAGE)
def show(group_ref: str) -> ResponseReturnValue:
    """Who is in it, and what uses it."""
    session = db.session()
    return _page(session, get_group(session, group_ref), Picker("principal", type=_kind()))


def _kind() -> str:
    """The type of member to begin with: that of the one just added, else a user."""
    wanted = request.args.get("kind", "")
    return wanted if wanted in dict(type_choices()) else "user"


@dataclass(frozen=True, slots=True)
class Reach:
    """What a new member would bring to partners: (rule's name, object, how many records)."""

    whom: str
    rules: Sequence[tuple[str, str, str]]


def _page(
    session: Session,
    group: PublicGroup,
    picker: Picker,
    question: Question | None = None,
    reach: Reach | None = None,
) -> str:
    found = members_of_groups(session, [group.id])[group.id]
    names = names_of(session, [member.principal_id for member in found])
    members = [
        MemberRow(
            member.ref,
            who_of(names[member.principal_id], current_actor()),
            reaches_partners(session, names[member.principal_id].key),
        )
        for member in found
    ]
    return render_template(
        "groups/show.html",
        group=group,
        members=members,
        uses=uses_of(session, group),
        reaches=any(member.reaches_partners for member in members),
        picker=offer(session, current_actor(), picker),
        question=question,
        reach=reach,
        types=type_choices(),
        roles=role_choices(),
    )


# Make, rename


@bp.get("/new")
@needs(Permission.SHARING_MANAGE)
def new() -> ResponseReturnValue:
    return _form_page(GroupForm(formdata=None), None)


def _form_page(form: GroupForm, group: PublicGroup | None) -> str:
    return render_template("groups/form.html", form=form, group=group)


@bp.post("")
@needs(Permission.SHARING_MANAGE)
@once
def create() -> ResponseReturnValue:
    form = GroupForm()
    try:
        if not form.validate():
            raise Invalid
        with transaction() as session:
            group = create_group(
                session,
                current_actor(),
                name=form.name.data,
                description=form.description.data,
                now=clock.now(),
            )
    except Invalid as error:
        show_errors(form, error)
        return _form_page(form, None), 422
    flash(_("“%(name)s” is made. Now say who is in it.", name=group.name), "success")
    return redirect(url_for("groups.show", group_ref=group.ref), 303)


@bp.get("/<ref('group'):group_ref>/edit")
@needs(Permission.SHARING_MANAGE)
def edit(group_ref: str) -> ResponseReturnValue:
    group = get_group(db.session(), group_ref)
    form = GroupForm(
        formdata=None, name=group.name, description=group.description, version=str(group.version)
    )
    return _form_page(form, group)


@bp.post("/<ref('group'):group_ref>/edit")
@needs(Permission.SHARING_MANAGE)
def save(group_ref: str) -> ResponseReturnValue:
    form = GroupForm()
    status = 422
    try:
        if not form.validate():
            raise Invalid
        with transaction() as session:
            edit_group(
                session,
                current_actor(),
                group_ref,
                name=form.name.data,
                description=form.description.data,
                version=form.began_from,
                now=clock.now(),
            )
    except (Invalid, Stale) as error:
        status = error.status
        if isinstance(error, Invalid):
            show_errors(form, error)
        else:
            form.form_errors = [str(error.message)]
        return _form_page(form, get_group(db.session(), group_ref)), status
    flash(_("Saved."), "success")
    return redirect(url_for("groups.show", group_ref=group_ref), 303)


# Members


@bp.post("/<ref('group'):group_ref>/members")
@needs(Permission.SHARING_MANAGE)
@once
def add_member(group_ref: str) -> ResponseReturnValue:
    """Put somebody into the group, or only show whom the chosen type offers."""
    picker = read_picker(request.form, "principal")
    if request.form.get("act") == "look":
        reading = db.session()
        return _page(reading, get_group(reading, group_ref), picker)
    try:
        trying = db.session()
        question, reach = _ask(trying, group_ref, picker)
        if question is not None:
            return _page(trying, get_group(trying, group_ref), picker, question, reach)
        with transaction() as session:
            _member, known = add_group_member(
                session, current_actor(), group_ref, picker.given(), now=clock.now()
            )
    except Invalid as error:
        picker.errors.extend(_texts(error))
        reading = db.session()
        return _page(reading, get_group(reading, group_ref), picker), 422
    flash(_("%(name)s is in it now.", name=known.name), "success")
    return redirect(url_for("groups.show", group_ref=group_ref, kind=picker.type), 303)


def _ask(session: Session, group_ref: str, picker: Picker) -> tuple[Question | None, Reach | None]:
    """What is to be agreed to first: what people gain and lose, and what partners come to see.  Raises Invalid."""
    given, actor = picker.given(), current_actor()
    found = group_member_added(session, actor, group_ref, given, now=clock.now(), then=let_go)
    group, known = get_group(session, group_ref), find_principal(session, given)
    rules = rules_through(session, group) if reaches_partners(session, known.key) else []
    question = ask(found, known.key, about=known.key if rules else "")
    if question is None or not rules:
        return question, None
    counts = counts_of_rules(session, [rule.id for rule in rules])
    told = [(rule.name, rule.object, count_words(counts.get(rule.id, Count(0)))) for rule in rules]
    return question, Reach(sentence_of(known), told)


def _texts(error: Invalid) -> list[str]:
    messages: list[Any] = [message for found in error.errors.values() for message in found]
    return [str(message) for message in messages]


@bp.post("/<ref('group'):group_ref>/members/<ref('mem'):member_ref>/remove")
@needs(Permission.SHARING_MANAGE)
@once
def remove_member(group_ref: str, member_ref: str) -> ResponseReturnValue:
    """Take somebody out of it; asks first where anybody loses anything."""
    trying, actor = db.session(), current_actor()
    found = group_member_removed(trying, actor, group_ref, member_ref, now=clock.now(), then=let_go)
    question = ask(found, "removed")
    if question is not None:
        up = url_for("groups.show", group_ref=group_ref)
        name = get_group(trying, group_ref).name
        return agree_page(question, _("Remove from “%(name)s”", name=name), _("Remove"), up)
    with transaction() as session:
        remove_group_member(session, current_actor(), group_ref, member_ref, now=clock.now())
    flash(_("Removed. What they saw only through this group they see no longer."), "success")
    return redirect(url_for("groups.show", group_ref=group_ref), 303)


# Delete


@bp.get("/<ref('group'):group_ref>/delete")
@needs(Permission.SHARING_MANAGE)
def confirm_delete(group_ref: str) -> ResponseReturnValue:
    session = db.session()
    return _delete_page(session, get_group(session, group_ref))


def _delete_page(session: Session, group: PublicGroup) -> str:
    return render_template("groups/delete.html", group=group, uses=uses_of(session, group))


@bp.post("/<ref('group'):group_ref>/delete")
@needs(Permission.SHARING_MANAGE)
@once
def delete(group_ref: str) -> ResponseReturnValue:
    try:
        with transaction() as session:
            name = get_group(session, group_ref).name
            delete_group(session, current_actor(), group_ref, now=clock.now())
    except Conflict:
        session = db.session()
        return _delete_page(session, get_group(session, group_ref)), 409
    flash(_("“%(name)s” was deleted.", name=name), "success")
    return redirect(url_for("groups.index"), 303)
