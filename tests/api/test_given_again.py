"""What a POST that is repeated under its key tells of records that its caller has lost meanwhile, or sees less of."""

from app.campaigns.operations import create_campaign
from app.identity.lead_fields import EVERYONE, set_lead_fields
from app.identity.models import AccountScope
from app.kernel import clock
from app.kernel.actor import Role
from tests.accounts.hanging import reason_named
from tests.documents.files import PDF, given
from tests.factories import actor_of, make_account, make_contact, make_lead, make_opportunity

KEY = {"Idempotency-Key": "k"}


def give(api, giver, lead, to):
    wish = {"owner": {"type": "user", "id": to.ref}, "over_capacity": True}
    assert api(giver).post(f"/leads/{lead.ref}/assign", wish).status_code == 200


def test_of_a_lead_that_went_elsewhere_nothing_is_given_again(session, api, pia, pam, mara, world):
    program, lead = api(pia), world.waiting
    calls = {
        f"/leads/{lead.ref}/claim": None,
        f"/leads/{lead.ref}/activities": {"kind": "note", "subject": "Serra wants two"},
    }

    def answers():
        return [program.post(path, body, headers={"Idempotency-Key": path}) for path, body in calls.items()]

    assert [each.status_code for each in answers()] == [200, 201]
    give(api, mara, lead, pam)
    again = answers()
    assert [each.status_code for each in again] == [404, 404]
    absent = program.get("/leads/lead_0000000000000000000000")
    assert all(each.data == absent.data for each in again)
    give(api, mara, lead, pia)  # whoever is given it back reads it
    assert answers()[0].json["company"] == lead.company


def test_where_the_id_alone_is_an_answer_it_is_given_again(session, api, pia, mara, sal, world):
    program = api(sal)
    made = program.post("/leads", {"company": "Zqx works"}, headers=KEY)
    program.post(f"/leads/{made.json['id']}/assign", {"owner": {"type": "user", "id": pia.ref}})
    sal.account_scope = AccountScope.PORTFOLIO
    session.commit()
    again = program.post("/leads", {"company": "Zqx works"}, headers=KEY)
    assert (again.status_code, again.json) == (201, {"id": made.json["id"]})
    assert "ETag" not in again.headers


def test_what_the_caller_still_reads_is_given_again_to_the_letter(session, api, pia, mara, world):
    program, path = api(pia), f"/leads/{world.waiting.ref}/claim"
    first = program.post(path, headers=KEY)
    assert program.patch(f"/leads/{world.waiting.ref}", {"company": "Renamed"}).status_code == 200
    again = program.post(path, headers=KEY)
    assert (again.data, again.headers["ETag"]) == (first.data, first.headers["ETag"])


def test_what_was_hidden_since_is_not_given_again(session, api, ada, pia, world):
    program, path = api(pia), f"/leads/{world.waiting.ref}/claim"
    assert program.post(path, headers=KEY).json["company"] == world.waiting.company
    set_lead_fields(session, actor_of(session, ada), {EVERYONE: {"company": "hidden"}}, now=clock.now())
    session.commit()
    again = program.post(path, headers=KEY)
    assert again.json == program.get(f"/leads/{world.waiting.ref}").json
    assert world.waiting.company not in again.text


def test_what_a_conversion_made_is_named_while_it_is_seen(session, api, ada, pia, mara, world):
    program, path = api(pia), f"/leads/{world.owned.ref}/convert"
    wanted = {"opportunity": {"name": "Molins, 20 frames"}}
    first = program.post(path, wanted, headers=KEY)
    assert first.status_code == 200
    assert program.post(path, wanted, headers=KEY).json == first.json
    assert api(ada).delete(f"/opportunities/{first.json['opportunity']['id']}").status_code == 204
    assert program.post(path, wanted, headers=KEY).status_code == 404


def test_a_document_of_a_lead_that_is_gone_is_not_described_again(session, api, pia, pam, mara, world):
    program, path = api(pia), f"/leads/{world.owned.ref}/documents"

    def send():
        return program.post(
            path,
            data={"file": given(PDF, "Roca's offer.pdf")},
            content_type="multipart/form-data",
            headers=KEY,
        )

    assert send().json["name"] == "Roca's offer.pdf"
    give(api, mara, world.owned, pam)
    again = send()
    assert again.status_code == 404
    assert "Roca" not in again.text


def test_whoever_may_no_longer_do_it_is_told_so(session, api, ada, mara, world):
    program = api(mara)
    assert program.post("/queues", {"name": "Zqx circle"}, headers=KEY).status_code == 201
    assert program.post("/queues", {"name": "Zqx circle"}, headers=KEY).status_code == 201
    mara.role = Role.VIEWER
    session.commit()
    again = program.post("/queues", {"name": "Zqx circle"}, headers=KEY)
    assert again.status_code == 403
    assert "Zqx" not in again.text


def test_what_hangs_on_a_seen_record_is_not_given_again_where_it_names_one_that_is_seen_no_more(
    session, api, ada, mara
):
    """A member of a campaign, a part in an opportunity, a relationship: each says what another record is called."""
    mine = make_account(session, "Mine", owner=mara)
    deal = make_opportunity(session, owner=mara, account=mine)
    lead = make_lead(session, owner=mara, company="Zqx works")
    account = make_account(session, "Zqx holding", owner=mara)
    contact = make_contact(session, "Zqx", account=account, owner=mara)
    campaign = create_campaign(session, actor_of(session, ada), {"name": "Fair"}, now=clock.now())
    mara.account_scope = AccountScope.PORTFOLIO
    session.commit()
    program = api(mara)
    reason = reason_named(session, "Supplier of").ref
    calls = {
        f"/campaigns/{campaign.ref}/members": {"lead_id": lead.ref},
        f"/opportunities/{deal.ref}/contacts": {"contact_id": contact.ref, "role": "decision_maker"},
        f"/accounts/{mine.ref}/relationships": {"account_id": account.ref, "reason": reason},
        f"/accounts/{mine.ref}/shares": {"principal": {"type": "user", "id": ada.ref}, "level": "read"},
    }

    def answers():
        return [program.post(path, body, headers={"Idempotency-Key": path}) for path, body in calls.items()]

    first, again = answers(), answers()
    assert [each.status_code for each in first] == [201] * 4
    assert [each.data for each in again] == [each.data for each in first]
    for record in lead, account, contact:
        record.owner_user_id = ada.id
    session.commit()
    lost = answers()
    assert [each.status_code for each in lost] == [404, 404, 404, 201]
    assert not any("Zqx" in each.text for each in lost)
