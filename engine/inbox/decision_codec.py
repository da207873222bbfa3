"""A decision as it is stored: small, and without losing what it takes to show it again.

With 1,000 rules and no Stripe customer a decision can name 1,000 unknown rules with several facts each. They are
kept as positions in the ruleset version's list of names (stored once per version) and as references into a table
of distinct fact lists, deflated: a few bytes a rule. Should even that exceed 8 bytes a rule (and 8 KB), the facts
are dropped and the rules kept; the trace, recomputed from ruleset version and facts, has them all the same.
"""

import base64
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from engine.core.actions import Actions, Priority
from engine.core.decision import Decision, Owner, RuleError
from engine.core.facts import JsonValue

MIN_BUDGET = 8_000
BYTES_A_RULE = 8
QUICK = 2
"""The level of compression: beyond it a few bytes less take several times as long."""
BASE64 = ":"
"""What stands before base 64; base 85 never begins with it."""

Unknown = Mapping[str, tuple[str, ...]]


def encode_line(decision: Decision) -> dict[str, JsonValue]:
    """Return the decision line without what is unknown."""
    return decision.to_line_without_unknown()


def encode_owners(decision: Decision) -> dict[str, JsonValue]:
    """Return who set each slot."""
    return {slot: {"rule": owner.rule, "override": owner.override} for slot, owner in decision.owners.items()}


def encode_unknown(unknown: Unknown, names: Sequence[str]) -> str:
    """Return the unknown rules, `names` being all names of the ruleset version, in at most 8 bytes a rule."""
    positions = {name: position for position, name in enumerate(names)}
    full = _pack(unknown, positions, with_facts=True)
    if len(full) <= max(MIN_BUDGET, BYTES_A_RULE * len(names)):
        return full
    return _pack(unknown, positions, with_facts=False)


def decode(line: Mapping[str, Any], owners: Mapping[str, Any], unknown: str, names: Sequence[str]) -> Decision:
    """Return the decision that the encoders took apart."""
    return Decision(
        matched=tuple(line["matched"]),
        unknown=_unpack(unknown, names),
        errors=tuple(RuleError(**error) for error in line["errors"]),
        stopped_by=line["stopped_by"],
        fallback=line["fallback"],
        shadow=tuple(line["shadow"]),
        actions=_actions(line["actions"]),
        owners={slot: Owner(rule=owner["rule"], override=owner["override"]) for slot, owner in owners.items()},
    )


def _pack(unknown: Unknown, positions: Mapping[str, int], *, with_facts: bool) -> str:
    facts: dict[str, int] = {}
    lists: dict[tuple[int, ...], int] = {}
    known: dict[tuple[str, ...], int] = {}
    gaps: list[int] = []
    references: list[int] = []
    previous = -1
    for position, missing in sorted([(positions[name], missing) for name, missing in unknown.items()]):
        listed = missing if with_facts else ()
        reference = known.get(listed)
        if reference is None:  # few rules lack what no other lacks
            wanted = tuple([facts.setdefault(fact, len(facts)) for fact in listed])
            reference = known[listed] = lists.setdefault(wanted, len(lists))
        # Distances instead of positions: long runs of the same number deflate to almost nothing.
        gaps.append(position - previous)
        references.append(reference)
        previous = position
    packed = orjson.dumps([list(facts), list(lists), gaps, references])
    return BASE64 + base64.b64encode(zlib.compress(packed, QUICK)).decode()


def _bytes(packed: str) -> bytes:
    # Decisions of before are in base 85, which takes the interpreter longer than all the rest.
    return base64.b64decode(packed[1:]) if packed.startswith(BASE64) else base64.b85decode(packed)


def _unpack(packed: str, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    facts, lists, gaps, references = orjson.loads(zlib.decompress(_bytes(packed)))
    found: dict[str, tuple[str, ...]] = {}
    position = -1
    for gap, reference in zip(gaps, references, strict=True):
        position += gap
        found[names[position]] = tuple(facts[fact] for fact in lists[reference])
    return found


def _actions(raw: Mapping[str, Any]) -> Actions:
    return Actions(
        assign_agent=raw["assign_agent"],
        assign_team=raw["assign_team"],
        route_to=raw["route_to"],
        priority=None if raw["priority"] is None else Priority(raw["priority"]),
        add_tags=tuple(raw["add_tags"]),
        remove_tags=tuple(raw["remove_tags"]),
        set_attributes=raw["set_attributes"],
        notes=tuple(raw["notes"]),
        webhooks=tuple(raw["webhooks"]),
    )
