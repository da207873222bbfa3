"""Rules that are never reached: whenever they match, rules above have ended the check."""

from collections.abc import Iterable, Iterator, Mapping

from engine.core.facts import JsonValue
from rules.analysis.cover import Cover, Covered
from rules.analysis.examples import Examples
from rules.analysis.findings import AnalysisFinding, Code, Verdict, listed
from rules.analysis.model import RuleModel, RulesetModel
from rules.analysis.ports import ProofStack, Prover
from rules.analysis.search import OutOfStepsError, Search

MOST_STEPS = 2_000


class _Above:
    """The stop rules above, for one trigger."""

    def __init__(self, model: RulesetModel, prover: Prover | None) -> None:
        self.cover = Cover(model.space)
        self.stack: ProofStack | None = None if prover is None else prover.stack()

    def add(self, rule: RuleModel) -> None:
        self.cover.add(rule)
        if self.stack is not None:
            self.stack.add(rule.misses)


def find(
    model: RulesetModel, candidates: frozenset[int], examples: Examples, prover: Prover | None
) -> Iterator[AnalysisFinding]:
    """Yield a finding for each rule that is never reached, of those at the positions `candidates`."""
    above: dict[str, _Above] = {}
    for rule in model.rules:
        for on in rule.rule.on - above.keys():
            above[on] = _Above(model, prover)
        triggers = [above[on] for on in sorted(rule.rule.on)]
        if rule.position in candidates:
            finding = _judge(rule, triggers, model, examples)
            if finding is not None:
                yield finding
                if finding.verdict is Verdict.PROVED:
                    continue  # what is never reached ends nothing that is not ended already
        if rule.stops:
            for one in triggers:
                one.add(rule)


def _judge(rule: RuleModel, above: list[_Above], model: RulesetModel, examples: Examples) -> AnalysisFinding | None:
    found = [one.cover.covered(rule) for one in above]
    by = _together(found)
    if by is not None:
        return _finding(rule, by)
    proved = [covered.by is not None or _proved(rule, one) for covered, one in zip(found, above, strict=True)]
    if all(proved):
        return _finding(rule, _needed(rule, found, above))
    if None in proved or not all(one.is_decided or one.by for one in found if above[0].stack is None):
        message = "whether rules above always end the check before it was not decided within the limits"
        return _finding(rule, (), Verdict.UNDECIDED, message)
    return _only_when_unknown(rule, above, model, examples)


def _proved(rule: RuleModel, above: _Above) -> bool | None:
    if above.stack is None or not above.cover.rules:
        return False
    possible = above.stack.possible(rule.matches)
    return None if possible is None else not possible


def _together(found: Iterable[Covered]) -> tuple[RuleModel, ...] | None:
    by: dict[int, RuleModel] = {}
    for covered in found:
        if covered.by is None:
            return None
        by.update((rule.position, rule) for rule in covered.by)
    return tuple(by[position] for position in sorted(by)) if by else None


def _needed(rule: RuleModel, found: list[Covered], above: list[_Above]) -> tuple[RuleModel, ...]:
    """Return the rules above that the proof rests on."""
    needed: dict[int, RuleModel] = {}
    for covered, one in zip(found, above, strict=True):
        rules: Iterable[RuleModel] = covered.by or ()
        if covered.by is None and one.stack is not None:
            rules = (one.cover.rules[place] for place in one.stack.needed(rule.matches))
        needed.update((other.position, other) for other in rules)
    return tuple(needed[position] for position in sorted(needed))


def _only_when_unknown(
    rule: RuleModel, above: list[_Above], model: RulesetModel, examples: Examples
) -> AnalysisFinding | None:
    """Return a finding for a rule that is reached only while some fact is unknown."""
    if len(above) != 1:
        return None
    others = above[0].cover.covered_when_known(rule).by
    if others is None:
        return None
    try:
        misses = [one.misses for one in others]
        box = Search(model.space.universes, MOST_STEPS).find([rule.matches, *misses])
    except OutOfStepsError:
        return None
    if box is None:
        return None
    example = examples.find(
        box,
        lambda facts: (
            examples.result(rule, facts) is True
            and all(examples.result(one, facts) is not True for one in above[0].cover.rules)
        ),
    )
    if example is None:
        return None
    ends = "ends" if len(others) == 1 else "end"
    message = f"it is reached only while a fact is unknown: else {listed(_names(others))} {ends} the check before it"
    return _finding(rule, others, Verdict.REFUTED, message, example)


def _names(rules: Iterable[RuleModel]) -> tuple[str, ...]:
    return tuple(rule.name for rule in rules)


def _finding(
    rule: RuleModel,
    others: tuple[RuleModel, ...],
    verdict: Verdict = Verdict.PROVED,
    message: str | None = None,
    example: Mapping[str, JsonValue] | None = None,
) -> AnalysisFinding:
    names = _names(others)
    ends = "ends" if len(names) == 1 else "end"
    together = "" if len(names) == 1 else " together"
    return AnalysisFinding(
        code=Code.UNREACHABLE,
        rule=rule.name,
        verdict=verdict,
        message=message or f"whenever it would match, {listed(names)}{together} {ends} the check before it",
        others=names,
        example=example,
        position=rule.position,
    )
