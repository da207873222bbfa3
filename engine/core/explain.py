"""Why a conversation is where it is, in plain sentences made from its decision.

The trace of single conditions belongs to the rules package; this is the summary a reader starts from: which rule
put it there, what could not be known and why, and what could not be done.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine.core.decision import Decision
from engine.core.facts import JsonValue, Reason
from engine.core.outcome import AppliedEffect, Outcome
from engine.core.slots import SINGLE_SLOTS, attribute_slot, tag_slot

UPPER_CASE = {"mrr": "MRR", "arr": "ARR", "ltv": "LTV"}

REASONS: Mapping[Reason, str] = {
    Reason.NOT_CONNECTED: "Stripe is not connected",
    Reason.NO_CUSTOMER: "no Stripe customer",
    Reason.AMBIGUOUS: "several Stripe customers fit this sender",
    Reason.NOT_SYNCED: "not yet synced from Stripe",
    Reason.NO_RATE: "no exchange rate",
    Reason.NOT_APPLICABLE: "there is none",
    Reason.UNSUPPORTED: "Ochre does not derive it yet",
    Reason.STALE: "the Stripe connection is inactive",
}

STILL_LOOKING = "The sender was still being looked up in Stripe; the conversation is decided anew when that is done."

SENTENCES = 5
"""How many sentences of one kind are written out before the rest is only counted."""


class Kind(StrEnum):
    """What a line of the explanation is about."""

    NO_RULES = "no_rules"
    MATCHED = "matched"
    FALLBACK = "fallback"
    NOTHING = "nothing"
    STOPPED = "stopped"
    FAILED = "failed"
    KEPT = "kept"
    PENDING = "pending"
    UNKNOWN = "unknown"
    ERROR = "error"
    SHADOW = "shadow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """One line of the explanation."""

    kind: Kind
    text: str
    rule: str | None = None
    facts: tuple[str, ...] = ()
    """The facts without value, for a rule that could not be judged."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the line as the panel shows it."""
        return {"kind": self.kind.value, "text": self.text, "rule": self.rule, "facts": list(self.facts)}


def why(
    decision: Decision,
    reasons: Mapping[str, str],
    effects: Sequence[AppliedEffect] = (),
    *,
    ruleset_version: int,
    match_pending: bool = False,
) -> tuple[Why, ...]:
    """Return why the decision came out as it did, the most telling first; `reasons` are those of its facts.

    `match_pending` says that the sender's look-up in Stripe was still going on.
    """
    if ruleset_version == 0:
        return (Why(kind=Kind.NO_RULES, text="No rules have been published yet, so nothing was decided."),)
    return (
        *_matched(decision),
        *_fallback(decision),
        *_stopped(decision),
        *_troubles(effects),
        *([Why(kind=Kind.PENDING, text=STILL_LOOKING)] if match_pending else []),
        *_unknown(decision, reasons),
        *(
            Why(kind=Kind.ERROR, rule=error.rule, text=f"“{error.rule}” could not be judged: {error.message}.")
            for error in decision.errors
        ),
        *(
            Why(kind=Kind.SHADOW, rule=rule, text=f"“{rule}” matched too, but only runs in shadow.")
            for rule in decision.shadow
        ),
    )


def sentences(lines: Sequence[Why]) -> tuple[str, ...]:
    """Return the explanation as text; of each kind the first few, and how many more there are."""
    written: list[str] = []
    for kind in Kind:
        of_kind = [line for line in lines if line.kind is kind]
        written.extend(line.text for line in of_kind[:SENTENCES])
        more = len(of_kind) - SENTENCES
        if more > 0:
            written.append(f"And {more} more {'is' if more == 1 else 'are'} like this ({kind.value}).")
    return tuple(written)


def unknown_in_words(fact: str, reasons: Mapping[str, str]) -> str:
    """Return why a fact has no value, such as `MRR is unknown: no Stripe customer`."""
    reason = reasons.get(fact)
    why_not = "no value was given" if reason is None else REASONS[Reason(reason)]
    return f"{label(fact)} is unknown: {why_not}"


