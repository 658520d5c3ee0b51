"""Settings: what is taken, what is refused with which sentence, and what is never shown."""

import multiprocessing
import os
import stat

import pytest
from pydantic import SecretStr, ValidationError

from app import settings_cli
from app.kernel.actor import Role
from app.settings import MailTarget, Settings, SettingsError, make_data_folder, parse_mail_url

KEY = "k" * 40


@pytest.fixture
def environ(monkeypatch, tmp_path):
    """An environment without settings but for the data folder; returns a function that sets one."""
    for name in [n for n in os.environ if n.startswith("CANAL_") or n == "PORT"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CANAL_DATA", str(tmp_path / "data"))
    return monkeypatch.setenv


def test_defaults_are_the_embedded_set_up(environ, tmp_path):
    settings = settings_cli.load_settings()
    assert settings.database == f"sqlite:///{tmp_path}/data/canal.db"
    assert settings.mail == MailTarget("file")
    assert settings.base_url == "http://127.0.0.1:5000"
    assert (settings.demo, settings.rate_limits, settings.trusted_proxies) == (False, True, 0)
    assert settings.mail_retry_seconds == 60


def test_the_environment_is_read(environ):
    environ("PORT", "5017")
    environ("CANAL_DEMO", "1")
    environ("CANAL_RATE_LIMITS", "off")
    environ("CANAL_DATABASE_URL", "postgresql://canal:pw@db/canal")
    settings = settings_cli.load_settings()
    assert settings.base_url == "http://127.0.0.1:5017"
    assert (settings.demo, settings.rate_limits) == (True, False)
    assert settings.database == "postgresql://canal:pw@db/canal"


def test_an_empty_variable_counts_as_not_given(environ):
    environ("CANAL_DEMO", "")
    environ("CANAL_PUBLIC_URL", "")
    assert settings_cli.load_settings().demo is False


@pytest.mark.parametrize(
    ("value", "roles"),
    [
        (None, None),
        ("", frozenset()),
        ("  ", frozenset()),
        (" Administrator,sales ,", frozenset({Role.ADMINISTRATOR, Role.SALES})),
        ("user,manager,executive", frozenset({Role.USER, Role.MANAGER, Role.EXECUTIVE})),
    ],
)
def test_roles_with_a_second_factor_may_be_named_empty_or_left_to_the_default(environ, value, roles):
    if value is not None:
        environ("CANAL_SECOND_FACTOR_ROLES", value)
    assert settings_cli.load_settings().second_factor_of == roles


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("CANAL_SECOND_FACTOR_ROLES", "boss", "which names a role that there is not (boss); the roles are"),
        ("CANAL_DEMO", "maybe", "CANAL_DEMO is 'maybe', which is neither on nor off; write 1 or 0."),
        ("CANAL_MAIL_RETRY_SECONDS", "0", "which is out of range; give a whole number from 1 to 3600."),
        ("CANAL_MAIL_RETRY_SECONDS", "soon", "which is no whole number; write digits only."),
        ("PORT", "70000", "PORT is '70000', which is out of range; give a whole number from 1 to 65535."),
        (
            "CANAL_DATABASE_URL",
            "mysql://u:hunter2@h/x",
            "CANAL_DATABASE_URL names a database Canal does not know",
        ),
        ("CANAL_DATABASE_URL", "nonsense", "CANAL_DATABASE_URL is no database URL"),
        ("CANAL_DATABASE_URL", "sqlite://", "CANAL_DATABASE_URL is a database in memory"),
        ("CANAL_MAIL_URL", "smtp://mx.example.com?tls=none", "CANAL_MAIL_URL sends mail in the clear"),
        ("CANAL_MAIL_URL", "smtp://h:port", "CANAL_MAIL_URL has a port that is no number"),
        ("CANAL_MAIL_URL", "smtp://h?tls=ssl", "CANAL_MAIL_URL has an unknown tls"),
        ("CANAL_MAIL_URL", "imap://h", "CANAL_MAIL_URL is no mail transport"),
        ("CANAL_MAIL_FROM", "nobody", "CANAL_MAIL_FROM is 'nobody', which is no sender"),
        ("CANAL_PUBLIC_URL", "canal.example.com", "which is not the base of a site"),
        ("CANAL_PUBLIC_URL", "https://canal.example.com/portal", "without a path"),
        ("CANAL_SECRET_KEY", "hunter2", "CANAL_SECRET_KEY is shorter than 32 characters"),
        ("CANAL_LOG_LEVEL", "loud", "CANAL_LOG_LEVEL is 'loud', which is unknown"),
        ("CANAL_DATA", "/dev/null/x", "where Canal cannot write"),
        ("CANAL_TRUSTED_PROXIES", "-1", "which is out of range; give a whole number from 0 to 10."),
    ],
)
def test_an_impossible_value_stops_the_start_with_a_sentence(environ, capsys, name, value, sentence):
    environ(name, value)
    with pytest.raises(SystemExit) as stop:
        settings_cli.load_settings()
    said = capsys.readouterr().err
    assert stop.value.code == 2
    assert sentence in said
    assert said.count("\n") == 1
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("file:", MailTarget("file")),
        ("smtp://localhost:2525?tls=none", MailTarget("smtp", "localhost", 2525, tls="none")),
        ("smtp://u%40x:p%3Aw@mx.example.com", MailTarget("smtp", "mx.example.com", 587, "u@x", "p:w")),
        ("smtp://mx.example.com?tls=tls", MailTarget("smtp", "mx.example.com", 465, tls="tls")),
    ],
)
def test_mail_urls(url, target):
    assert parse_mail_url(url) == target


