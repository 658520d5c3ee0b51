"""What was done, in words: each verb that an event may have, and the sentence that it makes.

A sentence holds `%(record)s` where the record's name and link stand.  A room that brings a new verb adds a line
to `VERBS`; until then the verb stands for itself.
"""

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.events.models import Event

_RECORD = "\x00"

# verb → icon, group, and the sentence that follows the name of who did it.
VERBS: dict[str, tuple[str, str, Any]] = {
    "signed_in": ("log-in", "keys", _l("signed in")),
    "signed_out": ("log-out", "keys", _l("signed out")),
    "sign_in_failed": ("x-circle", "keys", _l("A sign-in failed: %(record)s")),
    "refused": ("shield", "keys", _l("tried what they may not do")),
    "changed_password": (
        "key",
        "keys",
        _l("changed the password of %(record)s; other sessions and tokens ended"),
    ),
    "link_asked": ("mail", "keys", _l("A link to set a password was asked for: %(record)s")),
    "session_ended": ("log-out", "keys", _l("ended a session of %(record)s")),
    "sessions_ended": ("log-out", "keys", _l("ended sessions of %(record)s")),
    "token_created": ("key", "keys", _l("made an API token of %(record)s")),
    "token_revoked": ("key", "keys", _l("revoked an API token of %(record)s")),
    "calendar_opened": ("calendar", "keys", _l("made a secret calendar address of %(record)s")),
    "calendar_closed": ("calendar", "keys", _l("revoked the secret calendar address of %(record)s")),
    "second_factor_set_up": ("smartphone", "keys", _l("set up the second factor of %(record)s")),
    "second_factor_turned_off": ("smartphone", "keys", _l("turned off the second factor of %(record)s")),
    "second_factor_reset": ("smartphone", "keys", _l("reset the second factor of %(record)s")),
    "second_factor_failed": ("x-circle", "keys", _l("gave a wrong code of the second factor of %(record)s")),
    "recovery_code_used": ("key", "keys", _l("used a recovery code")),
    "recovery_codes_renewed": ("key", "keys", _l("made new recovery codes")),
    "viewing_started": ("eye", "keys", _l("began to see Canal as %(record)s does")),
    "viewing_stopped": ("eye", "keys", _l("stopped seeing Canal as %(record)s does")),
    "address_taken": ("mail", "people", _l("An address that is another user's was invited for %(record)s")),
    "invited": ("mail", "people", _l("sent %(record)s an invitation")),
    "accepted_invitation": ("check", "people", _l("accepted the invitation")),
    "deactivated": ("user-x", "people", _l("deactivated %(record)s")),
    "reactivated": ("check-circle", "people", _l("reactivated %(record)s")),
    "created": ("plus", "records", _l("created %(record)s")),
    "converted": ("refresh", "records", _l("converted %(record)s")),
    "unconverted": ("undo", "records", _l("undid the conversion of %(record)s")),
    "won": ("check-circle", "records", _l("won %(record)s")),
    "lost": ("x-circle", "records", _l("lost %(record)s")),
    "contact_added": ("contact", "records", _l("gave somebody a part in %(record)s")),
    "contact_changed": ("contact", "records", _l("changed somebody's part in %(record)s")),
    "contact_removed": ("contact", "records", _l("took somebody out of %(record)s")),
    "archived": ("archive", "records", _l("archived %(record)s")),
    "unarchived": ("undo", "records", _l("offered %(record)s again")),
    "person_given_out": ("download", "records", _l("took out all that is held about a person")),
    "members_added": ("users", "records", _l("added the people of a list to %(record)s")),
    "edited": ("edit", "records", _l("changed %(record)s")),
    "deleted": ("trash", "records", _l("deleted %(record)s")),
    "purged": ("trash", "records", _l("Removed for good: %(record)s")),
    "restored": ("rotate", "records", _l("restored %(record)s")),
    "marked_left_out": ("eye-off", "records", _l("left %(record)s out of views, reports and campaigns")),
    "unmarked_left_out": ("eye", "records", _l("took %(record)s into views, reports and campaigns again")),
    "marked_ready": ("flag", "records", _l("marked %(record)s as ready for a new product")),
    "unmarked_ready": ("flag", "records", _l("no longer marked %(record)s as ready for a new product")),
    "merged": ("merge", "records", _l("merged others into %(record)s")),
    "erased": ("shield", "records", _l("erased the person's data in %(record)s")),
    "person_erased": ("shield", "records", _l("erased one person's data")),
    "merged_into": ("merge", "records", _l("merged %(record)s into another")),
    "closed": ("check-circle", "records", _l("closed %(record)s")),
    "reopened": ("undo", "records", _l("opened %(record)s again")),
    "moved": ("sort-down", "records", _l("moved %(record)s")),
    "logged": ("note", "records", _l("logged %(record)s")),
    "attached": ("paperclip", "files", _l("attached a document to %(record)s")),
    "detached": ("paperclip", "files", _l("deleted a document of %(record)s")),
    "version_added": ("upload", "files", _l("added a version of %(record)s")),
    "version_restored": ("rotate", "files", _l("brought an earlier version of %(record)s back")),
    "finished": ("check", "records", _l("finished %(record)s")),
    "activity_deleted": ("trash", "records", _l("deleted an activity of %(record)s")),
    "responsible_added": ("user-plus", "records", _l("made somebody responsible for %(record)s")),
    "responsible_removed": (
        "user-x",
        "records",
        _l("took somebody off the people responsible for %(record)s"),
    ),
    "responsible_changed": ("user", "records", _l("changed the role of somebody responsible for %(record)s")),
    "related": ("link", "records", _l("related %(record)s to another account")),
    "unrelated": ("link", "records", _l("ended a relationship of %(record)s")),
    "characteristic_added": ("tag", "records", _l("said what is characteristic of %(record)s")),
    "characteristic_removed": ("tag", "records", _l("took a characteristic of %(record)s away")),
    "interest_noted": ("target", "records", _l("noted an interest of %(record)s")),
    "exported": ("download", "files", _l("exported a list")),
    "changed_many": ("edit", "records", _l("changed many records at once")),
    "cancelled": ("x-circle", "records", _l("stopped an export or a change of many")),
    "tagged": ("tag", "records", _l("tagged %(record)s")),
    "untagged": ("tag", "records", _l("took a tag off %(record)s")),
    "uploaded": ("upload", "files", _l("uploaded %(record)s")),
    "import_started": ("play", "files", _l("started the import of %(record)s")),
    "imported": ("check", "files", _l("The import is done: %(record)s")),
    "import_failed": ("x-circle", "files", _l("The import failed: %(record)s")),
    "import_cancelled": ("x-circle", "files", _l("cancelled the import of %(record)s")),
    "claimed": ("hand", "leads", _l("claimed %(record)s")),
    "assigned": ("arrow-right", "leads", _l("changed the owner of %(record)s")),
    "transferred": ("arrow-right", "leads", _l("handed %(record)s to a colleague")),
    "released": ("undo", "leads", _l("gave %(record)s back")),
    "declined": ("x-circle", "leads", _l("declined %(record)s")),
    "expired": ("hourglass", "leads", _l("The offer was not answered in time: %(record)s")),
    "recycled": ("undo", "leads", _l("Nothing was done on it in time: %(record)s")),
    "marketing_qualified": ("flag", "leads", _l("handed %(record)s over as marketing-qualified")),
    "filled_in": ("globe", "leads", _l("Somebody filled in %(record)s")),
    "post_released": ("check", "leads", _l("took a post to %(record)s out of quarantine")),
    "posts_discarded": ("trash", "leads", _l("deleted posts to %(record)s in quarantine")),
    "status_left": ("trash", "setup", _l("began to move what is in %(record)s elsewhere, to remove it")),
    "accepted": ("check", "leads", _l("accepted %(record)s")),
    "assigned_many": ("arrow-right", "leads", _l("changed the owner of many at once")),
    "undone": ("undo", "leads", _l("took a change of many back")),
    "shared": ("eye", "sharing", _l("shared %(record)s")),
    "unshared": ("lock", "sharing", _l("ended a share of %(record)s")),
    "partner_enabled": ("handshake", "partners", _l("made %(record)s a partner")),
    "partner_edited": ("handshake", "partners", _l("changed the partnership of %(record)s")),
    "partner_suspended": ("pause", "partners", _l("suspended the partnership of %(record)s")),
    "partner_resumed": ("play", "partners", _l("resumed the partnership of %(record)s")),
    "report_subscribed": ("mail", "people", _l("asked for a report by mail")),
    "report_unsubscribed": ("mail", "people", _l("stopped a report by mail")),
    "target_set": ("target", "partners", _l("gave %(record)s a target")),
    "target_changed": ("target", "partners", _l("changed a target of %(record)s")),
    "target_removed": ("target", "partners", _l("took a target of %(record)s back")),
    "partner_user_enabled": ("user-plus", "partners", _l("invited somebody as a partner user of %(record)s")),
    "prm_enabled": ("handshake", "setup", _l("switched partner management on")),
    "portal_published": ("globe", "setup", _l("published the portal")),
    "portal_roles_changed": ("users", "setup", _l("changed who are members of the portal")),
    "lead_fields_changed": ("eye", "setup", _l("changed which fields partners of %(record)s see")),
    "field_indexed": ("zap", "setup", _l("marked %(record)s as indexed")),
    "field_unindexed": ("zap", "setup", _l("took the mark of being indexed from %(record)s")),
    "field_retired": ("archive", "setup", _l("retired %(record)s")),
    "form_arranged": ("columns", "setup", _l("arranged a form")),
    "activated": ("play", "setup", _l("activated %(record)s")),
    "member_added": ("user-plus", "setup", _l("added a member to %(record)s")),
    "member_changed": ("user", "setup", _l("changed a member of %(record)s")),
    "member_removed": ("user-x", "setup", _l("removed a member of %(record)s")),
    "match_changed": ("edit", "setup", _l("changed for which leads somebody takes turns in %(record)s")),
    "weight_changed": ("edit", "setup", _l("changed a weight in %(record)s")),
    "alert_resolved": ("check", "setup", _l("put an alert aside")),
    "sending_held": ("pause", "mail", _l("held all mail back")),
    "sending_released": ("play", "mail", _l("resumed sending mail")),
    "retried": ("rotate", "mail", _l("had the mail to %(record)s tried again")),
}
# A verb that means another thing of a certain kind of record.
_OF_KIND: dict[tuple[str, str], Any] = {
    ("organisation", "edited"): _l("changed the settings of the organisation"),
    ("organisation", "lead_fields_changed"): _l("changed which fields partners see"),
    ("organisation", "sign_in_failed"): _l("A sign-in failed: nobody has the address that was typed"),
    ("rule_set", "deactivated"): _l("deactivated %(record)s"),
}
# What is told without saying who did it: nobody in person did.
_WHOLE = frozenset(
    {
        "purged",
        "sign_in_failed",
        "link_asked",
        "address_taken",
        "imported",
        "import_failed",
        "expired",
        "filled_in",
        "recycled",
    }
)
GROUPS = ("keys", "people", "records", "leads", "sharing", "partners", "files", "setup", "mail")


