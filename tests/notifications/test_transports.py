"""The ways out by themselves: TLS with checked certificates, signing in, a folder that takes files whole."""

import asyncio
import datetime as dt
import ipaddress
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.notifications import transports
from app.notifications.transports import FolderTransport, NotTaken, SmtpTransport
from app.settings import MailTarget

CONTENT = b"Subject: hello\r\n\r\n.a line that begins with a point\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a certificate for 127.0.0.1 that nobody vouches for, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


class Sink:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.received.append((envelope.rcpt_tos[0], envelope.content))
        return "250 kept"


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[int, Sink]]]:
    """`serve(**options of aiosmtpd's SMTP, tls=context)`: (port, what it keeps)."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    servers: list[asyncio.Server] = []
    open_ones: list[SMTP] = []

    def start(tls: ssl.SSLContext | None = None, **options: Any) -> tuple[int, Sink]:
        sink = Sink()

        def make_protocol() -> SMTP:
            open_ones.append(SMTP(sink, hostname="sink.example", loop=loop, **options))
            return open_ones[-1]

        made = asyncio.run_coroutine_threadsafe(
            loop.create_server(make_protocol, "127.0.0.1", 0, ssl=tls),
            loop,
        ).result(10)
        servers.append(made)
        return made.sockets[0].getsockname()[1], sink

    async def end() -> None:
        for server in servers:
            server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for protocol in open_ones:
            if protocol.transport is not None:
                protocol.transport.abort()
        await asyncio.sleep(0.05)  # for the sockets to close

    yield start
    asyncio.run_coroutine_threadsafe(end(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


def send(port: int, **target: Any) -> None:
    transport = SmtpTransport(MailTarget("smtp", "127.0.0.1", port, **target), "canal.example")
    try:
        transport.announce("canal@example.com", "pia@northwind.example")
        transport.hand_over(CONTENT, "dlv_1")
    finally:
        transport.close()


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_certificate_that_is_vouched_for(
    serve: Callable[..., tuple[int, Sink]], certificate: Path, tls: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = server_context(certificate)
    port, sink = serve(tls=context) if tls == "tls" else serve(tls_context=context, require_starttls=True)
    send(port, tls=tls)
    assert sink.received == [("pia@northwind.example", CONTENT)]


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for(
    serve: Callable[..., tuple[int, Sink]], certificate: Path, tls: str
) -> None:
    context = server_context(certificate)
    port, sink = serve(tls=context) if tls == "tls" else serve(tls_context=context)
    with pytest.raises(NotTaken, match="certificate was not accepted") as refusal:
        send(port, tls=tls)
    assert not refusal.value.is_final
    assert sink.received == []


def test_nothing_goes_in_the_clear_where_tls_was_asked_for(serve: Callable[..., tuple[int, Sink]]) -> None:
    port, sink = serve()
    with pytest.raises(NotTaken, match="STARTTLS"):
        send(port, tls="starttls")
    assert sink.received == []


@pytest.mark.filterwarnings(
    "ignore:Requiring AUTH while not requiring TLS"
)  # on loopback, as the setting allows
@pytest.mark.parametrize(("password", "works"), [("right", True), ("wrong", False)])
def test_signing_in(
    serve: Callable[..., tuple[int, Sink]], password: str, works: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # After a wrong password this server leaves the next way of signing in without an answer.
    monkeypatch.setattr(transports, "ANSWER_SECONDS", 3.0)

    def check(_server: SMTP, _s: Session, _e: Envelope, _mechanism: str, data: LoginPassword) -> AuthResult:
        return AuthResult(success=data.login == b"canal" and data.password == b"right")

    port, sink = serve(authenticator=check, auth_required=True, auth_require_tls=False)
    if works:
        send(port, tls="none", user="canal", password=password)
        assert len(sink.received) == 1
    else:
        with pytest.raises(NotTaken) as refusal:
            send(port, tls="none", user="canal", password=password)
        assert not refusal.value.is_final, "a wrong password of ours is no reason to give a mail up"
        assert password not in refusal.value.reason


def test_a_connection_the_server_has_closed_is_opened_anew(serve: Callable[..., tuple[int, Sink]]) -> None:
    port, sink = serve(timeout=0.3)
    transport = SmtpTransport(MailTarget("smtp", "127.0.0.1", port, tls="none"), "127.0.0.1")
    for _ in range(2):
        transport.announce("canal@example.com", "pia@northwind.example")
        transport.hand_over(CONTENT, "dlv_1")
        time.sleep(0.6)
    transport.close()
    assert len(sink.received) == 2


def test_a_folder_takes_files_whole_and_once(tmp_path: Path) -> None:
    folder = FolderTransport(tmp_path / "mail")
    folder.announce("canal@example.com", "pia@northwind.example")
    for _ in range(2):
        folder.hand_over(CONTENT, "dlv_1")
    assert [file.name for file in (tmp_path / "mail").iterdir()] == ["dlv_1.eml"]
    assert (tmp_path / "mail" / "dlv_1.eml").read_bytes() == CONTENT
    assert (tmp_path / "mail").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_written_refuses_for_now(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file where the folder should be")
    with pytest.raises(NotTaken, match="cannot be written") as refusal:
        FolderTransport(tmp_path / "mail").hand_over(CONTENT, "dlv_1")
    assert not refusal.value.is_final
