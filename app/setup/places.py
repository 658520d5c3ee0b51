"""Every page of Setup: what it is called, what is done there, and what else people call it when they look for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask_babel import gettext as _

from app.kernel import labels
from app.kernel.actor import Permission


@dataclass(frozen=True, slots=True)
class Row:
    """A page.  words: what else people call it, beside title and note."""

    title: str
    note: str
    icon: str
    endpoint: str
    permission: Permission
    arguments: Mapping[str, str] = field(default_factory=dict)
    words: str = ""


def _kept(title: str, note: str, icon: str, name: str, words: str = "") -> Row:
    """A registry that administrators keep: a list of names with an order."""
    return Row(title, note, icon, "setup.registry", Permission.SETTING_MANAGE, {"name": name}, words)


def sections_of_setup() -> list[tuple[str, list[Row]]]:
    """Title of a section and its pages, in the order shown; whoever may go there."""
    return [
        (_("People"), _people()),
        (labels.many("partner", title=True), _partners()),
        (_("Sharing"), _sharing()),
        (_("Routing"), _routing()),
        (labels.many("lead", title=True), _leads()),
        (labels.many("account", title=True), _accounts()),
        (labels.many("opportunity", title=True), _opportunities()),
        (labels.many("case", title=True), _cases()),
        (_("Fields"), _fields()),
        (_("Data quality"), _care()),
        (_("Mail"), _mail()),
        (_("Organisation"), _organisation()),
    ]


def _people() -> list[Row]:
    return [
        Row(
            labels.many("user", title=True), _("Who signs in, as what, with which limits."),
            "users", "users.index", Permission.USER_VIEW,
            words=_("people invite role permission capacity absence password reset two-factor API token"),
        ),
        Row(
            _("Your own sign-in"), _("Your password, two-factor sign-in, language and time zone."),
            "shield", "profile.show", Permission.PROFILE_EDIT,
            words=_("password 2FA authenticator recovery codes sessions API token"),
        ),
    ]  # fmt: skip


def _partners() -> list[Row]:
    partners = labels.many("partner")
    return [
        Row(
            _("Partner management and portal"),
            _("Switched on once; then companies can become %(partners)s.", partners=partners),
            "handshake", "setup.prm", Permission.PRM_ENABLE,
            words=_("PRM channel community reseller dealer publish"),
        ),
        _kept(
            labels.many("partner_level", title=True), _("What sorts of partner there are, lowest first."),
            "star", "levels",
        ),
    ]  # fmt: skip


def _sharing() -> list[Row]:
    return [
        Row(
            _("Organisation-wide defaults"),
            _("What everybody inside, and every partner user, has of all records."),
            "globe", "sharing_defaults.show", Permission.SETTING_MANAGE,
            words=_("OWD private public visibility access permission"),
        ),
        Row(
            _("Public groups"), _("People, roles and companies under one name, to share with."),
            "users", "groups.index", Permission.SHARING_MANAGE, words=_("team access permission"),
        ),
        Row(
            _("Sharing rules"), _("Which records are given to whom beyond that, kept right by themselves."),
            "eye", "sharing_rules.index", Permission.SHARING_MANAGE, words=_("visibility access permission"),
        ),
    ]  # fmt: skip


def _routing() -> list[Row]:
    queues = labels.many("queue", title=True)
    leads = labels.many("lead")
    return [
        Row(
            labels.many("assignment_rule", title=True), _("Which new %(leads)s go where, in order.", leads=leads),
            "route", "rules.index", Permission.ROUTING_MANAGE, words=_("routing distribution territory assign"),
        ),
        Row(
            labels.many("round_robin", title=True), _("Who takes turns, and how many each has had."),
            "refresh", "round_robins.index", Permission.ROUTING_MANAGE,
            words=_("rotation turns weight distribution"),
        ),
        Row(
            queues, _("Where %(leads)s wait, and who may take them.", leads=leads),
            "layers", "queues.index", Permission.QUEUE_VIEW, words=_("pool inbox waiting claim first touch"),
        ),
        Row(
            _("Alerts"), _("What routing could not do as it was told."),
            "alert", "alerts.index", Permission.ROUTING_MANAGE, words=_("error warning problem"),
        ),
    ]  # fmt: skip


def _leads() -> list[Row]:
    leads = labels.many("lead")
    return [
        _kept(
            _("Statuses"), _("How far work on a %(lead)s has come.", lead=labels.one("lead")),
            "circle", "statuses",
        ),
        Row(
            _("Sources"), _("How %(leads)s come to you.", leads=leads),
            "megaphone", "setup.registry", Permission.SOURCE_MANAGE, {"name": "sources"},
            _("origin channel marketing"),
        ),
        _kept(
            _("Reasons to decline"), _("Why a partner gives one back, and whether that gives the turn back."),
            "undo", "decline-reasons",
        ),
        Row(
            _("Way to qualified"),
            _("What each status asks for and where it leads, and what qualified means here."),
            "flag", "lead_path.show", Permission.SETTING_MANAGE,
            words=_("BANT qualification definition guidance required moves"),
        ),
        _kept(
            _("Reasons not to qualify"), _("What is chosen when one is not worth more work."),
            "x-circle", "unqualified-reasons", _("lost disqualify junk"),
        ),
        Row(
            _("Score rules"), _("What makes one promising, and from when on it is marketing-qualified."),
            "zap", "scores.index", Permission.SETTING_MANAGE, words=_("scoring points MQL threshold"),
        ),
        Row(
            _("What partners see"), _("Which fields, and which of them before they claim; by partner level."),
            "eye", "lead_fields.show", Permission.SETTING_MANAGE, words=_("visibility hidden preview portal"),
        ),
        Row(
            _("Web forms"),
            _("Forms on your site that bring %(leads)s in, and what looked like spam.", leads=leads),
            "globe", "lead_forms.index", Permission.LEAD_FORM_MANAGE,
            words=_("web-to-lead snippet HTML site quarantine spam honeypot"),
        ),
        Row(
            _("Capture"), _("What a new one must have."),
            "plus", "setup.capture", Permission.SETTING_MANAGE, words=_("required minimum new"),
        ),
    ]  # fmt: skip


def _accounts() -> list[Row]:
    return [
        _kept(_("Areas of interest"), _("Your market and product areas, as a tree."), "layers", "interest-areas"),
        _kept(
            _("Types of characteristics"),
            _("What can be said of %(accounts)s beyond their fields.", accounts=labels.many("account")),
            "tag", "characteristic-types",
        ),
        _kept(
            _("Reasons of relationships"),
            _("How %(accounts)s are related, read from both sides.", accounts=labels.many("account")),
            "link", "relationship-reasons",
        ),
        _kept(
            _("Roles of people responsible"),
            _("What is offered as a role beside an %(account)s.", account=labels.one("account")),
            "users", "responsible-roles",
        ),
    ]  # fmt: skip


def _opportunities() -> list[Row]:
    return [
        _kept(
            _("Stages"), _("The way to winning: names, order, probability."),
            "trend", "opportunity-stages", _("pipeline sales process forecast"),
        ),
        _kept(
            _("Reasons of winning and losing"), _("What is asked when something is won or lost."),
            "check-circle", "outcome-reasons",
        ),
        Row(
            _("Fields that go along"),
            _("Where your own fields go when a %(lead)s is converted.", lead=labels.one("lead")),
            "split", "conversion.mapping", Permission.SETTING_MANAGE, words=_("conversion mapping custom"),
        ),
    ]  # fmt: skip


def _cases() -> list[Row]:
    return [
        _kept(
            _("Statuses"),
            _("How far work on a %(case)s has come, and which of them close it.", case=labels.one("case")),
            "case", "case-statuses",
        ),
    ]  # fmt: skip


def _fields() -> list[Row]:
    leads = labels.many("lead")
    return [
        Row(
            _("Fields"),
            _("What is kept of accounts, contacts and %(leads)s, why, and how much it is used.", leads=leads),
            "database", "fields.index", Permission.SETTING_MANAGE, words=_("custom layout columns help definition"),
        ),
    ]  # fmt: skip


def _care() -> list[Row]:
    return [
        Row(
            _("Imports"), _("Files that were taken in, what became of each row, and taking in another."),
            "upload", "intake.index", Permission.ACCOUNT_IMPORT, words=_("CSV Excel vCard file load migrate"),
        ),
        Row(
            _("Idle records"), _("What nobody has worked with for 30, 60 and 90 days, by owner."),
            "clock", "ageing.index", Permission.ACCOUNT_KEEP, words=_("inactive stale clean"),
        ),
        Row(
            _("Probable duplicates"), _("What is there twice, to be merged or told apart."),
            "copy", "duplicates.index", Permission.ACCOUNT_EDIT, words=_("merge double matching"),
        ),
        Row(
            _("Hand over"), _("What people own who left, or moved to other work."),
            "users", "ageing.handover", Permission.ACCOUNT_DELETE, words=_("reassign owner left transfer"),
        ),
        Row(
            _("How accounts are named"), _("A hint at the field, and patterns that names keep to."),
            "edit", "naming.show", Permission.SETTING_MANAGE, words=_("convention pattern rule"),
        ),
        Row(
            _("Give out one person's data"), _("All that is kept of whoever asks for it, as a file."),
            "download", "duplicates.person", Permission.PERSON_MANAGE, words=_("GDPR privacy data protection access request portability consent"),
        ),
        Row(
            _("Erase one person's data"), _("For good, in every record, and recorded that it was done."),
            "trash", "duplicates.erase", Permission.PERSON_MANAGE, words=_("GDPR privacy data protection delete forget anonymise"),
        ),
    ]  # fmt: skip


def _mail() -> list[Row]:
    users = labels.many("user")
    return [
        Row(
            _("Deliveries"), _("What was sent to %(users)s, what failed, and sending it again.", users=users),
            "mail", "deliveries.index", Permission.DELIVERY_MANAGE, words=_("e-mail email SMTP outbox failed sent"),
        ),
        Row(
            _("E-mail texts"), _("What mails say, in your own words and each language."),
            "edit", "mail_texts.index", Permission.SETTING_MANAGE,
            words=_("mail email template wording invitation notification"),
        ),
    ]  # fmt: skip


def _organisation() -> list[Row]:
    return [
        Row(
            _("Name, look, language"), _("What the portal is called and looks like, its language and time zone."),
            "settings", "setup.organisation", Permission.SETTING_MANAGE,
            words=_("logo colour brand theme currency locale two-factor company"),
        ),
        Row(
            _("Words"), _("What objects and fields are called, in each language."),
            "tag", "words.index", Permission.SETTING_MANAGE, words=_("rename label translate terminology language"),
        ),
        Row(
            _("Audit log"), _("Who did what to which record, when and from where."),
            "history", "audit.index", Permission.EVENT_VIEW,
            words=_("history log trail export security compliance"),
        ),
        Row(
            _("How Canal is"), _("Whether the worker runs, mail goes out, backups are made and space is left."),
            "shield", "home.index", Permission.SETTING_MANAGE, {"_anchor": "health"},
            _("health status backup monitoring disk worker job"),
        ),
    ]  # fmt: skip
