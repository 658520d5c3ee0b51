"""Each field of a lead in every door, for partners of two levels: there when they may see it, else nowhere.

Every field holds a marker of its own.  What a level sees is chosen so that in two rounds every field is
hidden, shown before the claim and shown after it for somebody.
"""

import email
import email.policy
import re
from dataclasses import dataclass
from typing import Any

import pytest

from app.activities.models import Activity
from app.kernel import clock
from app.kernel.refs import ACTIVITY, new_ref
from app.leads.asking import parse_lead_query
from app.leads.fields import FIELDS
from app.leads.models import Lead
from app.leads.operations import edit_lead
from app.lists.rows import batches
from app.notifications.messages import write_mail
from app.notifications.models import NotificationKind
from app.partners.models import PartnerLevel
from tests.factories import actor_of, make_lead, make_queue, make_source, rows
from tests.inbox.pages import offer as make_offer
from tests.notifications.mailing import html_of, tell, text_of

WHEN = ("hidden", "preview", "after_claim")
NEVER_HIDDEN = {"status", "unqualified_reason", "opted_out_email", "opted_out_phone", "age_days"}
NAMES = (*(name for name in FIELDS if name != "arrived_at"), "age_days")
TEXTS = (
    "last_name", "first_name", "company", "title", "industry", "street", "city", "state", "postal_code", "rating",
    "product_interest", "campaign", "description", "budget", "authority", "need", "timeframe", "consent_basis",
    "external_id",
)  # fmt: skip
# Fields that a filter of the same name finds by their whole text.
FILTERED = (
    "last_name", "first_name", "company", "title", "email", "website", "industry", "street", "city", "state",
    "postal_code", "rating", "product_interest", "budget", "authority", "need", "timeframe", "external_id",
)  # fmt: skip
ALWAYS_WHOLE = {
    "id", "version", "visibility", "created_at", "updated_at", "created_by", "updated_by", "arrived_at", "owner",
    "offer", "custom", "duplicates", "campaign_id",
}  # fmt: skip
ALWAYS_PREVIEW = {"id", "visibility", "owner", "offer", "arrived_at"}


@dataclass
class Held:
    """A lead whose every field holds its marker.  marks: field → what a door that shows it says."""

    lead: Lead
    marks: dict[str, str]

    def found_in(self, text: str) -> set[str]:
        return {name for name, mark in self.marks.items() if mark in text}


def hold(session, stem: str, number: int, **place: Any) -> Held:
    marks = {name: f"{stem}{name.replace('_', '')}" for name in TEXTS}
    email, website = f"{stem.lower()}mail@marker.example", f"https://{stem.lower()}site.example"
    values = {
        **{("campaign_name" if name == "campaign" else name): mark for name, mark in marks.items()},
        "email": email, "website": website, "phone": f"+34 600 111 0{number}", "mobile": f"+34 600 222 0{number}",
        "employees": 77_000 + number, "annual_revenue": 88_123_000.0 + number, "score": 93_000 + number,
        "country": "IS", "consent": True, "interest_confirmed": True, "phone_key": f"+346001110{number}",
        "source": make_source(session, f"{stem}source"),
    }  # fmt: skip
    marks |= {
        "email": email,
        "website": website,
        "phone": f"600 111 0{number}",
        "mobile": f"600 222 0{number}",
    }
    marks |= {"source": f"{stem}source"}
    return Held(make_lead(session, **values, **place), marks)


def plan(shift: int) -> dict[str, str]:
    """Field → when, a third of the fields each way."""
    chosen = {name: WHEN[(place + shift) % 3] for place, name in enumerate(NAMES)}
    return {
        n: "after_claim" if n in NEVER_HIDDEN and when == "hidden" else when for n, when in chosen.items()
    }


@pytest.fixture
def doors(session, world, pia, pam, otto, northwind, southwind):
    """Two leads of each company's user, one of theirs and one that waits for them; levels for both companies."""
    for name, partner in (("Gold", northwind), ("Silver", southwind)):
        [level] = rows(session, PartnerLevel, PartnerLevel.name == name)
        partner.level_id = level.id
    both = make_queue(session, "Both", members=(northwind, southwind))
    waiting = hold(session, "Waits", 9, queue=both)
    owned = {}
    for number, user in enumerate((pia, otto)):
        held = hold(session, ("Pias", "Ottos")[number], number, owner=user)
        twin = make_lead(session, owner=user)
        held.lead.duplicates = [
            {"type": "lead", "id": twin.id, "reasons": ["email", "phone", "company", "name"]}
        ]
        planned = Activity(
            ref=new_ref(ACTIVITY), lead_id=held.lead.id, kind="task", subject="Call back", at=clock.now(), is_done=False,
            company_id=user.partner_account_id, created_by_id=user.id, created_at=clock.now(), updated_at=clock.now(),
        )  # fmt: skip
        session.add(planned)
        owned[user.id] = held
    session.commit()
    return waiting, owned


