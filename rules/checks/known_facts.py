"""Every name is the name of a fact."""

from collections.abc import Iterator

from rules.checks.subject import Subject
from rules.diagnostics import Finding
from rules.kinds import CONSTANTS, FUNCTIONS
from rules.suggestions import did_you_mean
from rules.tree import Fact

_WORDS = {
    "True": "write `true` in lower case",
    "False": "write `false` in lower case",
    "None": "write `null`",
    "NULL": "write `null` in lower case",
    "AND": "write `and` in lower case",
    "OR": "write `or` in lower case",
    "NOT": "write `not` in lower case",
}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a finding for each name that no fact answers to."""
    for fact in subject.each(Fact):
        if fact.spec is None:
            message = f"there is no fact called `{fact.name}`"
            yield Finding(code="unknown_fact", message=message, span=fact.span, hint=_hint(fact.name, subject))


def _hint(name: str, subject: Subject) -> str | None:
    if name in _WORDS:
        return _WORDS[name]
    if name in FUNCTIONS or name in CONSTANTS:
        return f"did you mean `${name}`?"
    return did_you_mean(name, subject.catalog.names)
