"""The two ways out: a folder of files, or an SMTP server.  Neither knows what a delivery is."""

import contextlib
import ipaddress
import os
import smtplib
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from app.notifications.plain import with_ascii_domain
from app.settings import MailTarget

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 20.0
# A server that has the whole message may take its time; giving up early is what makes copies.
FINAL_ANSWER_SECONDS = 90.0
LONGEST_REASON = 500
# Answers of 5xx that speak of us or of the session, not of the recipient or the message.
ABOUT_US = frozenset({500, 502, 503, 504, 530, 534, 535, 538})


class NotTaken(Exception):
    """The message was not taken.

    reason: what the server said, or what failed.  is_final: the server refuses this recipient or
    this message for good (5xx); anything else may be better later.
    """

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.reason = " ".join(reason.split())[:LONGEST_REASON]
        self.is_final = is_final


class Transport(Protocol):
    """One message at a time; a transport belongs to one thread while it sends."""

    def announce(self, sender: str, recipient: str) -> None:
        """Say for whom a message is to come.  Whatever fails here, nothing was taken.  Raises NotTaken."""

    def hand_over(self, content: bytes, name: str) -> None:
        """Send the message announced.  content: with CRLF.  name: the delivery's public name.  Raises NotTaken."""

    def abort(self) -> None:
        """Make a call that goes on in another thread fail soon."""

    def close(self) -> None:
        """Let go of what is kept open between messages."""


class FolderTransport:
    """One .eml per message, put there whole by a rename: whoever looks never sees half of one.

    The file is named after the delivery, so that sending it again replaces it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def announce(self, sender: str, recipient: str) -> None:
        """A folder takes mail for anybody."""

    def hand_over(self, content: bytes, name: str) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=self.folder, prefix=f".{name}.")  # with mode 600
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                Path(temporary).replace(self.folder / f"{name}.eml")
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
            _sync_folder(self.folder)
        except OSError as error:
            raise NotTaken(f"The mail folder cannot be written: {error.strerror}") from error

    def abort(self) -> None:
        """Writing a file does not wait for anybody."""

    def close(self) -> None:
        """Nothing is kept open."""


class SmtpTransport:
    """An SMTP server; the connection is kept for the next message until `close`."""

    def __init__(self, target: MailTarget, host_name: str) -> None:
        self.target = target
        self.host_name = _greeting_name(host_name)
        self._connection: smtplib.SMTP | None = None

    def announce(self, sender: str, recipient: str) -> None:
        with self._as_refusals():
            self._announce(self._ready(), sender, with_ascii_domain(recipient))

    def hand_over(self, content: bytes, name: str) -> None:
        connection = self._connection
        if connection is None or connection.sock is None:
            raise NotTaken("The mail server broke the connection off.")
        with self._as_refusals():
            connection.sock.settimeout(FINAL_ANSWER_SECONDS)
            code, said = connection.data(content)
            if code != 250:
                raise NotTaken(_words(code, said), is_final=_is_final(code))
            connection.sock.settimeout(ANSWER_SECONDS)

    def abort(self) -> None:
        connection = self._connection
        socket = getattr(connection, "sock", None)
        if socket is not None:
            with contextlib.suppress(OSError):
                socket.shutdown(2)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError, ValueError):
                if connection.sock is not None:
                    connection.sock.settimeout(1)
                connection.quit()
            connection.close()

    def _ready(self) -> smtplib.SMTP:
        """The kept connection if the server still answers on it, else a new one."""
        if self._connection is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                if self._connection.rset()[0] == 250:
                    return self._connection
            self.close()
        # Known before it is opened, so that `abort` reaches it in every stage.
        self._connection = connection = self._open()
        code, said = connection.connect(self.target.host, self.target.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        if connection.sock is not None:
            connection.sock.settimeout(ANSWER_SECONDS)
        connection.ehlo_or_helo_if_needed()
        if self.target.tls == "starttls":
            connection.starttls(context=ssl.create_default_context())
            connection.ehlo()
        if self.target.user:
            connection.login(self.target.user, self.target.password)
        return connection

    def _open(self) -> smtplib.SMTP:
        if self.target.tls == "tls":
            tls = smtplib.SMTP_SSL(
                timeout=CONNECT_SECONDS,
                local_hostname=self.host_name,
                context=ssl.create_default_context(),
            )
            tls._host = self.target.host  # type: ignore[attr-defined] # noqa: SLF001 - the name its certificate is checked for
            return tls
        plain = smtplib.SMTP(timeout=CONNECT_SECONDS, local_hostname=self.host_name)
        plain._host = self.target.host  # type: ignore[attr-defined] # noqa: SLF001 - as above, for STARTTLS
        return plain

    def _announce(self, connection: smtplib.SMTP, sender: str, recipient: str) -> None:
        options = []
        if not (recipient + sender).isascii():
            if not connection.has_extn("smtputf8"):
                raise NotTaken(f"The mail server takes no address like {recipient}.", is_final=True)
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        code, said = connection.mail(sender, options)
        if code != 250:
            # Who sends is the same for all mail: an operator's matter, never this recipient's.
            raise NotTaken(_words(code, said))
        code, said = connection.rcpt(recipient)
        if code not in (250, 251, 252):
            raise NotTaken(_words(code, said), is_final=_is_final(code))

    @contextlib.contextmanager
    def _as_refusals(self) -> Iterator[None]:
        """Turn what the library raises into NotTaken; the connection is of no use then."""
        try:
            yield
        except (smtplib.SMTPException, OSError, ValueError) as error:
            self.close()
            raise _not_taken(error) from error


def _not_taken(error: Exception) -> NotTaken:
    """What a failure means.  Only an answer to the recipient or the message itself is final."""
    if isinstance(error, smtplib.SMTPDataError):
        return NotTaken(_words(error.smtp_code, error.smtp_error), is_final=_is_final(error.smtp_code))
    if isinstance(error, smtplib.SMTPResponseException):
        return NotTaken(_words(error.smtp_code, error.smtp_error))
    # smtplib turns a silence in the middle of a dialogue into a disconnection.
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return NotTaken("The mail server did not answer in time.")
    if isinstance(error, ssl.SSLCertVerificationError):
        return NotTaken(f"The mail server's certificate was not accepted: {error.verify_message}")
    if isinstance(error, smtplib.SMTPServerDisconnected | ConnectionError):
        return NotTaken(f"The mail server broke the connection off: {error}")
    return NotTaken(f"The mail server cannot be used: {error}")


def _is_final(code: int) -> bool:
    return code >= 500 and code not in ABOUT_US


def _words(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{code} {text}"


def _greeting_name(host: str) -> str:
    """How we introduce ourselves: a name as it is, an IP address in brackets."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return f"[{address}]" if address.version == 4 else f"[IPv6:{address}]"


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
