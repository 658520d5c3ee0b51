"""Each change has an event in the same transaction, whoever makes it by whatever way; and no event holds a secret.

A crowd of people does everything that can be done, in an order drawn by lot, while the database itself notes
which rows each transaction changes.
"""

import io
import random
import re

import pytest
from sqlalchemy import select, text

from app.events.models import Event
from app.intake.run import run_one
from app.kernel.db import db, set_reading
from app.leads.models import LeadSource
from app.notifications.models import Delivery, DeliveryState
from tests import people
from tests.events.watching import watched
from tests.factories import (
    PASSWORD,
    make_account,
    make_contact,
    make_lead,
    make_queue,
    make_round_robin,
    make_user,
    open_portal,
    row_count,
    rows,
)
from tests.identity.letters import last_link
from tests.identity.second_factors import give_code, give_password, wrong_code
from tests.identity.test_second_factor import set_up

NEW_PASSWORD = "canary that flies by night"
WRONG = "canary that nobody knows"


class Crowd:
    """The people with their clients and tokens, and what they act on."""

    def __init__(self, app, session, users, watch, chance):
        self.app, self.session, self.watch, self.chance = app, session, watch, chance
        self.users = users
        self.secrets = {PASSWORD, NEW_PASSWORD, WRONG}
        self.tokens = {name: people.make_token(user) for name, user in users.items()}
        self.secrets |= set(self.tokens.values())
        self.browsers = {}
        self.numbers = iter(range(10_000))

    def api(self, name):
        return people.ApiClient(self.app, self.tokens[name])

    def browser(self, name):
        if name not in self.browsers:
            client = people.Client(self.app, use_cookies=True)
            self.secrets.add(people.sign_in(client, self.users[name]))
            self.browsers[name] = client
        return self.browsers[name]

    def name(self):
        return f"Thing {next(self.numbers)}"

    def ref(self, name):
        return self.users[name].ref

    def lead(self, **values):
        lead = make_lead(self.session, **values)
        self.session.commit()
        return lead.ref

    def ok(self, answer):
        assert answer.status_code < 400, (
            self.watch.doing,
            answer.status_code,
            answer.get_data(as_text=True)[:800],
        )
        return answer


def lead_life(c):
    mara, pia = c.api("mara"), c.api("pia")
    lead = c.ok(mara.post("/leads", {"company": c.name(), "email": f"x{next(c.numbers)}@y.example"})).json[
        "id"
    ]
    c.ok(mara.patch(f"/leads/{lead}", {"city": "Olot", "status": "working"}))
    c.ok(mara.post(f"/leads/{lead}/assign", {"owner": {"type": "user", "id": c.ref("pia")}, "offer": True}))
    c.ok(pia.post(f"/leads/{lead}/accept"))
    c.ok(pia.post(f"/leads/{lead}/activities", {"kind": "call", "subject": "Hello"}))
    c.ok(pia.post(f"/leads/{lead}/release", {"reason": "other"}))
    c.ok(mara.post(f"/leads/{lead}/assign", {"route": True}))
    c.ok(mara.delete(f"/leads/{lead}"))
    c.ok(mara.post(f"/leads/{lead}/restore"))


def offers(c):
    lead = c.lead()
    c.ok(
        c.api("mara").post(
            f"/leads/{lead}/assign", {"owner": {"type": "user", "id": c.ref("pia")}, "offer": True}
        )
    )
    c.ok(c.api("pia").post(f"/leads/{lead}/decline", {"reason": "no_capacity"}))


def claims(c):
    lead = c.lead(queue=c.queue)
    c.ok(c.api("pia").post(f"/leads/{lead}/claim"))
    c.ok(c.api("pam").post(f"/leads/{lead}/assign", {"owner": {"type": "user", "id": c.ref("pam")}}))
    c.lead(queue=c.queue)
    c.ok(c.browser("pia").submit("/inbox/claim-next", {}, page="/inbox"))


def many_at_once(c):
    refs = [c.lead() for _ in range(3)]
    owner = {"type": "round_robin", "id": c.round_robin}
    act = c.ok(c.api("mara").post("/leads/bulk-assign", {"lead_ids": refs, "owner": owner})).json["id"]
    c.ok(c.api("mara").post(f"/bulk-acts/{act}/undo"))


