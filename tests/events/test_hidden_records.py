"""What events tell of other records than their own: nothing of what their reader may not see."""

import pytest

from app.accounts.operations import edit_account
from app.accounts.relations.relationships import add_relationship, remove_relationship
from app.activities.queries import timeline
from app.campaigns.members import add_matching
from app.campaigns.operations import create_campaign
from app.care.erasing import erase_person
from app.care.merging import merge_records
from app.care.people_found import Asked, find_person
from app.care.survivors import find_survivor
from app.events.hiding import _MODELS
from app.identity.models import AccountScope
from app.kernel.actor import Role
from app.offboarding.choices import Keep
from app.offboarding.operations import deactivate_user
from app.sharing.rules import SHARED_TABLES
from tests.accounts.hanging import reason_named
from tests.factories import actor_of, make_account, make_case, make_contact, make_lead, make_user
from tests.people import make_token


@pytest.fixture
def porta(session):
    """A channel manager who sees her own portfolio alone."""
    return make_user(session, "Porta", role=Role.CHANNEL_MANAGER, account_scope=AccountScope.PORTFOLIO)


def told_over_api(client, user, record):
    """Kinds, changed fields and details of the record's events, newest first."""
    answer = client.get(
        f"/api/v1/events?record={record.ref}", headers={"Authorization": f"Bearer {make_token(user)}"}
    )
    assert answer.status_code == 200
    return [(e["kind"], sorted(e["changes"]), e["detail"]) for e in answer.get_json()["items"]]


def lines(session, actor, record):
    return [row.what for row in timeline(session, actor, record).items]


def test_a_relationship_to_a_hidden_account_is_told_to_nobody_who_does_not_see_it(
    client, session, ada, porta, now
):
    ada_, mine = actor_of(session, ada), make_account(session, "Mine", owner=porta)
    hidden, seen = make_account(session, "Rival GmbH"), make_account(session, "Partner SL", owner=porta)
    reason = reason_named(session, "Supplier of").ref
    links = [
        add_relationship(session, ada_, mine.ref, other.ref, reason, now=now) for other in (hidden, seen)
    ]
    edit_account(session, ada_, mine.ref, {"parent_id": hidden.ref, "phone": "+34972201100"}, now=now)
    remove_relationship(session, ada_, mine.ref, links[0].ref, now=now)
    session.commit()
    porta_ = actor_of(session, porta)
    assert lines(session, porta_, mine) == ["changed Phone", "related it: supplier of Partner SL"]
    assert lines(session, ada_, mine) == [
        "ended the relationship: supplier of Rival GmbH", "changed 2 fields", "related it: supplier of Partner SL",
        "related it: supplier of Rival GmbH",
    ]  # fmt: skip
    told = told_over_api(client, porta, mine)
    assert [(kind, fields) for kind, fields, _detail in told] == [("edited", ["phone"]), ("related", [])]
    everything = told_over_api(client, ada, mine)
    assert [(kind, fields) for kind, fields, _detail in everything] == [
        ("unrelated", []), ("edited", ["parent_id", "phone"]), ("related", []), ("related", []),
    ]  # fmt: skip
    page = client.get(
        f"/api/v1/events?record={mine.ref}&limit=1", headers={"Authorization": f"Bearer {make_token(porta)}"}
    ).get_json()
    assert [event["kind"] for event in page["items"]] == ["edited"]


def test_a_merged_record_that_somebody_never_saw_is_not_there_for_them(
    client, signed_in, session, ada, sal, porta, now
):
    mine, hidden = (
        make_account(session, "Mine", owner=porta),
        make_account(session, "Rival GmbH", phone="+34931"),
    )
    hers = make_account(session, "Hers", owner=porta)
    contact, twin = make_contact(session, "Puig", account=mine), make_contact(session, "Puigs", owner=ada)
    ada_ = actor_of(session, ada)
    merge_records(session, ada_, "account", mine.ref, [mine.ref, hidden.ref], {}, now=now)
    merge_records(session, ada_, "contact", contact.ref, [contact.ref, twin.ref], {}, now=now)
    session.commit()
    porta_ = actor_of(session, porta)
    assert find_survivor(session, porta_, "account", hidden.ref) is None
    assert find_survivor(session, actor_of(session, sal), "account", hidden.ref) == mine.ref
    browser = signed_in(porta)
    nowhere = browser.get("/accounts/acct_0000000000000000000000")
    for address in (f"/accounts/{hidden.ref}", f"/contacts/{twin.ref}"):
        gone = browser.get(address)
        assert (gone.status_code, gone.location) == (404, None)
        assert gone.get_data(as_text=True).replace(hidden.ref, "") is not None
    assert nowhere.status_code == 404
    for kind, other, loser in (("account", hers, hidden), ("contact", contact, twin)):
        chosen = browser.get(f"/care/merge/{kind}", query_string={"ref": [other.ref, loser.ref]})
        assert chosen.status_code == 404
    assert signed_in(sal).get(f"/accounts/{hidden.ref}").location == f"/accounts/{mine.ref}"
    for record in (mine, contact):
        assert "merged" not in [kind for kind, _fields, _detail in told_over_api(client, porta, record)]
        assert "merged" in [kind for kind, _fields, _detail in told_over_api(client, ada, record)]
        assert lines(session, porta_, record) == []
    # Of a record that she had herself she is told, and is led on.
    merge_records(session, ada_, "account", mine.ref, [mine.ref, hers.ref], {}, now=now)
    session.commit()
    assert signed_in(porta).get(f"/accounts/{hers.ref}").location == f"/accounts/{mine.ref}"


def test_every_kind_of_shared_record_is_looked_for():
    assert {model.__tablename__ for model in _MODELS.values()} == SHARED_TABLES


def test_how_many_hidden_records_an_act_was_about_is_told_to_nobody(
    client, session, ada, mara, sal, porta, now
):
    ada_, mara_ = actor_of(session, ada), actor_of(session, mara)
    campaign = create_campaign(session, ada_, {"name": "Fair"}, now=now)
    for _each in range(2):
        make_lead(session, owner=ada, company="Zqx works")
    wanted = {"filter": ["company.contains:Zqx"]}
    add_matching(session, ada_, campaign.ref, "lead", wanted, now=now)
    kept, gone = (make_account(session, name, owner=porta) for name in ("Kept", "Gone"))
    make_case(session, owner=ada, account=gone)
    merge_records(session, mara_, "account", kept.ref, [kept.ref, gone.ref], {}, now=now)
    deactivate_user(session, ada_, sal, Keep(), now=now)
    contact = make_contact(session, "Zqx", account=make_account(session, "Theirs", owner=ada))
    found = [each for each in find_person(session, ada_, Asked(name="Zqx")) if each.record is contact]
    erase_person(session, ada_, found, reason="asked to", now=now)
    session.commit()

    def told(reader, record):
        return {kind: detail for kind, _changes, detail in told_over_api(client, reader, record)}

    added = {"count": 2, "filter": wanted, "object": "lead"}
    assert told(ada, campaign)["members_added"] == added
    assert told(porta, campaign)["members_added"] == {"object": "lead"}
    assert told(ada, kept)["merged"]["moved"] == {"case": 1}
    for reader in porta, mara:  # who merged them need not see what went along
        assert told(reader, kept)["merged"].keys() == {"merged", "version"}
    assert told(ada, sal)["deactivated"] == {"moved": 0, "open_leads": "keep"}
    assert told(porta, sal)["deactivated"] == {"open_leads": "keep"}
    assert "person_erased" in told(ada, ada)
    assert "person_erased" not in told(porta, ada)
