"""Golden cases: facts and what a ruleset must decide about them.

`cases: [{name, facts, on, at, expect: {matched, fallback, stopped_by, actions}}]`; of `expect`, and of `actions` in
it, the keys that are given are compared exactly, the others are not looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from engine.core.decide import decide
from engine.core.facts import FactCatalog, JsonValue
from engine.core.ruleset import Ruleset, Trigger
from rules import source, yaml_nodes
from rules.expression import parse_datetime
from rules.fact_input import FactInput, FactInputError, to_facts
from rules.yaml_nodes import Scalar, Sequence, YamlNode

CASE_KEYS = frozenset({"name", "facts", "on", "at", "expect"})
EXPECT_KEYS = frozenset({"matched", "fallback", "stopped_by", "actions"})


class CasesError(ValueError):
    """Raised for a file that holds no cases; the message says where and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One situation and what is expected of it."""

    name: str
    given: FactInput
    on: str
    at: datetime
    expect: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that came out otherwise."""

    case: str
    key: str
    expected: JsonValue
    got: JsonValue


def read_cases(text: str, catalog: FactCatalog, now: datetime) -> tuple[Case, ...]:
    """Return the cases in the YAML `text`; those without a time are meant for `now`. Raise CasesError."""
    read = source.read(text)
    for fault in read.faults:
        line, column = read.position(fault.span.start)
        raise CasesError(f"{line}:{column}: {fault.message}")
    found = None if read.root is None else _plain(read.root)
    if not isinstance(found, dict) or set(found) != {"cases"} or not isinstance(found["cases"], list):
        raise CasesError("1:1: a file of cases is `cases: [{name, facts, on, at, expect}]`")
    return tuple(_case(number, case, catalog, now) for number, case in enumerate(found["cases"], 1))


def differences(ruleset: Ruleset, case: Case) -> tuple[Difference, ...]:
    """Return what `ruleset` decides otherwise than `case` expects."""
    given = case.given
    decision = decide(ruleset, given.facts, now=case.at, on=case.on, conversation_id=given.conversation_id)
    line = decision.to_line()
    actions = decision.actions.to_line()
    pairs: list[tuple[str, JsonValue, JsonValue]] = []
    for key, expected in case.expect.items():
        if key == "actions" and isinstance(expected, dict):
            pairs += [(f"actions.{name}", value, actions.get(name)) for name, value in expected.items()]
        else:
            pairs.append((key, expected, line[key]))
    return tuple(
        Difference(case=case.name, key=key, expected=expected, got=got)
        for key, expected, got in pairs
        if expected != got
    )


def _case(number: int, case: object, catalog: FactCatalog, now: datetime) -> Case:
    if not isinstance(case, dict) or not isinstance(case.get("name"), str):
        raise CasesError(f"case {number}: needs a `name`")
    where = f"case {number} ({case['name']})"
    _refuse_unknown(case, CASE_KEYS, where)
    expect = case.get("expect")
    if not isinstance(expect, dict) or not isinstance(expect.get("actions", {}), dict):
        raise CasesError(f"{where}: needs `expect`, a mapping")
    _refuse_unknown(expect, EXPECT_KEYS, f"{where}: `expect`")
    trigger = case.get("on", Trigger.CREATED.value)
    if trigger not in [one.value for one in Trigger]:
        raise CasesError(f"{where}: there is no trigger called `{trigger}`")
    at = now if case.get("at") is None else parse_datetime(str(case["at"]), UTC)
    if at is None:
        raise CasesError(f"{where}: `{case['at']}` is no date and time")
    facts = case.get("facts", {})
    if not isinstance(facts, dict):
        raise CasesError(f"{where}: `facts` is a mapping")
    try:
        given = to_facts(facts, catalog, at)
    except FactInputError as fault:
        raise CasesError(f"{where}: {fault}") from None
    return Case(name=case["name"], given=given, on=trigger, at=at, expect=_as_json(expect))


def _refuse_unknown(found: Mapping[str, object], known: frozenset[str], where: str) -> None:
    for key in found:
        if key not in known:
            raise CasesError(f"{where} has no key `{key}`; there are {', '.join(sorted(known))}")


def _plain(node: YamlNode) -> object:
    match node:
        case yaml_nodes.Mapping():
            return {key.text: _plain(value) for key, value in node.entries}
        case Sequence():
            return [_plain(item) for item in node.items]
        case Scalar():
            return node.value
        case _:
            return None


def _as_json(value: dict[str, object]) -> dict[str, JsonValue]:
    return {key: _one_as_json(one) for key, one in value.items()}


def _one_as_json(value: object) -> JsonValue:
    match value:
        case Decimal():
            return float(value)
        case dict():
            return _as_json(value)
        case list():
            return [_one_as_json(item) for item in value]
        case bool() | int() | str() | None:
            return value
        case _:
            return str(value)
