"""Reports as people open them: what each has, filters in the address, files, what is refused."""

import io
import zipfile

from app.events.models import Event
from app.reports.counting import count_changes
from tests.factories import make_lead, make_source, rows


def text(answer):
    return answer.get_data(as_text=True)


def test_reports_are_opened_filtered_and_taken_along(signed_in, session, mara, pia, otto):
    fair = make_source(session, "=1+1")
    make_lead(session, owner=pia, source_id=fair.id, country="ES")
    make_lead(session, country="FR")
    count_changes(session)
    session.commit()
    browser, partner = signed_in(mara), signed_in(pia)
    assert "/reports/ageing" in text(browser.get("/reports"))
    assert "/reports/ageing" not in text(partner.get("/reports"))
    for name in ("funnel", "ageing", "times", "scores", "pipeline"):
        answer = browser.get(f"/reports/{name}")
        assert answer.status_code == 200, name
    by = [f"/reports/funnel?by={each}" for each in ("month", "partner", "campaign", "country", "owner")]
    assert [browser.get(each).status_code for each in by] == [200] * len(by)
    page = text(browser.get("/reports/funnel?by=country&country=ES&from=2020-01"))
    assert "Spain" in page
    assert "France" not in page
    theirs = text(partner.get("/reports/funnel?by=country"))
    assert "Spain" in theirs
    assert "France" not in theirs
    assert "Marketing-qualified" not in theirs
    assert partner.get("/reports/ageing").status_code == 404
    assert browser.get("/reports/nothing").status_code == 404
    refused = browser.get("/reports/funnel?from=2026-13&source=x")
    assert refused.status_code == 422
    assert "From month: This must be a month such as 2026-03." in text(refused)
    csv = browser.submit("/reports/funnel/file", {"format": "csv"}, page="/reports/funnel")
    assert text(csv).splitlines()[1].startswith("'=1+1,1,1,1,0")
    xlsx = browser.submit("/reports/funnel/file?by=country", {"format": "xlsx"}, page="/reports/funnel")
    sheet = zipfile.ZipFile(io.BytesIO(xlsx.data)).read("xl/worksheets/sheet1.xml").decode()
    assert "Spain" in sheet
    assert [event.detail["object"] for event in rows(session, Event, Event.verb == "exported")] == [
        "report funnel"
    ] * 2