def group_names() -> dict[str, str]:
    """What the groups of verbs are called, in the order of the choice."""
    return {
        "keys": _("Sign-in and keys"),
        "people": _("People"),
        "records": _("Records"),
        "leads": _("Routing"),
        "sharing": _("Sharing"),
        "partners": _("Partners"),
        "files": _("Files"),
        "setup": _("Setup"),
        "mail": _("Mail"),
    }


def door_names() -> dict[str, str]:
    """The ways in by which something can be done."""
    return {
        "web": _("Web"),
        "api": _("API"),
        "command": _("Command"),
        "import": _("Import"),
        "form": _("Web form"),
        "mail": _("Mail"),
        "system": _("System"),
    }


def verb_name(verb: str) -> str:
    """A verb by itself, as the choice of the filter has it."""
    known = VERBS.get(verb)
    if known is None:
        return verb.replace("_", " ")
    text = str(known[2]).replace("%(record)s", "…").strip(" :…").rstrip()
    return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class Sentence:
    """The words before and after the record's name; has_record: whether it is named at all."""

    icon: str
    before: str
    after: str
    has_record: bool
    is_whole: bool


def sentence(event: Event) -> Sentence:
    """What happened, in words."""
    icon, _group, text = VERBS.get(event.verb, ("circle", "", None))
    text = _OF_KIND.get((event.record_kind, event.verb), text)
    if text is None:
        text = _("did this to %(record)s: %(verb)s", verb=event.verb.replace("_", " "), record="%(record)s")
    before, mark, after = str(text).replace("%(record)s", _RECORD).partition(_RECORD)
    is_whole = event.verb in _WHOLE and event.actor_id is None
    return Sentence(icon, before, after, bool(mark), is_whole)
