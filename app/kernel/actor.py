"""Who is acting, and what their role lets them do.  What they may see is `sharing`'s matter."""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l

from app.kernel.errors import NotAllowed


class Role(StrEnum):
    """Internal roles, then the roles of a partner account from the lowest."""

    ADMINISTRATOR = "administrator"
    CHANNEL_MANAGER = "channel_manager"
    SALES = "sales"
    VIEWER = "viewer"
    USER = "user"
    MANAGER = "manager"
    EXECUTIVE = "executive"

    @property
    def is_partner(self) -> bool:
        return self in PARTNER_RANKS

    @property
    def rank(self) -> int:
        """0 user, 1 manager, 2 executive; internal roles have no rank and answer -1."""
        return PARTNER_RANKS.get(self, -1)


PARTNER_RANKS = {Role.USER: 0, Role.MANAGER: 1, Role.EXECUTIVE: 2}
INTERNAL_ROLES = (Role.ADMINISTRATOR, Role.CHANNEL_MANAGER, Role.SALES, Role.VIEWER)
PARTNER_ROLES = (Role.USER, Role.MANAGER, Role.EXECUTIVE)


class Level(IntEnum):
    """How much of a record somebody is given; each contains the ones before it."""

    PREVIEW = 1
    READ = 2
    EDIT = 3
    FULL = 4


class Permission(StrEnum):
    """Every act a role may be given, noun first.  Roles map to them in `identity.roles` alone."""

    HOME_VIEW = "home:view"
    PROFILE_EDIT = "profile:edit"
    LEAD_VIEW = "lead:view"
    LEAD_CREATE = "lead:create"
    LEAD_EDIT = "lead:edit"
    LEAD_DELETE = "lead:delete"
    LEAD_CLAIM = "lead:claim"
    LEAD_ASSIGN = "lead:assign"  # what one has in full
    LEAD_ASSIGN_ANY = "lead:assign_any"  # whatever one may edit
    LEAD_TRANSFER = "lead:transfer"  # within the own partner account
    LEAD_ANSWER_OFFER = "lead:answer_offer"
    LEAD_RELEASE = "lead:release"
    LEAD_HAND_OVER = "lead:hand_over"  # as marketing-qualified, by hand
    LEAD_IMPORT = "lead:import"
    LEAD_FORM_MANAGE = "lead_form:manage"  # web-to-lead forms and their quarantine
    LEAD_EXPORT = "lead:export"
    LEAD_TRACE = "lead:trace"
    LEAD_CONVERT = "lead:convert"  # what one may edit
    ACTIVITY_LOG = "activity:log"
    ACCOUNT_VIEW = "account:view"
    ACCOUNT_EDIT = "account:edit"
    ACCOUNT_DELETE = "account:delete"
    ACCOUNT_IMPORT = "account:import"  # accounts and contacts, from a file
    ACCOUNT_EXPORT = "account:export"  # accounts and contacts, as a file
    ACCOUNT_KEEP = "account:keep"  # what the vendor keeps beside accounts and contacts: relationships, care, files made of lists
    CONTACT_VIEW = "contact:view"
    CONTACT_EDIT = "contact:edit"
    CASE_VIEW = "case:view"
    CASE_EDIT = "case:edit"
    CASE_DELETE = "case:delete"
    CASE_EXPORT = "case:export"
    OPPORTUNITY_VIEW = "opportunity:view"
    OPPORTUNITY_CREATE = "opportunity:create"
    OPPORTUNITY_EDIT = "opportunity:edit"
    OPPORTUNITY_DELETE = "opportunity:delete"
    OPPORTUNITY_EXPORT = "opportunity:export"
    CAMPAIGN_VIEW = "campaign:view"
    CAMPAIGN_EDIT = "campaign:edit"  # also who its members are
    CAMPAIGN_EXPORT = "campaign:export"
    REPORT_VIEW = "report:view"  # counting what one sees
    PERSON_MANAGE = "person:manage"  # give out, or erase, all that is held about one person
    INBOX_VIEW = "inbox:view"
    TEAM_VIEW = "team:view"
    TEAM_MANAGE = "team:manage"  # colleagues of lower rank, and inviting where the vendor lets them
    PARTNER_VIEW = "partner:view"
    PARTNER_ENABLE = "partner:enable"
    PARTNER_SUSPEND = "partner:suspend"
    TARGET_EDIT = "target:edit"  # what partners aim at
    DOCUMENT_VIEW = "document:view"
    DOCUMENT_EDIT = "document:edit"  # attach to what one may edit, and change what is there
    DOCUMENT_EXPORT = "document:export"  # the list, as a file
    QUEUE_VIEW = "queue:view"
    ROUTING_MANAGE = "routing:manage"
    SOURCE_MANAGE = "source:manage"
    USER_VIEW = "user:view"
    USER_MANAGE = "user:manage"
    PEOPLE_MANAGE = "people:manage"  # somebody's users; whose, the operation decides
    SETUP_VIEW = "setup:view"
    PRM_ENABLE = "prm:enable"
    PORTAL_PUBLISH = "portal:publish"
    DELIVERY_VIEW = "delivery:view"  # who was told of a record that one reads
    DELIVERY_MANAGE = "delivery:manage"
    EVENT_VIEW = "event:view"
    ACCESS_VIEW = "access:view"  # who sees a record, and why; everybody may ask about themselves
    SETTING_MANAGE = "setting:manage"
    SHARING_MANAGE = "sharing:manage"  # groups and sharing rules
    RECORD_SHARE = "record:share"  # by hand, what one has in full


