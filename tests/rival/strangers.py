"""The second layer of the rival's world: another partner with its people, and what the vendor keeps in setup."""

from datetime import timedelta
from random import Random

from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.accounts.operations import edit_account
from app.accounts.relations.models import (
    CharacteristicType,
    InterestArea,
    RelationshipReason,
    ResponsibleRole,
)
from app.campaigns.members import add_member
from app.campaigns.operations import create_campaign
from app.capture.models import Cause, LeadFormPost
from app.capture.operations import create_lead_form
from app.capture.taking import asked_by, read_post, take_post
from app.care.models import Erasure
from app.fields.counting import count_fields
from app.fields.operations import arrange_form
from app.health.models import Upkeep, WorkerSign
from app.identity.calendar_address import renew_address
from app.identity.models import (
    ApiToken,
    IdempotencyKey,
    LinkPurpose,
    OneTimeLink,
    RecoveryCode,
    SentForm,
    SignInStep,
    UserSession,
    UserState,
)
from app.identity.queries import digest
from app.intake.models import Import, ImportIssue, ImportState, RememberedColumns
from app.kernel import refs
from app.kernel.actor import Role
from app.leads.models import Lead
from app.notifications.texts.operations import create_template, save_text
from app.partners.models import PartnerLevel
from app.reports.counting import count_changes
from app.routing.alerts import Alert, raise_alerts
from app.routing.models import Queue, QueueMember, RoundRobinMember, RoutingAlert, RuleEntry
from app.scores.operations import create_scores
from app.sharing.groups import create_group
from app.sharing.models import GroupMember
from app.sharing.sharing_rules import create_rule, read_rule
from app.subscriptions.models import ReportSubscription
from app.targets.operations import set_target
from tests.factories import (
    actor_of,
    make_lead,
    make_partner,
    make_queue,
    make_round_robin,
    make_user,
    rows,
)
from tests.fields.making import make_field
from tests.rival.lists import keep_lists
from tests.rival.worlds import DIGITS, STEM, STRANGER, World, veil
from tests.routing.routing_worlds import activate, target

HOUR = timedelta(hours=1)


def add_strangers(session: Session, world: World) -> None:
    """Northwind and its people; queues, round robins, rules, groups, lists and imports of the vendor's."""
    with refs.seeded(Random(2)):
        people, named = world.people, world.stranger
        nora = people["nora"] = make_user(session, "Nora", role=Role.CHANNEL_MANAGER)
        world.northwind = make_partner(session, "Northwind", owner=nora)
        for name, role in (("pia", Role.USER), ("pam", Role.MANAGER), ("pex", Role.EXECUTIVE)):
            people[name] = make_user(session, name, role=role, partner=world.northwind)
        people["pit"] = make_user(
            session, "pit", partner=world.northwind, state=UserState.INVITED, first_web_sign_in_at=None
        )
        people["pat"] = make_user(session, "pat", partner=world.northwind, state=UserState.DEACTIVATED)
        account = rows(session, Account, Account.id == world.northwind.account_id)[0]
        strangers = [people[name] for name in ("nora", "pia", "pam", "pex", "pit", "pat")]
        veil(account, *strangers, stem=STRANGER)
        for user in strangers:
            user.language, user.capacity = "en", int(DIGITS)
        named["user"] += [user.ref for user in strangers]
        named["acct"].append(account.ref)
        _lists(session, world)
        _routing(session, world)
        _import(session, world)
        _groups(session, world)
        _keys(session, world)
        _score_rules(session, world)
        _mail_text(session, world)
        _lead_form(session, world)
        _campaign(session, world)
        _aims(session, world)
        keep_lists(session, world)
        _added_fields(session, world)
        session.flush()
        count_changes(session)


def _added_fields(session: Session, world: World) -> None:
    """Fields of the vendor's own, filled in, counted, and arranged on a form."""
    ada, said = (
        world.people["ada"],
        {"help": STRANGER, "description": STRANGER, "asked_by": STRANGER, "reason": STRANGER},
    )
    choices = (f"{STRANGER} choice",)
    for object_, more in (("lead", {"visibility": "hidden"}), ("account", {"is_internal": True})):
        field = make_field(
            session, ada, object_, "choice", f"{STRANGER} field", choices=choices, first_value=choices[0],
            commits=False, **said, **more,
        )  # fmt: skip
        world.stranger["field"].append(field.ref)
    account = rows(session, Account, Account.id == world.northwind.account_id)[0]
    edit_account(session, actor_of(session, ada), account.ref, {field.name: choices[0]}, now=world.now)
    arrange_form(session, actor_of(session, ada), "account", [("main", [field.name])], now=world.now)
    count_fields(session, "account", now=world.now)


