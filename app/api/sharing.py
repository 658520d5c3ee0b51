"""/groups and /sharing-rules."""

from collections.abc import Sequence
from typing import Any

from flask import Response, jsonify
from sqlalchemy.orm import Session

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
from app.api.previews import preview_answer, reach_of_group, reach_of_rule, wants_preview
from app.api.routes import Area
from app.api.schemas import sharing as schemas
from app.api.schemas.common import list_query
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, let_go, transaction
from app.sharing.attempts import of_act
from app.sharing.groups import (
    add_group_member,
    create_group,
    delete_group,
    edit_group,
    get_group,
    remove_group_member,
)
from app.sharing.models import PublicGroup, SharingRule
from app.sharing.principals import names_of, reaches_partners
from app.sharing.prospects import of_rule
from app.sharing.queries import list_groups, list_rules, members_of_groups, progress_of
from app.sharing.sharing_rules import (
    create_rule,
    delete_rule,
    edit_rule,
    get_rule,
    read_rule,
    rule_json,
)
from app.sharing.trying import group_member_added, group_member_removed
from app.web.access import current_actor, needs

area = Area("Sharing", "Who sees what beyond owners and their teams: groups, rules, shares by hand.")
GroupQuery = list_query("GroupQuery")
RuleQuery = list_query("SharingRuleQuery", ("object",))


_MEMBER_OR_PREVIEW: dict[int, Any] = {201: schemas.PublicGroupMember, 200: schemas.Preview}

# Groups


@area.get("/groups", "List public groups", {200: schemas.GroupList}, query=GroupQuery)
@needs(Permission.SHARING_MANAGE)
def list_public_groups() -> Response:
    limit, cursor, _filters = plain_list_arguments()
    session = db.session()
    page = list_groups(session, current_actor(), cursor=cursor, limit=limit)
    return jsonify(items=_groups(session, page.items), next_cursor=page.older)


@area.post(
    "/groups", "Make a public group", {201: schemas.Group, 200: schemas.Preview}, query=schemas.PreviewQuery
)
@needs(Permission.SHARING_MANAGE)
def new_group(body: schemas.NewGroup) -> Response:
    """Members are principals of any type, other groups included."""

    def make(session: Session) -> PublicGroup:
        return create_group(
            session,
            current_actor(),
            name=body.name,
            description=body.description,
            members=[given_principal(member) for member in body.members],
            now=clock.now(),
        )

    with transaction() as session:
        if wants_preview():
            return preview_answer(session, of_act(session, make, then=let_go))
        group = make(session)
        answer = _group(session, group)
    return record_answer(answer, 201)


@area.get("/groups/<group_id>", "Read a public group", {200: schemas.Group})
@needs(Permission.SHARING_MANAGE)
def read_group(group_id: str) -> Response:
    session = db.session()
    return record_answer(_group(session, get_group(session, group_id)))


@area.patch(
    "/groups/<group_id>",
    "Change a public group",
    {200: schemas.GroupOrPreview},
    query=schemas.PreviewQuery,
)
@needs(Permission.SHARING_MANAGE)
def change_group(group_id: str, body: schemas.GroupChanges) -> Response:
    given = body.model_dump(exclude_unset=True)
    with transaction() as session:
        group = get_group(session, group_id, for_update=True)
        check_version(lambda: _groups(session, [group])[0])
        values = {"name": group.name, "description": group.description, **given}

        def edit(writing: Session) -> None:
            edit_group(writing, current_actor(), group_id, **values, now=clock.now())

        if wants_preview():
            return preview_answer(session, of_act(session, edit, then=let_go))
        edit(session)
        answer = _group(session, group)
    return record_answer(answer)


@area.delete(
    "/groups/<group_id>", "Delete a public group", {200: schemas.Preview}, query=schemas.PreviewQuery
)
@needs(Permission.SHARING_MANAGE)
def remove_group(group_id: str) -> Response:
    """One in use is refused (409 in-use), with what uses it."""
    with transaction() as session:
        if expects_version():
            group = get_group(session, group_id, for_update=True)
            check_version(lambda: _groups(session, [group])[0])
        if wants_preview():
            now = clock.now()
            found = of_act(
                session,
                lambda writing: delete_group(writing, current_actor(), group_id, now=now),
                then=let_go,
            )
            return preview_answer(session, found)
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


