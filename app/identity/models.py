"""Users and their keys: sessions, one-time links, API tokens; and the one row of the organisation."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.actor import PARTNER_ROLES, Role
from app.kernel.db import Base, Key
from app.kernel.records import Named, Stamped

# Before the key of a user whose address is another's; no address begins like that.
STAND_IN = "taken:"


class UserState(StrEnum):
    INVITED = "invited"
    ACTIVE = "active"
    DEACTIVATED = "deactivated"


class AccountScope(StrEnum):
    ALL = "all"
    PORTFOLIO = "portfolio"


class User(Named, Stamped, Base):
    """A person who signs in: internal, or of exactly one partner account.

    capacity: most open leads they may hold; None is unlimited.
    away_until: until then no rule or turn gives them anything.
    first_web_sign_in_at: a partner user is assignable only after it; tokens do not count.
    second_factor_nonce: what the authenticator's secret is derived from, with the application's key.
    second_factor_at: since when there is a second factor; None where there is none.
    second_factor_step: the time step of the last code that was taken, which is taken no second time.
    """

    __tablename__ = "user"
    __table_args__ = (
        CheckConstraint(
            "(partner_account_id IS NULL) = (role IN ('administrator','channel_manager','sales','viewer'))",
            name="partner_role",
        ),
        Index("ix_user_partner_account_id", "partner_account_id"),
    )

    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role]
    state: Mapped[UserState] = mapped_column(default=UserState.INVITED)
    account_scope: Mapped[AccountScope] = mapped_column(default=AccountScope.ALL)
    # Accounts refer to users too: these two close the circle and are added after the tables.
    partner_account_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("account.id", use_alter=True)
    )
    contact_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("contact.id", use_alter=True))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    password_changed_at: Mapped[datetime | None]
    first_web_sign_in_at: Mapped[datetime | None]
    last_sign_in_at: Mapped[datetime | None]
    deactivated_at: Mapped[datetime | None]
    capacity: Mapped[int | None]
    away_until: Mapped[datetime | None]
    language: Mapped[str] = mapped_column(String(5), default="en")
    time_zone: Mapped[str] = mapped_column(String(60), default="UTC")
    theme: Mapped[str] = mapped_column(String(10), default="auto")
    mail_preferences: Mapped[dict[str, Any]] = mapped_column(default=dict)
    second_factor_nonce: Mapped[str | None] = mapped_column(String(64))
    second_factor_at: Mapped[datetime | None]
    second_factor_step: Mapped[int | None] = mapped_column(BigInteger)

    @property
    def has_second_factor(self) -> bool:
        return self.second_factor_at is not None

    @property
    def is_partner(self) -> bool:
        return self.partner_account_id is not None

    @property
    def is_stand_in(self) -> bool:
        """Whether the address is another user's, so that this one only stands in its company's list."""
        return self.email_key.startswith(STAND_IN)


class UserSession(Base):
    """A signed-in browser.  The cookie holds random bits of which only the digest is kept."""

    __tablename__ = "user_session"
    __table_args__ = (Index("ix_user_session_user_id", "user_id"),)

    id: Mapped[Key]
    ref: Mapped[str] = mapped_column(String(40), unique=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(String(60), default="")
    user_agent: Mapped[str] = mapped_column(String(300), default="")
    viewing_as_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))


class LinkPurpose(StrEnum):
    INVITATION = "invitation"
    RESET = "reset"


class OneTimeLink(Base):
    """An invitation or password reset.

    The secret is derived from `nonce` and the application's key when the mail is sent, so that the
    database holds nothing that opens it; `token_hash` is the digest it is looked up by.
    """

    __tablename__ = "one_time_link"
    __table_args__ = (Index("ix_one_time_link_user_id", "user_id"),)

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    purpose: Mapped[LinkPurpose]
    nonce: Mapped[str] = mapped_column(String(64))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """One of the ten codes that stand in for the authenticator, once each.  Replaced all together."""

    __tablename__ = "recovery_code"
    __table_args__ = (Index("ix_recovery_code_user_id", "user_id"),)

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInStep(Base):
    """A sign-in whose password was right and that waits for a code.  It opens nothing but the page that asks.

    tries: wrong codes so far.
    """

    __tablename__ = "sign_in_step"
    __table_args__ = (Index("ix_sign_in_step_user_id", "user_id"),)

    id: Mapped[Key]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None]


class ApiToken(Base):
    """A bearer token; it acts as its user.  Only its digest is kept, and a prefix to recognise it by."""

    __tablename__ = "api_token"
    __table_args__ = (Index("ix_api_token_user_id", "user_id"),)

    id: Mapped[Key]
    ref: Mapped[str] = mapped_column(String(40), unique=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    label: Mapped[str] = mapped_column(String(100))
    prefix: Mapped[str] = mapped_column(String(12))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class CalendarAddress(Base):
    """The secret address of somebody's calendar, one each.  Only its digest is kept."""

    __tablename__ = "calendar_address"

    user_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("user.id"), primary_key=True, autoincrement=False
    )
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]


