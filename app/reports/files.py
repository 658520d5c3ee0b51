"""A report as a file: CSV, whose formulas are made harmless, or XLSX, where text stays text."""

import csv
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.intake.neutralise import neutralise
from app.lists.sheet_file import SheetFile
from app.reports.sheets import Sheet

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheets take UTF-8 for something else


def write(sheet: Sheet, format_: str) -> bytes:
    """The table with its heads and total.  format_: a key of TYPES."""
    rows: list[Sequence[Any]] = [[head.label for head in sheet.heads]]
    rows += [[cell.value for cell in row] for row in (*sheet.rows, *([sheet.total] if sheet.total else []))]
    return _csv(rows) if format_ == "csv" else _xlsx(rows)


def _csv(rows: Sequence[Sequence[Any]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(
        [[neutralise(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    )
    return (_BYTE_ORDER_MARK + out.getvalue()).encode()


def _xlsx(rows: Sequence[Sequence[Any]]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.xlsx"
        file = SheetFile(path)
        file.write(list(zip(*rows, strict=True)))
        file.close()
        return path.read_bytes()
