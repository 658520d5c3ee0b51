"""The load program: asks a server over kept-alive connections and notes how long each answer took.

Runs in a process of its own, `python -m bench.load`: a job as a line of JSON comes in, its outcome goes out
as another.  Sockets are read by hand, since the standard library's client would cost as much as some of
the answers.
"""

import itertools
import json
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

SECONDS_TO_WAIT = 60


class Connection:
    """One browser's connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = self._open()

    def _open(self) -> socket.socket:
        found = socket.create_connection(("127.0.0.1", self._port), SECONDS_TO_WAIT)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return found

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """(status, body) of the answer."""
        self._socket.sendall(request)
        head, _, body = self._read_head()
        lower = head.lower()
        at = lower.find(b"content-length:")
        length = int(lower[at + 15 : lower.index(b"\r\n", at)]) if at >= 0 else 0
        pieces, missing = [body], length - len(body)
        while missing > 0:
            piece = self._socket.recv(1 << 18)
            if not piece:
                raise ConnectionError("the server closed the connection within an answer")
            pieces.append(piece)
            missing -= len(piece)
        if b"connection: close" in lower:
            self._socket.close()
            self._socket = self._open()
        return int(head[9:12]), b"".join(pieces)

    def _read_head(self) -> tuple[bytes, bytes, bytes]:
        found = b""
        while b"\r\n\r\n" not in found:
            piece = self._socket.recv(1 << 18)
            if not piece:
                raise ConnectionError("the server closed the connection before it answered")
            found += piece
        head, gap, body = found.partition(b"\r\n\r\n")
        return head + b"\r\n", gap, body

    def close(self) -> None:
        self._socket.close()


def encode(request: dict[str, Any]) -> bytes:
    """A request as it goes over the wire.  request: method, path, headers, body."""
    body = request.get("body", "").encode()
    headers = {"Host": "127.0.0.1", "Accept": "text/html", **request.get("headers", {})}
    if body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    if request["method"] != "GET":
        headers["Content-Length"] = str(len(body))
    lines = [f"{request['method']} {request['path']} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Do one job.

    job: port, requests, clients, and either `seconds` (go round the requests until then) or `each` (so many
    a client), or neither: every request is sent once.  Answers: milliseconds of each, statuses, seconds in
    all, size of the last body, and the last body where `keep` is set.
    """
    wires = [encode(request) for request in job["requests"]]
    feeds = _feeds(job, wires)
    barrier = threading.Barrier(len(feeds) + 1)
    outcomes: list[list[tuple[int, float, int]]] = [[] for _ in feeds]
    errors: list[str] = []
    bodies: list[bytes] = []
    stop = threading.Event()

    def client(feed: Iterator[bytes], outcome: list[tuple[int, float, int]]) -> None:
        try:
            connection = Connection(job["port"])
            barrier.wait()
            for wire in feed:
                if stop.is_set():
                    break
                began = time.perf_counter()
                status, body = connection.ask(wire)
                outcome.append((status, (time.perf_counter() - began) * 1000, len(body)))
                if job.get("keep"):
                    bodies[:] = [body]
            connection.close()
        except (OSError, ValueError) as error:
            errors.append(f"{type(error).__name__}: {error}")
            barrier.abort()

    threads = [
        threading.Thread(target=client, args=pair, daemon=True) for pair in zip(feeds, outcomes, strict=True)
    ]
    for thread in threads:
        thread.start()
    began = _go(barrier)
    if "seconds" in job:
        time.sleep(job["seconds"])
        stop.set()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    answered = [answer for outcome in outcomes for answer in outcome]
    return {
        "milliseconds": [taken for _, taken, _ in answered],
        "statuses": dict(Counter(str(status) for status, _, _ in answered)),
        "bytes": answered[-1][2] if answered else 0,
        "seconds": seconds,
        "errors": errors,
        "body": bodies[0].decode() if bodies else "",
    }


def _go(barrier: threading.Barrier) -> float:
    with suppress(threading.BrokenBarrierError):  # a client could not connect; its error says so
        barrier.wait()
    return time.perf_counter()


def _feeds(job: dict[str, Any], wires: list[bytes]) -> list[Iterator[bytes]]:
    clients = job.get("clients", 1)
    if "seconds" in job:
        return [itertools.cycle(wires[i % len(wires) :] + wires[: i % len(wires)]) for i in range(clients)]
    if "each" in job:
        return [itertools.islice(itertools.cycle(wires), job["each"]) for _ in range(clients)]
    return [iter(wires[i::clients]) for i in range(clients)]


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)
