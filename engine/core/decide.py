"""Decide: a ruleset and facts in, a decision out. Pure; never raises for anything a user wrote.

All conditions see the facts as they were before the first rule; no action changes what a later rule sees.

A ruleset with a matcher has all its rules judged at once, one without asks them one by one; the decision is the same.
What the matcher found unknown is a set of bits until somebody reads it.
"""

import hashlib
from collections.abc import ItemsView, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from typing_extensions import override

from engine.core.actions import Actions
from engine.core.decision import Decision, Owner, RuleError
from engine.core.facts import Facts
from engine.core.ruleset import CompiledRule, EvaluationError, Mode, Reached, Ruleset, Trigger, Verdict
from engine.core.slots import Claim, settle, usable_fallback

EVERYBODY = 100
"""The canary that needs no bucket, and the number of buckets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One rule that was reached, with its verdict and whether it acts."""

    place: int
    """Which rule of the ruleset it is."""
    rule: CompiledRule
    verdict: Verdict
    is_live: bool

    @property
    def stops(self) -> bool:
        """Return whether the check ends here."""
        return self.is_live and self.rule.stop and self.verdict.result is True


def decide(
    ruleset: Ruleset, facts: Facts, *, now: datetime, on: str = "created", conversation_id: str | None = None
) -> Decision:
    """Return what `ruleset` decides about `facts` at `now`.

    `on` is the trigger; the fallback applies to `created` only. `conversation_id` places the conversation in its
    canary bucket; without one a rule with a canary below 100 counts as shadow.
    """
    # Step 1: ask the rules from top to bottom until a live one stops.
    bucket = None if conversation_id is None else canary_bucket(conversation_id)
    if ruleset.matcher is None:
        reached: Reached = _OneByOne(tuple(judge(ruleset, facts, now=now, on=on, conversation_id=conversation_id)))
    else:
        reached = ruleset.matcher.reach(facts, now, on, bucket)
    rules = ruleset.rules
    matched = [rules[place] for place in reached.matched]

    # Step 2: every matching live rule claims its slots.
    claims = [Claim(owner=Owner(rule=rule.name, override=rule.override), actions=rule.actions) for rule in matched]
    settled = settle(claims)

    # Step 3: on a new conversation the fallback fills what is its to fill.
    rest = usable_fallback(ruleset.fallback, settled.actions) if on == Trigger.CREATED else Actions()
    if not rest.is_empty:
        settled = settle([*claims, Claim(owner=Owner(rule=None), actions=rest)])

    # Step 4: say what could not be known.
    return Decision(
        matched=tuple([rule.name for rule in matched]),
        unknown=UnknownRules(rules, reached),
        errors=tuple(
            [
                RuleError(rule=rules[place].name, code=error.code, message=error.message)
                for place, error in reached.errors()
            ]
        ),
        stopped_by=None if reached.stopped_by is None else rules[reached.stopped_by].name,
        fallback=not rest.is_empty,
        shadow=tuple([rules[place].name for place in reached.shadow]),
        actions=settled.actions,
        owners=settled.owners,
    )


class UnknownRules(Mapping[str, tuple[str, ...]]):
    """The unknown rules of a decision, each with the facts that had no value; worked out when first read."""

    __slots__ = ("_found", "_reached", "_rules")

    def __init__(self, rules: Sequence[CompiledRule], reached: Reached) -> None:
        self._rules = rules
        self._reached = reached
        self._found: dict[str, tuple[str, ...]] | None = None

    @override
    def __getitem__(self, name: str) -> tuple[str, ...]:
        return self._read()[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    @override
    def __len__(self) -> int:
        return self._reached.unknown_count

    @override
    def items(self) -> ItemsView[str, tuple[str, ...]]:
        return self._read().items()

    @override
    def __repr__(self) -> str:
        return repr(self._read())

    def _read(self) -> dict[str, tuple[str, ...]]:
        if self._found is None:
            self._found = {self._rules[place].name: facts for place, facts in self._reached.missing()}
        return self._found


@dataclass(frozen=True, slots=True)
class _OneByOne:
    """What came of rules that were judged one by one; satisfies `Reached`."""

    judged: Sequence[Judged]

    @property
    def matched(self) -> Sequence[int]:
        return [one.place for one in self.judged if one.is_live and one.verdict.result is True]

    @property
    def shadow(self) -> Sequence[int]:
        return [one.place for one in self.judged if not one.is_live and one.verdict.result is True]

    @property
    def stopped_by(self) -> int | None:
        return next((one.place for one in self.judged if one.stops), None)

    @property
    def unknown_count(self) -> int:
        return len(self.missing())

    def missing(self) -> Sequence[tuple[int, tuple[str, ...]]]:
        return [(one.place, one.verdict.unknown) for one in self.judged if one.is_live and one.verdict.result is None]

    def errors(self) -> Sequence[tuple[int, EvaluationError]]:
        unknown = [one for one in self.judged if one.is_live and one.verdict.result is None]
        return [(one.place, error) for one in unknown for error in one.verdict.errors]


def judge(
    ruleset: Ruleset, facts: Facts, *, now: datetime, on: str = "created", conversation_id: str | None = None
) -> Iterator[Judged]:
    """Yield the rules that are reached, in order, each with its verdict; the last may be the one that stops."""
    bucket = None if conversation_id is None else canary_bucket(conversation_id)
    for place, rule in enumerate(ruleset.rules):
        if rule.mode is Mode.DRAFT or on not in rule.on:
            continue
        one = Judged(place=place, rule=rule, verdict=_evaluate(rule, facts, now), is_live=_is_live(rule, bucket))
        yield one
        if one.stops:
            return


def canary_bucket(conversation_id: str) -> int:
    """Return the bucket, 0 to 99, of a conversation; it is the same for every rule, process and machine."""
    digest = hashlib.sha256(conversation_id.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % EVERYBODY


def without_human_choices(decision: Decision, chosen: frozenset[str]) -> Decision:
    """Return `decision` without the single slots in `chosen` that no rule with `override` set.

    `chosen` names the slots a human filled: `assign_agent`, `assign_team`, `route_to`, `priority`.
    """
    kept = {slot for slot in chosen if slot in decision.owners and decision.owners[slot].override}
    dropped = {slot: None for slot in chosen - kept if slot in decision.owners}
    owners = {slot: owner for slot, owner in decision.owners.items() if slot not in dropped}
    actions = replace(decision.actions, **dropped)  # type: ignore[arg-type]  # single slots accept None
    return replace(decision, actions=actions, owners=owners)


def _is_live(rule: CompiledRule, bucket: int | None) -> bool:
    if rule.mode is not Mode.LIVE:
        return False
    return rule.canary >= EVERYBODY or (bucket is not None and bucket < rule.canary)


def _evaluate(rule: CompiledRule, facts: Facts, now: datetime) -> Verdict:
    try:
        return rule.condition.evaluate(facts, now)
    except Exception as fault:  # noqa: BLE001  # a rule cannot hurt the service, not even through our own bug
        error = EvaluationError(
            code="internal", message=f"the condition could not be evaluated ({type(fault).__name__})"
        )
        return Verdict(result=None, errors=(error,))
