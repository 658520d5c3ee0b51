"""The places of Setup, by section, as far as the person may go there."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import current_app, url_for
from flask_babel import gettext as _

from app.kernel import labels
from app.kernel.actor import Actor, Permission


@dataclass(frozen=True, slots=True)
class Place:
    """A page of Setup.  note: what is done there, in a sentence."""

    title: str
    note: str
    url: str
    icon: str


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    places: Sequence[Place]


def sections(actor: Actor) -> list[Section]:
    """Every section that has a place for the person."""
    found = [Section(title, _reachable(actor, places)) for title, places in _sections()]
    return [section for section in found if section.places]


# title, note, icon, endpoint, permission, arguments
_Row = tuple[str, str, str, str, Permission, dict[str, str]]


def _sections() -> list[tuple[str, list[_Row]]]:
    users, partners, queues = labels.many("user"), labels.many("partner"), labels.many("queue", title=True)
    leads, p = labels.many("lead"), Permission
    return [
        (
            _("People"),
            [
                (
                    labels.many("user", title=True),
                    _("Who signs in, as what, with which limits."),
                    "users",
                    "users.index",
                    p.USER_VIEW,
                    {},
                ),
            ],
        ),
        (
            labels.many("partner", title=True),
            [
                (
                    _("Partner management and portal"),
                    _("Switched on once; then companies can become %(partners)s.", partners=partners),
                    "handshake",
                    "setup.prm",
                    p.PRM_ENABLE,
                    {},
                ),
                (
                    labels.many("partner_level", title=True),
                    _("What sorts of partner there are, lowest first."),
                    "star",
                    "setup.registry",
                    p.SETTING_MANAGE,
                    {"name": "levels"},
                ),
            ],
        ),
        (
            _("Sharing"),
            [
                (
                    _("Organisation-wide defaults"),
                    _("What everybody inside, and every partner user, has of all records."),
                    "globe",
                    "sharing_defaults.show",
                    p.SETTING_MANAGE,
                    {},
                ),
                (
                    _("Public groups"),
                    _("People, roles and companies under one name, to share with."),
                    "users",
                    "groups.index",
                    p.SHARING_MANAGE,
                    {},
                ),
                (
                    _("Sharing rules"),
                    _("Which records are given to whom beyond that, kept right by themselves."),
                    "eye",
                    "sharing_rules.index",
                    p.SHARING_MANAGE,
                    {},
                ),
            ],
        ),
        (
            _("Routing"),
            [
                (
                    labels.many("assignment_rule", title=True),
                    _("Which new %(leads)s go where, in order.", leads=leads),
                    "route",
                    "rules.index",
                    p.ROUTING_MANAGE,
                    {},
                ),
                (
                    labels.many("round_robin", title=True),
                    _("Who takes turns, and how many each has had."),
                    "refresh",
                    "round_robins.index",
                    p.ROUTING_MANAGE,
                    {},
                ),
                (
                    queues,
                    _("Where %(leads)s wait, and who may take them.", leads=leads),
                    "layers",
                    "queues.index",
                    p.QUEUE_VIEW,
                    {},
                ),
                (
                    _("Alerts"),
                    _("What routing could not do as it was told."),
                    "alert",
                    "alerts.index",
                    p.ROUTING_MANAGE,
                    {},
                ),
            ],
        ),
        (
            labels.many("lead", title=True),
            [
                (
                    _("Statuses"),
                    _("How far work on a %(lead)s has come.", lead=labels.one("lead")),
                    "circle",
                    "setup.registry",
                    p.SETTING_MANAGE,
                    {"name": "statuses"},
                ),
                (
                    _("Sources"),
                    _("How %(leads)s come to you.", leads=leads),
                    "megaphone",
                    "setup.registry",
                    p.SOURCE_MANAGE,
                    {"name": "sources"},
                ),
                (
                    _("Reasons to decline"),
                    _("Why a partner gives one back, and whether that gives the turn back."),
                    "undo",
                    "setup.registry",
                    p.SETTING_MANAGE,
                    {"name": "decline-reasons"},
                ),
                (
                    _("Way to qualified"),
                    _("What each status asks for and where it leads, and what qualified means here."),
                    "flag",
                    "lead_path.show",
                    p.SETTING_MANAGE,
                    {},
                ),
                (
                    _("Reasons not to qualify"),
                    _("What is chosen when one is not worth more work."),
                    "x-circle",
                    "setup.registry",
                    p.SETTING_MANAGE,
                    {"name": "unqualified-reasons"},
                ),
                (
                    _("Score rules"),
                    _("What makes one promising, and from when on it is marketing-qualified."),
                    "zap",
                    "scores.index",
                    p.SETTING_MANAGE,
                    {},
                ),
                (
                    _("What partners see"),
                    _("Which fields, and which of them before they claim; by partner level."),
                    "eye",
                    "lead_fields.show",
                    p.SETTING_MANAGE,
                    {},
                ),
                (
                    _("Web forms"),
                    _("Forms on your site that bring %(leads)s in, and what looked like spam.", leads=leads),
                    "globe",
                    "lead_forms.index",
                    p.LEAD_FORM_MANAGE,
                    {},
                ),
                (
                    _("Capture"),
                    _("What a new one must have."),
                    "plus",
                    "setup.capture",
                    p.SETTING_MANAGE,
                    {},
                ),
            ],
        ),
        (
            labels.many("account", title=True),
            [
                (
                    _("Areas of interest"),
                    _("Your market and product areas, as a tree."),
                    "layers",
                    "setup.registry",
                    p.SETTING_MANAGE,
                    {"name": "interest-areas"},
                ),
                (
                    _("Types of characteristics"),
                    _(
                        "What can be said of %(accounts)s beyond their fields.",
                        accounts=labels.many("account"),
                    ),
                    "tag",
                    "setup.registry",
                    p.SETTING_MANAGE,
                    {"name": "characteristic-types"},
                ),
                (
                    _("Reasons of relationships"),
                    _("How %(accounts)s are related, read from both sides.", accounts=labels.many("account")),
                    "link",
                    "setup.registry",
                    p.SETTING_MANAGE,
                    {"name": "relationship-reasons"},
                ),
                (
                    _("Roles of people responsible"),
                    _("What is offered as a role beside an %(account)s.", account=labels.one("account")),
                    "users",
                    "setup.registry",
                    p.SETTING_MANAGE,
                    {"name": "responsible-roles"},
                ),
            ],
        ),
        (
            labels.many("opportunity", title=True),
            [
                (
                    _("Stages"),
                    _("The way to winning: names, order, probability."),
                    "trend",
                    "setup.registry",
                    p.SETTING_MANAGE,
                    {"name": "opportunity-stages"},
                ),
                (
                    _("Reasons of winning and losing"),
                    _("What is asked when something is won or lost."),
                    "check-circle",
                    "setup.registry",
                    p.SETTING_MANAGE,
                    {"name": "outcome-reasons"},
                ),
                (
                    _("Fields that go along"),
                    _("Where your own fields go when a %(lead)s is converted.", lead=labels.one("lead")),
                    "split",
                    "conversion.mapping",
                    p.SETTING_MANAGE,
                    {},
                ),
            ],
        ),
        (
            labels.many("case", title=True),
            [
                (
                    _("Statuses"),
                    _(
                        "How far work on a %(case)s has come, and which of them close it.",
                        case=labels.one("case"),
                    ),
                    "case",
                    "setup.registry",
                    p.SETTING_MANAGE,
                    {"name": "case-statuses"},
                ),
            ],
        ),
        (
            _("Fields"),
            [
                (
                    _("Fields"),
                    _(
                        "What is kept of accounts, contacts and %(leads)s, why, and how much it is used.",
                        leads=leads,
                    ),
                    "database",
                    "fields.index",
                    p.SETTING_MANAGE,
                    {},
                ),
            ],
        ),
        (
            _("Data quality"),
            [
                (
                    _("Idle records"),
                    _("What nobody has worked with for 30, 60 and 90 days, by owner."),
                    "clock",
                    "ageing.index",
                    p.ACCOUNT_VIEW,
                    {},
                ),
                (
                    _("Probable duplicates"),
                    _("What is there twice, to be merged or told apart."),
                    "copy",
                    "duplicates.index",
                    p.ACCOUNT_EDIT,
                    {},
                ),
                (
                    _("Hand over"),
                    _("What people own who left, or moved to other work."),
                    "users",
                    "ageing.handover",
                    p.ACCOUNT_DELETE,
                    {},
                ),
                (
                    _("How accounts are named"),
                    _("A hint at the field, and patterns that names keep to."),
                    "edit",
                    "naming.show",
                    p.SETTING_MANAGE,
                    {},
                ),
            ],
        ),
        (
            _("Mail"),
            [
                (
                    _("Deliveries"),
                    _("What was sent to %(users)s, what failed, and sending it again.", users=users),
                    "mail",
                    "deliveries.index",
                    p.DELIVERY_MANAGE,
                    {},
                ),
                (
                    _("E-mail texts"),
                    _("What mails say, in your own words and each language."),
                    "edit",
                    "mail_texts.index",
                    p.SETTING_MANAGE,
                    {},
                ),
            ],
        ),
        (
            _("Organisation"),
            [
                (
                    _("Name, look, language"),
                    _("What the portal is called and looks like, its language and time zone."),
                    "settings",
                    "setup.organisation",
                    p.SETTING_MANAGE,
                    {},
                ),
                (
                    _("Audit log"),
                    _("Who did what to which record, when and from where."),
                    "history",
                    "audit.index",
                    p.EVENT_VIEW,
                    {},
                ),
            ],
        ),
    ]


def _reachable(actor: Actor, rows: Sequence[_Row]) -> list[Place]:
    return [
        Place(title, note, url_for(endpoint, **arguments), icon)  # type: ignore[arg-type]
        for title, note, icon, endpoint, permission, arguments in rows
        if actor.can(permission) and endpoint in current_app.view_functions
    ]
