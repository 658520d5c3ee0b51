"""What a conversion, a share or a default gives partner people of accounts and contacts: facts, and nothing the vendor keeps."""

from app.activities.models import Activity
from app.activities.operations import log_activity
from app.conversion.mapping import add_mapping, remove_mapping
from app.conversion.operations import convert_lead
from app.conversion.undoing import unconvert_lead
from app.conversion.wanted import read_wanted
from app.identity.queries import get_organisation
from app.kernel import clock
from app.lists.operations import find_or_make_tag, set_tag
from app.sharing.shares import share_record
from tests.accounts.hanging import interest, make_answerable, make_area, relate
from tests.factories import actor_of, make_account, make_contact, make_lead, make_opportunity, rows
from tests.fields.making import make_field
from tests.people import is_told

# What the vendor keeps of them; no word of it is told to partner people.
KEPT = "Zugeknöpft"


def _convert(session, person, lead, **wanted):
    return convert_lead(session, actor_of(session, person), lead.ref, read_wanted(**wanted), now=clock.now())


def _text(answer):
    assert answer.status_code == 200, answer.status
    return answer.get_data(as_text=True)


def test_the_version_that_a_conversion_answers_is_the_one_that_is_read(api, session, pia):
    lead, client = make_lead(session, owner=pia, company="Forges SA"), api(pia)
    wanted = {"opportunity": {"name": "Vans", "amount": 100, "currency": "EUR"}}
    first, again = (client.post(f"/leads/{lead.ref}/convert", json=wanted) for _n in range(2))
    assert (first.status_code, first.json) == (200, again.json)
    made = first.json["opportunity"]
    begun = {"If-Match": f'"{made["version"]}"'}
    assert client.patch(f"/opportunities/{made['id']}", json={"amount": 90}, headers=begun).status_code == 200