def set_levels(api, ada, session, gold: dict[str, str], silver: dict[str, str]) -> None:
    """Gold says everything of its own; Silver has it as all partners."""
    level = rows(session, PartnerLevel, PartnerLevel.name == "Gold")[0]
    fields = {"all": silver, "levels": {level.ref: gold}, "knowingly": True}
    answer = api(ada).patch("/settings", {"lead_fields": fields})
    assert answer.status_code == 200
    assert answer.json["lead_fields"]["all"] == silver
    assert answer.json["preview_fields"] == [name for name in NAMES if silver[name] == "preview"]


def told(message) -> str:
    return f"{message['Subject']}\n{text_of(message)}\n{html_of(message)}"


def check(api, browser, session, user, waiting: Held, own: Held, when: dict[str, str]) -> None:
    """Every door for one person.  when: what they see, by field."""
    hidden = {name for name in NAMES if when[name] == "hidden"}
    preview = {name for name in NAMES if when[name] == "preview"}
    client, ref, waits = api(user), own.lead.ref, waiting.lead.ref
    actor = actor_of(session, user)

    # Pages and fragments: nothing that is hidden, whoever's the lead is; all else on its own page.
    page = browser.get(f"/leads/{ref}").get_data(as_text=True)
    assert own.found_in(page) == set(own.marks) - hidden, "page"
    assert ("same e-mail" in page) is ("email" not in hidden)
    shown = browser.get(f"/leads/{waits}").get_data(as_text=True)
    assert waiting.found_in(shown) == set(waiting.marks) & preview, "preview page"
    for url in (
        f"/leads/{ref}/edit", f"/leads/{ref}/release", f"/leads/{ref}/access", f"/leads/{ref}/activities",
        f"/leads/{waits}/access", "/leads", "/leads?sort=score", "/leads?sort=company", "/leads?q=Pias", "/leads?q=Waits",
        "/inbox", "/inbox?box=mine", "/", "/search?q=Pias", "/search?q=Waits", "/notifications",
    ):  # fmt: skip
        answer = browser.get(url)
        assert answer.status_code in (200, 422), url
        # Which sources there are is no secret of a lead's.
        text = re.sub("<option.*?</option>", "", answer.get_data(as_text=True))
        assert own.found_in(text) & hidden == set(), url
        assert waiting.found_in(text) <= preview, url
    form = browser.get(f"/leads/{ref}/edit").get_data(as_text=True)
    inputs = set(re.findall(r'<(?:input|select|textarea)[^>]* name="(\w+)"', form)) & set(FIELDS)
    written = {name for name in FIELDS if FIELDS[name].by_partner}
    assert inputs == written - hidden

    # What pia wrote herself stands in the timeline, without what is hidden now.
    timeline = browser.get(f"/leads/{ref}/activities").get_data(as_text=True)
    before = {name for name in own.marks if f"Before {name}" in timeline}
    assert before == (
        {"budget", "rating", "city", "title"} - hidden if user.name.startswith("Pia") else set()
    )

    # The API omits.
    whole = client.get(f"/leads/{ref}").json
    assert set(whole) == ALWAYS_WHOLE | (set(NAMES) - hidden - {"age_days"})
    listed = {item["id"]: item for item in client.get("/leads").json["items"]}
    assert listed[ref] == whole
    assert set(listed[waits]) == ALWAYS_PREVIEW | preview
    assert client.get(f"/leads/{waits}").json == listed[waits]
    assert all(
        listed[waits][n] == m
        for n, m in waiting.marks.items()
        if n in preview and n not in ("phone", "mobile")
    )
    assert {item["id"]: item for item in client.get("/inbox?box=available").json["items"]}[waits] == listed[
        waits
    ]
    reasons = [reason for entry in whole["duplicates"] for reason in entry["reasons"]]
    known = {"email": {"email"}, "phone": {"phone", "mobile"}, "company": {"company"}, "name": {"last_name"}}
    assert set(reasons) == {reason for reason, fields in known.items() if not fields & hidden}
    assert client.get("/events").status_code == 403

    # Files.  Partners take none out; whoever may one day gets what they see.
    assert browser.submit("/lists/lead/export", {}, page="/profile").status_code == 403
    query = parse_lead_query(session, actor, {})
    columns = [field for field in query.fields.values() if field.is_column]
    assert {field.name for field in columns} & set(FIELDS) == set(FIELDS) - hidden
    [(batch, _end)] = batches(session, actor, query, columns, size=1000)
    [line] = [row.cells for row in batch if row.ref == ref]
    assert own.found_in(str(line)) == set(own.marks) - hidden

    # A list with every column that there is shows no more either.
    everything = "&".join(("columns=" + ",".join(field.name for field in columns), "view=all"))
    page = browser.get(f"/leads?{everything}").get_data(as_text=True)
    rows_shown = {key: page.partition(f'id="{key}"')[2].partition("</tr>")[0] for key in (ref, waits)}
    assert own.found_in(rows_shown[ref]) == set(own.marks) - hidden
    assert waiting.found_in(rows_shown[waits]) <= preview
    refused = {name for name in FILTERED if name in hidden}
    for name in set(FILTERED) - refused:
        narrowed = client.get("/leads", query_string={"filter": f'{name}.equals:"{waiting.marks[name]}"'})
        assert (waits in narrowed.get_data(as_text=True)) is (name in preview), name
        narrowed = client.get("/leads", query_string={"filter": f"any({name}.is_empty,{name}.is_not_empty)"})
        assert (waits in narrowed.get_data(as_text=True)) is (name in preview), name
    for name in (
        *refused,
        "tag",
        "partner",
        "needs_owner",
        "has_open_task",
        "no_activity_days",
        "created_by",
    ):
        answer = client.get("/leads", query_string={"filter": f"{name}.is_not_empty"})
        assert (answer.status_code, set(answer.json["errors"])) == (422, {"filter.field"}), name

    # Filters, sort keys and the search follow.
    for name in FILTERED:
        answer = client.get("/leads", query_string={name: waiting.marks[name]})
        if name in hidden:
            assert answer.status_code == 422
            assert set(answer.json["errors"]) == {name}
            assert not re.search(rf"\b{name}\b", answer.json["errors"][name][0])
        else:
            assert (waits in answer.get_data(as_text=True)) is (name in preview), name
            mine = client.get("/leads", query_string={name: own.marks[name]}).json["items"]
            assert [item["id"] for item in mine] == [ref], name
    for key in ("company", "last_name", "score", "-arrived_at"):
        answer = client.get(f"/leads?sort={key}")
        assert answer.status_code == (422 if key in hidden else 200), key
        if answer.status_code == 200:
            assert (waits in answer.get_data(as_text=True)) is (key in {*preview, "-arrived_at"}), key
    found_by = {name: own.marks[name] for name in ("company", "last_name", "email")}
    found_by["phone"] = f"+34 {own.marks['phone']}"
    for name, text in found_by.items():
        is_found = name not in hidden and not (name == "phone" and "mobile" in hidden)
        assert bool(client.get("/leads", query_string={"q": text}).json["items"]) is is_found, name
        assert (ref in browser.get("/search", query_string={"q": text}).get_data(as_text=True)) is is_found
        assert client.get("/leads", query_string={"q": waiting.marks[name]}).json["items"] == []

    # Writing what is hidden is writing what there is not.
    unknown = client.patch(f"/leads/{ref}", {"nonsense": "x"}).json["errors"]["nonsense"]
    for name in hidden & set(TEXTS):
        answer = client.patch(f"/leads/{ref}", {name: "x"})
        assert (answer.status_code, answer.json["errors"]) == (422, {name: unknown})

    # Mails.
    now = clock.now()
    for kind, held in ((NotificationKind.LEAD_ASSIGNED, own), (NotificationKind.LEAD_IN_QUEUE, waiting)):
        delivery = tell(session, user, held.lead, f"{kind}-{user.id}-{now:%f}", now, kind=kind)
        mail = told(write_mail_of(session, delivery, now))
        seen = set(NAMES) - hidden if held is own else preview
        assert held.found_in(mail) <= seen - {"last_name", "first_name", "email", "phone", "mobile"}, kind
        assert ("company" in held.found_in(mail)) is ("company" in seen), kind
    session.commit()
    assert actor.level_id is not None


