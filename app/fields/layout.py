"""In which order forms ask: as they came, or as an administrator arranged them."""

from collections.abc import Callable, Iterable, Mapping, Sequence

Rows = Sequence[Sequence[str]]
OWN = "custom"


def arranged(
    standard: Mapping[str, Rows],
    layout: Sequence[tuple[str, Sequence[str]]],
    added: Iterable[str],
    is_wide: Callable[[str], bool],
) -> list[tuple[str, list[list[str]]]]:
    """(section, rows of names).  standard: section → rows as they came.  layout: what was arranged, if anything.

    Two short fields that follow each other share a row.  What the layout does not name, since it came later, ends
    the section it belongs to; what it names and is not there is left out.
    """
    added = list(added)
    if not layout:
        rows = [(section, [list(row) for row in rows]) for section, rows in standard.items()]
        return [*rows, (OWN, paired(added, is_wide))] if added else rows
    known = {name: section for section, rows in standard.items() for row in rows for name in row}
    known |= dict.fromkeys(added, OWN)
    placed = {name for _section, names in layout for name in names}
    found: dict[str, list[str]] = {section: [n for n in names if n in known] for section, names in layout}
    for name, section in known.items():
        if name not in placed:
            found.setdefault(section, []).append(name)
    return [(section, paired(names, is_wide)) for section, names in found.items() if names]


def paired(names: Iterable[str], is_wide: Callable[[str], bool]) -> list[list[str]]:
    """Rows of one or two."""
    rows: list[list[str]] = []
    open_row = False
    for name in names:
        if is_wide(name):
            rows.append([name])
            open_row = False
        elif open_row:
            rows[-1].append(name)
            open_row = False
        else:
            rows.append([name])
            open_row = True
    return rows
