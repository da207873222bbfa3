"""Regular expressions are literal texts that RE2 runs as Python means them; text predicates are limited in number."""

from collections.abc import Iterator

from rules import limits
from rules.checks.subject import Subject
from rules.diagnostics import Finding
from rules.kinds import METHODS, Kind, is_open
from rules.patterns import PatternError, compile_pattern
from rules.tree import Arithmetic, Attribute, Call, Literal, Match, Membership, Node, is_null

_TEXT_CHANGES = frozenset({"as_lower", "as_upper", "to_flt", "to_int"})


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a finding for each pattern that is refused, and one for too many text predicates."""
    for node in subject.each(Match):
        yield from _match(node, subject)
    changes = [node for node in subject.nodes if _is_text_change(node, subject)]
    if len(changes) > limits.MAX_TEXT_CHANGES:
        message = f"the condition makes {len(changes)} texts of others, the limit is {limits.MAX_TEXT_CHANGES}"
        beyond = changes[limits.MAX_TEXT_CHANGES]
        yield Finding(
            code="too_many_text_changes", message=message, span=beyond.span, hint="split it into several rules"
        )
    looks = len(subject.each(Match)) + len(subject.each(Membership)) + len(subject.each(Attribute))
    if looks <= limits.MAX_TEXT_PREDICATES:
        return
    predicates = [node for node in subject.nodes if _is_text_predicate(node, subject)]
    if len(predicates) > limits.MAX_TEXT_PREDICATES:
        message = f"the condition looks into texts {len(predicates)} times, the limit is {limits.MAX_TEXT_PREDICATES}"
        hint = 'join patterns: `subject =~~ "refund|charge"`'
        beyond = predicates[limits.MAX_TEXT_PREDICATES]
        yield Finding(code="too_many_text_predicates", message=message, span=beyond.span, hint=hint)


def _match(node: Match, subject: Subject) -> Iterator[Finding]:
    left = subject.type_of(node.left)
    if not is_open(left) and left.kind not in (Kind.TEXT, Kind.NULL):
        message = f"`{node.operator}` looks into text, but {subject.described(node.left)}"
        hint = f'write `"…" in {subject.written(node.left)}`' if left.kind is Kind.LIST else None
        yield Finding(code="type_mismatch", message=message, span=node.left.span, hint=hint)
    if is_null(node.right):
        return
    if not isinstance(node.right, Literal) or not isinstance(node.right.value, str):
        message = f"the pattern after `{node.operator}` is a text written out, not `{subject.written(node.right)}`"
        hint = "to look for another fact's text write `x in subject`"
        yield Finding(code="pattern_not_literal", message=message, span=node.right.span, hint=hint)
        return
    if len(node.right.value) > limits.MAX_TEXT_LITERAL:
        return  # reported where the text was read
    try:
        compile_pattern(node.right.value, anchored=not node.operator.endswith("~~"))
    except PatternError as fault:
        yield Finding(code="pattern", message=str(fault), span=node.right.span)


def _is_text_change(node: Node, subject: Subject) -> bool:
    """Return whether a node makes something as long as a text out of a text."""
    match node:
        case Arithmetic(operator="+"):
            return subject.type_of(node).kind in (Kind.TEXT, Kind.JSON)
        case Attribute():
            return node.name in _TEXT_CHANGES and subject.type_of(node.target).kind not in (Kind.NUMBER, Kind.LIST)
        case Call():
            return node.name in ("split", "parse_float")
        case _:
            return False


def _is_text_predicate(node: Node, subject: Subject) -> bool:
    if isinstance(node, Membership):
        return subject.type_of(node.right).kind is Kind.TEXT
    return isinstance(node, Match) or (isinstance(node, Attribute) and node.name in METHODS)
