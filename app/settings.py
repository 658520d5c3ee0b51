"""Every setting, typed and bounded, from environment variables that start with `CANAL_`.

The rest of the application reads them through `current_settings()`; `settings_cli` loads them from the
environment, says what is wrong with one and lists them.
"""

import os
import secrets
import shlex
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from flask import Flask, current_app
from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from app.kernel.actor import Role

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "CANAL_"
SHORTEST_KEY = 32
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
MAIL_PORTS = {"none": 25, "starttls": 587, "tls": 465}


def _switch(value: object) -> object:
    """`on` and `off` for a yes or no, as `1`, `true` and `yes` are."""
    return value.strip().lower() if isinstance(value, str) else value


Switch = Annotated[bool, BeforeValidator(_switch)]


class SettingsError(Exception):
    """A value with which Canal cannot start; the message is the sentence for the operator."""


@dataclass(frozen=True)
class MailTarget:
    """Where mail goes.  kind `file`: one .eml per message in the data folder; else SMTP."""

    kind: Literal["file", "smtp"]
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    tls: Literal["none", "starttls", "tls"] = "starttls"

    def __repr__(self) -> str:
        return f"MailTarget({self.kind!r}, {self.host!r}, {self.port}, tls={self.tls!r})"


class Settings(BaseSettings):
    """The settings of one process; an empty variable counts as not given, but for `second_factor_roles`.

    Frozen.  Tests make their own with keyword arguments, which go before the environment.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    database_url: SecretStr = Field(
        SecretStr(""),
        description="SQLAlchemy URL of the database; empty for a SQLite file in CANAL_DATA.",
    )
    data: Path = Field(ROOT / "instance", description="Folder for the database, uploads and mail.")
    mail_url: SecretStr = Field(
        SecretStr("file:"),
        description="`file:` writes mail into CANAL_DATA/mail; `smtp://user:pass@host:port?tls=starttls`"
        " (or `tls`, or `none` to loopback) sends it.",
    )
    mail_from: str = Field(
        "Canal <canal@localhost.localdomain>", description="Sender of all mail: `Name <address>`."
    )
    mail_retry_seconds: int = Field(
        60, ge=1, le=3600, description="First wait after a refusal; doubles, at most an hour, for four days."
    )
    public_url: str = Field("", description="Base of the links in mail; empty for http://127.0.0.1:PORT.")
    secret_key: SecretStr = Field(
        SecretStr(""),
        description="Signing key, at least 32 characters; empty for one made on first start in CANAL_DATA.",
    )
    second_factor_roles: str | None = Field(
        default_factory=lambda: _named_but_empty(f"{PREFIX}SECOND_FACTOR_ROLES"),
        description="Roles that must have a second factor, separated by commas; empty for none.",
    )
    demo: Switch = Field(False, description="Load the demo company into an empty database when serving.")
    rate_limits: Switch = Field(
        True, description="Limits on sign-in, public forms and the API; off for tests."
    )
    trusted_proxies: int = Field(
        0, ge=0, le=10, description="Number of proxies in front whose X-Forwarded headers are believed."
    )
    document_mb: int = Field(
        100, ge=1, le=4000, description="Largest document that is taken, in MB (of 1,048,576 bytes)."
    )
    scan_command: str = Field(
        "",
        description="Command that is given each new document on its standard input and lets it pass by exit code 0,"
        " refuses it by 1 (`clamdscan --no-summary -`); empty for none.",
    )
    storage_bucket: str = Field(
        "", description="Bucket of an S3 service for documents; empty for the folder documents in CANAL_DATA."
    )
    storage_prefix: str = Field("", description="What the names of documents in the bucket begin with.")
    storage_endpoint: str = Field(
        "", description="Address of the S3 service, https; empty for that of the region at AWS."
    )
    storage_region: str = Field("us-east-1", description="Region of the bucket.")
    storage_key_id: SecretStr = Field(
        SecretStr(""), description="Key id for the bucket; empty for what the machine itself is given."
    )
    storage_secret: SecretStr = Field(SecretStr(""), description="Secret of that key.")
    web_threads: int = Field(8, ge=1, le=64, description="Requests that the web process works on at a time.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least serious log line that is written."
    )
    port: int = Field(
        5000,
        ge=1,
        le=65535,
        validation_alias=AliasChoices("port", "PORT"),
        description="Port of 127.0.0.1 on which `serve` answers.",
    )

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value().strip()
        if not text:
            return SecretStr("")
        try:
            url = make_url(text)
        except ArgumentError:
            raise ValueError("is no database URL; write postgresql+psycopg://user:pass@host/name") from None
        if url.drivername not in {"sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg"}:
            raise ValueError("names a database Canal does not know; use postgresql+psycopg:// or sqlite:///")
        if url.drivername.startswith("sqlite") and url.database in (None, "", ":memory:"):
            raise ValueError("is a database in memory, which web and worker cannot share; name a file")
        return SecretStr(text)

    @field_validator("data")
    @classmethod
    def _whole_path(cls, value: Path) -> Path:
        if not str(value).strip() or value == Path():
            raise ValueError("is empty; name a folder that Canal may write to")
        return value.expanduser().absolute()

    @field_validator("mail_url")
    @classmethod
    def _known_transport(cls, value: SecretStr) -> SecretStr:
        parse_mail_url(value.get_secret_value())
        return value

    @field_validator("mail_from")
    @classmethod
    def _sender(cls, value: str) -> str:
        address = value.rpartition("<")[2].removesuffix(">").strip()
        if any(c in value for c in "\r\n\0") or address.count("@") != 1 or address.startswith("@"):
            raise ValueError("is no sender; write it as `Canal <canal@example.com>`")
        return value.strip()

    @field_validator("public_url")
    @classmethod
    def _base(cls, value: str) -> str:
        text = value.strip().rstrip("/")
        if not text:
            return ""
        try:
            parts = urlsplit(text)
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise ValueError("is no address; write https://canal.example.com") from None
        if parts.scheme not in {"http", "https"} or not host or parts.path or parts.query or parts.fragment:
            raise ValueError("is not the base of a site; write https://canal.example.com, without a path")
        return text

    @field_validator("storage_endpoint")
    @classmethod
    def _https_endpoint(cls, value: str) -> str:
        text = value.strip().rstrip("/")
        parts = urlsplit(text)
        if text and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("is no address; write https://s3.example.com")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("sends documents in the clear to another machine; use https://")
        return text

    @field_validator("scan_command")
    @classmethod
    def _readable_command(cls, value: str) -> str:
        try:
            shlex.split(value)
        except ValueError:
            raise ValueError("has a quote that is not closed") from None
        return value.strip()

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < SHORTEST_KEY:
            raise ValueError(f"is shorter than {SHORTEST_KEY} characters; leave it out to have one made")
        return value

    @field_validator("second_factor_roles")
    @classmethod
    def _known_roles(cls, value: str | None) -> str | None:
        if value is None:
            return None
        names = [name.strip().lower() for name in value.split(",") if name.strip()]
        unknown = [name for name in names if name not in set(Role)]
        if unknown:
            raise ValueError(
                f"names a role that there is not ({unknown[0]}); the roles are {', '.join(Role)}"
            )
        return ",".join(dict.fromkeys(names))

    @cached_property
    def second_factor_of(self) -> frozenset[Role] | None:
        """The roles that must have a second factor; None where the setting leaves that to the default."""
        if self.second_factor_roles is None:
            return None
        return frozenset(Role(name) for name in self.second_factor_roles.split(",") if name)

    @cached_property
    def database(self) -> str:
        """The SQLAlchemy URL in force, with its password."""
        return self.database_url.get_secret_value() or f"sqlite:///{self.data / 'canal.db'}"

    @cached_property
    def mail(self) -> MailTarget:
        """Where mail goes."""
        return parse_mail_url(self.mail_url.get_secret_value())

    @cached_property
    def base_url(self) -> str:
        """What links in mail start with, without a slash at the end."""
        return self.public_url or f"http://127.0.0.1:{self.port}"

    @property
    def is_https(self) -> bool:
        """Whether people reach Canal over TLS, so that cookies and headers may insist on it."""
        return self.base_url.startswith("https://")

    @cached_property
    def signing_key(self) -> str:
        """The key that signs cookies and links; made and kept in the data folder when none is given.

        Raises SettingsError when the data folder cannot hold it.
        """
        return self.secret_key.get_secret_value() or _kept_key(self.data)


def _named_but_empty(name: str) -> str | None:
    """An empty text where the variable is given without a value, which means something here; else None."""
    return "" if os.environ.get(name) == "" else None


def parse_mail_url(text: str) -> MailTarget:
    """The transport that a CANAL_MAIL_URL names.  Raises ValueError with what to write instead."""
    if text.strip() in {"file:", "file"}:
        return MailTarget("file")
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        raise ValueError("has a port that is no number; write smtp://user:pass@host:587") from None
    if parts.scheme != "smtp" or not parts.hostname or parts.path.strip("/"):
        raise ValueError("is no mail transport; write `file:` or smtp://user:pass@host:587?tls=starttls")
    asked = parse_qs(parts.query).get("tls", ["starttls"])[-1]
    for tls in ("none", "starttls", "tls"):
        if asked != tls:
            continue
        if tls == "none" and parts.hostname not in LOOPBACK:
            raise ValueError("sends mail in the clear to another machine; use ?tls=starttls or ?tls=tls")
        return MailTarget(
            "smtp",
            host=parts.hostname,
            port=port or MAIL_PORTS[tls],
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            tls=tls,
        )
    raise ValueError("has an unknown tls; it is one of none, starttls and tls")


def make_data_folder(folder: Path) -> None:
    """Make the folder that holds Canal's data, for its own user only.  Raises SettingsError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SettingsError(
            f"CANAL_DATA is {str(folder)!r}, where Canal cannot write ({error.strerror}): name another folder or"
            " let its user write there."
        ) from None


