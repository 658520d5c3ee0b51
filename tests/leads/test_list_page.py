"""The list of leads as a page: what stands in it, filters as a sentence, sorting, paging, what it costs."""

import re
from datetime import timedelta

import pytest

from app.identity.models import AccountScope, UserState
from app.partners.models import PartnerState
from tests.factories import get_default_queue, make_lead, make_queue, make_source, open_portal


@pytest.fixture(autouse=True)
def _portal(session):
    open_portal(session)


def text_of(answer):
    return answer.get_data(as_text=True)


def names(answer):
    """What the rows are called, in order."""
    return re.findall(r'<a class="row-link" href="[^"]+">([^<]+)</a>', text_of(answer))


def chips(answer):
    """The sentence over the list, part by part."""
    return re.findall(r"<span class=\"chip\"><span>([^<]+) <b></b>", text_of(answer))


# What stands in it


def test_internal_people_see_every_lead_with_its_owner(signed_in, session, sal, mara, pia, northwind):
    make_lead(session, owner=pia, company="Forges del Ter", first_name="Marta", last_name="Puig")
    make_lead(session, company="Acme")
    page = text_of(signed_in(sal).get("/leads"))
    assert "Forges del Ter" in page
    assert "Marta Puig" in page
    assert "Northwind" in page
    assert "Unassigned" in page


def test_portfolio_people_see_what_is_theirs(signed_in, session, sal, mara):
    sal.account_scope = AccountScope.PORTFOLIO
    make_lead(session, owner=sal, company="Mine")
    make_lead(session, owner=mara, company="Theirs")
    assert names(signed_in(sal).get("/leads")) == ["Mine"]


def test_a_partner_sees_their_own_the_teams_by_rank_and_previews(
    signed_in, session, pia, pam, pex, otto, northwind
):
    queue = make_queue(session, members=[northwind])
    for owner, company in ((pia, "Of Pia"), (pam, "Of Pam"), (pex, "Of Pex"), (otto, "Of Otto")):
        make_lead(session, owner=owner, company=company)
    make_lead(session, queue=queue, company="Waiting", industry="Steel", city="Vic", country="ES")
    assert set(names(signed_in(pia).get("/leads"))) == {"Of Pia", "Steel · Vic, ES"}
    assert set(names(signed_in(pam).get("/leads"))) == {"Of Pia", "Of Pam", "Steel · Vic, ES"}
    assert set(names(signed_in(pex).get("/leads"))) == {"Of Pia", "Of Pam", "Of Pex", "Steel · Vic, ES"}


def test_a_preview_row_has_its_button_and_it_works(signed_in, session, pia, northwind):
    lead = make_lead(session, queue=make_queue(session, members=[northwind]), company="Forges del Ter")
    browser = signed_in(pia)
    page = text_of(browser.get("/leads"))
    assert f'formaction="/leads/{lead.ref}/claim"' in page
    answer = browser.submit(f"/leads/{lead.ref}/claim", page="/leads", follow_redirects=True)
    assert answer.request.path == f"/leads/{lead.ref}"
    assert "Forges del Ter" in text_of(answer)


def test_only_those_who_may_assign_can_tick_rows(signed_in, session, mara, vic, pia, pam):
    make_lead(session, owner=pia)
    for person, may in ((mara, True), (pam, True), (vic, False), (pia, False)):
        page = text_of(signed_in(person).get("/leads"))
        assert ('name="ref"' in page) is may, person.name
        assert ('formaction="/leads/change-owner"' in page) is may, person.name


def test_buttons_are_those_of_the_role(signed_in, session, ada, mara, sal, vic, pia):
    make_lead(session, owner=pia)
    shown = {
        person.name: [
            label
            for label in ("New lead", "Import</a>", "Export as CSV", "Deleted</a>")
            if label in text_of(signed_in(person).get("/leads")).partition('id="main"')[2]
        ]
        for person in (ada, mara, sal, vic, pia)
    }
    assert shown == {
        "Ada": ["New lead", "Import</a>", "Export as CSV", "Deleted</a>"],
        "Mara": ["New lead", "Import</a>", "Export as CSV", "Deleted</a>"],
        "Sal": ["New lead", "Export as CSV"],
        "Vic": [],
        "Pia": [],
    }


