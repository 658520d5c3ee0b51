"""Reading people: who a session or token belongs to, and the actor made from them."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Select, Text, and_, bindparam, case, cast, exists, func, join, or_, select
from sqlalchemy.orm import Session, load_only

from app.accounts.models import Account, AccountResponsible
from app.fields.catalogue import catalogue
from app.identity.membership import is_member
from app.identity.models import AccountScope, ApiToken, Organisation, User, UserSession, UserState
from app.identity.roles import permissions_of
from app.kernel.actor import PARTNER_ROLES, Actor, Level
from app.kernel.db import planned_once
from app.leads.visibility import seen_at_level
from app.partners.models import PartnerAccount, PartnerLevel, PartnerState
from app.routing.models import QueueMember
from app.sharing.models import GrantSet, GrantSetState
from app.sharing.principals import Membership, find_shared, keys_of
from app.sharing.scope import scope

# A session that has not been seen for so long has ended, see also `sessions.LIFETIME`.
IDLE_LIMIT = timedelta(hours=24)
# What an organisation-wide default gives.
DEFAULT_LEVELS = {"private": None, "read": Level.READ, "read_write": Level.EDIT}
_LOOKUP = Actor.system("identity")


def digest(token: str) -> bytes:
    """What is kept of a secret: its SHA-256.  The secrets are random, so no salt or slowness is needed."""
    return hashlib.sha256(token.encode()).digest()


def get_organisation(session: Session) -> Organisation:
    """The one row; migrations put it there."""
    return session.get_one(Organisation, 1)  # no statement where the request has it already


def find_user_by_email(session: Session, email_key: str) -> User | None:
    return session.scalar(select(User).where(User.email_key == email_key))


def _gathered(key: Any, tables: Any) -> Select[*tuple[Any, ...]]:
    """Keys as one text, so that the person and all of their principals come with a single statement."""
    return select(func.aggregate_strings(cast(key, Text), ",")).select_from(tables).correlate(User)


def _principals() -> tuple[Any, ...]:
    """Queues, partner accounts owned, and those one is a responsible of without owning them."""
    rank = case({role.value: role.rank for role in PARTNER_ROLES}, value=User.role, else_=-1)
    queues = _gathered(QueueMember.queue_id, QueueMember).where(
        or_(
            QueueMember.user_id == User.id,
            and_(QueueMember.account_id == User.partner_account_id, QueueMember.minimum_rank <= rank),
        )
    )
    partners = join(
        Account, PartnerAccount, and_(Account.id == PartnerAccount.account_id, scope(Account, _LOOKUP))
    )
    managed = _gathered(Account.id, partners).where(
        User.partner_account_id.is_(None), Account.owner_user_id == User.id
    )
    teams = join(AccountResponsible, partners, AccountResponsible.account_id == Account.id)
    answerable = _gathered(Account.id, teams).where(
        User.partner_account_id.is_(None),
        AccountResponsible.user_id == User.id,
        Account.owner_user_id != User.id,
    )
    return queues.scalar_subquery(), managed.scalar_subquery(), answerable.scalar_subquery()


def _level() -> tuple[Any, Any]:
    """The level of a partner user's company, and which fields of a lead it sees otherwise."""
    return PartnerAccount.level_id, PartnerLevel.lead_fields


def _has_shares() -> Any:
    """Whether anything at all is shared by rule or by hand; where nothing is, nobody asks what is theirs."""
    return exists().where(GrantSet.state == GrantSetState.ACTIVE)


# The statements below are made once: every request runs one of them, and making it costs more than running it.


def _signed_in() -> Select[*tuple[Any, ...]]:
    return (
        select(User, Organisation, Account.name, *_level(), _has_shares(), *_principals())
        .select_from(User)
        .join(Organisation, Organisation.id == 1)
        .outerjoin(PartnerAccount, PartnerAccount.account_id == User.partner_account_id)
        .outerjoin(PartnerLevel, PartnerLevel.id == PartnerAccount.level_id)
        # The company's name is its own people's to see; nothing else of the account is read.
        .outerjoin(Account, and_(Account.id == User.partner_account_id, scope(Account, _LOOKUP)))
        .where(
            User.state == UserState.ACTIVE,
            or_(
                User.partner_account_id.is_(None),
                and_(PartnerAccount.state == PartnerState.ACTIVE, is_member(User.role)),
            ),
        )
    )


