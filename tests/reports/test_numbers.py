"""Every number of every report is the length of the list that it leads to, for whoever reads it."""

import random
import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from app.accounts.models import Account
from app.identity.queries import get_organisation
from app.kernel import clock
from app.lists.catalogue import objects
from app.lists.found import count_rows
from app.lists.query import parse_list
from app.lists.rows import list_rows
from app.opportunities.models import StageCategory
from app.reports.asked import Asked, read_asked
from app.reports.counting import count_changes
from app.reports.reading import sees_all
from app.reports.sheets import reports_for
from app.sharing.shares import share_record
from tests.factories import (
    actor_of,
    get_status,
    make_lead,
    make_opportunity,
    make_queue,
    make_source,
    rows,
)  # fmt: skip

NOW = clock.now


def build(session, mara, people):
    """Leads of every kind: of all owners, months, sources, countries, scores, steps."""
    chance = random.Random(20261122)
    get_organisation(session).time_zone = "America/Sao_Paulo"
    sources = [None, make_source(session, "Fair").id, make_source(session, "Web, form").id]
    queue = make_queue(session, "Sorting", members=people[:1])
    statuses = [get_status(session, key) for key in ("new", "working", "qualified", "unqualified")]
    leads = []
    for _number in range(60):
        owner = chance.choice([queue, *people])
        at = NOW() - timedelta(hours=chance.randrange(1, 4000))
        status = chance.choice(statuses)
        lead = make_lead(
            session,
            **({"queue": queue} if owner is queue else {"owner": owner}),
            source_id=chance.choice(sources),
            country=chance.choice(["ES", "FR", None]),
            product_interest=chance.choice(["Solar", "SOLAR", "Wind; sea", None]),
            status_id=status.id,
            is_open=status.key != "unqualified",
            arrived_at=at,
            waiting_since=at,
            score=chance.randrange(-10, 120),
        )
        if owner is not queue and chance.random() < 0.7:
            lead.taken_at, lead.taken_after = at, chance.randrange(0, 300_000)
            if chance.random() < 0.6:
                lead.touched_at, lead.touched_after = at, chance.randrange(0, 9_000_000)
        if chance.random() < 0.2:
            lead.marketing_qualified_at = at
        if owner is not queue and chance.random() < 0.3:
            lead.converted_at, lead.is_open = NOW(), False
            deal = make_opportunity(
                session, source_lead_id=lead.id, owner=mara, amount=1000.5, currency="EUR"
            )
            deal.category = chance.choice(list(StageCategory))
        if chance.random() < 0.1:
            lead.deleted_at = NOW()
        leads.append(lead)
    session.flush()
    return leads


def length(session, actor, url):
    """How many records the list has that an address leads to."""
    place = urlsplit(url)
    object_ = objects()[{"/leads": "lead", "/opportunities": "opportunity"}[place.path]]
    given = {name: values for name, values in parse_qs(place.query).items() if name != "count"}
    return count_rows(session, actor, parse_list(session, actor, object_, given))


def numbers(session, actor, chance, share):
    """(report, head, number, address) of every number that leads somewhere, of that share of all reports."""
    for report in reports_for(actor):
        groups = list(report.groups(session, actor)) or [""]
        asked = [Asked("America/Sao_Paulo")]
        if report.filters:
            args = (
                {"from": ["2026-01"], "source": ["Web, form"]}
                if "source" in groups
                else {"from": ["2026-09"]}
            )
            asked.append(read_asked(session, actor, args))
        for by in groups:
            for each in asked:
                if chance.random() > share:
                    continue
                sheet = report.read(session, actor, each, by, NOW())
                for row in (*sheet.rows, sheet.total):
                    for head, cell in zip(sheet.heads, row, strict=False):
                        if cell.url and not cell.url.startswith(
                            "/scorecards/"
                        ):  # a name, which leads to its page
                            yield (report.name, by, head.label), cell.value, cell.url


def compare(session, actor, chance, most):
    """That numbers, some by chance where there are many, are the lengths of their lists."""
    seen = list(numbers(session, actor, chance, 0.3 if most < 100 else 1))
    assert seen
    for where, value, url in chance.sample(seen, min(most, len(seen))):
        assert length(session, actor, url) == value, (actor.name, where, url)


def check(app, session, mara, people, most):
    ada, pam, pex, otto = people
    chance = random.Random(1)
    leads = build(session, mara, [pex, pam, otto, mara])
    what = {"type": "user", "id": otto.ref}
    share_record(session, actor_of(session, mara), leads[3], what, "read", now=NOW())
    session.commit()
    with app.test_request_context():
        compare(session, actor_of(session, ada), chance, most)  # before anything is counted
        count_changes(session)
        leads[0].score, leads[1].country = 70, "PT"  # not counted yet, and in every number all the same
        session.commit()
        for user in (mara, pam, pex, otto):
            actor = actor_of(session, user)
            assert sees_all(actor) is (user is mara)
            compare(session, actor, chance, most)


@pytest.mark.long_on("postgresql")
def test_numbers_are_the_lengths_of_their_lists(app, session, ada, mara, pam, pex, otto):
    check(app, session, mara, (ada, pam, pex, otto), 15)


@pytest.mark.long
def test_all_numbers_are_the_lengths_of_their_lists(app, session, ada, mara, pam, pex, otto):
    check(app, session, mara, (ada, pam, pex, otto), 100_000)


@pytest.mark.databases("sqlite")
def test_lists_begin_with_the_numbers_that_led_to_them(
    signed_in, session, mara, northwind, pam, pex, otto, monkeypatch
):
    build(session, mara, [pex, pam, otto, mara])
    session.commit()
    # Short pages, of lists that are hardly looked at by themselves.
    monkeypatch.setitem(list_rows.__kwdefaults__, "limit", 3)
    monkeypatch.setattr("app.lists.rows.LOOKED_AT", 2)
    browser, told = signed_in(mara), {}
    [company] = rows(session, Account, Account.id == northwind.account_id)
    names = [report.name for report in reports_for(actor_of(session, mara))]
    for page in ("/", f"/partners/{company.ref}", *(f"/reports/{name}" for name in names)):
        text = browser.get(page).get_data(as_text=True)
        for url, inside in re.findall(r'<a [^>]*?href="(/[a-z]+\?[^"]+)"[^>]*>(.*?)</a>', text, re.DOTALL):
            number = re.search(r'(?:^|stat-number">)([\d,]+)(?:$|</b>)', inside)
            if number and int(number[1]) and not url.startswith("/reports"):
                told[unescape(url)] = number[1]
    assert len(told) > 20
    for url in random.Random(3).sample(sorted(told), 20):
        head = re.search(r'<span class="count">(.*?)</span>', browser.get(url).get_data(as_text=True))
        assert (head and head[1]) == told[url], url
    near = browser.get("/leads?country=ES").get_data(as_text=True)
    assert '<span class="count">3+</span><a class="is-small" href="/leads?country=ES&amp;count=all"' in near
