"""Slots that rules fight for: always taken by rules above, or decided by the order alone."""

from collections.abc import Iterator

from rules.analysis.cover import Cover
from rules.analysis.examples import Examples
from rules.analysis.findings import AnalysisFinding, Code, Verdict, listed
from rules.analysis.model import RuleModel, RulesetModel
from rules.analysis.search import Box, OutOfStepsError, Search

MOST_OVERLAPS = 100
"""How many overlaps are told of one ruleset."""
MOST_PAIRS = 100_000
"""How many pairs of rules are looked at for that."""
MOST_STEPS = 300


def taken(model: RulesetModel, candidates: frozenset[int]) -> Iterator[AnalysisFinding]:
    """Yield a finding for each rule, of those at the positions `candidates`, all of whose slots are always taken."""
    covers: dict[tuple[str, str], Cover] = {}
    for rule in model.rules:
        if not rule.slots:
            continue
        if rule.position in candidates and rule.is_live:
            finding = _taken(rule, covers)
            if finding is not None:
                yield finding
        if rule.is_live:
            for on in rule.rule.on:
                for slot in rule.slots:
                    if (on, slot) not in covers:
                        covers[on, slot] = Cover(model.space)
                    covers[on, slot].add(rule)


def _taken(rule: RuleModel, covers: dict[tuple[str, str], Cover]) -> AnalysisFinding | None:
    by: dict[int, RuleModel] = {}
    lost: list[str] = []
    for slot in rule.slots:
        found = [covers[on, slot].covered(rule).by if (on, slot) in covers else None for on in sorted(rule.rule.on)]
        if None in found:
            continue
        lost.append(slot)
        by.update((one.position, one) for others in found for one in others or ())
    if not lost:
        return None
    names = tuple(by[position].name for position in sorted(by))
    slots = listed(tuple(lost))
    return AnalysisFinding(
        code=Code.SLOT_TAKEN,
        rule=rule.name,
        verdict=Verdict.PROVED,
        message=f"whenever it matches, {listed(names)} {'has' if len(names) == 1 else 'have'} set {slots} before it",
        others=names,
        position=rule.position,
    )


def overlaps(
    model: RulesetModel, candidates: frozenset[int], contained: frozenset[tuple[int, int]], examples: Examples
) -> Iterator[AnalysisFinding]:
    """Yield a finding for each rule that fights with one above for a slot while neither contains the other.

    `contained` are pairs of positions that are told elsewhere.
    """
    above: dict[tuple[str, str], list[RuleModel]] = {}
    told = looked = 0
    for rule in model.rules:
        if rule.position not in candidates or not rule.is_live or not rule.slots:
            continue
        for slot, value in rule.slots.items():
            for on in sorted(rule.rule.on):
                if told >= MOST_OVERLAPS or looked >= MOST_PAIRS:
                    return
                others = [one for one in above.get((on, slot), ()) if one.slots[slot] != value]
                looked += len(others)
                finding = _overlap(rule, others[:200], slot, on, contained, examples)
                if finding is not None:
                    told += 1
                    yield finding
        for slot in rule.slots:
            for on in rule.rule.on:
                above.setdefault((on, slot), []).append(rule)


def _overlap(
    rule: RuleModel,
    others: list[RuleModel],
    slot: str,
    on: str,
    contained: frozenset[tuple[int, int]],
    examples: Examples,
) -> AnalysisFinding | None:
    for other in others:
        if (rule.position, other.position) in contained or other.stops:
            continue
        box = _common(rule, other)
        if box is None:
            continue
        example = examples.find(
            box,
            lambda facts, one=other: examples.result(rule, facts) is True and examples.result(one, facts) is True,  # type: ignore[misc]  # bound in a loop
        )
        if example is None:
            continue
        return AnalysisFinding(
            code=Code.OVERLAP,
            rule=rule.name,
            verdict=Verdict.PROVED,
            message=f"both it and `{other.name}` set `{slot}`; where both match, `{other.name}` decides, being above",
            others=(other.name,),
            example=example,
            on=on,
            position=rule.position,
        )
    return None


def _common(rule: RuleModel, other: RuleModel) -> Box | None:
    """Return where both match, if each also matches without the other."""
    try:
        search = Search(rule.space.universes, MOST_STEPS)
        if search.find([rule.matches, other.misses]) is None or search.find([other.matches, rule.misses]) is None:
            return None
        return search.find([rule.matches, other.matches])
    except OutOfStepsError:
        return None
