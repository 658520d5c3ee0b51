"""/groups, /sharing-rules, and shares by hand under leads, accounts and contacts."""

from collections.abc import Sequence
from typing import Any

from flask import Response, jsonify
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.accounts.queries import get_account, get_contact
from app.api.answers import (
    check_version,
    expects_version,
    moment,
    no_content,
    page_json,
    plain_list_arguments,
    record_answer,
    sliced,
)
from app.api.routes import Area
from app.api.schemas import sharing as schemas
from app.api.schemas.common import list_query
from app.kernel import clock
from app.kernel.actor import Actor, Level, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.kernel.parse import parse_iso_moment
from app.leads.queries import get_lead
from app.sharing.groups import (
    add_group_member,
    create_group,
    delete_group,
    edit_group,
    get_group,
    remove_group_member,
)
from app.sharing.models import ManualShare, PublicGroup, SharingRule
from app.sharing.principals import Known, names_of, reaches_partners
from app.sharing.queries import list_groups, list_rules, members_of_groups, progress_of
from app.sharing.shares import share_record, shares_of, unshare_record
from app.sharing.sharing_rules import (
    create_rule,
    delete_rule,
    edit_rule,
    get_rule,
    read_rule,
    rule_json,
)
from app.web.access import current_actor, needs

area = Area("Sharing", "Who sees what beyond owners and their teams: groups, rules, shares by hand.")
GroupQuery = list_query("GroupQuery")
RuleQuery = list_query("SharingRuleQuery", ("object",))
ShareQuery = list_query("ShareQuery")


# Groups


@area.get("/groups", "List public groups", {200: schemas.GroupList}, query=GroupQuery)
@needs(Permission.SHARING_MANAGE)
def list_public_groups() -> Response:
    limit, cursor, _filters = plain_list_arguments()
    session = db.session()
    page = list_groups(session, current_actor(), cursor=cursor, limit=limit)
    return jsonify(items=_groups(session, page.items), next_cursor=page.older)


@area.post("/groups", "Make a public group", {201: schemas.Group})
@needs(Permission.SHARING_MANAGE)
def new_group(body: schemas.NewGroup) -> Response:
    """Members are principals of any type, other groups included."""
    with transaction() as session:
        group = create_group(
            session,
            current_actor(),
            name=body.name,
            description=body.description,
            members=[_given(member) for member in body.members],
            now=clock.now(),
        )
        answer = _groups(session, [group])[0]
    return record_answer(answer, 201)


@area.get("/groups/<group_id>", "Read a public group", {200: schemas.Group})
@needs(Permission.SHARING_MANAGE)
def read_group(group_id: str) -> Response:
    session = db.session()
    return record_answer(_groups(session, [get_group(session, group_id)])[0])


@area.patch("/groups/<group_id>", "Change a public group", {200: schemas.Group})
@needs(Permission.SHARING_MANAGE)
def change_group(group_id: str, body: schemas.GroupChanges) -> Response:
    given = body.model_dump(exclude_unset=True)
    with transaction() as session:
        group = get_group(session, group_id, for_update=True)
        check_version(lambda: _groups(session, [group])[0])
        values = {"name": group.name, "description": group.description, **given}
        edit_group(session, current_actor(), group_id, **values, now=clock.now())
        answer = _groups(session, [group])[0]
    return record_answer(answer)


@area.delete("/groups/<group_id>", "Delete a public group")
@needs(Permission.SHARING_MANAGE)
def remove_group(group_id: str) -> Response:
    """One in use is refused (409 in-use), with what uses it."""
    with transaction() as session:
        if expects_version():
            group = get_group(session, group_id, for_update=True)
            check_version(lambda: _groups(session, [group])[0])
        delete_group(session, current_actor(), group_id, now=clock.now())
    return no_content()


@area.get(
    "/groups/<group_id>/members",
    "List a group's members",
    {200: schemas.PublicGroupMemberList},
    query=GroupQuery,
)
@needs(Permission.SHARING_MANAGE)
def list_group_members(group_id: str) -> Response:
    """In the order in which they joined."""
    limit, cursor, _filters = plain_list_arguments()
    session, actor = db.session(), current_actor()
    group = get_group(session, group_id)
    members = members_of_groups(session, [group.id])[group.id]
    names = names_of(session, [member.principal_id for member in members])
    page = sliced(
        actor, ["group members", group_id], members, lambda member: member.id, limit=limit, cursor=cursor
    )
    return jsonify(
        page_json(page, lambda member: {"id": member.ref, "principal": names[member.principal_id].to_json()})
    )


@area.post("/groups/<group_id>/members", "Add a member to a group", {201: schemas.PublicGroupMember})
@needs(Permission.SHARING_MANAGE)
def new_group_member(group_id: str, body: schemas.AnyPrincipalIn) -> Response:
    """A group that would come to hold itself is refused."""
    with transaction() as session:
        member, known = add_group_member(session, current_actor(), group_id, _given(body), now=clock.now())
        answer = {"id": member.ref, "principal": known.to_json()}
    return record_answer(answer, 201)


