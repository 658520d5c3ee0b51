"""Changes of sharing through the API: what they would do is told without doing it, and what partners are given with it."""

import pytest
from sqlalchemy import select

from app.accounts.models import Account
from app.events.models import Event
from app.identity.queries import get_organisation
from app.sharing.models import GrantSet, GroupMember, Principal, PublicGroup, SharingRule
from app.sharing.scope import scope
from tests.api.test_sharing import build
from tests.factories import SYSTEM, make_lead, row_count

GIRONA = {"field": "city", "op": "equals", "value": "Girona"}
TABLES = (PublicGroup, GroupMember, SharingRule, GrantSet, Principal, Event)

pytestmark = pytest.mark.usefixtures("at_once")


@pytest.fixture
def leads(session, sal, northwind, pia, pam, otto):
    for city in ("Girona", "Girona", "Vic"):
        make_lead(session, owner=sal, city=city)
    session.commit()
    return session.scalar(
        select(Account.ref).where(scope(Account, SYSTEM), Account.id == northwind.account_id)
    )


def counted(answer):
    """(people, records gained, lost) of each line of a preview for partners."""
    assert answer.status_code == 200
    assert (answer.json["preview"], answer.json["complete"]) == (True, True)
    lines = [line for line in answer.json["changes"] if line["side"] == "partners"]
    return [
        (
            line["people"],
            {t: (r["gained"]["number"], r["lost"]["number"]) for t, r in line["records"].items()},
        )
        for line in lines
    ]


def test_rules_and_groups_are_previewed_and_say_what_partners_are_given(api, session, mara, leads):
    caller, before = api(mara), [row_count(session, table) for table in TABLES]
    north = {"type": "partner_account", "id": leads}
    new = {"name": "Desk", "members": [north]}
    rule = {"object": "lead", "kind": "criteria", "criteria": GIRONA, "share_with": north, "level": "read"}
    assert counted(caller.post("/sharing-rules?preview=true", rule)) == [(2, {"lead": (2, 0)})]
    assert counted(caller.post("/groups?preview=true", new)) == []
    assert caller.post("/sharing-rules?preview=maybe", rule).status_code == 422
    assert caller.post("/sharing-rules?preview=true", {**rule, "level": "all"}).status_code == 422
    assert [row_count(session, table) for table in TABLES] == before, "nothing was written"

    group = caller.post("/groups", {"name": "Desk"}).json
    assert (group["reaches_partners"], group["partner_reach"]) == (False, [])
    made = caller.post("/sharing-rules", {**rule, "share_with": {"type": "group", "id": group["id"]}}).json
    assert made["partner_reach"] == [], "nobody outside is in it"
    build()
    members = f"/groups/{group['id']}/members"
    assert counted(caller.post(f"{members}?preview=true", north)) == [(2, {"lead": (2, 0)})]
    member = caller.post(members, north).json
    given = {"principal": north, "object": "lead", "records": 2, "more": False, "partner_accounts": 1}
    assert member["partner_reach"] == [given]
    reach = [{**given, "principal": {"type": "group", "id": group["id"]}}]
    assert caller.get(f"/groups/{group['id']}").json["partner_reach"] == reach
    path = f"/sharing-rules/{made['id']}"
    assert caller.get(path).json["partner_reach"] == reach
    assert "partner_reach" not in caller.get("/sharing-rules").json["items"][0]
    wider = caller.patch(f"{path}?preview=true", {"criteria": {"all": []}})
    assert counted(wider) == [(2, {"lead": (1, 0)})]
    assert counted(caller.delete(f"{path}?preview=true")) == [(2, {"lead": (0, 2)})]
    assert counted(caller.delete(f"{members}/{member['id']}?preview=true")) == [(2, {"lead": (0, 2)})]
    assert caller.delete(f"/groups/{group['id']}?preview=true").status_code == 409, "as it would be refused"
    changed = caller.patch(path, {"criteria": {"all": []}}).json
    assert changed["partner_reach"][0]["records"] == 3, "counted although it is still being built"


def test_defaults_are_previewed_and_say_what_partners_are_given(api, session, ada, leads):
    caller, wider = (
        api(ada),
        {"name": "Other", "defaults": {"lead": {"external": "read"}}, "portal_roles": ["user"]},
    )
    told = counted(caller.patch("/settings?preview=true", wider))
    assert sum(people for people, _records in told) == 3
    assert all(records == {"lead": (3, 0)} for _people, records in told)
    session.expire_all()
    organisation = get_organisation(session)
    assert organisation.defaults["lead"]["external"] == "private"
    assert (organisation.name, len(organisation.portal_roles)) != ("Other", 1), "nothing of it stays"
    answer = caller.patch("/settings", {"defaults": wider["defaults"]}).json
    assert answer["partner_reach"] == [
        {
            "principal": {"type": "all_partners"},
            "object": "lead",
            "records": 3,
            "more": False,
            "partner_accounts": 2,
        }
    ]
    assert "partner_reach" not in caller.get("/settings").json