def init_settings(app: Flask, settings: Settings) -> None:
    """Keep the settings with the application."""
    app.extensions["canal.settings"] = settings


def current_settings() -> Settings:
    """The settings of the application at work."""
    settings = current_app.extensions["canal.settings"]
    assert isinstance(settings, Settings)
    return settings


def _kept_key(folder: Path) -> str:
    """The key in the folder's `secret_key`, made when there is none yet.

    Web and worker may start together: each writes a file of its own and links it to the name, which
    only one of them can; both then read what is there.
    """
    path = folder / "secret_key"
    try:
        if not path.exists():
            descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".secret_key.")  # with mode 600
            try:
                with os.fdopen(descriptor, "w") as file:
                    file.write(secrets.token_urlsafe(48))
                    file.flush()
                    os.fsync(file.fileno())
                Path(path).hardlink_to(temporary)
            except FileExistsError:
                pass
            finally:
                Path(temporary).unlink()
        path.chmod(0o600)
        key = path.read_text().strip()
    except OSError as error:
        raise SettingsError(
            f"the signing key {str(path)!r} cannot be read or made ({error.strerror}): let Canal's user do so."
        ) from None
    if len(key) < SHORTEST_KEY:
        raise SettingsError(
            f"the signing key in {str(path)!r} is damaged: restore it, or remove it and all sessions end."
        )
    return key
