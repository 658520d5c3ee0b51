"""What a partner is told of the others: one share of many, of the usual months, and of none that could be set apart."""

from app.reports.counting import count_changes
from tests.factories import make_lead, make_partner, make_user


def beside(browser, address="/scorecard"):
    answer = browser.get(address)
    assert answer.status_code == 200
    return "the other partners converted" in answer.get_data(as_text=True)


def test_others_are_told_of_as_one_of_many_and_of_the_usual_months(signed_in, session, mara, pia, now):
    people = []
    for number in range(5):
        partner = make_partner(session, f"Partner {number}", owner=mara)
        people.append(make_user(session, f"Person {number}", partner=partner))
    for number, person in enumerate(people):
        for lead in range(5 if number else 4):
            converted = {"converted_at": now, "is_open": False} if lead == 1 else {}
            make_lead(session, owner=person, **converted)
    make_lead(session, owner=pia)
    count_changes(session)
    session.commit()
    browser = signed_in(pia)
    assert not beside(browser), "of one the leads are too few"
    make_lead(session, owner=people[0])
    count_changes(session)
    session.commit()
    assert beside(browser)
    page = browser.get("/scorecard").get_data(as_text=True)
    assert "the other partners converted 20 % on average" in page.replace("\xa0", " ")
    assert "Partner 1" not in page
    month = f"{now:%Y-%m}"
    assert not beside(browser, f"/scorecard?from={month}")
    assert not beside(browser, f"/scorecard?from=2020-01&to={month}")