def write_mail_of(session, delivery, now):
    session.flush()
    mail = write_mail(session, delivery.id, now=now)
    return email.message_from_bytes(mail.content, policy=email.policy.default)


def test_each_level_sees_its_fields_in_every_door_from_the_next_request_on(
    api, signed_in, session, ada, pia, otto, northwind, doors, now, count_queries
):
    waiting, owned = doors
    pias = owned[pia.id]
    first = {name: getattr(pias.lead, name) for name in ("budget", "rating", "city", "title")}
    edit_lead(session, actor_of(session, pia), pias.lead.ref, {n: f"Before {n}" for n in first}, now=now)
    edit_lead(session, actor_of(session, pia), pias.lead.ref, first, now=now)
    session.commit()
    people = {user: signed_in(user) for user in (pia, otto)}
    path = f"/leads/{pias.lead.ref}"
    people[pia].get(path)  # it is remembered once
    with count_queries() as plain:
        people[pia].get(path)
    for gold, silver in ((1, 0), (0, 2)):
        set_levels(api, ada, session, plan(gold), plan(silver))
        for user, when in ((pia, plan(gold)), (otto, plan(silver))):
            check(api, people[user], session, user, waiting, owned[user.id], when)
    with count_queries() as levelled:
        people[pia].get(path)
    assert len(levelled) == len(plain), levelled
    # Another level for the company, by whoever keeps the partners.
    northwind.level_id = rows(session, PartnerLevel, PartnerLevel.name == "Silver")[0].id
    session.commit()
    seen = {name for name, when in plan(2).items() if when != "hidden"} - {"age_days"}
    assert set(api(pia).get(path).json) == ALWAYS_WHOLE | seen
    # None of it concerns the vendor's people.
    assert set(NAMES) - {"age_days"} <= set(api(ada).get(path).json)


