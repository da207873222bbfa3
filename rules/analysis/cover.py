"""Whether rules above cover a box: one alone, found through an index, or several together, found by search.

A box can only lie in boxes that ask about no other variables, so boxes are kept by the variables they ask about, and
among those by one cell of the variable they are narrowest in.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rules.analysis.formulas import Formula, Literal
from rules.analysis.model import RuleModel
from rules.analysis.search import Box, OutOfStepsError, Search
from rules.analysis.spaces import Space

NARROW = 8
"""A set of at most this many cells is looked up by each of them."""
FEW = 60
"""So many rules are all looked at when boxes might be covered by several."""
MOST_TOGETHER = 24
MOST_STEPS = 2_000
"""Steps of one search."""
_MOST_SUBSETS = 6
_CHAIN = 64

Entry = tuple[Box, RuleModel]


@dataclass(slots=True)
class _Group:
    """Boxes over the same variables."""

    narrow: dict[tuple[int, int], list[Entry]] = field(default_factory=dict)
    wide: list[Entry] = field(default_factory=list)

    def add(self, box: Box, rule: RuleModel) -> None:
        narrowest = min(box, key=lambda variable: box[variable].bit_count(), default=None)
        if narrowest is not None and box[narrowest].bit_count() <= NARROW:
            for cell in _cells(box[narrowest]):
                self.narrow.setdefault((narrowest, cell), []).append((box, rule))
        elif not any(contains(other, box) for other, _ in self.wide[:_CHAIN]):
            self.wide.append((box, rule))

    def around(self, box: Box, variables: Iterable[int]) -> Iterator[Entry]:
        """Yield the entries that may contain `box`."""
        yield from self.wide
        for variable in variables:
            lowest = box[variable] & -box[variable]
            yield from self.narrow.get((variable, lowest), ())

    def touching(self, box: Box, variables: Iterable[int]) -> Iterator[Entry]:
        """Yield the entries that may overlap `box`."""
        yield from self.wide
        for variable in variables:
            for cell in _cells(box[variable], most=_CHAIN):
                yield from self.narrow.get((variable, cell), ())


@dataclass(slots=True)
class Covered:
    """The answer for one rule: the rules that cover it, or None; `is_decided` is false if the search gave up."""

    by: tuple[RuleModel, ...] | None = None
    is_decided: bool = True


class Cover:
    """Rules in order, all of which may cover what comes after them."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._groups: dict[frozenset[int], _Group] = {}
        self.rules: list[RuleModel] = []
        self._whole_rules: list[RuleModel] = []
        """Those that fall apart into too many boxes."""

    def add(self, rule: RuleModel) -> None:
        """Let `rule` cover what comes after it."""
        self.rules.append(rule)
        if rule.boxes is None:
            self._whole_rules.append(rule)
        for box in rule.boxes or ():
            self._groups.setdefault(frozenset(box), _Group()).add(box, rule)

    def covered(self, rule: RuleModel) -> Covered:
        """Return whether every conversation that `rule` matches is matched by a rule added before."""
        return self._covered(rule, self._space.universes)

    def covered_when_known(self, rule: RuleModel) -> Covered:
        """Return the same about conversations of which all facts are known; asked of a few rules only."""
        if len(self.rules) > FEW:
            return Covered()
        return self._covered(rule, self._space.all_known)

    def _covered(self, rule: RuleModel, universes: Sequence[int]) -> Covered:
        if not self.rules:
            return Covered()
        if rule.boxes is None:
            return self._search([rule.matches], self.rules if len(self.rules) <= FEW else [], universes)
        by: dict[int, RuleModel] = {}
        for whole in rule.boxes:
            box = {variable: cells & universes[variable] for variable, cells in whole.items()}
            if not all(box.values()):
                continue
            one = self._one_around(box)
            if one is not None:
                by[one.position] = one
                continue
            found = self._together(box, universes)
            if found.by is None:
                return found
            by.update((other.position, other) for other in found.by)
        return Covered(by=tuple(by[position] for position in sorted(by)) or None)

    def _together(self, box: Box, universes: Sequence[int]) -> Covered:
        """Return whether several boxes cover `box`."""
        entries = reduced(box, self._entries(box), universes)
        others = [rule for rule in self._whole_rules if len(self.rules) <= FEW]
        if not entries and not others:
            return Covered()
        candidates = list({rule.position: rule for _, rule in entries}.values())
        return self._search(_literals(box), candidates + others, universes)

    def _one_around(self, box: Box) -> RuleModel | None:
        for group, variables in self._groups_within(box):
            for other, rule in group.around(box, variables):
                if contains(other, box):
                    return rule
        return None

    def _entries(self, box: Box) -> list[Entry]:
        """Return boxes that overlap `box` and may help to cover it."""
        if len(self.rules) <= FEW:
            return [(other, rule) for rule in self.rules for other in rule.boxes or () if overlaps(other, box)]
        found: list[Entry] = []
        for group, variables in self._groups_within(box):
            for other, rule in itertools.islice(group.touching(box, variables), 4 * _CHAIN):
                if overlaps(other, box):
                    found.append((other, rule))
            if len(found) >= 4 * _CHAIN:
                break
        return found

    def _groups_within(self, box: Box) -> Iterator[tuple[_Group, Iterable[int]]]:
        """Yield the groups of boxes that ask about no variable that `box` does not ask about."""
        if len(box) <= _MOST_SUBSETS:
            for size in range(len(box) + 1):
                for variables in itertools.combinations(box, size):
                    group = self._groups.get(frozenset(variables))
                    if group is not None:
                        yield group, variables
            return
        for signature, group in self._groups.items():
            if signature <= box.keys():
                yield group, signature

    def _search(self, parts: list[Formula], candidates: list[RuleModel], universes: Sequence[int]) -> Covered:
        if not candidates:
            return Covered()
        try:
            if self._search_box(parts, candidates[:MOST_TOGETHER], universes) is not None:
                return Covered(is_decided=len(candidates) <= MOST_TOGETHER)
        except OutOfStepsError:
            return Covered(is_decided=False)
        return Covered(by=tuple(self._needed(parts, candidates[:MOST_TOGETHER], universes)))

    @staticmethod
    def _search_box(parts: list[Formula], candidates: list[RuleModel], universes: Sequence[int]) -> Box | None:
        return Search(universes, MOST_STEPS).find([*parts, *(rule.misses for rule in candidates)])

    def _needed(self, parts: list[Formula], candidates: list[RuleModel], universes: Sequence[int]) -> list[RuleModel]:
        """Return those of `candidates` without which `parts` are not covered."""
        needed = list(candidates)
        for rule in reversed(candidates):
            rest = [one for one in needed if one is not rule]
            try:
                if self._search_box(parts, rest, universes) is None:
                    needed = rest
            except OutOfStepsError:
                continue
        return needed


