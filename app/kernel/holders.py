"""Who holds a lease: a name that tells whether the process that took it is still there."""

import os
import secrets
from functools import cache
from hashlib import sha256
from pathlib import Path


def new_holder() -> str:
    """A fresh name for a lease of this process: machine, process, chance; at most 40 characters."""
    return f"{_machine()}:{os.getpid()}:{secrets.token_hex(6)}"


def holder_is_gone(holder: str | None) -> bool:
    """Whether the process that took the lease ran on this machine and does no more."""
    if not holder:
        return False
    machine, _, rest = holder.partition(":")
    pid = rest.partition(":")[0]
    if machine != _machine() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _is_zombie(int(pid))


def _is_zombie(pid: int) -> bool:
    """Killed, but not yet collected by its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False


@cache
def _machine() -> str:
    """A mark of this machine since its start, containers told apart; random where it cannot be known."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
        space = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return secrets.token_hex(5)
    return sha256(f"{boot}{space}".encode()).hexdigest()[:10]
