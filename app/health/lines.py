"""How the installation is, in words: a line for each part, what is wrong first."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup

from app.health.models import Upkeep
from app.health.queries import Health
from app.health.upkeep import BACKUP, CHECKS
from app.kernel.paging import COUNT_CAP
from app.web.filters import number
from app.web.tags import time_tag

# A worker shows itself every half minute; mail goes out within seconds.
WORKER_IS_GONE = timedelta(minutes=3)
MAIL_IS_LATE = timedelta(minutes=10)
BACKUP_IS_OLD = timedelta(days=2)
LITTLE_SPACE = 0.1
_GB = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """One part.  note: may be markup.  tone: green where all is well.  url: where to look, "" for nowhere."""

    icon: str
    tone: str
    what: str
    note: str
    url: str = ""


def health_lines(
    health: Health, upkeep: Mapping[str, Upkeep], data: Path, *, now: datetime
) -> Sequence[Line]:
    """The parts, those first that need somebody."""
    lines = [
        _worker(health, now), _mail(health, now), _jobs(health), _counts(health), _backup(upkeep.get(BACKUP), now),
        _checks([upkeep[name] for name in CHECKS if name in upkeep]), _space(data),
    ]  # fmt: skip
    order = {"red": 0, "amber": 1}
    return sorted(lines, key=lambda line: order.get(line.tone, 2))


def _worker(health: Health, now: datetime) -> Line:
    if health.worker_at is None:
        note = _("No mail goes out and no offer lapses until one runs: flask --app app worker")
        return Line("monitor", "red", _("No worker has run yet"), note)
    seen = Markup("{} {}").format(_("Last seen"), time_tag(health.worker_at))
    if now - health.worker_at > WORKER_IS_GONE:
        note = Markup("{}. {}").format(seen, _("Start it again: flask --app app worker"))
        return Line("monitor", "red", _("The worker has stopped"), note)
    return Line("monitor", "green", _("The worker is at work"), seen)


def _mail(health: Health, now: datetime) -> Line:
    url = url_for("deliveries.index", state="due")
    if health.held_at is not None:
        note = Markup("{} {}").format(_("Since"), time_tag(health.held_at, "datetime"))
        return Line("mail", "amber", _("Sending is held"), note, url)
    if not health.mails or health.oldest_mail_at is None:
        return Line("mail", "green", _("No mail is waiting"), _("All that was due is out."), url)
    many = f"{number(COUNT_CAP)}+" if health.mails > COUNT_CAP else number(health.mails)
    what = ngettext("%(count)s mail is waiting", "%(count)s mails are waiting", health.mails, count=many)
    note = Markup("{} {}").format(_("The oldest for"), time_tag(health.oldest_mail_at, "age"))
    is_late = now - health.oldest_mail_at > MAIL_IS_LATE
    return Line("mail", "red" if is_late else "green", what, note, url)


def _jobs(health: Health) -> Line:
    failed = health.imports + health.jobs
    if not failed:
        return Line("refresh", "green", _("Nothing failed in the background"), _("In the last seven days."))
    what = ngettext("%(count)s job failed", "%(count)s jobs failed", failed, count=number(failed))
    note = _("Imports: %(imports)s; exports and changes of many: %(jobs)s. In the last seven days.",
             imports=number(health.imports), jobs=number(health.jobs))  # fmt: skip
    return Line("refresh", "amber", what, note, url_for("intake.index") if health.imports else "")


def _counts(health: Health) -> Line:
    if health.uncounted <= COUNT_CAP:
        return Line("chart", "green", _("Reports are counted"), _("Changes are counted within seconds."))
    what = _("More than %(count)s changes wait to be counted", count=number(COUNT_CAP))
    note = _(
        "Reports are right and slower meanwhile. A worker counts them; after a large import that takes minutes."
    )
    return Line("chart", "amber", what, note)


def _backup(last: Upkeep | None, now: datetime) -> Line:
    if last is None:
        note = _(
            "Canal makes none by itself. Let the script that makes yours end with: flask --app app backup done"
        )
        return Line("archive", "amber", _("No backup is known of"), note)
    made = Markup("{} {}{}").format(
        _("Last told of"), time_tag(last.at), f": {last.note}" if last.note else ""
    )
    if not last.is_well:
        return Line("archive", "red", _("The last backup failed"), made)
    if now - last.at > BACKUP_IS_OLD:
        return Line("archive", "amber", _("The last backup is old"), made)
    return Line("archive", "green", _("There is a backup"), made)


def _checks(results: Sequence[Upkeep]) -> Line:
    if not results:
        note = _(
            "When you like, or every week: flask --app app reports verify, and sharing, scores, routing, documents"
        )
        return Line("check", "green", _("Nothing was checked yet"), note)
    failed = [each.name for each in results if not each.is_well]
    if failed:
        note = _(
            "Run it again to see what differs: %(commands)s",
            commands=", ".join(f"flask --app app {n} verify" for n in failed),
        )
        return Line("check", "red", _("A check found differences"), note)
    oldest = min(results, key=lambda each: each.at)
    note = Markup("{} {}").format(_("The one longest ago"), time_tag(oldest.at))
    return Line("check", "green", _("Checks found no differences"), note)


def _space(data: Path) -> Line:
    try:
        usage = shutil.disk_usage(data)
    except OSError:
        return Line("archive", "red", _("The data folder cannot be read"), str(data))
    free = _(
        "%(free)s GB free of %(all)s GB", free=number(usage.free / _GB, 1), all=number(usage.total / _GB, 1)
    )
    is_little = usage.free < LITTLE_SPACE * usage.total
    note = _("Of the disk that holds files, and the database if it is SQLite.")
    return Line("archive", "amber" if is_little else "green", free, note)
