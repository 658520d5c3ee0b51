"""Cells of an exported CSV, made so that a spreadsheet shows them and never runs them.

Spreadsheets take a cell that begins with = + - or @ for a formula, whatever wrote it.  Such cells get an
apostrophe in front.  What is plainly a number stays as it is, negative ones and "+34 600 111 222" included:
digits and blanks alone can call nothing and point at nothing.
Source: OWASP, "CSV Injection".  XLSX needs none of this when strings are written as strings.
"""

import re

_STARTS = "=+-@\t\r\n＝＋－＠"
_IGNORED = " \u00a0\u200b\u200e\u200f\ufeff"
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,' ][0-9]+)*(?:[eE][+-]?[0-9]{1,3})?(?: ?%)?\Z", re.ASCII)


def neutralise(cell: str) -> str:
    """The cell as it is safe to write.  Blanks and marks before the first sign do not help it through."""
    if not cell:
        return cell
    first = cell.lstrip(_IGNORED)[:1]
    if not first or first not in _STARTS or _NUMBER.match(cell):
        return cell
    return f"'{cell}"


def original(cell: str) -> str:
    """What `neutralise` was given, so that an exported file can be imported again."""
    return cell[1:] if cell.startswith("'") and neutralise(cell[1:]) == cell else cell