def test_partners_read_what_their_lead_became_and_nothing_else(
    signed_in, api, session, ada, mara, pia, pam, otto
):
    lead = make_lead(
        session, owner=pia, company="Forges SA", last_name="Puig", email="puig@forges.example", phone="+34 931234567",
        city="Vic", annual_revenue=77007,
    )  # fmt: skip
    gone = make_account(session, "Forges Holding", owner=mara)
    inner = make_field(session, ada, "account", label=f"{KEPT} own", is_internal=True)
    shown = make_field(session, ada, "account", label="Fleet")
    result = _convert(session, pia, lead, opportunity={"name": "Gravel", "amount": "5", "currency": "EUR"})
    account, contact = result.account, result.contact
    for record in (account, contact):
        record.description, record.external_id, record.imported = KEPT, f"{KEPT}-{record.ref}", {KEPT: KEPT}
    account.type, account.parent_id = KEPT, gone.id
    account.custom = {inner.name: KEPT, shown.name: "vans"}
    sister = make_contact(session, f"{KEPT} sister", account=account)
    contact.reports_to_id = sister.id
    relate(session, account, make_account(session, f"{KEPT} supplier"))
    interest(session, account, make_area(session, f"{KEPT} area"))
    make_answerable(session, account, ada, f"{KEPT} role")
    now = clock.now()
    set_tag(session, actor_of(session, ada), account, find_or_make_tag(session, actor_of(session, ada), KEPT, now=now), on=True, now=now)  # fmt: skip
    make_opportunity(
        session, f"{KEPT} deal", account=account, owner=otto, stage="won", amount=3, currency="EUR"
    )
    session.commit()
    one, person = f"/accounts/{account.ref}", f"/contacts/{contact.ref}"
    pages = [one, person, "/accounts", "/contacts", "/accounts?q=forges", "/contacts?q=puig", "/search?q=forges", f"{person}/card.vcf",
             f"/accounts?columns=type,owner,{inner.name},description,category,tags,{shown.name}", f"{one}/activities"]  # fmt: skip
    browser = signed_in(pia)
    for path in pages:
        text = _text(browser.get(path))
        assert KEPT not in text, path
        assert not [word for word in (mara.name, ada.name, "Forges Holding") if is_told(word, text)], path
    page = _text(browser.get(one))
    assert all(word in page for word in ("931234567", "Vic", "Gravel", "vans", "Puig", f'href="{person}"'))
    assert all(word in _text(browser.get(person)) for word in ("puig@forges.example", f'href="{one}"'))
    assert f'href="{one}"' in _text(browser.get(f"/opportunities/{result.opportunity.ref}"))
    assert 'href="/accounts"' in _text(browser.get("/"))
    for closed in (
        f"{one}/edit",
        f"{one}/relations",
        "/care",
        "/accounts/new",
        f"{person}/edit",
        "/list-jobs",
    ):
        assert browser.get(closed).status_code in (403, 404), closed
    client = api(pia)
    for path in (one, person, "/accounts", "/contacts"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert KEPT not in answer.get_data(as_text=True)
    told = client.get(one).json
    assert (told["owner"], told["type"], told["category"], told["partner"], told["parent_id"]) == (None,) * 5
    assert (told["phone"], told["custom"], told["created_by"]["name"]) == (
        "+34 931234567",
        {shown.name: "vans"},
        "Pia",
    )
    # A filter, a sort or a column that would tell of it is not known to them.
    for name in (
        "owner",
        "type",
        "description",
        "external_id",
        "tags",
        "category",
        "partner",
        inner.name,
        "has_case",
    ):
        assert client.get(f"/accounts?{name}=x").status_code == 422, name
    assert client.get("/accounts?sort=type").status_code == 422
    assert client.patch(one, json={"name": "x"}).status_code == 403
    assert client.get(f"{one}/responsibles").status_code == 403
    version = client.get(one).json["version"]
    account.description = f"{KEPT} again"
    account.version += 1
    session.commit()
    assert client.get(one).json["version"] == version
    assert signed_in(pam).get(one).status_code == 200  # above the owner of what it was
    assert [signed_in(otto).get(path).status_code for path in (one, person)] == [404, 404]
    assert (
        api(otto).get("/accounts").json["items"],
        'href="/accounts"' in _text(signed_in(otto).get("/")),
    ) == ([], False)


def test_what_is_hidden_of_leads_is_hidden_of_what_they_become(signed_in, api, session, ada, pia):
    secret, target = (make_field(session, ada, thing, label="Margin") for thing in ("lead", "account"))
    mapping = add_mapping(
        session, actor_of(session, ada), secret.name, "account", target.name, now=clock.now()
    )
    organisation = get_organisation(session)
    organisation.hidden_fields = ["annual_revenue", "phone", "mobile", "email", "description", secret.name]
    lead = make_lead(
        session, owner=pia, company="Forges", last_name="Puig", email="puig@forges.example", phone="+34 931234567",
        annual_revenue=77007, description="Zugeknöpft",
    )  # fmt: skip
    lead.custom = {secret.name: "Zugeknöpft"}
    result = _convert(session, pia, lead, opportunity={"name": "Gravel"})
    session.commit()
    assert result.account.custom == {target.name: "Zugeknöpft"}
    assert api(ada).get(f"/accounts?{target.name}=Zugeknöpft").json["items"]
    assert api(pia).get(f"/accounts?{target.name}=Zugeknöpft").status_code == 422
    browser, client = signed_in(pia), api(pia)
    for record, path in ((result.account, "accounts"), (result.contact, "contacts"), (result.opportunity, "opportunities")):  # fmt: skip
        for answer in (
            browser.get(f"/{path}/{record.ref}"),
            client.get(f"/{path}/{record.ref}"),
            browser.get(f"/{path}"),
        ):
            text = _text(answer)
            assert not [
                w for w in ("931234567", "77007", "77,007", "puig@forges", "Zugeknöpft") if w in text
            ], path
    for query in ("phone=931234567", "annual_revenue_from=1", "sort=annual_revenue"):
        assert client.get(f"/accounts?{query}").status_code == 422
    for text, found in (("931234567", 0), ("puig@forges.example", 0), ("puig", 1)):
        assert len(client.get(f"/contacts?q={text}").json["items"]) == found, text
        assert (result.contact.ref in _text(browser.get(f"/search?q={text}"))) is bool(found), text
    # Going nowhere any more shows nobody what went there before.
    remove_mapping(session, actor_of(session, ada), mapping.ref, now=clock.now())
    session.commit()
    assert "Zugeknöpft" not in _text(browser.get(f"/accounts/{result.account.ref}"))
    # Without the names of leads there is nothing to call them.
    organisation.hidden_fields = ["company"]
    session.commit()
    assert browser.get(f"/accounts/{result.account.ref}").status_code == 403
    assert "Forges" not in _text(browser.get(f"/opportunities/{result.opportunity.ref}"))
    assert client.get("/contacts").status_code == 200
    organisation.hidden_fields = ["last_name"]
    session.commit()
    assert [client.get(path).status_code for path in ("/accounts", "/contacts")] == [403, 403]


def test_names_that_are_hidden_stand_nowhere(signed_in, api, session, pia):
    lead, other, last = (
        make_lead(
            session, owner=pia, company="Zorrilla", first_name="Wanda", last_name="Quimby", title="Chiefqueen"
        )
        for _number in range(3)
    )
    result = _convert(session, pia, lead, opportunity={"name": "Deal"})
    for record in (result.account, result.contact, result.opportunity):
        log_activity(
            session, actor_of(session, pia), record, kind="task", subject="Do", done=False, now=clock.now()
        )
    organisation = get_organisation(session)
    organisation.hidden_fields = ["title"]
    session.commit()
    browser, client = signed_in(pia), api(pia)
    pages = ["/", "/my-day", f"/leads/{lead.ref}", f"/leads/{other.ref}/convert", f"/opportunities/{result.opportunity.ref}",
             "/search?q=wand", *(f"/activities/{each.ref}/edit" for each in rows(session, Activity))]  # fmt: skip
    answers = [client.get("/contacts?q=quimby%20zor").json["items"], browser.get(pages[-1]).status_code]
    assert (len(answers[0]), answers[1]) == (1, 200)
    asked = _text(browser.get(pages[3]))
    assert all(said in asked for said in ("new one: Zorrilla", "account: Wanda Quimby"))
    for hidden, word in (
        (["title"], "Chiefqueen"),
        (["company"], "Zorrilla"),
        (["first_name"], "Wanda"),
        (["company", "last_name"], "Quimby"),
    ):
        organisation.hidden_fields = hidden
        session.commit()
        for path in pages:
            assert word not in browser.get(path).get_data(as_text=True), (hidden, path)
    organisation.hidden_fields = ["company"]
    session.commit()
    # No part of a name that is hidden finds whom they do see.
    assert client.get("/contacts?q=quimby%20zor").json["items"] == []
    assert client.post(f"/leads/{other.ref}/convert", json={}).json["account"]["name"] is None
    organisation.hidden_fields = ["company", "last_name"]
    session.commit()
    made = client.post(f"/leads/{last.ref}/convert", json={}).json
    assert (made["account"]["name"], made["contact"]["name"]) == (None, None)


def test_it_ends_with_the_share_and_with_the_conversion(signed_in, session, ada, mara, pia, otto):
    lead = make_lead(session, owner=pia, company="Forges")
    result = _convert(session, pia, lead)
    paths = [f"/accounts/{result.account.ref}", f"/contacts/{result.contact.ref}"]
    shared = make_account(session, "Shared", owner=mara)
    theirs, orphan = (
        make_contact(session, "Serra", account=shared),
        make_contact(session, "Orfe", account=make_account(session)),
    )
    for record in (shared, orphan):
        given = {"type": "user", "id": otto.ref}
        share_record(session, actor_of(session, ada), record, given, "read", now=clock.now())
    orphan.account_id = None
    session.commit()
    assert [signed_in(pia).get(path).status_code for path in paths] == [200, 200]
    # A contact follows an account that is shared; one without an account is shared with nobody.
    assert "Serra" in _text(signed_in(otto).get(f"/accounts/{shared.ref}"))
    assert signed_in(otto).get(f"/contacts/{theirs.ref}").status_code == 200
    assert signed_in(otto).get(f"/contacts/{orphan.ref}").status_code == 404
    unconvert_lead(session, actor_of(session, pia), lead.ref, now=clock.now())
    session.commit()
    assert [signed_in(pia).get(path).status_code for path in paths] == [404, 404]