@area.delete("/groups/<group_id>/members/<member_id>", "End a membership of a group", takes_version=False)
@needs(Permission.SHARING_MANAGE)
def end_group_member(group_id: str, member_id: str) -> Response:
    with transaction() as session:
        remove_group_member(session, current_actor(), group_id, member_id, now=clock.now())
    return no_content()


def _given(principal: schemas.AnyPrincipalIn) -> dict[str, Any]:
    return principal.model_dump(exclude_none=True)


def _groups(session: Session, groups: Sequence[PublicGroup]) -> list[dict[str, Any]]:
    members = members_of_groups(session, [group.id for group in groups])
    names = names_of(session, {m.principal_id for found in members.values() for m in found})
    return [
        {
            "id": group.ref,
            "version": str(group.version),
            "created_at": moment(group.created_at),
            "updated_at": moment(group.updated_at),
            "name": group.name,
            "description": group.description or None,
            "reaches_partners": reaches_partners(session, f"group:{group.id}"),
            "members": [
                {"id": member.ref, "principal": names[member.principal_id].to_json()}
                for member in members[group.id]
            ],
        }
        for group in groups
    ]


# Rules


@area.get("/sharing-rules", "List sharing rules", {200: schemas.SharingRuleList}, query=RuleQuery)
@needs(Permission.SHARING_MANAGE)
def list_sharing_rules() -> Response:
    limit, cursor, filters = plain_list_arguments("object")
    session = db.session()
    wanted = filters.get("object", [None])[0]
    page = list_rules(session, current_actor(), object_=wanted, cursor=cursor, limit=limit)
    return jsonify(items=_rules(session, page.items), next_cursor=page.older)


@area.post("/sharing-rules", "Make a sharing rule", {201: schemas.SharingRule})
@needs(Permission.SHARING_MANAGE)
def new_sharing_rule(body: schemas.NewSharingRule) -> Response:
    """It is built in the background, and gives everything it gives at once when it is `active`."""
    with transaction() as session:
        written = read_rule(session, body.model_dump(exclude_none=True))
        rule = create_rule(session, current_actor(), written, now=clock.now())
        answer = _rules(session, [rule])[0]
    return record_answer(answer, 201)


@area.get("/sharing-rules/<sharing_rule_id>", "Read a sharing rule", {200: schemas.SharingRule})
@needs(Permission.SHARING_MANAGE)
def read_sharing_rule(sharing_rule_id: str) -> Response:
    session = db.session()
    return record_answer(_rules(session, [get_rule(session, sharing_rule_id)])[0])


@area.patch("/sharing-rules/<sharing_rule_id>", "Change a sharing rule", {200: schemas.SharingRule})
@needs(Permission.SHARING_MANAGE)
def change_sharing_rule(sharing_rule_id: str, body: schemas.SharingRuleChanges) -> Response:
    """What it gave stays in force until what it is to give has been built."""
    given = body.model_dump(exclude_unset=True)
    with transaction() as session:
        rule = get_rule(session, sharing_rule_id, for_update=True)
        check_version(lambda: _rules(session, [rule])[0])
        before = {"name": rule.name, **rule_json(session, [rule])[0]}
        if given.get("kind", before["kind"]) != before["kind"]:
            before |= {"owned_by": None, "criteria": None}
        values = {name: value for name, value in {**before, **given}.items() if value is not None}
        for name in ("owned_by", "share_with"):
            if name in given and given[name] is not None:
                values[name] = {key: value for key, value in given[name].items() if value is not None}
        edit_rule(session, current_actor(), sharing_rule_id, read_rule(session, values), now=clock.now())
        answer = _rules(session, [rule])[0]
    return record_answer(answer)


@area.delete("/sharing-rules/<sharing_rule_id>", "Delete a sharing rule")
@needs(Permission.SHARING_MANAGE)
def remove_sharing_rule(sharing_rule_id: str) -> Response:
    """From then on nobody sees anything through it."""
    with transaction() as session:
        if expects_version():
            rule = get_rule(session, sharing_rule_id, for_update=True)
            check_version(lambda: _rules(session, [rule])[0])
        delete_rule(session, current_actor(), sharing_rule_id, now=clock.now())
    return no_content()


def _rules(session: Session, rules: Sequence[SharingRule]) -> list[dict[str, Any]]:
    progress = progress_of(session, [rule.id for rule in rules])
    keys = names_of(session, {rule.share_with_id for rule in rules})
    answers = []
    for rule, written in zip(rules, rule_json(session, list(rules)), strict=True):
        done, total = progress.get(rule.id, (None, None))
        answers.append(
            {
                "id": rule.ref,
                "version": str(rule.version),
                "created_at": moment(rule.created_at),
                "updated_at": moment(rule.updated_at),
                "name": rule.name,
                **written,
                "state": rule.state.value,
                "reaches_partners": reaches_partners(session, keys[rule.share_with_id].key),
                "done": done,
                "total": total,
            }
        )
    return answers


