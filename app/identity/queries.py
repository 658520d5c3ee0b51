"""Reading people: who a session or token belongs to, and the actor made from them."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from app.accounts.models import Account, AccountResponsible
from app.identity.models import AccountScope, ApiToken, Organisation, User, UserSession, UserState
from app.identity.roles import PERMISSIONS
from app.kernel.actor import Actor, Level
from app.partners.models import PartnerAccount, PartnerState
from app.routing.models import QueueMember
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
    return session.scalars(select(Organisation)).one()


def find_user_by_email(session: Session, email_key: str) -> User | None:
    return session.scalar(select(User).where(User.email_key == email_key))


def _signed_in() -> Select[*tuple[Any, ...]]:
    return (
        select(User, Organisation, PartnerAccount.state, Account.name)
        .select_from(User)
        .join(Organisation, Organisation.id == 1)
        .outerjoin(PartnerAccount, PartnerAccount.account_id == User.partner_account_id)
        # The company's name is its own people's to see; nothing else of the account is read.
        .outerjoin(Account, and_(Account.id == User.partner_account_id, scope(Account, _LOOKUP)))
        .where(
            User.state == UserState.ACTIVE,
            or_(User.partner_account_id.is_(None), PartnerAccount.state == PartnerState.ACTIVE),
        )
    )


def find_actor_by_session(
    session: Session, token: str, *, now: datetime
) -> tuple[Actor, Organisation, UserSession] | None:
    """The actor of a browser's cookie, if the session lives, the user is active and the company not suspended."""
    row = session.execute(
        _signed_in()
        .join(UserSession, UserSession.user_id == User.id)
        .add_columns(UserSession)
        .where(
            UserSession.token_hash == digest(token),
            UserSession.ended_at.is_(None),
            UserSession.expires_at > now,
            UserSession.last_seen_at > now - IDLE_LIMIT,
        )
    ).first()
    if row is None:
        return None
    user, organisation, _state, company, user_session = row
    actor = make_actor(session, user, organisation, company or "", session_id=user_session.id)
    return actor, organisation, user_session


def find_actor_by_token(
    session: Session, token: str, *, now: datetime
) -> tuple[Actor, Organisation, ApiToken] | None:
    """The actor of a bearer token, if it is neither expired nor revoked and its user may act."""
    row = session.execute(
        _signed_in()
        .join(ApiToken, ApiToken.user_id == User.id)
        .add_columns(ApiToken)
        .where(
            ApiToken.token_hash == digest(token),
            ApiToken.revoked_at.is_(None),
            or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now),
        )
    ).first()
    if row is None:
        return None
    user, organisation, _state, company, api_token = row
    actor = make_actor(session, user, organisation, company or "", door="api", token_id=api_token.id)
    return actor, organisation, api_token


def find_actor(session: Session, user_id: int, *, door: str = "system") -> Actor | None:
    """The actor of an active user: for mail (may they still see it) and for commands that act for somebody."""
    row = session.execute(_signed_in().where(User.id == user_id)).first()
    if row is None:
        return None
    user, organisation, _state, company = row
    return make_actor(session, user, organisation, company or "", door=door)


def make_actor(
    session: Session,
    user: User,
    organisation: Organisation,
    company_name: str,
    *,
    door: str = "web",
    session_id: int | None = None,
    token_id: int | None = None,
) -> Actor:
    """The actor with their principals, read now: queues and portfolio."""
    side = "external" if user.is_partner else "internal"
    managed_ids, answerable_ids = ((), ()) if user.is_partner else _team_ids(session, user)
    return Actor(
        user_id=user.id,
        ref=user.ref,
        name=user.name,
        role=user.role,
        permissions=PERMISSIONS[user.role],
        language=user.language,
        time_zone=user.time_zone,
        theme=user.theme,
        sees_portfolio_only=user.account_scope is AccountScope.PORTFOLIO,
        company_id=user.partner_account_id,
        company_name=company_name,
        queue_ids=_queue_ids(session, user),
        managed_ids=managed_ids,
        answerable_ids=answerable_ids,
        default_lead_level=DEFAULT_LEVELS[organisation.defaults["lead"][side]],
        default_account_level=DEFAULT_LEVELS[organisation.defaults["account"][side]],
        preview_fields=tuple(organisation.preview_fields),
        door=door,
        session_id=session_id,
        token_id=token_id,
    )


def _queue_ids(session: Session, user: User) -> tuple[int, ...]:
    mine = QueueMember.user_id == user.id
    if user.partner_account_id is not None:
        mine = or_(
            mine,
            and_(
                QueueMember.account_id == user.partner_account_id, QueueMember.minimum_rank <= user.role.rank
            ),
        )
    return tuple(sorted(set(session.scalars(select(QueueMember.queue_id).where(mine)))))


def _team_ids(session: Session, user: User) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Partner accounts that the person owns, and those they are a responsible of without owning them."""
    responsible = AccountResponsible.user_id == user.id
    rows = session.execute(
        select(PartnerAccount.account_id, Account.owner_user_id == user.id)
        .join(Account, and_(Account.id == PartnerAccount.account_id, scope(Account, _LOOKUP)))
        .where(
            or_(
                Account.owner_user_id == user.id,
                Account.id.in_(select(AccountResponsible.account_id).where(responsible)),
            )
        )
        .order_by(PartnerAccount.account_id)
    ).all()
    return tuple(key for key, owns in rows if owns), tuple(key for key, owns in rows if not owns)
