"""Saying a trace in words: why a lead went where it went.  Pure; steps are made in `steps`.

Traces are the vendor's own: whoever shows one asks first whether the reader is of the vendor.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from babel.dates import format_timedelta
from babel.numbers import format_decimal
from flask_babel import get_locale
from flask_babel import gettext as _

from app.fields.catalogue import catalogue
from app.fields.criteria_words import shows_values
from app.kernel.db import db
from app.leads.fields import FIELDS
from app.routing.criteria import Criteria
from app.routing.criteria_words import describe
from app.routing.reasons import reason_words

CANNOT_EVALUATE = "cannot_evaluate"
NOT_ELIGIBLE = "not_eligible"
NOBODY_ELIGIBLE = "nobody_eligible"
TOO_MANY_HOPS = "too_many_hops"

# Rule set and position of an entry → its criteria; None when they are not known any more.
CriteriaOf = Callable[[int, int], Criteria | None]


def explain(
    trace: Iterable[Mapping[str, Any]], criteria_of: CriteriaOf = lambda _rules, _position: None
) -> list[str]:
    """The trace as sentences, in the order in which things happened; empty for an empty trace.

    criteria_of: `trace_queries.criteria_of` reads them from the database.
    """
    sentences: list[str] = []
    for step in trace:
        words = _WORDS.get(step.get("step", ""))
        if words is not None:
            sentences.extend(words(step, criteria_of))
    return sentences


def criteria_sentence(criteria: Criteria) -> str:
    """Criteria in the reader's language, without a full stop: "Country is Spain and Industry is …"."""
    own = catalogue(db.session()).all("lead")
    known: dict[str, Any] = {**FIELDS, **own}
    labels = {name: str(field.label) for name, field in known.items()}
    return describe(criteria, labels, _, language=_language(), show=shows_values(own, _, _language()))


def minutes_words(minutes: int) -> str:
    """ "24 hours", "90 minutes", "3 days": whole units only."""
    for size in (1440, 60):
        if minutes % size == 0 and minutes > size:
            return format_timedelta(
                timedelta(minutes=minutes),
                granularity="day" if size == 1440 else "hour",
                threshold=10_000,
                locale=_language(),
            )
    return format_timedelta(
        timedelta(minutes=minutes), granularity="minute", threshold=10_000, locale=_language()
    )


def alert_words(kind: str, detail: Mapping[str, Any]) -> str:
    """What an alert says."""
    name, entry = detail.get("name", ""), detail.get("entry", "")
    match kind:
        case "cannot_evaluate":
            return _(
                "Rule %(entry)s of version %(number)s cannot be evaluated and is skipped: %(reason)s.",
                entry=entry,
                number=detail.get("rules", ""),
                reason=detail.get("reason", ""),
            )
        case "not_eligible":
            reason = detail.get("reason") or [""]
            return _(
                "Rule %(entry)s could not give to %(name)s: %(reason)s.",
                entry=entry,
                name=name or _("its target"),
                reason=reason_words(reason[0], reason[1] if len(reason) > 1 else None),
            )
        case "nobody_eligible":
            return _("Nobody in the round robin “%(name)s” could take a turn.", name=name)
        case "field_gone":
            return _(
                "The sharing rule “%(name)s” gives nothing any more: it compares the field “%(field)s”, which is not in use.",
                name=name,
                field=detail.get("field", ""),
            )
        case "score_line":
            return score_trouble(name, detail.get("number", ""), detail.get("reason", ""))
        case "too_many_hops":
            return _(
                "An offer went round %(number)s times and nobody took it.", number=detail.get("hops", "")
            )
    return kind


def _language() -> str:
    return str(get_locale() or "en")


def _share(value: float) -> str:
    return format_decimal(value, format="#,##0.0", locale=_language())


def _rules(step: Mapping[str, Any], criteria_of: CriteriaOf) -> list[str]:
    said = [
        _("Rule %(position)s could not be evaluated and was skipped.", position=position)
        for position, _reason in step.get("skipped", ())
    ]
    position = step["entry"]
    if position is None:
        said.append(_("No rule of version %(number)s matched.", number=step["number"]))
        return said
    criteria = criteria_of(step["rules"], position)
    said.append(_matched(position, step.get("name", ""), criteria))
    return said


def _matched(position: int, name: str, criteria: Criteria | None) -> str:
    condition = ""
    if criteria is not None:
        condition = _("it takes everything") if criteria.matches_everything else criteria_sentence(criteria)
    if name and condition:
        return _(
            "Rule %(position)s “%(name)s” matched: %(condition)s.",
            position=position,
            name=name,
            condition=condition,
        )
    if condition:
        return _("Rule %(position)s matched: %(condition)s.", position=position, condition=condition)
    if name:
        return _("Rule %(position)s “%(name)s” matched.", position=position, name=name)
    return _("Rule %(position)s matched.", position=position)