@area.post(
    "/groups/<group_id>/members",
    "Add a member to a group",
    _MEMBER_OR_PREVIEW,
    query=schemas.PreviewQuery,
)
@needs(Permission.SHARING_MANAGE)
def new_group_member(group_id: str, body: schemas.AnyPrincipalIn) -> Response:
    """A group that would come to hold itself is refused."""
    with transaction() as session:
        actor, given, now = current_actor(), given_principal(body), clock.now()
        if wants_preview():
            found = group_member_added(session, actor, group_id, given, now=now, then=let_go)
            return preview_answer(session, found)
        member, known = add_group_member(session, actor, group_id, given, now=now)
        reach = reach_of_group(session, get_group(session, group_id), known)
        answer = {"id": member.ref, "principal": known.to_json(), "partner_reach": reach}
    return record_answer(answer, 201)


@area.delete(
    "/groups/<group_id>/members/<member_id>",
    "End a membership of a group",
    {200: schemas.Preview},
    query=schemas.PreviewQuery,
    takes_version=False,
)
@needs(Permission.SHARING_MANAGE)
def end_group_member(group_id: str, member_id: str) -> Response:
    with transaction() as session:
        if wants_preview():
            found = group_member_removed(
                session, current_actor(), group_id, member_id, now=clock.now(), then=let_go
            )
            return preview_answer(session, found)
        remove_group_member(session, current_actor(), group_id, member_id, now=clock.now())
    return no_content()


def given_principal(principal: schemas.AnyPrincipalIn) -> dict[str, Any]:
    """A principal as operations take it."""
    return principal.model_dump(exclude_none=True)


def _group(session: Session, group: PublicGroup) -> dict[str, Any]:
    return {**_groups(session, [group])[0], "partner_reach": reach_of_group(session, group)}


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


@area.post(
    "/sharing-rules",
    "Make a sharing rule",
    {201: schemas.SharingRule, 200: schemas.Preview},
    query=schemas.PreviewQuery,
)
@needs(Permission.SHARING_MANAGE)
def new_sharing_rule(body: schemas.NewSharingRule) -> Response:
    """It is built in the background, and gives everything it gives at once when it is `active`."""
    with transaction() as session:
        written = read_rule(session, body.model_dump(exclude_none=True))
        if wants_preview():
            let_go()  # counting needs no lock
            return preview_answer(session, of_rule(session, None, written))
        rule = create_rule(session, current_actor(), written, now=clock.now())
        answer = _rule(session, rule)
    return record_answer(answer, 201)


@area.get("/sharing-rules/<sharing_rule_id>", "Read a sharing rule", {200: schemas.SharingRule})
@needs(Permission.SHARING_MANAGE)
def read_sharing_rule(sharing_rule_id: str) -> Response:
    session = db.session()
    return record_answer(_rule(session, get_rule(session, sharing_rule_id)))


@area.patch(
    "/sharing-rules/<sharing_rule_id>",
    "Change a sharing rule",
    {200: schemas.SharingRuleOrPreview},
    query=schemas.PreviewQuery,
)
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
        written = read_rule(session, values)
        if wants_preview():
            let_go()
            return preview_answer(session, of_rule(session, rule, written))
        edit_rule(session, current_actor(), sharing_rule_id, written, now=clock.now())
        answer = _rule(session, rule)
    return record_answer(answer)


@area.delete(
    "/sharing-rules/<sharing_rule_id>",
    "Delete a sharing rule",
    {200: schemas.Preview},
    query=schemas.PreviewQuery,
)
@needs(Permission.SHARING_MANAGE)
def remove_sharing_rule(sharing_rule_id: str) -> Response:
    """From then on nobody sees anything through it."""
    with transaction() as session:
        if expects_version():
            rule = get_rule(session, sharing_rule_id, for_update=True)
            check_version(lambda: _rules(session, [rule])[0])
        if wants_preview():
            let_go()
            return preview_answer(session, of_rule(session, get_rule(session, sharing_rule_id), None))
        delete_rule(session, current_actor(), sharing_rule_id, now=clock.now())
    return no_content()


def _rule(session: Session, rule: SharingRule) -> dict[str, Any]:
    return {**_rules(session, [rule])[0], "partner_reach": reach_of_rule(session, rule)}


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
