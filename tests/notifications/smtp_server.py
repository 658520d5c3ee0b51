"""A real SMTP server on this machine that can be told to refuse, stall and drop, by recipient and stage."""

import asyncio
import email
import email.policy
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from threading import Thread
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

STAGES = ("connect", "helo", "mail", "rcpt", "data", "content", "answer")


@dataclass(slots=True)
class Fault:
    """What goes wrong at a stage.

    reply: the answer instead of the good one.  stall: seconds before any answer.  drop: the connection is
    cut instead of an answer; at `answer` the message has been kept by then.  times: how often.
    """

    reply: str = ""
    stall: float = 0.0
    drop: bool = False
    times: int = 1_000_000


@dataclass(slots=True)
class Received:
    """One message that the server took for good."""

    recipient: str
    message: EmailMessage

    @property
    def message_id(self) -> str:
        return str(self.message["Message-ID"])


@dataclass
class SmtpServer:
    """faults: (stage, recipient) → what goes wrong; recipient "" for stages before one is named, or for all."""

    faults: dict[tuple[str, str], Fault] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    attempts: Counter[str] = field(default_factory=Counter)
    port: int = 0

    def break_at(self, stage: str, recipient: str = "", **fault: Any) -> None:
        assert stage in STAGES
        self.faults[stage, recipient] = Fault(**fault)

    def ids_by_recipient(self) -> dict[str, list[str]]:
        found = defaultdict(list)
        for received in self.received:
            found[received.recipient].append(received.message_id)
        return dict(found)

    def to(self, recipient: str) -> list[EmailMessage]:
        return [received.message for received in self.received if received.recipient == recipient]

    def _fault(self, stage: str, recipient: str = "") -> Fault | None:
        fault = self.faults.get((stage, recipient)) or self.faults.get((stage, ""))
        if fault is None or fault.times <= 0:
            return None
        fault.times -= 1
        return fault

    async def _go_wrong(self, server: "_Smtp", stage: str, recipient: str = "") -> str | None:
        """The reply to give instead of the good one, None when all is well."""
        fault = self._fault(stage, recipient)
        if fault is None:
            return None
        if fault.stall:
            await asyncio.sleep(fault.stall)
        if fault.drop:
            server.transport.abort()
            return "421 gone"
        return fault.reply or None


class _Smtp(SMTP):
    """aiosmtpd's protocol with faults at the stages that its handlers do not reach."""

    plan: SmtpServer

    def connection_made(self, transport: Any) -> None:
        self.plan.connections += 1
        fault = self.plan._fault("connect")
        if fault is not None and fault.drop:
            transport.abort()
            return
        super().connection_made(transport)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's names, as those below
        recipient = self.envelope.rcpt_tos[0] if self.envelope.rcpt_tos else ""
        reply = await self.plan._go_wrong(self, "data", recipient)
        if reply is not None:
            await self.push(reply)
            return
        await super().smtp_DATA(arg)


@dataclass
class _Handler:
    plan: SmtpServer

    async def handle_EHLO(  # noqa: N802
        self, server: _Smtp, session: Session, _e: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        reply = await self.plan._go_wrong(server, "helo")
        return [reply] if reply else responses

    async def handle_MAIL(  # noqa: N802
        self, server: _Smtp, _s: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = await self.plan._go_wrong(server, "mail")
        if reply is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return reply or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: _Smtp, _s: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.plan.attempts[address] += 1
        reply = await self.plan._go_wrong(server, "rcpt", address)
        if reply is None:
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return reply or "250 OK"

    async def handle_DATA(self, server: _Smtp, _s: Session, envelope: Envelope) -> str:  # noqa: N802
        recipient = envelope.rcpt_tos[0]
        reply = await self.plan._go_wrong(server, "content", recipient)
        if reply is not None:
            return reply
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.plan.received.append(Received(recipient, message))
        # From here on the message is ours: what goes wrong now makes a copy, never a loss.
        reply = await self.plan._go_wrong(server, "answer", recipient)
        return reply or "250 kept"


def run_smtp_server() -> Iterator[SmtpServer]:
    """Start a server, give it, stop it."""
    plan = SmtpServer()
    loop = asyncio.new_event_loop()

    open_ones: list[SMTP] = []

    def make_protocol() -> SMTP:
        protocol = _Smtp(_Handler(plan), enable_SMTPUTF8=True, hostname="sink.example", loop=loop)
        protocol.plan = plan
        open_ones.append(protocol)
        return protocol

    server = loop.run_until_complete(loop.create_server(make_protocol, "127.0.0.1", 0))
    plan.port = server.sockets[0].getsockname()[1]
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield plan
    finally:
        asyncio.run_coroutine_threadsafe(_end(server, open_ones), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end(server: asyncio.Server, open_ones: list[SMTP]) -> None:
    server.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for protocol in open_ones:
        if protocol.transport is not None:
            protocol.transport.abort()
    await asyncio.sleep(0.05)  # for the sockets to close
