"""What an administrator reads of backups, checks and the counts of reports."""

import pytest

from app.health.operations import note_upkeep
from app.kernel import clock


@pytest.mark.databases("sqlite")
def test_backups_and_checks_tell_how_they_ended(app, signed_in, session, ada):
    client = signed_in(ada)
    page = client.get("/").get_data(as_text=True)
    assert "No backup is known of" in page
    assert "Nothing was checked yet" in page
    assert "Reports are counted" in page
    run = app.test_cli_runner()
    assert run.invoke(args=["backup", "done", "--note", "s3, monday"]).exit_code == 0
    assert run.invoke(args=["reports", "verify"]).exit_code == 0
    page = client.get("/").get_data(as_text=True)
    assert "There is a backup" in page
    assert "s3, monday" in page
    assert "Checks found no differences" in page
    note_upkeep(session, "reports", is_well=False, note="", now=clock.now())
    session.commit()
    page = client.get("/").get_data(as_text=True)
    assert "A check found differences" in page
    assert "flask --app app reports verify" in page