class IdempotencyKey(Base):
    """The first answer to a POST with a key, given again for 24 hours."""

    __tablename__ = "idempotency_key"

    token_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("api_token.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    body_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime]
    status: Mapped[int | None]
    content_type: Mapped[str | None] = mapped_column(String(100))
    body: Mapped[bytes | None] = mapped_column(LargeBinary)


class SentForm(Base):
    """A form that made something, so that it makes nothing when it is sent again, for 24 hours.

    digest: of its key, its address and its content.  location: where its answer led, None where it was no page.
    """

    __tablename__ = "sent_form"

    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    created_at: Mapped[datetime]
    location: Mapped[str | None]


# What the organisation is called until somebody says otherwise.
UNNAMED = "Canal"


class Organisation(Base):
    """The installation's one row: switches that are thrown once, defaults, names, looks.

    currency: of amounts that come without one.
    defaults: object → {"internal": "private"|"read"|"read_write", "external": …}.
    names: language → object → [singular, plural] where an administrator renamed it, in Spanish and Catalan with its
    gender, "m" or "f", as the third.  field_names: language → object → field → label, likewise.
    words_key: another one with each change of these (`words.edition`); "" while nothing is renamed.
    is_demo: the demo company's database, in which nobody must have a second factor unless a setting says so.
    portal_roles: roles of partners that are members of the portal; the others are given nothing and stay out.
    preview_fields, hidden_fields: fields of a lead that partners see before they claim it, and those that they never
    see; the rest comes with the claim.  No field is in both.  A partner level may say otherwise (`PartnerLevel`).
    fields_key: another one with each change of the fields that administrators add (`fields.catalogue`); "" while
    there are none and no form has been rearranged.
    account_naming: how accounts are to be named, see `accounts.naming`.
    lead_process: what it takes to qualify a lead, and what that means here, see `leads.process`.
    """

    __tablename__ = "organisation"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(200), default=UNNAMED)
    accent: Mapped[str] = mapped_column(String(20), default="")
    language: Mapped[str] = mapped_column(String(5), default="en")
    time_zone: Mapped[str] = mapped_column(String(60), default="UTC")
    prm_enabled_at: Mapped[datetime | None]
    prm_enabled_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))
    portal_published_at: Mapped[datetime | None]
    portal_roles: Mapped[list[Any]] = mapped_column(default=lambda: [role.value for role in PARTNER_ROLES])
    sending_held_at: Mapped[datetime | None]
    strict_capture: Mapped[bool] = mapped_column(default=False)
    preview_fields: Mapped[list[Any]]
    hidden_fields: Mapped[list[Any]] = mapped_column(default=lambda: ["campaign"])
    currency: Mapped[str] = mapped_column(String(3), default="EUR", server_default="EUR")
    defaults: Mapped[dict[str, Any]]
    names: Mapped[dict[str, Any]] = mapped_column(default=dict)
    field_names: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    words_key: Mapped[str] = mapped_column(String(40), default="", server_default="")
    is_demo: Mapped[bool] = mapped_column(default=False)
    account_naming: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    lead_process: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    fields_key: Mapped[str] = mapped_column(String(40), default="", server_default="")
    version: Mapped[int] = mapped_column(default=1)
