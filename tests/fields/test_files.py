"""Added fields in files: imported and exported."""

from app.accounts.models import Account
from app.leads.models import Lead
from app.lists.jobs import run_waiting
from tests.factories import (
    rows,
)
from tests.fields.making import make_field
from tests.intake.importing import take


def test_files_bring_it_in_by_label_in_any_language_and_take_it_out(session, ada, mara, signed_in):
    make_field(
        session, ada, "lead", "choice", "Segment", labels={"ca": "Segment nou"}, choices=("Gold", "Iron")
    )
    make_field(session, ada, "lead", "date", "Met on")
    session.commit()
    done = take(session, "Company,Segment nou,Met on\nAcme,GOLD,2026-03-01\nBolt,tin,soon\n", mara)
    assert (done.accepted, done.warnings) == (2, 2)
    held = {lead.company: lead.custom for lead in rows(session, Lead)}
    assert held == {"Acme": {"c_segment": "gold", "c_met_on": "2026-03-01"}, "Bolt": {}}
    make_field(session, ada, "account", "number", "Seats")
    taken = take(session, "Name,Seats\nNorth,12\nSouth,many\n", mara, kind="account")
    assert (taken.accepted, taken.warnings) == (2, 1)
    assert {a.name: a.custom for a in rows(session, Account)} == {"North": {"c_seats": 12}, "South": {}}
    browser = signed_in(mara)
    address = browser.submit("/lists/lead/export", {"format": "csv"}, page="/leads").location
    while run_waiting(seconds=0):
        pass
    assert "Gold,2026-03-01" in browser.get(f"{address}/file").get_data(as_text=True)
