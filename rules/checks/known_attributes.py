"""Only the attributes of the language are used, on values that have them."""

from collections.abc import Iterator

from rules.checks.subject import Subject
from rules.diagnostics import Finding
from rules.kinds import ATTRIBUTES, METHODS, Kind, Type, fits, is_open
from rules.suggestions import did_you_mean
from rules.tree import Attribute

_INSTEAD = {
    "encode": "compare texts as they are",
    "decode": "compare texts as they are",
    "weekday": 'use the fact `weekday`: `weekday == "monday"`',
    "date": "use `$today`, or `.year`, `.month`, `.day`",
    "to_epoch": 'compare dates as they are: `customer_since < d"2026-01-01"`',
    "seconds": "use `.total_seconds`",
    "microseconds": "use `.total_seconds`",
    "keys": 'ask for one key: `"tier" in attributes`',
    "values": 'read one key: `attributes["tier"]`',
    "to_ary": "use the value as it is",
    "to_set": "use the value as it is",
    "is_nan": "a number is always a number here",
    "lower": "use `.as_lower`",
    "upper": "use `.as_upper`",
    "startswith": "use `.starts_with(…)`",
    "endswith": "use `.ends_with(…)`",
    "size": "use `.length`",
    "len": "use `.length`",
    "count": "use `.length`",
    "contains": 'write `"word" in subject`',
}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a finding for each attribute that is refused, unknown, misused or not there."""
    for node in subject.each(Attribute):
        if node.name in METHODS:
            yield from _method(node, subject)
        elif node.name in ATTRIBUTES:
            yield from _value(node, subject)
        else:
            yield _unknown(node, subject)


def _value(node: Attribute, subject: Subject) -> Iterator[Finding]:
    kinds, _ = ATTRIBUTES[node.name]
    target = subject.type_of(node.target)
    if not is_open(target) and target.kind not in kinds:
        yield _missing(node, kinds, subject)
    elif node.arguments is not None:
        message = f"`.{node.name}` is a value, not a function"
        hint = f"write `.{node.name}` without parentheses"
        yield Finding(code="not_a_function", message=message, span=node.name_span, hint=hint)


def _method(node: Attribute, subject: Subject) -> Iterator[Finding]:
    target = subject.type_of(node.target)
    if not is_open(target) and target.kind not in METHODS[node.name]:
        yield _missing(node, METHODS[node.name], subject)
    elif node.arguments is None or len(node.arguments) != 1:
        message = f"`.{node.name}` takes one value"
        hint = f'write `.{node.name}("…")`'
        yield Finding(code="argument_count", message=message, span=node.name_span, hint=hint)
    else:
        (argument,) = node.arguments
        type_ = subject.type_of(argument)
        wanted = target if not is_open(target) else type_
        if not fits(type_, wanted) or (not is_open(type_) and type_.kind not in METHODS[node.name]):
            needed = target.with_article if not is_open(target) else "text or a list"
            message = f"`.{node.name}` needs {needed}, but {subject.described(argument)}"
            yield Finding(code="argument_type", message=message, span=argument.span)


def _missing(node: Attribute, kinds: tuple[Kind, ...], subject: Subject) -> Finding:
    owners = " or ".join(Type(kind).with_article for kind in kinds)
    message = f"`.{node.name}` belongs to {owners}, but {subject.described(node.target)}"
    return Finding(code="unknown_attribute", message=message, span=node.name_span)


def _unknown(node: Attribute, subject: Subject) -> Finding:
    target = subject.type_of(node.target)
    if target.kind in (Kind.MAPPING, Kind.JSON):
        message = f"keys are read in brackets, not as `.{node.name}`"
        instead = f'write `{subject.written(node.target)}["{node.name}"]`'
        return Finding(code="attribute_access", message=message, span=node.name_span, hint=instead)
    if node.name in _INSTEAD or node.name.startswith("__"):
        message = f"`.{node.name}` is not part of the language"
        return Finding(code="not_allowed", message=message, span=node.name_span, hint=_INSTEAD.get(node.name))
    hint = did_you_mean(node.name, (*ATTRIBUTES, *METHODS))
    message = f"there is no attribute `.{node.name}`"
    return Finding(code="unknown_attribute", message=message, span=node.name_span, hint=hint)
