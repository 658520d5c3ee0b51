"""Who sees everything: each named part of Canal that reads or writes past everybody's scope, with the reason.

A new one fails here until it has a line below.  Think before you write it: what it reads must not reach
somebody who may not see it, neither as a word nor as a difference.
"""

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

from app.settings import ROOT

# name of the actor → (rooms in which it is made, why it must see everything)
SYSTEM_ACTORS: dict[str, tuple[set[str], str]] = {
    # Names beside what the reader may see already: of the company of a person, a member, a target
    "company names": ({"identity"}, "people are listed with their company; who lists people is asked before"),
    "companies of those told": ({"notifications"}, "who was told of a lead is shown with the company"),
    "names in pickers": ({"routing"}, "who may assign chooses among the companies that can take something"),
    "names of members": ({"routing"}, "members of queues and round robins may be whole companies"),
    "names of members over the API": ({"api"}, "as on the pages of queues and round robins"),
    "names of queue members": ({"routing"}, "the page of a queue names who belongs to it"),
    "names of rule targets": ({"routing"}, "assignment rules name whom they give to"),
    "assignment targets": ({"routing"}, "a company is named in a request by its public name"),
    "import targets": ({"intake"}, "the page of an import names the owners that its file gives"),
    "owner names": ({"leads"}, "a lead is listed with its owner's company; the leads are scoped themselves"),
    "names of causes": ({"sharing"}, "the panel of who sees a record names companies to those who may ask"),
    "accounts in causes": ({"sharing"}, "an account through which somebody sees a record is told to nobody who does not see it; partners have a name"),
    "names of principals": ({"sharing"}, "rules and groups may be for companies"),
    "names to share with": ({"sharing"}, "who writes sharing rules chooses among all companies"),
    "companies in previews": ({"api"}, "a preview of consequences names companies that gain or lose"),
    "companies that rules reach": ({"sharing"}, "before partners are let in, it is said which would see what"),
    "partners of a level": ({"partners"}, "the refusal to remove a level names the partners that have it"),
    "names of owners": ({"activities"}, "whoever reads a lead knows the partner that works on it; partners their own"),
    "who looks after a partner": ({"partners"}, "a partner's people are told their own channel manager"),
    "invitation mail": ({"notifications"}, "the mail names the company that somebody is invited into: their own"),
    "names of parties": ({"cases", "opportunities"}, "an event keeps the public names of a record's contact and account, whoever may see these"),
    "own company": ({"opportunities"}, "partner people read the name of their own company"),
    "results of conversions": ({"conversion"}, "whoever converted a lead is answered with what it became; a page shows what its reader sees"),
    "undoing conversions": ({"conversion"}, "whether something was added to what a lead became, whoever sees that"),
    "documents follow their lead": ({"documents"}, "documents of a lead go along, whoever sees each of them"),
    "words of documents follow who holds the record": ({"documents"}, "which partner holds the record of a document, whoever sees either; it says where to look, nobody is told"),
    "needs that became opportunities": ({"opportunities"}, "a need becomes one opportunity, whoever sees that"),
    "campaigns": ({"campaigns"}, "a campaign is renamed on all that came by it, and not deleted while anything did, whoever sees that"),
    "erasing a person": ({"care"}, "what is erased is erased everywhere, whoever sees the records that it stands in; nobody is shown them"),
    "what is held about a person": ({"care"}, "administrators alone give out what is held about a person, who has a right to all of it"),
    "events of records": ({"events"}, "the log finds a record's key by its public name; `visibility` decides"),
    # What decides: the state of the whole, of which nothing is told
    "identity": ({"identity"}, "whether somebody's company lets them in, read with every request"),
    "eligibility": ({"routing"}, "whether somebody can be given a lead depends on their company's state"),
    "capacity": ({"leads"}, "all open leads of a person and of a company count"),
    "duplicates": ({"leads"}, "all that is alike is stored with the lead; what one may not see is not shown"),
    "comparing": ({"care"}, "pairs are found among all records; they are shown to whoever may read both"),
    "telling of duplicates": ({"care"}, "the owner of a record is told of what others make again without seeing it"),
    "external ids": ({"intake"}, "no two leads have the same, whoever sees them; imports update by it"),
    "case numbers": ({"cases"}, "no two cases have the same number, whoever sees them"),
    "external ids of leads": ({"leads"}, "no two leads have the same, whoever sees them"),
    "open work on accounts": ({"accounts"}, "an account with open work is not deleted; only what one sees is counted"),
    "reporting lines": ({"accounts"}, "changed lines are told by public names; the reader's scope decides on these"),
    "trees of records": ({"accounts"}, "no account stands below itself, no contact reports to itself, through whatever"),
    "kinds of accounts": ({"accounts"}, "what has contacts or accounts below does not become a person, whoever sees these"),
    "queue in use": ({"routing"}, "a queue is not deleted while something waits in it"),
    "own scorecard": ({"scorecards"}, "a partner's people, who see no accounts, are told the name of their own"),
    "recycling": ({"routing"}, "leads that nobody touched go back, whoever sees them; who took them and their manager are told"),
    "score rules": ({"scores"}, "the score of every lead is made by the rules; it is told with the lead alone"),
    "statuses that go": ({"leads"}, "leads of a status that is removed go to another, whoever sees them; how many is told to administrators"),
    "registries": ({"cases", "leads", "opportunities"}, "a status or source is not removed while a lead or a case has it"),
    "explain": ({"sharing"}, "computes which reasons give a record to somebody; asked by those who may"),
    "search entries": ({"search"}, "what leads are found by follows what an import changed; every question joins the record under its scope"),
    "keys": ({"sharing"}, "the highest key of a table, for the next one to be new"),
    "sharing rules": ({"sharing"}, "what a rule gives is computed for records that nobody in particular may see"),
    "report counts": ({"reports"}, "every lead is counted; the counts are read by those who see all leads alone"),
    "leads of a partner's people": ({"reports"}, "which of their own are just offered, so that these are looked at in their scope"),
    "names in reports": ({"reports"}, "a partner is named beside the number of its leads; the leads are scoped themselves"),
    "use of fields": ({"fields"}, "how many records hold something in a field is told to administrators"),
    "columns of fields": ({"fields"}, "what a field holds is put into the column that it is indexed in"),
    # What follows from an act that was allowed
    "lists": ({"lists"}, "an export or a change of many ends whose asker may act no more; it reads no record"),
    "removing deleted records": ({"care"}, "the worker removes what was deleted a month ago; nothing of it is told"),
    "removing documents": ({"documents"}, "the worker removes what was deleted a month ago; nothing of it is told"),
    "restoring documents": ({"documents"}, "whoever deleted one brings it back; its record is looked for under their scope"),
    "last activities": ({"activities"}, "a call on a contact is the last activity of its account too, whoever changes that"),
    "claim": ({"leads"}, "the winner is told by the row; what is claimed is scoped for the claimer first"),
    "placement": ({"leads"}, "a lead goes on to somebody whom the actor need not see"),
    "answers to offers": ({"routing"}, "a declined lead goes on to others"),
    "expiry of offers": ({"routing"}, "the worker ends what nobody answered"),
    "undo of a change of many": ({"lists"}, "who gave records away gets them back although they have left their sight"),
    "undo of a bulk act": ({"routing"}, "one's own act is undone although the leads have left one's sight"),
    "role change": ({"identity"}, "the rank is written beside all leads of the person"),
    "leaving": ({"cases", "offboarding", "opportunities"}, "all that a leaver has goes on, whoever sees it; numbers are told to those who may"),
    "invitations": ({"partners"}, "a partner's leader, who sees no account, invites into their own"),
    "merging": ({"care"}, "what hangs on a merged record goes along, whoever sees each; both records are scoped first"),
    "finish a merge": ({"care"}, "what somebody decided who might is done later by the worker, whatever became of them"),
    "follow merges": ({"care"}, "a merged record leads to its survivor; both are asked of the reader's scope before"),
    "contacts follow their account": ({"accounts"}, "deleting or moving an account takes its contacts along"),
    "restore accounts": ({"accounts"}, "deleted ones are in nobody's scope; their owner or an administrator is asked for"),
    "restore contacts": ({"accounts"}, "deleted ones are in nobody's scope; their owner or an administrator is asked for"),
    "shares that end": ({"sharing"}, "the worker writes the end of a share into the record's history"),
    "shares that are narrowed": ({"sharing"}, "letting partners in narrows shares of records of anybody"),
    # Nobody is signed in
    "web form": ({"capture"}, "a stranger's lead is compared with all there are and goes where the rules send it; nothing is told"),
    "sign-in": ({"identity"}, "records failed sign-ins of strangers; reads nothing"),
    "forgotten password": ({"identity"}, "records that a link was asked for; reads nothing"),
    "import": ({"intake"}, "an import that a command began has no person"),
    "outbox command": ({"notifications"}, "an operator holds and releases mail"),
    "command": ({"identity", "setup"}, "an operator at the machine"),
    "demo company": ({"demo"}, "writes an installation that is nobody's yet"),
}  # fmt: skip


