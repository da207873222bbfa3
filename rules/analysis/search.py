"""Whether a formula can hold: a search over cells, in the manner of Davis, Putnam, Logemann and Loveland.

What only one choice is left for is taken at once; then the disjunction with the fewest choices is split. A search is
given a number of steps and says so when they are used up; nothing is ever guessed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rules.analysis.formulas import And, Formula, Literal, Or

Box = dict[int, int]
"""Cells by variable; a variable that is not there may be in any cell."""


class OutOfStepsError(Exception):
    """Raised when a search was not finished with the steps it was given."""


class Search:
    """Searches over one space; `universes` are all cells of each variable."""

    def __init__(self, universes: Sequence[int], steps: int) -> None:
        self._universes = universes
        self.steps = steps

    def find(self, parts: Iterable[Formula], box: Mapping[int, int] | None = None) -> Box | None:
        """Return a box within `box` where all of `parts` hold, or None if there is none; raise OutOfStepsError."""
        self.steps -= 1
        if self.steps < 0:
            raise OutOfStepsError
        found = dict(box or {})
        choices = self._settle(list(parts), found)
        if choices is None:
            return None
        if not choices:
            return found
        split = min(choices, key=lambda choice: len(choice.parts))
        rest = [choice for choice in choices if choice is not split]
        for option in split.parts:
            deeper = self.find([option, *rest], found)
            if deeper is not None:
                return deeper
        return None

    def _settle(self, waiting: list[Formula], box: Box) -> list[Or] | None:
        """Narrow `box` by all that has to be; return the choices that are left, or None if nothing is."""
        choices: list[Or] = []
        while waiting:
            if not self._narrow(waiting, choices, box):
                return None
            left: list[Or] = []
            for choice in choices:
                options = self._open(choice, box)
                if options is None:
                    continue
                if not options:
                    return None
                if len(options) == 1:
                    waiting.append(options[0])
                else:
                    left.append(choice if len(options) == len(choice.parts) else Or(tuple(options)))
            choices = left
        return choices

    def _narrow(self, waiting: list[Formula], choices: list[Or], box: Box) -> bool:
        """Take what has to be into `box` and what leaves a choice into `choices`; return whether that can be."""
        while waiting:
            part = waiting.pop()
            if isinstance(part, Literal):
                cells = (box.get(part.variable) or self._universes[part.variable]) & part.mask
                if not cells:
                    return False
                box[part.variable] = cells
            elif isinstance(part, And):
                waiting.extend(part.parts)
            else:
                choices.append(part)
        return True

    def _open(self, choice: Or, box: Box) -> list[Formula] | None:
        """Return the options that `box` leaves open, or None if one of them holds in all of it."""
        options: list[Formula] = []
        for option in choice.parts:
            if isinstance(option, Literal):
                cells = box.get(option.variable) or self._universes[option.variable]
                if not cells & option.mask:
                    continue
                if not cells & ~option.mask:
                    return None
            elif isinstance(option, And) and self._is_shut(option, box):
                continue
            options.append(option)
        return options

    def _is_shut(self, option: And, box: Box) -> bool:
        for part in option.parts:
            if isinstance(part, Literal) and not part.mask & (box.get(part.variable) or self._universes[part.variable]):
                return True
        return False


def boxes(formula: Formula, most: int) -> list[Box] | None:
    """Return boxes that together are where `formula` holds, or None if there are more than `most`."""
    found: list[Box] = []
    for box in _boxes([formula], {}):
        if box not in found:
            found.append(box)
        if len(found) > most:
            return None
    return found


def _boxes(waiting: list[Formula], box: Box) -> Iterator[Box]:
    while waiting:
        part, *waiting = waiting
        if isinstance(part, Literal):
            cells = box.get(part.variable, -1) & part.mask
            if not cells:
                return
            box = {**box, part.variable: cells}
        elif isinstance(part, And):
            waiting = [*part.parts, *waiting]
        else:
            for option in part.parts:
                yield from _boxes([option, *waiting], box)
            return
    yield box