def accounts_and_contacts(c):
    mara = c.api("mara")
    account = c.ok(mara.post("/accounts", {"name": c.name(), "allow_duplicate": True})).json["id"]
    c.ok(mara.patch(f"/accounts/{account}", {"industry": c.name()}))
    member = c.ok(mara.post(f"/accounts/{account}/responsibles", {"user_id": c.ref("sal")})).json["id"]
    c.ok(mara.delete(f"/accounts/{account}/responsibles/{member}"))
    contact = c.ok(
        mara.post("/contacts", {"last_name": c.name(), "account_id": account, "allow_duplicate": True})
    ).json["id"]
    c.ok(mara.patch(f"/contacts/{contact}", {"title": "Buyer"}))
    note = c.ok(mara.post(f"/contacts/{contact}/activities", {"kind": "task", "subject": "Ring"})).json["id"]
    c.ok(mara.patch(f"/activities/{note}", {"done": True}))
    c.ok(mara.delete(f"/contacts/{contact}"))
    c.ok(c.browser("mara").submit(f"/contacts/{contact}/restore", {}, page="/profile"))
    c.ok(mara.delete(f"/accounts/{account}"))
    c.ok(c.browser("mara").submit(f"/accounts/{account}/restore", {}, page="/profile"))


def partners(c):
    mara = c.api("mara")
    account = make_account(c.session, c.name(), owner=c.users["mara"])
    contact = make_contact(c.session, "Roca", account=account, email=f"r{next(c.numbers)}@roca.example")
    refs = account.ref, contact.ref
    c.ok(mara.post(f"/accounts/{refs[0]}/enable-partner", {"capacity": 5}))
    user = c.ok(mara.post(f"/contacts/{refs[1]}/enable-partner-user", {"role": "user"})).json["id"]
    c.ok(mara.patch(f"/users/{user}", {"capacity": 3}))
    c.ok(mara.post(f"/accounts/{refs[0]}/suspend-partner", {"open_leads": "keep"}))
    c.ok(mara.post(f"/accounts/{refs[0]}/resume-partner"))


def queues_and_turns(c):
    mara = c.api("mara")
    queue = c.ok(mara.post("/queues", {"name": c.name(), "members": []})).json["id"]
    c.ok(mara.patch(f"/queues/{queue}", {"accept_within_minutes": 30}))
    member = c.ok(mara.post(f"/queues/{queue}/members", {"type": "user", "id": c.ref("sal")})).json["id"]
    c.ok(mara.delete(f"/queues/{queue}/members/{member}"))
    c.ok(mara.delete(f"/queues/{queue}"))
    group = c.ok(mara.post("/round-robins", {"name": c.name(), "members": []})).json["id"]
    principal = {"principal": {"type": "user", "id": c.ref("pia")}}
    member = c.ok(mara.post(f"/round-robins/{group}/members", principal)).json["id"]
    c.ok(mara.patch(f"/round-robins/{group}/members/{member}", {"weight": 3}))
    c.ok(mara.patch(f"/round-robins/{group}", {"name": c.name()}))
    c.ok(mara.delete(f"/round-robins/{group}/members/{member}"))
    c.ok(mara.delete(f"/round-robins/{group}"))


def rules(c):
    mara = c.api("mara")
    entry = {
        "criteria": {"field": "city", "op": "equals", "value": "Olot"},
        "target": {"type": "queue", "id": c.queue_ref},
    }
    rule = c.ok(mara.post("/assignment-rules", {"name": c.name(), "entries": [entry]})).json["id"]
    c.ok(mara.patch(f"/assignment-rules/{rule}", {"entries": [entry, entry]}))
    c.ok(mara.post(f"/assignment-rules/{rule}/activate"))
    c.ok(mara.post(f"/assignment-rules/{rule}/deactivate"))
    draft = c.ok(mara.post("/assignment-rules", {"name": c.name(), "entries": []})).json["id"]
    c.ok(mara.delete(f"/assignment-rules/{draft}"))


def settings_and_lists(c):
    ada = c.api("ada")
    c.ok(ada.patch("/settings", {"name": c.name()[:20], "strict_capture": False, "preview_fields": ["city"]}))
    for level in ("read", "read_write"):
        c.ok(ada.patch("/settings", {"defaults": {"lead": {"internal": level}}}))
    for registry in ("lead_sources", "decline_reasons", "partner_levels"):
        item = c.ok(ada.post(f"/registries/{registry}", {"name": c.name()})).json["id"]
        c.ok(ada.patch(f"/registries/{registry}/{item}", {"name": c.name()}))
        c.ok(ada.delete(f"/registries/{registry}/{item}"))
    for act in ("hold", "release"):
        c.ok(c.browser("ada").submit(f"/setup/deliveries/{act}", {}, page="/profile"))