def test_empty_says_what_will_be_here(signed_in, session, mara, pia):
    assert "Those you add or import show here" in text_of(signed_in(mara).get("/leads"))
    assert "What you claim or are given shows here." in text_of(signed_in(pia).get("/leads"))


# Filters


def test_filters_read_as_a_sentence_and_each_can_be_taken_away(signed_in, session, mara):
    source = make_source(session, "Fair in Lleida")
    make_lead(session, owner=mara, status="working", source=source, country="ES", company="Forges", score=80)
    make_lead(session, owner=mara, status="new", source=source, country="ES", company="Other")
    make_lead(session, status="working", country="FR", company="French")
    answer = signed_in(mara).get(
        f"/leads?status=working&owner=me&country=Espa%C3%B1a&source={source.ref}&open=true&score_from=50&q=forg"
    )
    assert names(answer) == ["Forges"]
    assert set(chips(answer)) == {
        "status is Working",
        "owner is me",
        "country is Spain",
        "source is Fair in Lleida",
        "it is open",
        "score at least 50",
        "it starts with “forg”",
    }
    without = re.search(
        r'href="([^"]+)" aria-label="Remove the filter status is Working ?"', text_of(answer)
    ).group(1)
    assert "status" not in without
    assert "owner=me" in without


def test_other_rooms_link_to_lists_of_an_owner_partner_or_queue(signed_in, session, mara, pia, northwind):
    from app.accounts.models import Account
    from tests.factories import rows

    account = rows(session, Account, Account.id == northwind.account_id)[0]
    queue = get_default_queue(session)
    make_lead(session, owner=pia, company="Of Pia")
    make_lead(session, company="Unrouted")
    browser = signed_in(mara)
    for given, company, chip in (
        (f"owner={pia.ref}", "Of Pia", "owner is Pia"),
        (f"owner={queue.ref}", "Unrouted", "owner is Unassigned"),
        (f"partner={account.ref}", "Of Pia", "partner is Northwind"),
        ("waiting=true", "Unrouted", "it waits in a queue"),
    ):
        answer = browser.get(f"/leads?{given}")
        assert names(answer) == [company], given
        assert chips(answer) == [chip]


def test_a_partner_learns_no_names_from_a_filter(signed_in, session, pia, otto, mara):
    browser = signed_in(pia)
    for ref in (otto.ref, mara.ref, get_default_queue(session).ref):
        page = text_of(browser.get(f"/leads?owner={ref}"))
        assert "Otto" not in page
        assert "Mara" not in page
        assert "Unassigned" not in page


def test_leads_of_people_who_left_need_an_owner(signed_in, session, mara, sal, pia, otto, southwind):
    make_lead(session, owner=sal, company="Of Sal")
    make_lead(session, owner=otto, company="Of Otto")
    make_lead(session, owner=pia, company="Of Pia")
    sal.state = UserState.DEACTIVATED
    southwind.state = PartnerState.SUSPENDED
    answer = signed_in(mara).get("/leads?needs_owner=true")
    assert set(names(answer)) == {"Of Sal", "Of Otto"}
    assert chips(answer) == ["its owner has left"]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("country=Narnia", "This is not the code or name of a country."),
        ("score_from=many", "number"),
        ("arrived_at_from=soon", "This must be a date or time"),
        ("box=full", "Known boxes"),
        ("q=%00", "characters that cannot be stored"),
        ("q=" + "x" * 1500, "too long"),
    ],
)
def test_a_filter_that_cannot_be_read_is_said_and_leads_to_where_it_is_mended(
    signed_in, session, mara, given, complaint
):
    make_lead(session, company="Forges")
    answer = signed_in(mara).get(f"/leads?status=new&{given}")
    assert answer.status_code == 422
    assert complaint in text_of(answer)
    assert re.search(r'href="/lists/lead/filter\?[^"]*status=new', text_of(answer))


def test_what_is_no_filter_is_ignored(signed_in, session, mara):
    make_lead(session, company="Forges")
    assert names(signed_in(mara).get("/leads?utm_source=mail&password=x")) == ["Forges"]


def test_nothing_found_says_which_filter_to_loosen(signed_in, session, mara):
    make_lead(session, country="ES")
    page = text_of(signed_in(mara).get("/leads?country=FR&status=new"))
    assert "Nothing matches these filters" in page
    assert 'class="chip is-link" href="/leads?status=new"' in page