@cache
def _by_session() -> Select[*tuple[Any, ...]]:
    return planned_once(
        _signed_in()
        .join(UserSession, UserSession.user_id == User.id)
        .add_columns(UserSession)
        .where(
            UserSession.token_hash == bindparam("digest"),
            UserSession.ended_at.is_(None),
            UserSession.expires_at > bindparam("now"),
            UserSession.last_seen_at > bindparam("seen_after"),
        )
    )


@cache
def _by_token() -> Select[*tuple[Any, ...]]:
    return planned_once(
        _signed_in()
        .join(ApiToken, ApiToken.user_id == User.id)
        .add_columns(ApiToken)
        .where(
            ApiToken.token_hash == bindparam("digest"),
            ApiToken.revoked_at.is_(None),
            or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > bindparam("now")),
        )
    )


@cache
def _by_user() -> Select[*tuple[Any, ...]]:
    return _signed_in().where(User.id == bindparam("user_id"))


@cache
def _principals_of() -> Select[*tuple[Any, ...]]:
    return (
        select(*_level(), _has_shares(), *_principals())
        .select_from(User)
        .outerjoin(PartnerAccount, PartnerAccount.account_id == User.partner_account_id)
        .outerjoin(PartnerLevel, PartnerLevel.id == PartnerAccount.level_id)
        .where(User.id == bindparam("user_id"))
    )


def find_actor_by_session(
    session: Session, token: str, *, now: datetime
) -> tuple[Actor, User, Organisation, UserSession] | None:
    """The actor of a browser's cookie, if the session lives, the user is active and the company not suspended."""
    given = {"digest": digest(token), "now": now, "seen_after": now - IDLE_LIMIT}
    row = session.execute(_by_session(), given).first()
    if row is None:
        return None
    user, organisation, company, *principals, user_session = row
    actor = _actor(session, user, organisation, company or "", principals, session_id=user_session.id)
    return actor, user, organisation, user_session


def find_actor_by_token(
    session: Session, token: str, *, now: datetime
) -> tuple[Actor, Organisation, ApiToken] | None:
    """The actor of a bearer token, if it is neither expired nor revoked and its user may act."""
    row = session.execute(_by_token(), {"digest": digest(token), "now": now}).first()
    if row is None:
        return None
    user, organisation, company, *principals, api_token = row
    actor = _actor(session, user, organisation, company or "", principals, door="api", token_id=api_token.id)
    return actor, organisation, api_token


def find_actor(session: Session, user_id: int, *, door: str = "system") -> Actor | None:
    """The actor of an active user: for mail (may they still see it) and for commands that act for somebody."""
    row = session.execute(_by_user(), {"user_id": user_id}).first()
    if row is None:
        return None
    user, organisation, company, *principals = row
    return _actor(session, user, organisation, company or "", principals, door=door)


def make_actor(session: Session, user: User, organisation: Organisation, company_name: str) -> Actor:
    """The actor of a user who is at hand, with their principals, read now."""
    principals = session.execute(_principals_of(), {"user_id": user.id}).one()
    return _actor(session, user, organisation, company_name, principals)


