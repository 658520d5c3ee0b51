"""Enabling, suspending and resuming partners; enabling their users."""

from sqlalchemy import select

from app.identity.models import User
from app.identity.queries import get_organisation
from app.kernel.actor import Role
from app.notifications.models import Delivery
from app.partners.models import PartnerLevel
from tests.factories import make_account, make_contact, make_user, row_count, rows

SUSPENDED = "/suspend-partner"


def slug(answer):
    return answer.status_code, answer.json["type"].rpartition("/")[2]


def test_a_business_becomes_a_partner_with_a_queue(session, api, mara, sal, vic, world):
    level = session.scalars(select(PartnerLevel).where(PartnerLevel.name == "Silver")).one()
    path = f"/accounts/{world.account.ref}/enable-partner"
    for person in (sal, vic):
        assert api(person).post(path).status_code == 403
    for body in (
        {"level": "Tin"}, {"capacity": -1}, {"capacity": "3"}, {"capacity": 1.5}, {"nonsense": 1}, {"level": 7},
    ):  # fmt: skip
        assert api(mara).post(path, body).status_code == 422, body
    answer = api(mara).post(path, {"level": level.ref, "capacity": 30})
    assert answer.status_code == 200
    partner = answer.json["partner"]
    assert (partner["state"], partner["level"], partner["capacity"]) == ("active", "Silver", 30)
    queue = api(mara).get(f"/queues/{partner['queue_id']}").json
    assert queue["members"][0]["principal"] == {"type": "partner_account", "id": world.account.ref}
    assert queue["account_id"] == world.account.ref
    assert slug(api(mara).post(path)) == (409, "conflict")


def test_nothing_is_enabled_before_partner_management_is(session, api, mara, world):
    get_organisation(session).prm_enabled_at = None
    session.commit()
    assert slug(api(mara).post(f"/accounts/{world.account.ref}/enable-partner")) == (409, "wrong-order")
    assert slug(api(mara).post(f"/contacts/{world.contact.ref}/enable-partner-user")) == (409, "wrong-order")


def test_a_person_account_is_no_partner(api, mara):
    person = api(mara).post("/accounts", {"kind": "person", "last_name": "Puig"}).json["id"]
    assert slug(api(mara).post(f"/accounts/{person}/enable-partner")) == (409, "wrong-order")


def test_a_contact_becomes_a_partner_user_and_is_invited(session, api, mara, sal, vic, world):
    path = f"/contacts/{world.contact.ref}/enable-partner-user"
    assert slug(api(mara).post(path)) == (409, "wrong-order")  # the account is no partner
    api(mara).post(f"/accounts/{world.account.ref}/enable-partner")
    for person in (sal, vic):
        assert api(person).post(path).status_code == 403
    for body in ({"role": "sales"}, {"language": "xx"}, {"email": "no"}, {"time_zone": "x"}, {"name": "x"}):
        assert api(mara).post(path, body).status_code == 422, body
    assert row_count(session, User, User.contact_id == world.contact.id) == 0
    answer = api(mara).post(path, {"role": "manager", "language": "ca"})
    assert answer.status_code == 201
    user = answer.json
    assert (user["state"], user["role"], user["language"]) == ("invited", "manager", "ca")
    assert (user["email"], user["account_id"]) == ("puig@forges.example", world.account.ref)
    assert [delivery.recipient for delivery in rows(session, Delivery)] == ["puig@forges.example"]
    assert slug(api(mara).post(path)) == (409, "conflict")


def test_a_taken_address_is_refused_for_the_vendors_people(session, api, mara, sal, world):
    api(mara).post(f"/accounts/{world.account.ref}/enable-partner")
    before = row_count(session, User)
    answer = api(mara).post(
        f"/contacts/{world.contact.ref}/enable-partner-user", {"email": sal.email.upper()}
    )
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["email"])
    assert row_count(session, User) == before


def test_a_contact_of_no_account_becomes_nobodys_user(session, api, mara):
    private = make_contact(session, "Secret", account=None, owner=mara)
    session.commit()
    assert slug(api(mara).post(f"/contacts/{private.ref}/enable-partner-user")) == (409, "wrong-order")


def test_suspending_asks_what_becomes_of_open_leads(api, mara, sal, vic, pia, world, northwind, session):
    account = next(a["id"] for a in api(mara).items("/accounts?partner=true") if a["name"] == "Northwind")
    path = f"/accounts/{account}"
    for body in (
        None, {}, {"open_leads": None}, {"open_leads": "drop"}, {"open_leads": {"owner": None}},
        {"open_leads": {"owner": {"type": "user", "id": "user_0000000000000000000000"}}},
        {"open_leads": "keep", "why": "x"},
    ):  # fmt: skip
        assert api(mara).post(path + SUSPENDED, body).status_code == 422, body
    for person in (sal, vic):
        assert api(person).post(path + SUSPENDED, {"open_leads": "keep"}).status_code == 403
    pias = api(pia)
    assert pias.get("/leads").status_code == 200
    gone = {"open_leads": {"owner": {"type": "user", "id": sal.ref}}}
    answer = api(mara).post(path + SUSPENDED, gone)
    assert answer.json["partner"]["state"] == "suspended"
    assert pias.get("/leads").status_code == 401
    assert api(sal).get(f"/leads/{world.owned.ref}").json["owner"]["id"] == sal.ref
    assert api(mara).post(path + SUSPENDED, {"open_leads": "keep"}).status_code == 409
    assert api(vic).post(path + "/resume-partner").status_code == 403
    assert api(mara).post(path + "/resume-partner").json["partner"]["state"] == "active"
    assert api(mara).post(path + "/resume-partner").status_code == 409
    assert pias.get("/leads").status_code == 401  # ended tokens stay ended
    assert api(pia).get("/leads").status_code == 200


def test_only_partners_are_suspended(api, mara, world):
    for act, body in ((SUSPENDED, {"open_leads": "keep"}), ("/resume-partner", None)):
        assert slug(api(mara).post(f"/accounts/{world.account.ref}{act}", body)) == (409, "wrong-order")
        assert api(mara).post(f"/accounts/acct_0000000000000000000000{act}", body).status_code == 404


def test_states_begin_from_the_version_that_is_named(api, mara, world):
    path = f"/accounts/{world.account.ref}"
    acts = {"enable-partner": None, "suspend-partner": {"open_leads": "keep"}, "resume-partner": None}
    for act, body in acts.items():
        assert slug(api(mara).post(f"{path}/{act}", body, headers={"If-Match": '"0"'})) == (409, "stale")
        tag = api(mara).get(path).headers["ETag"]
        assert api(mara).post(f"{path}/{act}", body, headers={"If-Match": tag}).status_code == 200


def test_who_owns_a_partner_manages_it(session, api, sal, mara, world):
    # An owner whose role manages no partners hands over to whoever enables it.
    assert world.account.owner_user_id == sal.id
    answer = api(mara).post(f"/accounts/{world.account.ref}/enable-partner")
    assert answer.json["owner"]["id"] == mara.ref
    viewer = make_user(session, role=Role.VIEWER)
    other = make_account(session, owner=viewer)
    session.commit()
    assert api(mara).post(f"/accounts/{other.ref}/enable-partner").json["owner"]["id"] == mara.ref