@pytest.mark.parametrize(
    "text",
    ["forg", "FÒRGES", "pui", "Marta Puig", "puig marta", "marta@for", "972 20 11 00", "+34 972-201-100"],
)
def test_search_finds_by_the_beginning_in_any_notation(signed_in, session, mara, text):
    mara.time_zone = "Europe/Madrid"
    make_lead(
        session, company="Forges del Ter", first_name="Marta", last_name="Puig", email="marta@forges.example",
        phone="+34972201100",
    )  # fmt: skip
    make_lead(session, company="Acme", last_name="Soler", email="x@acme.example")
    answer = signed_in(mara).get("/leads", query_string={"q": text})
    assert names(answer) == ["Forges del Ter"]


# Sorting and paging


def test_columns_sort_and_turn_round(signed_in, session, mara):
    for company, score in (("Beta", 10), ("alfa", 90), ("Gamma", 50)):
        make_lead(session, company=company, score=score)
    browser = signed_in(mara)
    assert names(browser.get("/leads?sort=company")) == ["alfa", "Beta", "Gamma"]
    answer = browser.get("/leads?sort=-score")
    assert names(answer) == ["alfa", "Gamma", "Beta"]
    assert re.search(r'aria-sort="descending"><a href="/leads\?[^"]*sort=score"', text_of(answer))


def test_pages_follow_each_other_both_ways_and_keep_the_filters(signed_in, session, mara, now):
    for number in range(60):
        make_lead(session, company=f"C{number:02}", created_at=now - timedelta(minutes=number), country="ES")
    browser = signed_in(mara)
    first = browser.get("/leads?country=ES")
    older = re.search(r'href="([^"]+)" rel="next"', text_of(first)).group(1).replace("&amp;", "&")
    second = browser.get(older)
    assert names(first) + names(second) == [f"C{number:02}" for number in range(60)]
    assert '<span class="count">60</span>' in text_of(first)
    newer = re.search(r'href="([^"]+)" rel="prev"', text_of(second)).group(1).replace("&amp;", "&")
    assert "country=ES" in newer
    assert names(browser.get(newer)) == names(first)


def test_a_cursor_of_somebody_else_does_not_fit(signed_in, session, mara, sal):
    for _ in range(51):
        make_lead(session)
    older = re.search(r'href="([^"]+)" rel="next"', text_of(signed_in(mara).get("/leads"))).group(1)
    assert signed_in(sal).get(older.replace("&amp;", "&")).status_code == 400


# What it costs


def test_the_number_of_statements_does_not_grow_with_the_rows(
    signed_in, session, mara, pia, northwind, count_queries
):
    queue = make_queue(session, members=[northwind])

    def add(number):
        for _ in range(number):
            make_lead(session, owner=pia)
            make_lead(session, queue=queue)

    browsers = [signed_in(mara), signed_in(pia)]
    counts = []
    for number in (3, 30):
        add(number)
        for browser in browsers:
            browser.get("/leads")
            with count_queries() as queries:
                assert browser.get("/leads?open=true&sort=score").status_code == 200
                assert browser.get("/leads").status_code == 200
            counts.append(len(queries))
    # The number of all is counted only where a page does not hold them.
    assert counts[2] <= counts[0] + 2, queries
    assert counts[3] <= counts[1] + 2, queries
    assert max(counts) <= 2 * 12, queries


@pytest.mark.parametrize("who", ["mara", "pia"])
def test_a_page_of_fifty_rows_is_light(request, signed_in, session, northwind, who):
    person = request.getfixturevalue(who)
    source, queue = make_source(session), make_queue(session, "Catalonia", members=[northwind])
    for number in range(60):
        owner = {"queue": queue} if number % 2 else {"owner": person}
        make_lead(
            session, **owner, source=source, company="Construccions Serra i Fills", first_name="Montserrat",
            last_name="Balaguer i Montcada", city="L'Hospitalet de Llobregat", product_interest="Industrial pumps",
            industry="Food and drink", employees=1200, score=number,
        )  # fmt: skip
    page = signed_in(person).get("/leads").data
    assert page.count(b'class="row-link"') == 50
    assert len(page) <= 60_000, len(page)
