"""Commands for users and tokens, for whoever sits at the machine."""

import sys
from datetime import datetime
from typing import NoReturn

import click
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from app.identity.credentials import set_first_password
from app.identity.models import User
from app.identity.operations import create_user, queue_invitation
from app.identity.passwords import check_password, hash_password
from app.identity.queries import find_user_by_email, get_organisation
from app.identity.second_factor import reset_second_factor
from app.identity.tokens import MOST_DAYS, create_token
from app.kernel import clock
from app.kernel.actor import INTERNAL_ROLES, Actor, Role
from app.kernel.db import transaction
from app.kernel.errors import DomainError, Invalid
from app.kernel.fold import email_key

# Whoever may run commands on the machine owns the database anyway.
_COMMAND = Actor.system("command", door="command")

users = AppGroup("user", help="Internal users.")
tokens = AppGroup("token", help="Bearer tokens of the API.")


@users.command("create")
@click.argument("email")
@click.option("--name", required=True, help="How the person is shown.")
@click.option("--role", required=True, type=click.Choice([role.value for role in INTERNAL_ROLES]))
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create(email: str, name: str, role: str, password_stdin: bool) -> None:
    """Create an internal user; without a password an invitation is mailed."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    try:
        password_hash = None
        if password is not None:
            check_password(password, (name, email))
            password_hash = hash_password(password)
        with transaction() as session:
            user = _create(session, email, name, Role(role), password_hash, clock.now())
    except DomainError as error:
        _fail(error)
    how = "can sign in" if password_hash else "is invited by mail"
    click.echo(f"{user.email} {how} as {role}.")


@users.command("reset-second-factor")
@click.argument("email")
def reset(email: str) -> None:
    """Take somebody's second factor away when phone and recovery codes are lost; ends their sessions."""
    try:
        with transaction() as session:
            user = _find(session, email)
            reset_second_factor(session, _COMMAND, user, now=clock.now())
    except DomainError as error:
        _fail(error)
    click.echo(f"{user.email} has no second factor any more, and every session has ended.")


def _find(session: Session, email: str) -> User:
    """Raises Invalid for an address that is nobody's."""
    user = find_user_by_email(session, email_key(email) or "")
    if user is None:
        raise Invalid({"email": [f"There is no user with the address {email}."]})
    return user


def _create(
    session: Session, email: str, name: str, role: Role, password_hash: str | None, now: datetime
) -> User:
    organisation = get_organisation(session)
    user = create_user(
        session, _COMMAND, email=email, name=name, role=role, now=now,
        language=organisation.language, time_zone=organisation.time_zone,
    )  # fmt: skip
    if password_hash is None:
        queue_invitation(session, _COMMAND, user, now=now)
    else:
        set_first_password(session, _COMMAND, user, password_hash, now=now)
    return user


@tokens.command("create")
@click.argument("email")
@click.option("--name", "label", required=True, help="What the token is for.")
@click.option(
    "--days", type=click.IntRange(1, MOST_DAYS), help="It expires after so many days; never by default."
)
def create_for(email: str, label: str, days: int | None) -> None:
    """Make a token for an active user and print it on the last line, this once."""
    try:
        with transaction() as session:
            user = _find(session, email)
            _token, secret = create_token(session, _COMMAND, user, label=label, days=days, now=clock.now())
    except DomainError as error:
        _fail(error)
    click.echo(f"Acts as {user.name}, {user.role.value}. Keep it now: it is not shown again.")
    click.echo(secret)


def _fail(error: DomainError) -> NoReturn:
    """Say what is wrong and end with 1."""
    messages = [str(m) for found in getattr(error, "errors", {}).values() for m in found]
    click.echo(" ".join(messages) or str(error.message), err=True)
    sys.exit(1)
