"""How the installation is, in words: a line for each part, what is wrong first."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup

from app.health.queries import Health
from app.kernel.paging import COUNT_CAP
from app.web.filters import number
from app.web.tags import time_tag

# A worker shows itself every half minute; mail goes out within seconds.
WORKER_IS_GONE = timedelta(minutes=3)
MAIL_IS_LATE = timedelta(minutes=10)
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


def health_lines(health: Health, data: Path, *, now: datetime) -> Sequence[Line]:
    """The parts, those first that need somebody."""
    lines = [_worker(health, now), _mail(health, now), _jobs(health), _space(data)]
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
