"""Which facts left a condition unknown, told from its tests alone, without walking its tree.

A fact counts when it has no value and stands under parts that are themselves unknown. Where all tests are joined by
one operator, every part with an unknown fact is unknown; elsewhere the tests are made once more, in order.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine.core.facts import FactValue
from engine.core.matcher.clauses import ODD, Form, Joined, Leaf, Missing, Odd, Source
from engine.core.matcher.columns import truth_of


class OddError(Exception):
    """Raised when a source has a value of another type; only the condition itself knows what comes of it."""


class Lister:
    """Lists the missing facts of many conditions for one set of facts; each source is read once."""

    def __init__(self, values: Mapping[str, FactValue], now: datetime) -> None:
        self._values = values
        self._now = now
        self._read: dict[str, Any] = {}
        self._absent: dict[str, bool] = {}

    def missing(self, form: Form) -> tuple[str, ...] | None:
        """Return the facts that left an unknown condition unknown, or None if only the condition itself can tell."""
        if form.missing is not None:
            absent = self._absent
            try:  # of the thousand rules that ask for a fact, the first one only has to look
                return tuple([one.name for one in form.missing if absent[one.name]])
            except KeyError:
                return tuple([one.name for one in form.missing if self._is_absent(one)])
        if form.shape is None:
            return None
        try:
            _, names = self._names(form.shape)
        except OddError:
            return None
        return tuple(dict.fromkeys(names))

    def _names(self, part: Leaf | Joined) -> tuple[bool | None, list[str]]:
        if isinstance(part, Leaf):
            (column, test), missing = part
            truth = truth_of(column, test, self._value(column.source))
            if isinstance(truth, Odd):
                raise OddError
            return truth, [one.name for one in missing if self._is_absent(one)] if truth is None else []
        found: list[str] = []
        is_unknown = False
        for one in part.parts:
            truth, names = self._names(one)
            if truth is part.is_or:
                return truth, []
            is_unknown = is_unknown or truth is None
            found += names
        return (None, found) if is_unknown else (not part.is_or, [])

    def _value(self, source: Source) -> Any:
        if source.key not in self._read:
            self._read[source.key] = source.read(self._values, self._now)
        return self._read[source.key]

    def _is_absent(self, one: Missing) -> bool:
        absent = self._absent.get(one.name)
        if absent is None:
            value = self._value(one.source)
            if value is ODD:
                value = None
            absent = self._absent[one.name] = value is None
        return absent