def a_failed_mail(c):
    c.ok(c.api("mara").post(f"/leads/{c.lead()}/assign", {"owner": {"type": "user", "id": c.ref("pia")}}))
    delivery = rows(c.session, Delivery)[-1]
    delivery.state = DeliveryState.FAILED
    ref = delivery.ref
    c.ok(c.api("mara").post(f"/deliveries/{ref}/retry"))


def people_come_and_go(c):
    ada = c.api("ada")
    email = f"new{next(c.numbers)}@vendor.example"
    user = c.ok(ada.post("/users", {"email": email, "name": c.name(), "role": "sales"})).json["id"]
    found = find_user(c, user)
    link = last_link(c.session, found)
    c.secrets.add(link.rpartition("/")[2])
    browser = people.Client(c.app, use_cookies=True)
    c.ok(browser.submit(link, {"password": NEW_PASSWORD, "password_again": NEW_PASSWORD}))
    c.ok(ada.patch(f"/users/{user}", {"role": "viewer"}))
    c.ok(c.browser("ada").submit(f"/setup/users/{user}/sessions/end", {}, page="/profile"))
    c.ok(ada.post(f"/users/{user}/deactivate", {"open_records": "keep"}))
    c.ok(ada.post(f"/users/{user}/reactivate"))


def find_user(c, ref):
    from app.identity.models import User

    return c.session.scalar(select(User).where(User.ref == ref))


def keys(c):
    user = make_user(c.session, c.name(), email=f"k{next(c.numbers)}@vendor.example")
    email, ref = user.email, user.ref
    browser, other = (people.Client(c.app, use_cookies=True) for _ in range(2))
    browser.submit("/sign-in", {"email": email, "password": WRONG})
    browser.submit("/sign-in", {"email": WRONG, "password": WRONG})
    for client in (browser, other):
        c.ok(client.submit("/sign-in", {"email": email, "password": PASSWORD}))
        with client.session_transaction() as cookie:
            c.secrets.add(cookie["_user_id"])
    page = c.ok(browser.submit("/profile/tokens", {"label": "x", "days": "30"}, page="/profile")).text
    c.secrets.add(re.search(r"canal_[A-Za-z0-9_-]{43}", page).group())
    token = re.search(r"tokens/(tok_\w+)/revoke", page).group(1)
    c.ok(browser.submit(f"/profile/tokens/{token}/revoke", {}, page="/profile"))
    c.ok(browser.submit("/profile/theme", {"theme": "dark"}, page="/profile"))
    c.ok(browser.submit("/profile/sessions/end-others", {}, page="/profile"))
    c.ok(
        browser.submit(
            "/profile/password",
            {"current_password": PASSWORD, "password": NEW_PASSWORD, "password_again": NEW_PASSWORD},
            page="/profile",
        )
    )
    c.ok(browser.submit("/sign-out", {}, page="/profile"))
    c.ok(browser.submit("/forgot-password", {"email": email}))
    link = last_link(c.session, find_user(c, ref))
    c.secrets.add(link.rpartition("/")[2])
    c.ok(browser.submit(link, {"password": PASSWORD, "password_again": PASSWORD}))


def sharing(c):
    mara, lead = c.api("mara"), c.lead(owner=c.users["sal"])
    sal = {"type": "user", "id": c.ref("sal")}
    group = c.ok(mara.post("/groups", {"name": c.name(), "members": [sal]})).json["id"]
    c.ok(mara.patch(f"/groups/{group}", {"name": c.name()}))
    member = c.ok(mara.post(f"/groups/{group}/members", {"type": "user", "id": c.ref("vic")})).json["id"]
    c.ok(mara.delete(f"/groups/{group}/members/{member}"))
    rule = {
        "object": "lead",
        "kind": "owner",
        "owned_by": sal,
        "share_with": {"type": "all_internal"},
        "level": "read",
    }
    rule_ref = c.ok(mara.post("/sharing-rules", {"name": c.name(), **rule})).json["id"]
    c.ok(mara.patch(f"/sharing-rules/{rule_ref}", {"level": "edit"}))
    c.ok(mara.delete(f"/sharing-rules/{rule_ref}"))
    share = {"principal": {"type": "user", "id": c.ref("vic")}, "level": "read"}
    share_ref = c.ok(c.api("ada").post(f"/leads/{lead}/shares", share)).json["id"]
    c.ok(c.api("ada").delete(f"/leads/{lead}/shares/{share_ref}"))
    c.ok(mara.delete(f"/groups/{group}"))