def test_a_change_of_what_is_hidden_is_told_by_no_version(api, signed_in, session, ada, pia, doors):
    _waiting, owned = doors
    after = dict.fromkeys(NAMES, "after_claim")
    set_levels(api, ada, session, {**after, "company": "hidden"}, after)
    path = f"/leads/{owned[pia.id].lead.ref}"
    client, browser = api(pia), signed_in(pia)
    seen = client.get(path).headers["ETag"]
    form = browser.get(f"{path}/edit").get_data(as_text=True)
    fields = dict(re.findall(r'name="(version|began)"[^>]*value="([^"]*)"', form))
    assert api(ada).patch(path, {"company": "Another one"}).status_code == 200
    # Neither the entity tag nor the form that was open knows of it.
    assert client.get(path).headers["ETag"] == seen
    sent = {"version": fields["version"], "status": "working"}
    assert browser.submit(f"{path}/status", sent, page="/profile").status_code == 303
    seen = client.get(path).headers["ETag"]
    assert api(ada).patch(path, {"city": "Elsewhere"}).status_code == 200
    assert client.patch(path, {"need": "Pumps"}, headers={"If-Match": seen}).status_code == 409
    # Qualifying wants the company; of what is hidden it says no word.
    assert api(ada).patch(path, {"company": None}).status_code == 200
    refused = client.patch(path, {"status": "qualified"})
    assert (refused.status_code, set(refused.json["errors"])) == (422, {""})
    assert "ompany" not in refused.get_data(as_text=True)


def test_the_work_goes_on_when_everything_is_hidden(api, signed_in, session, ada, pia, pam, doors, now):
    waiting, owned = doors
    least = {name: "after_claim" if name in NEVER_HIDDEN else "hidden" for name in NAMES}
    set_levels(api, ada, session, least, least)
    offered = make_offer(session, pia, now, **{name: f"Offered{name}" for name in ("company", "last_name")})
    own, ref = owned[pia.id], waiting.lead.ref
    client, browser, htmx = api(pia), signed_in(pia), {"HX-Request": "true", "HX-Request-Type": "partial"}
    answers = [
        browser.submit(f"/inbox/{ref}/claim", page="/inbox", headers=htmx),
        client.post(f"/leads/{offered.ref}/accept"),
        client.post(f"/leads/{ref}/claim"),
        client.patch(f"/leads/{ref}", {"status": "working", "opted_out_phone": True}),
        client.post(f"/leads/{ref}/activities", {"kind": "call", "subject": "Rang"}),
        browser.submit(
            f"/leads/{ref}/activities",
            {"kind": "call", "subject": "Again"},
            page=f"/leads/{ref}",
            headers=htmx,
        ),
        browser.get(f"/leads/{ref}/edit"),
        browser.get(f"/leads/{ref}"),
        browser.get("/leads"),
        browser.get("/"),
        signed_in(pam).get(f"/leads/{ref}/owner"),
        api(pam).post(f"/leads/{own.lead.ref}/assign", {"owner": {"type": "user", "id": pam.ref}}),
        client.post(f"/leads/{ref}/release", {"reason": "other"}),
    ]
    assert [answer.status_code for answer in answers] == [
        200,
        200,
        200,
        200,
        201,
        200,
        200,
        200,
        200,
        200,
        200,
        200,
        200,
    ]
    for answer in answers:
        text = re.sub("<option.*?</option>", "", answer.get_data(as_text=True))
        assert waiting.found_in(text) | own.found_in(text) == set()
        assert "Offered" not in re.sub(r"Offered(?: to me)?<|>Offered", "", text)
