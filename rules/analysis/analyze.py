"""The analysis of a whole ruleset: all findings, in the order of the rules."""

from collections.abc import Callable, Iterator
from datetime import datetime

from rules.analysis import customers, duplicates, outcomes, reach, slots, thresholds
from rules.analysis.examples import Examples
from rules.analysis.findings import AnalysisFinding, Code, Verdict
from rules.analysis.model import RulesetModel, model_of
from rules.analysis.ports import FactStatistics, Prover
from rules.analysis.spaces import Space
from rules.check import CheckedRuleset

MakeProver = Callable[[Space], Prover]

MOST_SOLVED = 2_000
"""A solver is worth its time up to this many rules; beyond it the search over cells stands alone."""

_DEAD = frozenset({Code.NEVER_TRUE, Code.ALWAYS_UNKNOWN, Code.UNREACHABLE})
_ORDER = {code: place for place, code in enumerate(Code)}


def analyze(
    checked: CheckedRuleset,
    *,
    now: datetime,
    statistics: FactStatistics | None = None,
    make_prover: MakeProver | None = None,
) -> tuple[AnalysisFinding, ...]:
    """Return everything found about `checked`; `now` is the time that examples are tried at.

    `statistics` say what customers have; `make_prover` brings a solver that proves more.
    """
    model = model_of(checked)
    prover = None if make_prover is None else make_prover(model.space)
    findings = sorted(_findings(model, Examples(model, now), statistics, prover), key=_place)
    return tuple(findings)


def _findings(
    model: RulesetModel, examples: Examples, statistics: FactStatistics | None, prover: Prover | None
) -> Iterator[AnalysisFinding]:
    alone = [found for rule in model.rules if (found := outcomes.find(rule, examples, prover)) is not None]
    yield from alone
    alive = _without(model, frozenset(rule.position for rule in model.rules), alone)
    yield from (found for rule in model.rules if rule.position in alive and (found := thresholds.find(rule)))
    if statistics is not None:
        yield from (
            found
            for rule in model.rules
            if rule.position in alive and (found := customers.find(rule, statistics)) is not None
        )
    yield from duplicates.find(model, alive)
    unreached = list(reach.find(model, alive, examples, prover))
    yield from unreached
    alive = _without(model, alive, unreached)
    taken = list(slots.taken(model, alive))
    yield from taken
    yield from slots.overlaps(model, alive, _pairs(model, taken), examples)


def _without(model: RulesetModel, alive: frozenset[int], findings: list[AnalysisFinding]) -> frozenset[int]:
    dead = {one.rule for one in findings if one.code in _DEAD and one.verdict is Verdict.PROVED}
    return frozenset(rule.position for rule in model.rules if rule.position in alive and rule.name not in dead)


def _pairs(model: RulesetModel, findings: list[AnalysisFinding]) -> frozenset[tuple[int, int]]:
    positions = {rule.name: rule.position for rule in model.rules}
    return frozenset((positions[one.rule], positions[other]) for one in findings for other in one.others)


def _place(finding: AnalysisFinding) -> tuple[int, int]:
    return finding.position, _ORDER[finding.code]