def test_secrets_are_not_shown(tmp_path):
    settings = Settings(
        data=tmp_path,
        database_url=SecretStr("postgresql://canal:hunter2@db/canal"),
        mail_url=SecretStr("smtp://canal:hunter3@mx.example.com"),
        secret_key=SecretStr("hunter4" * 8),
    )
    shown = (
        "\n".join(" ".join(row) for row in settings_cli.rows(settings)) + repr(settings) + repr(settings.mail)
    )
    assert "hunter" not in shown
    assert "smtp://canal:***@mx.example.com:587" in shown
    assert "postgresql://canal:***@db/canal" in shown


def test_every_setting_has_a_meaning():
    assert all(field.description for field in Settings.model_fields.values())


def test_a_misspelt_variable_is_named():
    given = {"CANAL_DATABSE_URL": "x", "CANAL_DEMO": "1", "CANAL_TEST_DATA": "x", "PATH": "x"}
    assert settings_cli.unknown_names(given) == ["CANAL_DATABSE_URL"]


def test_settings_cannot_be_changed_afterwards(tmp_path):
    with pytest.raises(ValidationError, match="frozen"):
        Settings(data=tmp_path).demo = True


def test_the_signing_key_is_made_once_and_kept_private(tmp_path):
    key = Settings(data=tmp_path).signing_key
    assert len(key) >= 32
    assert Settings(data=tmp_path).signing_key == key
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["secret_key"]


def test_a_given_key_is_used_and_nothing_is_written(tmp_path):
    assert Settings(data=tmp_path, secret_key=SecretStr(KEY)).signing_key == KEY
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_key_file_is_told(tmp_path):
    (tmp_path / "secret_key").write_text("")
    with pytest.raises(SettingsError, match="is damaged"):
        assert Settings(data=tmp_path).signing_key


def _signing_key(folder, together, keys):
    together.wait(30)
    keys.put(Settings(data=folder).signing_key)


def test_processes_that_start_together_agree_on_one_key(tmp_path):
    forked = multiprocessing.get_context("fork")  # not begun anew: what counts is that they ask at once
    together, keys = forked.Barrier(6), forked.SimpleQueue()
    processes = [forked.Process(target=_signing_key, args=(tmp_path, together, keys)) for _ in range(6)]
    for process in processes:
        process.start()
    found = {keys.get() for _ in processes}
    for process in processes:
        process.join()
    assert found == {(tmp_path / "secret_key").read_text()}


def test_the_data_folder_is_its_owners_alone(tmp_path):
    make_data_folder(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