def _lists(session: Session, world: World) -> None:
    level = PartnerLevel(ref=refs.new_ref(refs.LEVEL), name="x", position=9)
    lists = [
        kind(ref=refs.new_ref(refs.ITEM), name="x", position=9)
        for kind in (RelationshipReason, CharacteristicType, InterestArea, ResponsibleRole)
    ]
    session.add_all([level, *lists])
    session.flush()
    veil(level, *lists, stem=STRANGER)
    world.northwind.level_id = level.id
    world.stranger["item"].append(level.ref)


def _routing(session: Session, world: World) -> None:
    people, named = world.people, world.stranger
    theirs = rows(session, Queue, Queue.id == world.northwind.queue_id)[0]
    inner = make_queue(session, members=(people["nora"], people["ada"]))
    turns = make_round_robin(session, members=(people["pia"], people["pam"]), fallback_queue_id=inner.id)
    veil(theirs, inner, turns, stem=STRANGER)
    world.queues |= {"theirs": theirs, "inner": inner}
    world.turns = turns
    session.flush()
    nora = actor_of(session, people["nora"])
    entry = {
        "criteria": {"field": "city", "op": "equals", "value": STRANGER},
        "target": target(turns),
        "name": "x",
    }
    rules = activate(session, nora, entry, now=world.now)
    veil(rules, *rows(session, RuleEntry), stem=STRANGER)
    raise_alerts(session, [Alert("nobody_eligible", "entry:1", {"name": STRANGER})], now=world.now)
    named["queue"] += [theirs.ref, inner.ref]
    named["rr"].append(turns.ref)
    named["rule"].append(rules.ref)
    named["mem"] += [
        m.ref for m in rows(session, QueueMember, QueueMember.queue_id.in_([theirs.id, inner.id]))
    ]
    named["mem"] += [m.ref for m in rows(session, RoundRobinMember)]
    named["alert"] += [str(alert.id) for alert in rows(session, RoutingAlert)]


def _import(session: Session, world: World) -> None:
    import_ = Import(
        ref=refs.new_ref(refs.IMPORT), filename="x", path="gone", digest="0" * 64, size_bytes=int(DIGITS),
        mapping={STRANGER: "company"}, options={"headers": [STRANGER], "samples": {STRANGER: [STRANGER]}}, state=ImportState.DONE,
        created_at=world.now, created_by_id=world.people["nora"].id, rows=2, refused=1,
    )  # fmt: skip
    session.add(import_)
    session.flush()
    session.add(
        ImportIssue(import_id=import_.id, kind="refused", line=2, reason=STRANGER, cells={STRANGER: STRANGER})
    )
    session.add(
        RememberedColumns(
            user_id=world.people["nora"].id, object="contact", headers=f"{STRANGER}{'0' * 40}"[:64],
            chosen={"mapping": {STRANGER: "last_name"}}, chosen_at=world.now,
        )
    )  # fmt: skip
    veil(import_, stem=STRANGER)
    world.stranger["imp"].append(import_.ref)


def _groups(session: Session, world: World) -> None:
    nora = actor_of(session, world.people["nora"])
    group = create_group(
        session, nora, name=STRANGER, members=[{"type": "internal_role", "id": "sales"}], now=world.now
    )
    written = {
        "object": "account", "kind": "criteria", "share_with": {"type": "group", "id": group.ref}, "level": "read",
        "criteria": {"field": "name", "op": "contains", "value": STEM[:4]},
    }  # fmt: skip
    rule = create_rule(session, nora, read_rule(session, written), now=world.now)
    veil(group, rule, stem=STRANGER)
    world.stranger["group"].append(group.ref)
    world.stranger["srule"].append(rule.ref)
    world.stranger["mem"] += [member.ref for member in rows(session, GroupMember)]


def _score_rules(session: Session, world: World) -> None:
    line = {"name": STRANGER, "points": 5, "criteria": {"field": "city", "op": "equals", "value": STRANGER}}
    given = {"name": STRANGER, "threshold": 5, "lines": [line]}
    scores = create_scores(session, actor_of(session, world.people["ada"]), given, now=world.now)
    world.stranger["score"].append(scores.ref)


def _mail_text(session: Session, world: World) -> None:
    ada = actor_of(session, world.people["ada"])
    template = create_template(session, ada, name=STRANGER, now=world.now)
    save_text(session, ada, template.ref, "en", subject=STRANGER, body=STRANGER, number=0, now=world.now)
    world.stranger["tmpl"].append(template.ref)


