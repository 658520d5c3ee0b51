"""`flask serve` as `make run` starts it: migrated, web and worker, one signal ends all."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def environ(tmp_path):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CANAL_")}
    return kept | {"CANAL_DATA": str(tmp_path / "data"), "PORT": str(free_port()), "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def serve(environ):
    """Starts the supervisor in a process group of its own, without the demo; gives it and its address."""
    command = [sys.executable, "-m", "flask", "--app", "app", "serve"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            if line.startswith("Canal is at") and found:
                break
        else:
            pytest.fail(f"never came up, ended with {process.wait(5)}")
        yield process, found.group()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def members(group):
    """Commands of the processes in a group."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _parent, its_group = status.read_text().rpartition(")")[2].split()[:3]
            command = status.with_name("cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if int(its_group) == group and state != "Z":
            found.append(command[-2].decode())
    return sorted(found)


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)])
def test_it_serves_a_migrated_application_and_ends_whole(serve, number):
    process, address = serve
    with urllib.request.urlopen(f"{address}/readyz", timeout=10) as answer:
        assert answer.read() == b"ready\n"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(4)  # the worker, too, has started and stays
    assert members(process.pid) == ["serve", "web", "worker"]
    with ExitStack() as kept:
        # Somebody who opens many and lets none go shuts nobody out.
        for _ in range(300):
            idle = kept.enter_context(
                socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), 10)
            )
            idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert idle.recv(15) == b"HTTP/1.1 200 OK"
        with urllib.request.urlopen(f"{address}/readyz", timeout=10) as answer:
            assert answer.status == 200
    os.killpg(process.pid, number)
    assert process.wait(25) == 0
    assert members(process.pid) == []


def test_a_taken_port_is_told_before_anything_is_done(environ, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(environ["PORT"])))
        taken.listen()
        ended = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "app", "serve"],
            cwd=ROOT, env=environ, check=False, capture_output=True, text=True, timeout=30,
        )  # fmt: skip
    assert ended.returncode == 1
    assert f"Port {environ['PORT']} of 127.0.0.1 cannot be used" in ended.stderr
    assert f"make run PORT={int(environ['PORT']) + 1}" in ended.stderr
    assert not (tmp_path / "data" / "canal.db").exists()


@pytest.mark.parametrize(
    ("trusted", "seen"), [("1", "203.0.113.9"), pytest.param("0", "127.0.0.1", marks=pytest.mark.long)]
)
def test_a_client_behind_a_proxy_is_told_from_the_proxy(environ, trusted, seen):
    """Through the web process as it is run: its server must leave the proxy's headers to the application."""
    settings = {"CANAL_TRUSTED_PROXIES": trusted}
    upgrade = [sys.executable, "-m", "flask", "--app", "app", "db", "upgrade"]
    subprocess.run(upgrade, cwd=ROOT, env=environ, check=True, capture_output=True, timeout=60)
    command = [sys.executable, "-m", "flask", "--app", "app", "web"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environ | settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            ask = urllib.request.Request(
                f"http://127.0.0.1:{environ['PORT']}/sign-in",
                headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.9"},
            )
            for _try in range(100):
                try:
                    urllib.request.urlopen(ask, timeout=10).close()
                    break
                except OSError:
                    time.sleep(0.2)
            assert process.stdout
            addresses = (re.search(r'"address": "([^"]*)"', line) for line in process.stdout)
            assert next(found.group(1) for found in addresses if found) == seen
        finally:
            process.terminate()
