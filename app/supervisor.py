"""Keeps a handful of child processes running together: all of them, or none.

They stay in the supervisor's process group, so a terminal's Ctrl-C reaches everyone; a signal to the
supervisor alone is passed on.  Should the supervisor be killed outright, Linux ends its children.
"""

import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WATCHED = {*STOPPING, signal.SIGCHLD}
GRACE_SECONDS = 20.0
LOOK_AGAIN_SECONDS = 0.1
PR_SET_PDEATHSIG = 1


def supervise(
    commands: Mapping[str, Sequence[str]],
    *,
    folder: Path,
    is_up: Callable[[], bool],
    announce: Callable[[], None],
    complain: Callable[[str], None],
) -> int:
    """Run the commands until a signal stops them or one of them ends.

    commands: name → program and arguments.  folder: where they run.  is_up: asked until true, then
    `announce` is called once.  complain: told in words why everything stops when nobody asked.

    Returns 0 after INT, TERM or HUP, 1 when a child ended by itself.  No child is left behind.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            children[name] = subprocess.Popen(command, cwd=folder, preexec_fn=_in_child)  # noqa: S603, PLW1509 our own commands, and no threads yet
        fallen = _watch(children, is_up, announce)
        if fallen:
            status = children[fallen].returncode
            how = f"exit code {status}" if status >= 0 else f"signal {signal.Signals(-status).name}"
            complain(f"The {fallen} process ended by itself ({how}), so everything stops.")
        return 1 if fallen else 0
    finally:
        _end(children.values())
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _watch(
    children: Mapping[str, subprocess.Popen[bytes]], is_up: Callable[[], bool], announce: Callable[[], None]
) -> str | None:
    """Wait for a signal that stops all, or for a child to end; the name of that child."""
    announced = False
    while True:
        if not announced and is_up():
            announce()
            announced = True
        if announced:
            number: int | None = signal.sigwait(WATCHED)
        else:
            info = signal.sigtimedwait(WATCHED, LOOK_AGAIN_SECONDS)
            number = info.si_signo if info else None
        if number in STOPPING:
            return None
        for name, child in children.items():
            if child.poll() is not None:
                return name


def _end(children: Iterable[subprocess.Popen[bytes]]) -> None:
    """Ask the children to stop, wait while they finish their work, then stop them."""
    running = [child for child in children if child.poll() is None]
    for child in running:
        child.terminate()
    give_up = time.monotonic() + GRACE_SECONDS
    for child in running:
        try:
            child.wait(max(0.0, give_up - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _in_child() -> None:
    """Between fork and exec: take signals again, and end with the supervisor."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
