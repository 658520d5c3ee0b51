"""`flask serve`: everything that runs, with one command.  `flask web`: the web process alone."""

import signal
import socket
import sys
from types import FrameType
from typing import NoReturn

import click
from flask import current_app
from flask.cli import with_appcontext

from app.kernel import clock
from app.kernel.db import db, transaction
from app.settings import ROOT, Settings, current_settings
from app.starting import share_freed_memory
from app.supervisor import STOPPING, supervise
from app.web.logs import configure_logs

HOST = "127.0.0.1"
# Waitress accepts nobody any more, for as long as two minutes, once this many are connected, idle or not; its own 100
# are soon held by one client that keeps what it opened.  Below the 1,024 files that a process commonly may open.
MOST_CONNECTIONS = 800


@click.command("serve")
@with_appcontext
def serve_command() -> None:
    """Migrate, load the demo company where asked, and run web and worker until stopped."""
    settings = current_settings()
    _require_free_port(settings)
    sign_ins = _prepare(settings)

    def announce() -> None:
        click.echo(f"\nCanal is at http://{HOST}:{settings.port}   (Ctrl-C stops it)")
        for line in sign_ins:
            click.echo(f"  {line}")
        click.echo("")

    flask = [sys.executable, "-m", "flask", "--app", "app"]
    sys.exit(
        supervise(
            {"web": [*flask, "web"], "worker": [*flask, "worker"]},
            folder=ROOT,
            is_up=lambda: _answers(settings.port),
            announce=announce,
            complain=lambda text: click.echo(text, err=True),
        )
    )


@click.command("web")
@with_appcontext
def web_command() -> None:
    """Serve the web application on 127.0.0.1, without the worker."""
    import waitress

    settings = current_settings()
    configure_logs(settings.log_level, "stdout")
    # Waitress finishes the requests at work when the main loop is left by SystemExit.
    for number in STOPPING:
        signal.signal(number, _leave)
    share_freed_memory()
    waitress.serve(
        current_app._get_current_object(),  # type: ignore[attr-defined] # noqa: SLF001 - werkzeug's documented way
        host=HOST,
        port=settings.port,
        threads=settings.web_threads,
        connection_limit=MOST_CONNECTIONS,
        asyncore_use_poll=True,  # select ends at a file numbered 1,024
        ident=None,
        # What a proxy says of the client is weighed by the application; waitress would take it away.
        clear_untrusted_proxy_headers=settings.trusted_proxies == 0,
        _quiet=True,
    )


def _prepare(settings: Settings) -> list[str]:
    """Bring the database up to date; a line for each demo sign-in that works in it."""
    from flask_migrate import upgrade  # not while starting, see app.migrating

    upgrade(directory=str(ROOT / "migrations"))
    if not settings.demo:
        return []
    from app.demo import company  # brings data and code that only the demo needs

    with transaction() as session:
        if company.is_empty(session):
            click.echo("Loading the demo company …")
            company.load(session, now=clock.now())
        lines = [f"{who.role}: {who.email}   password: {who.password}" for who in company.sign_ins(session)]
    db.session.remove()
    db.engine.dispose()
    return lines


def _require_free_port(settings: Settings) -> None:
    """End with 1 and a sentence when something else answers on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, settings.port))
        except OSError as error:
            click.echo(
                f"Port {settings.port} of {HOST} cannot be used ({error.strerror}):"
                f" choose another, as in `make run PORT={settings.port + 1}`.",
                err=True,
            )
            sys.exit(1)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) == 0


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)  # once is enough: a second would interrupt the finishing
    sys.exit(0)
