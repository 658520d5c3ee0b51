"""The settings at the door: read them from the environment, refuse a wrong one, list them.

A value that cannot work stops the start with exit code 2 and one sentence that says what to do.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from typing import NoReturn

import click
from flask.cli import with_appcontext
from pydantic import SecretStr, ValidationError
from sqlalchemy.engine import make_url

from app.settings import PREFIX, MailTarget, Settings, SettingsError, current_settings, make_data_folder


def load_settings() -> Settings:
    """The settings of the environment.  Makes the data folder; ends the process with 2 if one is wrong."""
    try:
        settings = Settings()
        make_data_folder(settings.data)
        settings.signing_key  # noqa: B018 - read now, so that a wrong one stops the start
    except ValidationError as error:
        _stop(_sentence(error, os.environ))
    except SettingsError as error:
        _stop(str(error))
    return settings


def unknown_names(environ: Mapping[str, str]) -> list[str]:
    """Variables that look like settings but are none: misspelt, most likely."""
    known = {variable(name) for name in Settings.model_fields}
    return sorted(
        name
        for name in environ
        if name.startswith(PREFIX)
        and not name.startswith((f"{PREFIX}TEST_", f"{PREFIX}BENCH_"))
        and name not in known
    )


def variable(field: str) -> str:
    """The environment variable of a field."""
    return "PORT" if field == "port" else f"{PREFIX}{field.upper()}"


def rows(settings: Settings) -> Iterator[tuple[str, str, str, str]]:
    """Name, value, default and meaning of each setting; what is secret is not told."""
    resolved = {
        "database_url": make_url(settings.database).render_as_string(hide_password=True),
        "mail_url": _mail_text(settings.mail),
        "public_url": settings.base_url,
        "second_factor_roles": _roles_text(settings),
        "secret_key": "(set)" if settings.secret_key.get_secret_value() else "(kept in CANAL_DATA)",
    }
    defaults = {
        "database_url": "SQLite file in CANAL_DATA",
        "mail_url": "file:",
        "data": "instance/",
        "public_url": "http://127.0.0.1:PORT",
        "secret_key": "made on first start",
        "second_factor_roles": "all internal roles, none in the demo",
    }
    for name, field in Settings.model_fields.items():
        value = resolved[name] if name in resolved else _text(getattr(settings, name))
        yield variable(name), value, defaults.get(name) or _text(field.default), field.description or ""


@click.command("settings")
@with_appcontext
def settings_command() -> None:
    """List every setting with its value, default and meaning."""
    for name, value, default, meaning in rows(current_settings()):
        click.echo(f"{name}={value}\n    {meaning} Default: {default}.")
    for name in unknown_names(os.environ):
        click.echo(f"{name} is set but is no setting of Canal's.", err=True)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def _roles_text(settings: Settings) -> str:
    given = settings.second_factor_roles
    return given if given is not None else "(all internal roles, none in the demo)"


def _mail_text(target: MailTarget) -> str:
    if target.kind == "file":
        return "file:"
    login = f"{target.user}:***@" if target.user else ""
    return f"smtp://{login}{target.host}:{target.port}?tls={target.tls}"


def _sentence(error: ValidationError, environ: Mapping[str, str]) -> str:
    """One sentence for the first wrong value: variable, value unless secret, what to do."""
    first = error.errors(include_url=False)[0]
    field = "port" if str(first["loc"][0]).lower() == "port" else str(first["loc"][0])
    name = variable(field)
    annotation = Settings.model_fields[field].annotation
    shown = "" if annotation is SecretStr else f" is {environ.get(name, '')!r}, which"
    limits = {"greater_than_equal": "ge", "less_than_equal": "le"}
    if first["type"] == "value_error":
        said = str(first["ctx"]["error"]) if "ctx" in first else first["msg"]
    elif first["type"] in limits:
        low, high = (
            getattr(m, a) for m, a in zip(Settings.model_fields[field].metadata, ("ge", "le"), strict=True)
        )
        said = f"is out of range; give a whole number from {low} to {high}"
    elif first["type"].startswith("int"):
        said = "is no whole number; write digits only"
    elif first["type"].startswith("bool"):
        said = "is neither on nor off; write 1 or 0"
    elif first["type"] == "literal_error":
        said = f"is unknown; use one of {first.get('ctx', {}).get('expected', '')}"
    else:
        said = f"cannot be used ({first['msg']})"
    return f"{name}{shown} {said}."


def _stop(sentence: str) -> NoReturn:
    """Say what is wrong and end the process: nothing can be served with it."""
    click.echo(f"Canal cannot start: {sentence}", err=True)
    sys.exit(2)