def reduced(box: Box, entries: list[Entry], universes: Sequence[int]) -> list[Entry]:
    """Return the entries that matter for whether all of `box` is covered.

    If a variable has a cell in `box` that none of the boxes over it takes, they all can be missed at once; so they
    don't matter. In nearly all rulesets "unknown" is such a cell of what `box` does not ask about.
    """
    while entries:
        taken: dict[int, int] = {}
        for other, _ in entries:
            for variable, cells in other.items():
                taken[variable] = taken.get(variable, 0) | cells
        free = {variable for variable, cells in taken.items() if (box.get(variable) or universes[variable]) & ~cells}
        if not free:
            return entries
        entries = [entry for entry in entries if free.isdisjoint(entry[0])]
    return entries


def contains(outer: Box, inner: Box) -> bool:
    """Return whether all of `inner` lies in `outer`."""
    return all(variable in inner and not inner[variable] & ~cells for variable, cells in outer.items())


def overlaps(one: Box, other: Box) -> bool:
    """Return whether two boxes have something in common."""
    return all(variable not in other or other[variable] & cells for variable, cells in one.items())


def _literals(box: Box) -> list[Formula]:
    return [Literal(variable, cells) for variable, cells in box.items()]


def _cells(mask: int, most: int = NARROW) -> Iterator[int]:
    while mask and most:
        lowest = mask & -mask
        yield lowest
        mask ^= lowest
        most -= 1
