"""Logs are JSON lines that tie a request together and give no secret away."""

import json
import logging

import pytest
import structlog
from flask import Flask

from app.settings import Settings
from app.web.logs import configure_logs, init_logs


@pytest.fixture
def app(tmp_path, monkeypatch):
    """A small application with logs and three routes."""
    monkeypatch.delenv("FLASK_RUN_FROM_CLI", raising=False)
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    app = Flask(__name__)
    init_logs(app, Settings(data=tmp_path))

    @app.get("/leads")
    def leads():
        structlog.get_logger("canal.test").info(
            "worked", csrf_token="hunter2", nested={"api_key": "hunter2", "n": 1}
        )
        return "ok"

    @app.get("/invitation/<token>")
    def invitation(token):
        return token

    @app.get("/broken/<token>")
    def broken(token):
        password = "hunter2"
        raise RuntimeError(f"{len(password)}")

    yield app
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)
    structlog.reset_defaults()


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_all_lines_of_a_request_carry_its_id(app, capsys):
    answer = app.test_client().get("/leads?token=hunter2")
    written = lines(capsys)
    assert [line["event"] for line in written] == ["worked", "request"]
    assert {line["request_id"] for line in written} == {answer.headers["X-Request-ID"]}
    assert written[1] | {"milliseconds": 0, "timestamp": "", "request_id": ""} == {
        "event": "request", "method": "GET", "path": "/leads", "status": 200, "milliseconds": 0, "user": None,
        "address": "127.0.0.1",
        "level": "info", "logger": "canal.web", "timestamp": "", "request_id": "",
    }  # fmt: skip


def test_secret_fields_and_query_strings_are_left_out(app, capsys):
    app.test_client().get("/leads?token=hunter2")
    text = capsys.readouterr().out
    assert "hunter2" not in text
    assert '"csrf_token": "(hidden)"' in text
    assert '"n": 1' in text


def test_a_one_time_link_is_logged_without_its_token(app, capsys):
    assert app.test_client().get("/invitation/hunter2").status_code == 200
    assert [line["path"] for line in lines(capsys)] == ["/invitation/<token>"]


def test_a_bug_is_logged_once_with_traceback_and_without_values(app, capsys):
    assert app.test_client().get("/broken/hunter2").status_code == 500
    failed, request = lines(capsys)
    assert (failed["event"], failed["level"], request["status"]) == ("failed", "error", 500)
    assert failed["exception"][0]["exc_type"] == "RuntimeError"
    assert "hunter2" not in json.dumps(failed)


def test_the_id_of_a_proxy_is_kept_and_a_forged_one_is_not(app):
    client = app.test_client()
    assert (
        client.get("/leads", headers={"X-Request-ID": "edge-12345678"}).headers["X-Request-ID"]
        == "edge-12345678"
    )
    forged = client.get("/leads", headers={"X-Request-ID": "a b {}"}).headers["X-Request-ID"]
    assert forged != "a b {}"
    assert len(forged) == 16


def test_lines_of_other_libraries_are_json_too(app, capsys):
    logging.getLogger("some.library").warning("odd %s", "thing")
    (line,) = lines(capsys)
    assert (line["event"], line["level"], line["logger"]) == ("odd thing", "warning", "some.library")


def test_the_level_is_respected_and_commands_write_to_standard_error(app, capsys):
    configure_logs("warning", "stderr")
    structlog.get_logger("canal.test").info("quiet")
    structlog.get_logger("canal.test").warning("loud")
    out, err = capsys.readouterr()
    assert out == ""
    assert [json.loads(line)["event"] for line in err.splitlines()] == ["loud"]