def _aims(session: Session, world: World) -> None:
    """What the rival's rival aims at, and a report that one of its people has mailed."""
    mara, northwind = actor_of(session, world.people["mara"]), world.northwind
    account = rows(session, Account, Account.id == northwind.account_id)[0]
    given = {"period": "quarter:2026-10-01", "converted": DIGITS, "amount": DIGITS, "currency": "EUR"}
    aim = set_target(session, mara, account.ref, given, now=world.now)
    mailed = ReportSubscription(
        ref=refs.new_ref(refs.SUBSCRIPTION), user_id=world.people["pia"].id, report=STRANGER, query=STRANGER,
        weekday=0, next_at=world.now, created_at=world.now,
    )  # fmt: skip
    kept = Upkeep(name=STRANGER, at=world.now, is_well=False, note=STRANGER)
    session.add_all([mailed, WorkerSign(id=1, at=world.now), kept])
    session.flush()
    world.stranger["target"].append(aim.ref)
    world.stranger["sub"].append(mailed.ref)


def _campaign(session: Session, world: World) -> None:
    """A campaign of the vendor's, and one whom it reached."""
    mara = actor_of(session, world.people["mara"])
    given = {"name": "x", "description": "x", "actual_cost": 1, "currency": "EUR"}
    campaign = create_campaign(session, mara, given, now=world.now)
    lead = rows(session, Lead, Lead.ref.in_(world.veiled["lead"]))[:1]
    reached = lead or [make_lead(session, owner=world.people["nora"])]
    member, _is_new = add_member(session, mara, campaign.ref, reached[0].ref, now=world.now)
    veil(campaign, member, stem=STRANGER)
    session.flush()
    world.stranger["camp"].append(campaign.ref)
    world.stranger["mem"].append(member.ref)


def _lead_form(session: Session, world: World) -> None:
    """A web form, and what waits in its quarantine."""
    given = {"name": "x", "heading": "x", "thank_you_url": "https://x.example", "thank_you_text": "x"}
    fields = [{"name": "email", "label": STRANGER}]
    mara = actor_of(session, world.people["mara"])
    form = create_lead_form(session, mara, {**given, "fields": fields}, now=world.now)
    typed = {"email": f"spam@{STRANGER}.example"}
    post = read_post(session, asked_by(session, form), typed, Cause.TRAP)
    take_post(session, form, post, now=world.now)
    veil(form, stem=STRANGER)
    session.flush()
    world.stranger["form"].append(form.ref)
    world.stranger["post"] += [each.ref for each in rows(session, LeadFormPost)]


def _keys(session: Session, world: World) -> None:
    """What Northwind's people sign in with."""
    session.add(
        Erasure(at=world.now, by_id=world.people["ada"].id, reason=f"{STRANGER} asked", records=[], counts={})
    )
    pia, now = world.people["pia"], world.now
    soon = now + HOUR
    renew_address(session, actor_of(session, pia), pia, now=now)
    kept = ApiToken(
        ref=refs.new_ref(refs.TOKEN), user_id=pia.id, label=f"{STRANGER} token", prefix="canal_x", token_hash=digest("x"),
        created_at=now,
    )  # fmt: skip
    opened = UserSession(
        ref=refs.new_ref(refs.SESSION), token_hash=digest(STRANGER), user_id=pia.id, created_at=now, last_seen_at=now,
        expires_at=soon, address="192.0.2.77", user_agent=f"{STRANGER} browser",
    )  # fmt: skip
    session.add_all(
        [
            opened,
            OneTimeLink(
                user_id=pia.id,
                purpose=LinkPurpose.RESET,
                nonce=STRANGER,
                token_hash=digest(f"{STRANGER} link"),
                created_at=now,
                expires_at=soon,
            ),
            RecoveryCode(user_id=pia.id, code_hash=digest(f"{STRANGER} code"), created_at=now),
            SentForm(
                user_id=pia.id,
                digest=digest(f"{STRANGER} form"),
                created_at=now,
                location=f"/leads?q={STRANGER}",
            ),
            SignInStep(
                token_hash=digest(f"{STRANGER} step"), user_id=pia.id, created_at=now, expires_at=soon
            ),
            kept,
        ]
    )
    session.flush()
    session.add(
            IdempotencyKey(
                token_id=kept.id, key="seen before", body_hash=digest("x"), created_at=now, status=200,
                content_type="application/json", body=f'"{STRANGER}"'.encode(),
            )
    )  # fmt: skip
    session.flush()
    world.stranger["tok"].append(kept.ref)
    world.stranger["ses"].append(opened.ref)
