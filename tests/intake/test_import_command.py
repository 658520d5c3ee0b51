"""`flask leads import`: exit codes, the files it leaves, going on, not doubling."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.intake.models import Import, ImportState
from app.intake.takers import LeadTaker
from app.kernel.db import db, set_reading
from app.leads.models import Assignment, Lead, LeadSource
from app.settings import ROOT
from tests.factories import row_count, rows
from tests.intake.importing import leads_by_name


def invoke(app: Flask, *arguments: Any) -> Any:
    db.session.commit()
    done = app.test_cli_runner().invoke(args=["leads", "import", *map(str, arguments)])
    set_reading(False)
    db.session.expire_all()
    return done


def write(folder: Path, text: str, name: str = "leads.csv") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_every_row_taken_is_exit_0(app: Flask, session: Session, tmp_path: Path) -> None:
    file = write(tmp_path, "Last name,City\nPuig,Girona\nRoca,Olot\n")
    done = invoke(app, file)
    assert done.exit_code == 0, done.output
    assert "2 rows: 2 created" in done.output
    assert "2 of 2 (100%) rows" in done.stderr
    assert list(tmp_path.iterdir()) == [file]
    assert row_count(session, Lead) == 2


def test_refused_rows_are_exit_3_and_in_a_file_with_line_and_reason(
    app: Flask, session: Session, tmp_path: Path
) -> None:
    file = write(
        tmp_path, 'Last name,City,E-mail\nPuig,Girona,nobody\n,"=1+1",\n"Roca\nand son",Olot,\n,@sum,-5\n'
    )
    done = invoke(app, file)
    assert done.exit_code == 3
    with (tmp_path / "leads.csv.rejected.csv").open(newline="") as rejected:
        table = list(csv.reader(rejected))
    assert table[0] == ["line", "reason", "Last name", "City", "E-mail"]
    assert [(row[0], row[3], row[4]) for row in table[1:]] == [("3", "'=1+1", ""), ("6", "'@sum", "-5")]
    assert "last name" in table[1][1]
    with (tmp_path / "leads.csv.warnings.csv").open(newline="") as warnings:
        assert [row[0] for row in csv.reader(warnings)] == ["line", "2"]
    assert row_count(session, Lead) == 2


def test_given_again_it_creates_nothing_unless_again(app: Flask, session: Session, tmp_path: Path) -> None:
    file = write(tmp_path, "Last name\nPuig\n")
    assert invoke(app, file).exit_code == 0
    again = invoke(app, file)
    assert again.exit_code == 0
    assert "0 created" in again.output
    assert row_count(session, Lead) == 1
    assert invoke(app, file, "--again").exit_code == 0
    assert row_count(session, Lead) == 2


def test_a_dry_run_says_what_would_happen_and_changes_nothing(
    app: Flask, session: Session, tmp_path: Path
) -> None:
    file = write(tmp_path, "Last name,Source\nPuig,Never heard of\n,Fair\n")
    done = invoke(app, file, "--dry-run")
    assert done.exit_code == 3
    assert "Dry run: 2 rows: 1 created, 0 updated, 0 unchanged, 1 refused, 1 warnings" in done.output
    assert row_count(session, Lead) == row_count(session, Import) == row_count(session, Assignment) == 0
    assert not rows(session, LeadSource, LeadSource.name == "Never heard of")
    assert invoke(app, file).exit_code == 3
    assert row_count(session, Lead) == 1


def test_a_mapping_from_a_file_and_a_source_for_all(app: Flask, session: Session, tmp_path: Path) -> None:
    file = write(tmp_path, "Who;Where;Odd\nPuig;Girona;1\n")
    mapping = write(tmp_path, json.dumps({"Who": "last_name", "Where": "city"}), "map.json")
    assert invoke(app, file, "--mapping", mapping, "--source", "Fair").exit_code == 0
    (lead,) = rows(session, Lead)
    assert (lead.last_name, lead.city, lead.imported) == ("Puig", "Girona", {"Odd": "1"})
    assert session.get_one(LeadSource, lead.source_id).name == "Fair"


@pytest.mark.parametrize(
    ("content", "mapping", "says"),
    [
        (b"%PDF-1.7 nothing", None, "PDF"),
        (b"", None, "empty"),
        (b"Odd,Odder\n1,2\n", None, "No column"),
        (b"Who\nPuig\n", '{"Whom": "last_name"}', "no column"),
        (b"Who\nPuig\n", '{"Who": "shoe_size"}', "no field"),
        (b"Who\nPuig\n", '["Who"]', "not a mapping"),
        (b"Who\nPuig\n", "{", "not JSON"),
    ],
)
def test_what_cannot_be_used_is_exit_2_with_a_sentence(
    app: Flask, session: Session, tmp_path: Path, content: bytes, mapping: str | None, says: str
) -> None:
    file = tmp_path / "leads.csv"
    file.write_bytes(content)
    options = ["--mapping", write(tmp_path, mapping, "map.json")] if mapping else []
    for dry in ([], ["--dry-run"]):
        done = invoke(app, file, *options, *dry)
        assert done.exit_code == 2, done.output
        assert says in done.stderr
        assert "Traceback" not in done.output
    assert row_count(session, Lead) == 0


def test_a_file_that_is_not_there_is_exit_2(app: Flask, session: Session, tmp_path: Path) -> None:
    assert invoke(app, tmp_path / "nowhere.csv").exit_code == 2


def test_an_xlsx_is_taken_like_a_csv(app: Flask, session: Session, tmp_path: Path) -> None:
    import xlsxwriter

    file = tmp_path / "leads.xlsx"
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        for line, cells in enumerate([["Last name", "Employees"], ["Puig", 1200], ["", 3]]):
            sheet.write_row(line, 0, cells)
    assert invoke(app, file).exit_code == 3
    assert leads_by_name(session)["Puig"].employees == 1200
    assert (tmp_path / "leads.xlsx.rejected.csv").exists()


def environment(app: Flask) -> dict[str, str]:
    return {
        **os.environ,
        "CANAL_DATA": str(Path(app.extensions["canal.settings"].data)),
        "CANAL_DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"],
        "CANAL_SECRET_KEY": app.config["SECRET_KEY"],
    }


@pytest.mark.databases("postgresql")
def test_killed_again_and_again_it_goes_on_and_doubles_nothing(
    app: Flask, session: Session, tmp_path: Path
) -> None:
    count = LeadTaker.batch_rows * 6 + 11
    file = write(tmp_path, "Last name,City\n" + "".join(f"Name {i},Girona\n" for i in range(count)))
    command = [sys.executable, "-m", "flask", "--app", "app", "leads", "import", str(file)]
    kills = 0
    for _ in range(2):
        before = row_count(session, Lead)
        session.commit()
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(app), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        give_up = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < give_up:
            taken = row_count(session, Lead)
            session.rollback()
            if taken > before and taken < count:
                process.send_signal(signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.005)
        process.wait(60)
    assert kills >= 1
    left = session.query(Import).one()  # one import, whatever happened
    assert left.done == row_count(session, Lead) == row_count(session, Assignment)
    session.commit()
    last = subprocess.run(
        command, cwd=ROOT, env=environment(app), capture_output=True, text=True, timeout=120, check=False
    )
    assert last.returncode == 0, last.stderr
    session.expire_all()
    left = session.query(Import).one()
    assert (left.state, left.created) == (ImportState.DONE, count)
    assert row_count(session, Lead) == row_count(session, Assignment) == count
    assert len({lead.last_name for lead in rows(session, Lead)}) == count