_EVERY_PERMISSION = frozenset(Permission)


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, or a named part of the system, with everything that decides what they see and do.

    Made anew for every request, so that a change of role or state counts on the next one.
    must_enrol: their role needs a second factor that they do not have yet; they may do nothing else before.
    viewer_name, viewer_ref: of the administrator who looks at Canal as this person, and may change nothing.
    queue_ids: queues the person belongs to, by themselves or through their partner account.
    managed_ids, answerable_ids: partner accounts that the person owns, and those they are a responsible
    of (internal people only).
    level_id: the level of a partner user's company.
    shared: (object, principal) pairs: of whom sharing rules and shares by hand give the person something.
    preview_fields, hidden_fields: fields of a lead that the person sees before it is theirs, and those that they
    never see, as the administrator set them for the level of a partner user's company (`leads.visibility`).
    supposed: what a change not yet made would do to that (`sharing.rules.Supposed`); previews alone ask so.
    """

    user_id: int | None
    ref: str
    name: str
    role: Role
    permissions: frozenset[Permission]
    language: str = "en"
    time_zone: str = "UTC"
    theme: str = "auto"
    sees_portfolio_only: bool = False
    company_id: int | None = None
    company_name: str = ""
    queue_ids: tuple[int, ...] = ()
    managed_ids: tuple[int, ...] = ()
    answerable_ids: tuple[int, ...] = ()
    default_lead_level: Level | None = None
    default_account_level: Level | None = None
    default_contact_level: Level | None = None
    default_case_level: Level | None = None
    default_opportunity_level: Level | None = None
    default_document_level: Level | None = None
    level_id: int | None = None
    shared: tuple[tuple[str, int], ...] = ()
    supposed: Any = None
    preview_fields: tuple[str, ...] = ()
    hidden_fields: tuple[str, ...] = ()
    door: str = "web"
    session_id: int | None = None
    token_id: int | None = None
    must_enrol: bool = False
    viewer_name: str = ""
    viewer_ref: str = ""
    system_name: str | None = field(default=None)

    @classmethod
    def system(cls, name: str, *, door: str = "system") -> "Actor":
        """A named part of Canal that must see everything: the worker, an import, a command."""
        return cls(
            user_id=None,
            ref="",
            name=name,
            role=Role.ADMINISTRATOR,
            permissions=_EVERY_PERMISSION,
            door=door,
            system_name=name,
        )

    @property
    def is_system(self) -> bool:
        return self.system_name is not None

    @property
    def is_partner(self) -> bool:
        return self.company_id is not None

    @property
    def is_internal(self) -> bool:
        return self.company_id is None

    @property
    def rank(self) -> int:
        return self.role.rank

    def can(self, permission: Permission) -> bool:
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raises NotAllowed when the role does not give the permission, or the account scope takes it away."""
        if permission in self.permissions:
            return
        if (
            permission is Permission.SHARING_MANAGE
            and self.sees_portfolio_only
            and self.can(Permission.ACCESS_VIEW)
        ):
            raise NotAllowed(
                _l("Rules and groups concern everybody's records; your account scope is your own portfolio.")
            )
        raise NotAllowed(_l("Your role does not allow this."))
