"""Web and worker run together or not at all, and nothing is left behind, however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Two children that note their numbers; the second ends as its argument says.
DRIVER = """
import importlib.util, sys
from pathlib import Path
# By its path: without the application, which takes most of a second to import.
spec = importlib.util.spec_from_file_location("supervisor", "app/supervisor.py")
supervisor = importlib.util.module_from_spec(spec)
spec.loader.exec_module(supervisor)
supervisor.GRACE_SECONDS = 1.0
folder = Path(sys.argv[1])
child = [sys.executable, "-c", '''
import os, signal, sys, time
name, folder, behaviour = sys.argv[1:]
if behaviour == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
open(f"{folder}/{name}.part", "w").write(str(os.getpid()))
os.rename(f"{folder}/{name}.part", f"{folder}/{name}")
if behaviour == "falls":
    while not os.path.exists(f"{folder}/fall"): time.sleep(0.01)
    sys.exit(7)
time.sleep(60)
''']
sys.exit(supervisor.supervise(
    {"web": [*child, "web", str(folder), "stays"], "worker": [*child, "worker", str(folder), sys.argv[2]]},
    folder=folder,
    is_up=lambda: (folder / "web").exists() and (folder / "worker").exists(),
    announce=lambda: print("up", flush=True),
    complain=lambda text: print(text, flush=True),
))
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def start(tmp_path):
    """Starts the supervisor with a worker that behaves as named; gives it and its children's numbers."""
    started = []

    def start(behaviour="stays", *before):
        process = subprocess.Popen(
            [*before, sys.executable, "-c", DRIVER, str(tmp_path), behaviour],
            cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        started.append(process)
        assert process.stdout.readline() == "up\n"
        return process, [int((tmp_path / name).read_text()) for name in ("web", "worker")]

    yield start
    for process in started:
        with process:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def none_left(pids, within=5.0):
    give_up = time.monotonic() + within
    while any(map(alive, pids)) and time.monotonic() < give_up:
        time.sleep(0.02)
    return not any(map(alive, pids))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("to_group", [True, False])
def test_one_signal_ends_all(start, number, to_group):
    process, children = start()
    assert {os.getpgid(pid) for pid in children} == {process.pid}
    (os.killpg if to_group else os.kill)(process.pid, number)
    assert process.wait(10) == 0
    assert none_left(children, within=0)


def test_when_one_falls_the_other_is_ended_and_it_is_said(start, tmp_path):
    process, children = start("falls")
    (tmp_path / "fall").touch()
    assert process.wait(10) == 1
    assert process.stdout.read() == "The worker process ended by itself (exit code 7), so everything stops.\n"
    assert none_left(children, within=0)


def test_a_killed_child_is_named_with_its_signal(start):
    process, children = start()
    os.kill(children[0], signal.SIGKILL)
    assert process.wait(10) == 1
    assert "The web process ended by itself (signal SIGKILL)" in process.stdout.read()
    assert none_left(children, within=0)


def test_a_child_that_will_not_end_is_killed_after_the_grace(start):
    process, children = start("stubborn")
    process.terminate()
    assert process.wait(10) == 0
    assert none_left(children, within=0)


def test_children_end_when_the_supervisor_is_killed_outright(start):
    process, children = start()
    process.kill()
    process.wait(10)
    assert none_left(children)