@cache
def _modules() -> list[tuple[Path, ast.Module]]:
    paths = sorted((ROOT / "app").rglob("*.py"))
    return [(path.relative_to(ROOT / "app"), ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


@cache
def _calls() -> list[tuple[Path, ast.Call]]:
    return [
        (path, node) for path, tree in _modules() for node in ast.walk(tree) if isinstance(node, ast.Call)
    ]


def _last_name(call: ast.Call) -> str:
    """`c` of a call of `a.b.c(…)`; empty where what is called has no name."""
    return getattr(call.func, "attr", "") or getattr(call.func, "id", "")


def test_every_system_actor_is_known_with_its_reason():
    found: dict[str, set[str]] = defaultdict(set)
    nameless = []
    for path, call in _calls():
        if _last_name(call) == "system" and ast.unparse(call.func).endswith("Actor.system"):
            name = call.args[0] if call.args else None
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                found[name.value].add(path.parts[0])
            else:
                nameless.append(f"{path}:{call.lineno}")
        elif path.as_posix() != "kernel/actor.py" and any(k.arg == "system_name" for k in call.keywords):
            nameless.append(f"{path}:{call.lineno}")
    assert nameless == [], "a system actor is made by `Actor.system` with its name written out"
    assert dict(found) == {name: rooms for name, (rooms, _why) in SYSTEM_ACTORS.items()}
    assert all(why for _rooms, why in SYSTEM_ACTORS.values())


# Where statements pass the session by, and with it the guard, with the reason
PAST_THE_GUARD = {
    "care/sweeping.py": "replaces what is erased in every table there is, under a scope of its own",
    "factory.py": "hands the engine to `prepare_engine`",
    "kernel/bulk.py": "inserts rows; an insert shows nothing",
    "kernel/db.py": "opens a session beside the one at hand, which is guarded as well",
    "kernel/engines.py": "begins transactions",
    "reports/counting.py": "takes away counts that are empty; none names a record",
    "routing/turns.py": "locks and rewrites a round robin's state",
    "serve.py": "lets go of connections before other processes begin",
    "sharing/building.py": "locks, and writes many grants at once",
    "sharing/granting.py": "writes many grants at once",
    "web/health.py": "asks whether the database answers",
    "web/refusals.py": "records a refusal in a transaction of its own",
}
_RAW = re.compile(
    r"\.connection\(\)|exec_driver_sql|raw_connection|(?<![.\w])(?:db|session)\.engine|\.bulk_\w+_mappings|get_bind\(\)"
)


def test_every_statement_that_passes_the_guard_by_is_known_with_its_reason():
    found = {
        path.as_posix()
        for path, _tree in _modules()
        if _RAW.search((ROOT / "app" / path).read_text(encoding="utf-8"))
    }
    assert found == set(PAST_THE_GUARD)


# Outside of the room of sharing: lists and counts that merge what `branches` gives, rule by rule
MARKING = {
    "activities/turns.py",
    "documents/filters.py",
    "inbox/queries.py",
    "lists/simple.py",
    "reports/owned.py",
    "routing/claims.py",
    "search/finding.py",
    "web/frame.py",
}


def test_only_what_merges_the_rules_of_sharing_marks_conditions_as_scoped():
    """`scoped` marks any condition: it is for those who have it from `branches`."""
    found = {
        path.as_posix()
        for path, call in _calls()
        if path.parts[0] != "sharing" and _last_name(call) in ("scoped", "Scoped")
    }
    assert found == MARKING