# Shares by hand


@area.get(
    "/leads/<lead_id>/shares", "List who a lead is shared with", {200: schemas.ShareList}, query=ShareQuery
)
@needs(Permission.ACCESS_VIEW)
def list_lead_shares(lead_id: str) -> Response:
    """By hand only; `access` tells of everybody who sees it."""
    session, actor = db.session(), current_actor()
    return _share_list(session, actor, get_lead(session, actor, lead_id))


@area.post("/leads/<lead_id>/shares", "Share a lead by hand", {201: schemas.Share})
@needs(Permission.RECORD_SHARE)
def new_lead_share(lead_id: str, body: schemas.NewShare) -> Response:
    """By those who have it in full.  Shared with the same principal already, level and end change."""
    with transaction() as session:
        actor = current_actor()
        return _share(session, actor, get_lead(session, actor, lead_id), body)


@area.delete("/leads/<lead_id>/shares/<share_id>", "End a share of a lead", takes_version=False)
@needs(Permission.RECORD_SHARE)
def end_lead_share(lead_id: str, share_id: str) -> Response:
    with transaction() as session:
        actor = current_actor()
        unshare_record(session, actor, get_lead(session, actor, lead_id), share_id, now=clock.now())
    return no_content()


@area.get(
    "/accounts/<account_id>/shares",
    "List who an account is shared with",
    {200: schemas.ShareList},
    query=ShareQuery,
)
@needs(Permission.ACCESS_VIEW)
def list_account_shares(account_id: str) -> Response:
    """By hand only; `access` tells of everybody who sees it."""
    session, actor = db.session(), current_actor()
    return _share_list(session, actor, get_account(session, actor, account_id))


@area.post("/accounts/<account_id>/shares", "Share an account by hand", {201: schemas.Share})
@needs(Permission.RECORD_SHARE)
def new_account_share(account_id: str, body: schemas.NewShare) -> Response:
    """Its contacts follow it."""
    with transaction() as session:
        actor = current_actor()
        return _share(session, actor, get_account(session, actor, account_id), body)


@area.delete("/accounts/<account_id>/shares/<share_id>", "End a share of an account", takes_version=False)
@needs(Permission.RECORD_SHARE)
def end_account_share(account_id: str, share_id: str) -> Response:
    with transaction() as session:
        actor = current_actor()
        unshare_record(session, actor, get_account(session, actor, account_id), share_id, now=clock.now())
    return no_content()


@area.get(
    "/contacts/<contact_id>/shares",
    "List who a contact is shared with",
    {200: schemas.ShareList},
    query=ShareQuery,
)
@needs(Permission.ACCESS_VIEW)
def list_contact_shares(contact_id: str) -> Response:
    """By hand only; `access` tells of everybody who sees it."""
    session, actor = db.session(), current_actor()
    return _share_list(session, actor, get_contact(session, actor, contact_id))


@area.post("/contacts/<contact_id>/shares", "Share a contact by hand", {201: schemas.Share})
@needs(Permission.RECORD_SHARE)
def new_contact_share(contact_id: str, body: schemas.NewShare) -> Response:
    """One without an account is private and refused."""
    with transaction() as session:
        actor = current_actor()
        return _share(session, actor, get_contact(session, actor, contact_id), body)


@area.delete("/contacts/<contact_id>/shares/<share_id>", "End a share of a contact", takes_version=False)
@needs(Permission.RECORD_SHARE)
def end_contact_share(contact_id: str, share_id: str) -> Response:
    with transaction() as session:
        actor = current_actor()
        unshare_record(session, actor, get_contact(session, actor, contact_id), share_id, now=clock.now())
    return no_content()


def _share_list(session: Session, actor: Actor, subject: Any) -> Response:
    limit, cursor, _filters = plain_list_arguments()
    shares = shares_of(session, subject)
    names = names_of(session, [share.principal_id for share in shares])
    page = sliced(actor, ["shares", subject.ref], shares, lambda share: share.id, limit=limit, cursor=cursor)
    return jsonify(page_json(page, lambda share: _share_json(share, names[share.principal_id])))


def _share(session: Session, actor: Actor, subject: Any, body: schemas.NewShare) -> Response:
    until = parse_iso_moment(body.until) if body.until is not None else None
    if body.until is not None and until is None:
        raise Invalid({"until": [_l("This must be a date or time such as 2026-03-01T12:00:00Z.")]})
    share, known = share_record(
        session, actor, subject, _given(body.principal), body.level, until=until, now=clock.now()
    )
    return record_answer(_share_json(share, known), 201)


def _share_json(share: ManualShare, known: Known) -> dict[str, Any]:
    return {
        "id": share.ref,
        "principal": known.to_json(),
        "level": Level(share.level).name.lower(),
        "until": moment(share.until),
        "created_at": moment(share.created_at),
    }