def label(fact: str) -> str:
    """Return a fact's name as a person says it: `MRR`, `trial days left`."""
    return UPPER_CASE.get(fact, fact.replace("_", " "))


def _matched(decision: Decision) -> Iterator[Why]:
    for rule in decision.matched:
        did = _deeds(decision, rule)
        text = f"“{rule}” matched and {did}." if did else f"“{rule}” matched, without deciding anything alone."
        yield Why(kind=Kind.MATCHED, rule=rule, text=text)


def _fallback(decision: Decision) -> Iterator[Why]:
    if decision.fallback:
        did = _deeds(decision, None) or "left its note"
        lead = "No rule matched" if not decision.matched else "No matching rule decided this"
        yield Why(kind=Kind.FALLBACK, text=f"{lead}, so the fallback {did}.")
    elif not decision.matched:
        yield Why(kind=Kind.NOTHING, text="No rule matched, so nothing was changed.")


def _stopped(decision: Decision) -> Iterator[Why]:
    if decision.stopped_by is not None:
        text = f"“{decision.stopped_by}” ended the check; rules below it were not asked."
        yield Why(kind=Kind.STOPPED, rule=decision.stopped_by, text=text)


def _troubles(effects: Sequence[AppliedEffect]) -> Iterator[Why]:
    for effect in effects:
        if effect.message is not None and effect.outcome is not Outcome.APPLIED:
            kind = Kind.KEPT if effect.outcome is Outcome.KEPT else Kind.FAILED
            yield Why(kind=kind, text=f"{_asked(effect)}: {effect.message}")


def _unknown(decision: Decision, reasons: Mapping[str, str]) -> Iterator[Why]:
    erring = {error.rule for error in decision.errors}
    for rule, facts in decision.unknown.items():
        if facts:
            causes = ", ".join(unknown_in_words(fact, reasons) for fact in facts)
            text = f"“{rule}” could not be judged: {causes}."
            yield Why(kind=Kind.UNKNOWN, rule=rule, facts=facts, text=text)
        elif rule not in erring:
            yield Why(kind=Kind.UNKNOWN, rule=rule, text=f"“{rule}” could not be judged.")


def _deeds(decision: Decision, rule: str | None) -> str:
    """Return what a rule, or the fallback for None, has decided, as the end of a sentence."""
    actions = decision.actions
    phrases = {
        "assign_agent": f"assigned it to {actions.assign_agent}",
        "assign_team": f"assigned it to team {actions.assign_team}",
        "route_to": f"put it into queue {actions.route_to}",
        "priority": f"set its priority to {actions.priority}",
    }
    done = [phrases[slot] for slot in SINGLE_SLOTS if _owns(decision, slot, rule)]
    added = [tag for tag in actions.add_tags if _owns(decision, tag_slot(tag), rule)]
    removed = [tag for tag in actions.remove_tags if _owns(decision, tag_slot(tag), rule)]
    attributes = [key for key in actions.set_attributes if _owns(decision, attribute_slot(key), rule)]
    if added:
        done.append(f"added {_listed('tag', added)}")
    if removed:
        done.append(f"removed {_listed('tag', removed)}")
    if attributes:
        done.append(f"set {_listed('attribute', attributes)}")
    return " and ".join(filter(None, [", ".join(done[:-1]), *done[-1:]]))


def _owns(decision: Decision, slot: str, rule: str | None) -> bool:
    owner = decision.owners.get(slot)
    return owner is not None and owner.rule == rule


def _listed(noun: str, names: Sequence[str]) -> str:
    return f"{noun}{'' if len(names) == 1 else 's'} {', '.join(names)}"


def _asked(effect: AppliedEffect) -> str:
    verbs = {
        "assign_agent": "Assigning it to",
        "assign_team": "Assigning it to team",
        "route_to": "Putting it into queue",
        "priority": "Setting its priority to",
        "add_tag": "Adding tag",
        "remove_tag": "Removing tag",
        "set_attribute": "Setting attribute",
        "note": "Leaving the note",
        "webhook": "Calling",
    }
    return f"{verbs[effect.action]} {str(effect.value)[:100]} was not done"