def second_factors(c):
    user = make_user(c.session, c.name(), email=f"f{next(c.numbers)}@vendor.example")
    browser = people.Client(c.app, use_cookies=True)
    c.secrets.add(people.sign_in(browser, user))
    secret, codes = set_up(browser, user)
    c.secrets |= {secret, secret.replace(" ", ""), *codes, *(code.replace("-", "") for code in codes)}
    c.ok(browser.submit("/sign-out", {}, page="/profile"))
    give_password(browser, user)
    assert give_code(browser, wrong_code(user)).status_code == 422
    c.ok(give_code(browser, codes[0]))
    c.ok(c.browser("ada").submit(f"/setup/users/{user.ref}/second-factor/reset", {}, page="/profile"))


def looking_as_somebody_else(c):
    browser = c.browser("ada")
    c.ok(browser.submit(f"/setup/users/{c.ref('vic')}/view-as", {}, page="/profile"))
    assert browser.get("/setup/organisation").status_code == 403
    c.ok(browser.submit("/stop-viewing", {}, page="/leads"))


def files(c):
    for path in (
        "/lists/lead/export",
        "/lists/account/export",
        "/lists/contact/export",
        "/setup/audit-log/export",
    ):
        c.ok(c.browser("ada").submit(path, {}, page="/profile"))
    content = f"Last name,Company\nPuig {c.name()},{c.name()}\nRoca,{c.name()}\n".encode()
    answer = c.ok(
        c.api("mara").post(
            "/imports",
            data={"file": (io.BytesIO(content), "leads.csv"), "object": "lead"},
            content_type="multipart/form-data",
        )
    )
    from app.intake.models import Import

    key = c.session.scalar(select(Import.id).where(Import.ref == answer.json["id"]))
    c.session.commit()
    c.watch.everywhere = True
    run_one(key)
    c.watch.everywhere = False
    set_reading(False)


def what_is_refused(c):
    assert c.api("vic").post("/leads", {"company": "x"}).status_code == 403
    assert c.browser("vic").get("/setup/organisation").status_code == 403
    assert c.api("mara").post("/leads", {"nonsense": 1}).status_code == 422


ACTS = (
    lead_life, offers, claims, many_at_once, accounts_and_contacts, partners, queues_and_turns, rules,
    settings_and_lists, a_failed_mail, people_come_and_go, keys, files, what_is_refused,
    sharing, second_factors, looking_as_somebody_else,
)  # fmt: skip


@pytest.fixture
def crowd(app, session, ada, mara, sal, vic, pia, pam, otto, northwind, southwind):
    open_portal(session)
    users = {"ada": ada, "mara": mara, "sal": sal, "vic": vic, "pia": pia, "pam": pam, "otto": otto}
    queue = make_queue(session, "Iberia", members=(northwind,))
    group = make_round_robin(session, "Turns", members=(pia, otto))
    session.commit()
    with watched(app) as watch:
        made = Crowd(app, session, users, watch, random.Random(7))
        made.queue, made.queue_ref, made.round_robin = queue, queue.ref, group.ref
        yield made
        session.rollback()
        session.close()


def play(crowd):
    """Everything once, in an order drawn by lot."""
    for act in crowd.chance.sample(ACTS, len(ACTS)):
        crowd.watch.doing = act.__name__
        act(crowd)


@pytest.mark.long_on("postgresql")
def test_every_transaction_that_changes_something_says_so_and_keeps_no_secret(crowd, session):
    play(crowd)
    assert crowd.watch.silent == []
    assert crowd.watch.told > 80
    assert row_count(session, Event) >= crowd.watch.told
    kept = everything_on_record()
    assert len(kept) > 10_000
    assert len(crowd.secrets) > 15
    assert [secret for secret in crowd.secrets if secret in kept] == []


def everything_on_record():
    db.session.rollback()
    found = db.session().connection().execute(text("SELECT * FROM event"))
    return "\n".join(repr(tuple(row)) for row in found)


def test_the_watch_sees_what_is_not_told(crowd, session, app):
    """That the proof proves something: a change without an event is found, also one by bulk insert."""
    from app.kernel.bulk import insert_rows

    crowd.watch.everywhere = True
    crowd.watch.doing = "silence"
    crowd.users["sal"].name = "Somebody else"
    session.commit()
    source = {"ref": "item_x", "name": "Fair", "name_fold": "fair", "position": 99, "is_active": True}
    insert_rows(session, LeadSource, [source])
    session.commit()
    assert crowd.watch.silent == ["silence: UPDATE user", "silence: INSERT lead_source"]