def _actor(
    session: Session,
    user: User,
    organisation: Organisation,
    company_name: str,
    principals: Sequence[Any],
    *,
    door: str = "web",
    session_id: int | None = None,
    token_id: int | None = None,
    membership: Membership | None = None,
) -> Actor:
    side = "external" if user.is_partner else "internal"
    level_id, level_fields, has_shares, *texts = principals
    queue_ids, managed_ids, answerable_ids = (_keys(text) for text in texts)
    preview, hidden = seen_at_level(organisation.preview_fields, organisation.hidden_fields, level_fields)
    if user.is_partner and (people := catalogue(session).of_people("lead")):
        preview = tuple(name for name in preview if name not in people)
        hidden = tuple(dict.fromkeys((*hidden, *people)))
    keys = keys_of(
        user_id=user.id,
        role=user.role,
        company_id=user.partner_account_id,
        level_id=level_id,
        queue_ids=queue_ids,
        team_ids=(*managed_ids, *answerable_ids),
        is_whole=user.account_scope is not AccountScope.PORTFOLIO,
    )
    return Actor(
        user_id=user.id,
        ref=user.ref,
        name=user.name,
        role=user.role,
        permissions=permissions_of(
            user.role,
            portfolio_only=user.account_scope is AccountScope.PORTFOLIO,
            hidden_fields=hidden if user.is_partner else (),
        ),
        language=user.language,
        time_zone=user.time_zone,
        theme=user.theme,
        sees_portfolio_only=user.account_scope is AccountScope.PORTFOLIO,
        company_id=user.partner_account_id,
        company_name=company_name,
        queue_ids=queue_ids,
        managed_ids=managed_ids,
        answerable_ids=answerable_ids,
        default_lead_level=DEFAULT_LEVELS[organisation.defaults["lead"][side]],
        default_account_level=DEFAULT_LEVELS[organisation.defaults["account"][side]],
        default_contact_level=DEFAULT_LEVELS[organisation.defaults["contact"][side]],
        default_case_level=DEFAULT_LEVELS[organisation.defaults["case"][side]],
        default_opportunity_level=DEFAULT_LEVELS[organisation.defaults["opportunity"][side]],
        default_document_level=DEFAULT_LEVELS[organisation.defaults["document"][side]],
        level_id=level_id,
        shared=_shared(session, keys, membership) if has_shares else (),
        preview_fields=preview,
        hidden_fields=hidden if user.is_partner else (),
        door=door,
        session_id=session_id,
        token_id=token_id,
    )


def _shared(session: Session, keys: list[str], membership: Membership | None) -> tuple[tuple[str, int], ...]:
    return membership.shared(keys) if membership is not None else find_shared(session, keys)


# Of more people than these the statement does not name each; what an actor is made of.
MOST_NAMED = 5_000
_OF_ACTOR = (
    User.id, User.ref, User.name, User.role, User.state, User.partner_account_id, User.account_scope, User.language,
    User.time_zone, User.theme,
)  # fmt: skip


def find_actors(
    session: Session, membership: Membership, user_ids: Collection[int] | None = None
) -> dict[int, Actor]:
    """User → actor, of those among `user_ids` who may act, else of everybody who may.  Two statements.

    For asking about many people; membership: read in this transaction.
    """
    get_organisation(session)  # so that its columns need not come with each row
    statement = _signed_in().options(load_only(Organisation.id), load_only(*_OF_ACTOR))
    if user_ids is not None and len(user_ids) <= MOST_NAMED:
        statement = statement.where(User.id.in_(user_ids))
    return {
        user.id: _actor(
            session, user, organisation, company or "", principals, door="system", membership=membership
        )
        for user, organisation, company, *principals in session.execute(statement)
        if user_ids is None or user.id in user_ids
    }


def keys_of_users(session: Session, user_ids: Collection[int]) -> dict[int, list[str]]:
    """User → the principals that they are by themselves, without queues; for owner-based sharing."""
    _queues, managed, answerable = _principals()
    rows = session.execute(
        select(User.id, User.role, User.partner_account_id, PartnerAccount.level_id, managed, answerable)
        .select_from(User)
        .outerjoin(PartnerAccount, PartnerAccount.account_id == User.partner_account_id)
        .where(User.id.in_(user_ids))
    )
    return {
        user_id: keys_of(
            user_id=user_id,
            role=role,
            company_id=company_id,
            level_id=level_id,
            queue_ids=(),
            team_ids=(*_keys(managed_ids), *_keys(answerable_ids)),
        )
        for user_id, role, company_id, level_id, managed_ids, answerable_ids in rows
    }


def _keys(gathered: str | None) -> tuple[int, ...]:
    return tuple(sorted({int(key) for key in gathered.split(",")})) if gathered else ()
