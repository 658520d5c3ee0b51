"""Servers and the load program, each a process of its own, started and ended by the benchmark."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from app.settings import ROOT
from bench.figures import median, percentile
from bench.worlds import Person, World

STARTS_WITHIN_SECONDS = 60
CANAL = (sys.executable, "-m", "flask", "--app", "app", "web")
FLOOR = (sys.executable, "-m", "bench.floor")


class BadRun(Exception):
    """A server did not answer as it should, so that its times would mean nothing."""


class Server:
    """Canal's web process, or the floor's, on a port of its own; ends with the `with` block."""

    def __init__(self, world: World, command: Sequence[str] = CANAL) -> None:
        self.world = world
        self.port = _free_port()
        self._process = subprocess.Popen(
            command, cwd=ROOT, env={**world.environ(), "PORT": str(self.port)}, stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        give_up = time.monotonic() + STARTS_WITHIN_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up:
                ended = self._process.poll()
                self._process.kill()
                raise BadRun(f"{' '.join(command)} did not start ({ended=})")
            time.sleep(0.05)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def resident_mb(self) -> float:
        """Memory of the process that is its own or shared, in MB."""
        return memory_of(self._process.pid, "VmRSS")

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def memory_of(pid: int, name: str) -> float:
    """A line of /proc/PID/status in MB: VmRSS now, VmHWM at most."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise KeyError(name)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(path: str, person: Person) -> dict[str, Any]:
    """A page as a signed-in browser asks for it."""
    return {"method": "GET", "path": path, "headers": {"Cookie": person.cookie}}


def post(path: str, person: Person, *, by_htmx: bool = True) -> dict[str, Any]:
    """A button as a signed-in browser presses it."""
    headers = {"Cookie": person.cookie, "X-CSRFToken": person.csrf}
    if by_htmx:
        headers |= {"HX-Request": "true", "HX-Current-URL": "http://127.0.0.1/inbox"}
    return {"method": "POST", "path": path, "headers": headers, "body": f"csrf_token={person.csrf}"}


class Answers:
    """What a job of the load program came to."""

    def __init__(self, outcome: dict[str, Any]) -> None:
        self.milliseconds: list[float] = outcome["milliseconds"]
        self.statuses: dict[str, int] = outcome["statuses"]
        self.seconds: float = outcome["seconds"]
        self.bytes: int = outcome["bytes"]
        self.body: str = outcome["body"]

    @property
    def p50(self) -> float:
        return median(self.milliseconds)

    def percentile(self, percent: float) -> float:
        return percentile(self.milliseconds, percent)

    @property
    def per_second(self) -> float:
        return len(self.milliseconds) / self.seconds


class Load:
    """The load program, kept running for many jobs."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.load"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip

    def begin(self, server: Server, requests: Sequence[dict[str, Any]], **job: Any) -> None:
        """Start a job without waiting for its end, which `finish` does."""
        assert self._process.stdin is not None
        line = json.dumps({"port": server.port, "requests": list(requests), **job})
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def finish(self, expect: Sequence[str] = ("200",)) -> Answers:
        """The outcome of the job that was begun.  Raises BadRun when a status is not among those expected."""
        assert self._process.stdout is not None
        outcome = json.loads(self._process.stdout.readline())
        if outcome["errors"] or not set(outcome["statuses"]) <= set(expect):
            raise BadRun(f"{outcome['statuses']} {outcome['errors'][:3]}")
        return Answers(outcome)

    def run(
        self,
        server: Server,
        requests: Sequence[dict[str, Any]],
        expect: Sequence[str] = ("200",),
        **job: Any,
    ) -> Answers:
        """Do a job: see `load.run`."""
        self.begin(server, requests, **job)
        return self.finish(expect)

    def __enter__(self) -> "Load":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with self._process:  # closes its pipes
            self._process.terminate()
