"""One condition, checked: text and catalog in, a tree that can be run or the findings that forbid it."""

import functools
from dataclasses import dataclass
from datetime import tzinfo

from engine.core.facts import FactCatalog
from rules import limits
from rules.checks import (
    arithmetic_types,
    booleans_only,
    closed_sets,
    collections_of_one_type,
    comparable_types,
    condition_is_boolean,
    constant_conditions,
    item_types,
    known_attributes,
    known_facts,
    known_functions,
    membership_types,
    null_beside_equality,
    text_patterns,
)
from rules.checks.subject import Check, Subject
from rules.diagnostics import Finding, Severity
from rules.kinds import infer
from rules.plain_parts import SoundParts, plain_parts
from rules.translate import parse_condition
from rules.tree import (
    Arithmetic,
    Attribute,
    Builtin,
    Call,
    Choice,
    Coalesce,
    Collection,
    Equality,
    Fact,
    Item,
    Literal,
    Logic,
    Match,
    Membership,
    Negative,
    Node,
    Not,
    Ordering,
    Slice,
    Table,
    walk,
)

ERROR_CHECKS: tuple[tuple[Check, tuple[type[Node], ...]], ...] = (
    (known_facts.check, (Fact,)),
    (known_functions.check, (Builtin, Call)),
    (known_attributes.check, (Attribute,)),
    (null_beside_equality.check, (Literal,)),
    (booleans_only.check, (Logic, Not, Choice)),
    (comparable_types.check, (Equality, Ordering)),
    (arithmetic_types.check, (Arithmetic, Negative)),
    (membership_types.check, (Membership,)),
    (collections_of_one_type.check, (Collection, Table, Choice, Coalesce)),
    (item_types.check, (Item, Slice)),
    (closed_sets.check, (Equality, Membership)),
    (text_patterns.check, (Match, Membership, Attribute, Arithmetic, Call)),
    (condition_is_boolean.check, (Node,)),
)
"""Each looks at the whole condition, if there is a node it is about; all run, so that every fault is found at once."""


REMEMBERED = 2 * limits.MAX_RULES
"""How many checked conditions a process keeps, a few kilobytes each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedCondition:
    """The tree, set exactly when no finding is an error, and all findings."""

    tree: Node | None
    findings: tuple[Finding, ...]


@functools.lru_cache(maxsize=REMEMBERED)
def check_condition(text: str, catalog: FactCatalog, zone: tzinfo) -> CheckedCondition:
    """Return the condition `text` checked against `catalog`; instants without an offset are meant in `zone`.

    The outcome hangs on nothing else and can't be changed, so it is remembered: a draft that is checked, published
    and compiled is read once, and after one edit only the edited condition is read again.
    """
    parsed = parse_condition(text, catalog, zone)
    if parsed.tree is None:
        return CheckedCondition(tree=None, findings=parsed.findings)
    findings = (*parsed.findings, *_run(text, parsed.tree, catalog, is_whole=not parsed.findings))
    is_sound = all(finding.severity is not Severity.ERROR for finding in findings)
    return CheckedCondition(tree=parsed.tree if is_sound else None, findings=findings)


_SOUND_PARTS = SoundParts()


def _run(text: str, tree: Node, catalog: FactCatalog, *, is_whole: bool) -> list[Finding]:
    parts = plain_parts(tree)
    if parts is not None and _SOUND_PARTS.hold(catalog, parts):
        return []
    nodes = tuple(walk(tree))
    by_class: dict[type[Node], list[Node]] = {}
    for node in nodes:
        by_class.setdefault(type(node), []).append(node)
    subject = Subject(text=text, tree=tree, nodes=nodes, by_class=by_class, types=infer(tree), catalog=catalog)
    findings = [finding for check in _checks_of(frozenset(by_class)) for finding in check(subject)]
    if is_whole and not findings:  # whether a condition can be true is asked of sound ones only
        findings.extend(constant_conditions.check(subject))
    if parts is not None and not findings:
        _SOUND_PARTS.add(catalog, parts)
    return findings


@functools.lru_cache(maxsize=1024)
def _checks_of(classes: frozenset[type[Node]]) -> tuple[Check, ...]:
    """Return the checks that are about one of the classes of nodes."""
    return tuple(check for check, about in ERROR_CHECKS if Node in about or not classes.isdisjoint(about))
