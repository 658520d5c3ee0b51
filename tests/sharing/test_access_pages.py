"""Who sees this, and why: the panel and the page of a record, sharing by hand, asking about one person."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from app.identity.models import AccountScope
from app.identity.queries import get_organisation
from app.kernel import clock
from app.leads.queries import find_level
from app.sharing.models import ManualShare
from app.sharing.shares import share_record
from app.sharing.sharing_rules import create_rule, read_rule
from tests.factories import (
    actor_of,
    make_account,
    make_case,
    make_contact,
    make_lead,
    make_queue,
    make_user,
    row_count,
    rows,
)
from tests.people import is_told, make_token
from tests.sharing.pages import account_of, page_words
from tests.sharing.shared_worlds import settle_all

pytestmark = pytest.mark.usefixtures("at_once")


def _make_private(session):
    organisation = get_organisation(session)
    organisation.defaults = {
        name: {"internal": "private", "external": "private"} for name in organisation.defaults
    }
    session.commit()


def test_the_panel_tells_the_number_and_its_content_the_causes_with_their_links(
    session, signed_in, ada, mara, sal, pia, northwind
):
    lead = make_lead(session, owner=pia, city="Girona")
    account = account_of(session, northwind)
    written = read_rule(
        session,
        {
            "object": "lead", "kind": "criteria", "name": "Girona <i>", "level": "read",
            "criteria": {"field": "city", "op": "equals", "value": "Girona"}, "share_with": {"type": "user", "id": sal.ref},
        },
    )  # fmt: skip
    rule = create_rule(session, actor_of(session, ada), written, now=clock.now())
    share, _known = share_record(
        session,
        actor_of(session, ada),
        lead,
        {"type": "internal_role", "id": "viewer"},
        "edit",
        now=clock.now(),
    )
    settle_all(session)
    session.commit()
    browser = signed_in(ada)
    page = browser.get(f"/leads/{lead.ref}").text
    panel = page.partition('id="access"')[2].partition("</details>")[0]
    assert f'hx-get="/leads/{lead.ref}/access"' in panel
    assert f'<a href="/leads/{lead.ref}/access">' in panel
    body = browser.get(f"/leads/{lead.ref}/access", headers={"HX-Request": "true"})
    assert "<html" not in body.text
    assert body.text.partition("</ul>")[0].count("<li>") == 8
    whole = browser.get(f"/leads/{lead.ref}/access")
    for answer in (body, whole):
        assert f'<a href="/setup/sharing-rules/{rule.ref}">rule “Girona &lt;i&gt;”</a>' in answer.text
        assert f'#{share.ref}">shared by hand</a>' in answer.text
        assert f'<a href="/partners/{account.ref}">channel manager of Northwind</a>' in answer.text
        assert '<a href="/setup/sharing-defaults">organisation-wide default</a>' in answer.text
        assert "Pia, Northwind" in answer.text
        assert "a role above its owner&#39;s in the company" in answer.text
    assert f'id="{share.ref}"' in whole.text


def test_a_queue_and_an_account_are_linked_too(session, signed_in, mara, northwind):
    queue = make_queue(session, "Fresh ones", members=(northwind,))
    lead = make_lead(session, queue=queue)
    contact = make_contact(session, account=account_of(session, northwind))
    browser = signed_in(mara)
    assert (
        f'<a href="/queues/{queue.ref}">it waits there</a>' in browser.get(f"/leads/{lead.ref}/access").text
    )
    page = browser.get(f"/contacts/{contact.ref}/access").text
    assert "the account Northwind" in page
    assert browser.get(f"/accounts/{account_of(session, northwind).ref}/access").status_code == 200
    for url in (
        f"/contacts/{contact.ref}",
        f"/accounts/{account_of(session, northwind).ref}",
        f"/partners/{account_of(session, northwind).ref}",
    ):
        assert 'id="access"' in browser.get(url).text


def test_others_learn_why_they_see_it_themselves_and_nothing_of_anybody_else(
    session, signed_in, mara, sal, pia, pam, northwind
):
    lead = make_lead(session, owner=pia)
    share_record(
        session, actor_of(session, mara), lead, {"type": "user", "id": sal.ref}, "read", now=clock.now()
    )
    session.commit()
    for person, words in (
        (pia, "ownership"),
        (pam, "a role above its owner&#39;s in the company"),
        (sal, "shared by hand"),
    ):
        browser = signed_in(person)
        panel = browser.get(f"/leads/{lead.ref}").text.partition('id="access"')[2].partition("</details>")[0]
        assert "Why you see this" in panel
        for headers in ({}, {"HX-Request": "true"}):
            answer = browser.get(f"/leads/{lead.ref}/access", headers=headers)
            assert answer.status_code == 200
            main = answer.text.partition("<main")[2] if "<main" in answer.text else answer.text
            assert words in main
            for name in ("Mara", "Everybody inside", "Northwind", "Can this person"):
                assert name not in main, (person.name, name)
            if person is not sal:
                assert not is_told("Sal", main)
        asked = browser.get(f"/leads/{lead.ref}/access?user={mara.ref}&q=mara")
        assert "Mara" not in asked.text.partition("<main")[2]
        assert browser.get(f"/leads/{lead.ref}/access/people?q=mara").status_code == 403


def test_a_preview_tells_its_cause_and_no_name(session, signed_in, pia, northwind):
    lead = make_lead(
        session,
        queue=make_queue(session, "Secret queue", members=(northwind,)),
        company="Hidden Ltd",
        last_name="Hider",
    )
    browser = signed_in(pia)
    for url in (f"/leads/{lead.ref}", f"/leads/{lead.ref}/access"):
        page = browser.get(url).text
        assert "Hidden Ltd" not in page
        assert "Hider" not in page
    assert "Why you see this" in browser.get(f"/leads/{lead.ref}").text
    assert "member of the queue in which it waits" in page
    assert "Secret queue" not in page


def test_what_is_not_seen_has_no_such_page(session, signed_in, mara, sal, otto, pia):
    lead = make_lead(session, owner=pia)
    account, contact = make_account(session, owner=mara), make_contact(session, account=None, owner=mara)
    _make_private(session)
    assert signed_in(otto).get(f"/leads/{lead.ref}/access").status_code == 404
    browser = signed_in(sal)
    for url in (f"/leads/{lead.ref}", f"/accounts/{account.ref}", f"/contacts/{contact.ref}"):
        assert browser.get(f"{url}/access").status_code == 404
        assert (
            browser.submit(
                f"{url}/access/shares", {"principal_type": "all_internal", "level": "read"}, page="/profile"
            ).status_code
            == 404
        )
        share = f"{url}/access/shares/share_{'0' * 22}"
        assert browser.submit(share, {"act": "remove"}, page="/profile").status_code == 404
    assert signed_in(otto).get(f"/accounts/{account.ref}/access").status_code == 404
    assert row_count(session, ManualShare) == 0


def test_can_this_person_see_it(session, signed_in, mara, sal, pia, otto, northwind):
    lead = make_lead(session, owner=pia)
    browser, url = signed_in(mara), f"/leads/{lead.ref}/access"
    people = browser.get(f"{url}/people?q=OTT").text
    assert f'href="{url}?user={otto.ref}#person"' in people
    assert "Southwind · Otto" in people
    assert "Nobody is called that." in browser.get(f"{url}/people?q=zzz").text
    assert f"?user={otto.ref}#person" in browser.get(f"{url}?q=ott").text
    no = page_words(browser.get(f"{url}?user={otto.ref}"))
    assert "Otto does not see it" in no
    assert "it is with another company" in no
    yes = page_words(browser.get(f"{url}?user={pia.ref}"))
    assert "Pia sees it" in yes
    assert "ownership" in yes
    assert "There is no such user." in browser.get(f"{url}?user=user_{'0' * 22}").text
    assert "There is no such user." in browser.get(f"{url}?user=<b>").text


def test_sharing_by_hand_changing_it_and_taking_it_back(session, signed_in, mara, sal, northwind):
    lead = make_lead(session, owner=mara)
    _make_private(session)
    browser, url = signed_in(mara), f"/leads/{lead.ref}/access"
    assert find_level(session, actor_of(session, sal), lead.ref) is None
    form = {"principal_type": "user", "principal_id": sal.ref, "level": "read", "until": "2100-12-24"}
    done = browser.submit(f"{url}/shares", form, page=url)
    assert (done.status_code, done.headers["Location"]) == (303, url)
    share = rows(session, ManualShare)[0]
    assert share.until == datetime(2100, 12, 25, tzinfo=UTC)
    again = browser.submit(f"{url}/shares", {**form, "level": "edit", "until": ""}, page=url)
    assert again.status_code == 422
    assert "It is shared with Sal already, until 24 Dec 2100: change it under" in again.text
    assert '<option selected value="edit">' in again.text.partition('id="share"')[2]
    assert f'value="{sal.ref}" selected' in again.text
    session.refresh(share)
    assert (share.level, share.until) == (2, datetime(2100, 12, 25, tzinfo=UTC))
    assert find_level(session, actor_of(session, sal), lead.ref) == 2
    page = browser.get(url).text
    assert 'value="2100-12-24"' in page
    assert "shared by Mara" in page
    assert (
        browser.submit(
            f"{url}/shares/{share.ref}", {"level": "edit", "until": "", "act": "save"}, page=url
        ).status_code
        == 303
    )
    session.refresh(share)
    assert (share.level, share.until) == (3, None)
    wrong = browser.submit(
        f"{url}/shares/{share.ref}", {"level": "edit", "until": "soon", "act": "save"}, page=url
    )
    assert wrong.status_code == 422
    assert "This must be a day" in wrong.text
    assert 'value="soon"' in wrong.text
    assert f'<a href="#{share.ref}">' in wrong.text.partition("error-summary")[2].partition("</ul>")[0]
    assert browser.submit(f"{url}/shares/{share.ref}", {"act": "remove"}, page=url).status_code == 303
    assert find_level(session, actor_of(session, sal), lead.ref) is None
    assert (
        browser.submit(f"{url}/shares/{share.ref}", {"act": "save", "level": "read"}, page=url).status_code
        == 404
    )


def test_what_reaches_more_than_one_partner_user_is_asked_before_it_is_shared(
    session, signed_in, ada, sal, pia, otto, northwind
):
    """Those who keep sharing rules are told who gains; an owner is asked without a word about others."""
    lead = make_lead(session, owner=sal, city="Girona")
    url = f"/leads/{lead.ref}/access"
    form = {"principal_type": "all_partners", "level": "read", "until": "2100-12-24", "act": "share"}
    for person in (ada, sal):
        browser = signed_in(person)
        asked = browser.submit(f"{url}/shares", form, page=url)
        assert asked.status_code == 200
        assert row_count(session, ManualShare) == 0
        words = page_words(asked)
        assert "This reaches partners" in words
        assert "Every partner user would see “" in words
        assert ("gain 1 lead" in words and "Southwind" in words) == (person is ada)
        assert 'value="2100-12-24"' in asked.text
        assert asked.text.count(">Share with partners</button>") == 2
        assert 'name="confirmed"' in asked.text
    mark = re.search(r'name="confirmed" value="([^"]+)"', asked.text)[1]
    for other in ({"level": "edit"}, {"until": ""}, {"until": "2100-12-25"}):
        again = browser.submit(f"{url}/shares", {**form, **other, "confirmed": mark}, page=url)
        assert (again.status_code, row_count(session, ManualShare)) == (200, 0), other
    assert "Every partner user would see and change" in page_words(
        browser.submit(f"{url}/shares", {**form, "level": "edit"}, page=url)
    )
    late = browser.submit(f"{url}/shares", {**form, "until": "2001-01-01"}, page=url)
    assert (late.status_code, "The end must lie in the future." in late.text) == (422, True)
    assert browser.submit(f"{url}/shares", {**form, "confirmed": mark}, page=url).status_code == 303
    assert row_count(session, ManualShare) == 1
    assert find_level(session, actor_of(session, otto), lead.ref) == 2
    company = {
        **form,
        "principal_type": "partner_account",
        "principal_id": account_of(session, northwind).ref,
    }
    browser = signed_in(ada)
    assert "This reaches partners" in browser.submit(f"{url}/shares", company, page=url).text
    assert browser.agree(f"{url}/shares", company, page=url).status_code == 303
    for one in ({"principal_type": "user", "principal_id": pia.ref}, {"principal_type": "all_internal"}):
        assert browser.submit(f"{url}/shares", {**form, **one}, page=url).status_code == 303, one


def test_bad_shares_are_refused_and_what_was_typed_stays(session, signed_in, mara, sal, otto):
    lead, other = make_lead(session, owner=mara), make_lead(session, owner=mara)
    share, _known = share_record(
        session, actor_of(session, mara), other, {"type": "user", "id": sal.ref}, "read", now=clock.now()
    )
    session.commit()
    browser, url = signed_in(mara), f"/leads/{lead.ref}/access"
    good = {"principal_type": "user", "principal_id": sal.ref, "level": "edit", "until": ""}
    yesterday = (clock.now() - timedelta(days=2)).date().isoformat()
    for given, words in (
        ({"principal_id": f"user_{'0' * 22}"}, "There is no such"),
        ({"principal_id": ""}, "Choose whom."),
        ({"principal_type": "", "principal_id": ""}, "Choose whom."),
        ({"principal_type": "partner_account", "principal_id": otto.ref}, "There is no such"),
        ({"principal_type": "nonsense"}, "Give a type"),
        ({"level": "full"}, "Known: read, edit."),
        ({"until": yesterday}, "The end must lie in the future."),
        ({"until": "31/12/2030"}, "This must be a day"),
        ({"until": "0000-00-00"}, "This must be a day"),
    ):
        answer = browser.submit(f"{url}/shares", {**good, **given}, page=url)
        assert answer.status_code == 422, given
        assert words in answer.text, given
        if "principal_type" not in given and "principal_id" not in given:
            assert f'value="{sal.ref}" selected' in answer.text
        summary = answer.text.partition("error-summary")[2].partition("</div>")[0]
        assert ("principal" if "principal" in str(given) else next(iter(given))) in summary
        assert words in summary
    looked = browser.submit(
        f"{url}/shares", {"principal_type": "internal_role", "act": "look", "until": "2100-01-01"}, page=url
    )
    assert looked.status_code == 200
    assert 'value="2100-01-01"' in looked.text
    assert ">Viewer<" in looked.text
    # Another record's share is none of this one's.
    assert browser.submit(f"{url}/shares/{share.ref}", {"act": "remove"}, page=url).status_code == 404
    assert row_count(session, ManualShare, ManualShare.ended_at.is_(None)) == 1


def test_only_those_who_have_it_in_full_share_it(session, signed_in, mara, sal, vic, pia):
    lead = make_lead(session, owner=mara)
    browser, url = signed_in(sal), f"/leads/{lead.ref}/access"
    assert 'id="share"' not in browser.get(url).text
    form = {"principal_type": "all_partners", "level": "edit"}
    assert browser.submit(f"{url}/shares", form, page="/profile").status_code == 403
    own = make_lead(session, owner=sal)
    share_record(
        session, actor_of(session, sal), own, {"type": "user", "id": vic.ref}, "read", now=clock.now()
    )
    page = browser.get(f"/leads/{own.ref}/access").text
    assert 'id="share"' in page
    assert 'id="person"' not in page
    assert "Everybody who sees it" not in page
    assert "<b>Vic</b>" in page  # whose page in setup is not theirs to open
    for person in (vic, pia):
        assert signed_in(person).submit(f"{url}/shares", form, page="/profile").status_code in (403, 404)
    assert row_count(session, ManualShare) == 1


def test_who_takes_their_own_way_in_away_is_led_to_the_list(session, signed_in, mara, sal):
    contact = make_contact(session, account=make_account(session, owner=sal), owner=sal)
    page = signed_in(sal).get(f"/contacts/{contact.ref}/access").text
    assert 'id="share"' in page
    private = make_contact(session, account=None, owner=sal)
    page = signed_in(sal).get(f"/contacts/{private.ref}/access").text
    assert "Give it an account first." in page
    assert 'name="principal_type"' not in page


def test_a_long_list_of_colleagues_is_named_in_a_few_statements(session, signed_in, mara, count_queries):
    lead, counts, browser = make_lead(session, owner=mara), [], signed_in(mara)
    for size in (2, 20):
        for _ in range(size):
            person = make_user(session)
            share_record(
                session,
                actor_of(session, mara),
                lead,
                {"type": "user", "id": person.ref},
                "read",
                now=clock.now(),
            )
        session.commit()
        browser.get(f"/leads/{lead.ref}/access")
        with count_queries() as queries:
            assert browser.get(f"/leads/{lead.ref}/access").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 30, queries


def test_an_account_that_the_asker_does_not_see_is_not_named_among_the_causes(
    session, signed_in, client, ada, mara, sal
):
    mara.account_scope = AccountScope.PORTFOLIO
    hidden = make_account(session, "Zqx holding", owner=sal)
    case = make_case(session, owner=mara, account=hidden)
    own = make_case(session, owner=mara, account=make_account(session, "Mine", owner=mara))
    session.commit()

    def told(user, record):
        """What pages and the API say of who sees it, and of why one person does."""
        browser, key = signed_in(user), {"Authorization": f"Bearer {make_token(user)}"}
        person = f"user_id={sal.ref}"
        answers = [
            browser.get(f"/cases/{record.ref}/access"),
            browser.get(f"/cases/{record.ref}/access?user={sal.ref}"),
        ]
        answers += [
            client.get(f"/api/v1/cases/{record.ref}/access?{more}", headers=key) for more in ("", person)
        ]
        answers += [client.get(f"/api/v1/users/{sal.ref}/access?object=case", headers=key)]
        assert [answer.status_code for answer in answers] == [200] * 5
        return "".join(answer.text for answer in answers)

    lines = told(mara, case)
    assert "Zqx" not in lines
    assert hidden.ref not in lines
    assert "its owner and the people responsible for it" in lines
    assert "account_team" in lines
    assert "Team of Zqx holding" in told(ada, case)
    assert "Team of Mine" in told(mara, own)