def _target(step: Mapping[str, Any], _criteria_of: CriteriaOf) -> list[str]:
    match step["kind"]:
        case "queue":
            return [_("It sends to the queue %(name)s.", name=step["name"])]
        case "partner_account":
            return [_("It sends to the partner %(name)s, whose people share it.", name=step["name"])]
    return [_("It gives to %(name)s.", name=step["name"])]


def _not_eligible(step: Mapping[str, Any], _criteria_of: CriteriaOf) -> list[str]:
    name = step["name"] or _("Its target")
    return [_("%(name)s could not be given it: %(reason)s.", name=name, reason=_reason(step["reason"]))]


def _turn(step: Mapping[str, Any], _criteria_of: CriteriaOf) -> list[str]:
    said = _(
        "Round robin “%(round_robin)s”: the turn of %(name)s (%(count)s of %(turns)s turns, exact share %(share)s).",
        round_robin=step["name"],
        name=step["to"],
        count=step["count"],
        turns=step["turns"],
        share=_share(step["share"]),
    )
    return [said, *_passed(step["passed"])]


def _nobody(step: Mapping[str, Any], _criteria_of: CriteriaOf) -> list[str]:
    said = _("Round robin “%(round_robin)s”: nobody could take a turn.", round_robin=step["name"])
    return [said, *_passed(step["passed"])]


def _passed(passed: Sequence[Sequence[Any]]) -> list[str]:
    if not passed:
        return []
    names = [
        _("%(name)s (%(reason)s)", name=name, reason=_reason(reason)) for _member, name, *reason in passed
    ]
    return [_("Passed over: %(names)s.", names=", ".join(names))]


def _reason(reason: Sequence[Any]) -> str:
    return reason_words(reason[0], reason[1] if len(reason) > 1 else None)


def _fallback(step: Mapping[str, Any], _criteria_of: CriteriaOf) -> list[str]:
    match step["of"]:
        case "entry":
            return [_("It went to the rule's fallback queue, %(queue)s.", queue=step["name"])]
        case "round_robin":
            return [_("It went to the round robin's fallback queue, %(queue)s.", queue=step["name"])]
        case "origin":
            return [_("It went back to the queue it came from, %(queue)s.", queue=step["name"])]
    return [_("It went to the default queue, %(queue)s.", queue=step["name"])]


def _offer(step: Mapping[str, Any], _criteria_of: CriteriaOf) -> list[str]:
    return [_("It was offered, to be accepted within %(time)s.", time=minutes_words(step["minutes"]))]


def _went_on(step: Mapping[str, Any], _criteria_of: CriteriaOf) -> list[str]:
    if step["cause"] == "expiry":
        return [_("The offer before was not accepted in time.")]
    return [_("The offer before was declined.")]


def _simple(say: Callable[[Mapping[str, Any]], str]) -> Callable[[Mapping[str, Any], CriteriaOf], list[str]]:
    return lambda step, _criteria_of: [say(step)]


_WORDS: dict[str, Callable[[Mapping[str, Any], CriteriaOf], list[str]]] = {
    "no_rules": _simple(lambda _step: _("No assignment rules were active.")),
    "rules": _rules,
    "target": _target,
    "not_eligible": _not_eligible,
    "turn": _turn,
    "nobody": _nobody,
    "fallback": _fallback,
    "offer": _offer,
    "went_on": _went_on,
    "recycled": _simple(lambda _step: _("Nothing was done on it in time.")),
    "no_more_hops": _simple(
        lambda step: _("It had been offered %(number)s times and was not offered again.", number=step["hops"])
    ),
    "turn_given_back": _simple(lambda _step: _("The turn was given back.")),
    "over_capacity": _simple(
        lambda step: _(
            "The capacity was exceeded on purpose: %(open)s of %(capacity)s were open.",
            open=step["open"],
            capacity=step["capacity"],
        )
    ),
    "despite_refusal": _simple(
        lambda step: _(
            "%(company)s had refused it before; it was given there on purpose.", company=step["company"]
        )
    ),
    "undone": _simple(lambda _step: _("A change of many at once was undone.")),
}


def score_trouble(name: str, number: Any, reason: str) -> str:
    """Why a line of the score rules gives nothing."""
    match reason:
        case "divides_by_zero":
            return _(
                "The score rule “%(name)s” of version %(number)s divides by zero and gives nothing.",
                name=name,
                number=number,
            )
        case "not_understood":
            return _(
                "The score rule “%(name)s” of version %(number)s names a field that is not in use and gives nothing.",
                name=name,
                number=number,
            )
    return _(
        "The score rule “%(name)s” of version %(number)s cannot be evaluated and gives nothing.",
        name=name,
        number=number,
    )
