"""Slots: what several matching rules come to together.

Laws of this module
- Agent, team, queue, priority and each attribute key are slots: the first claim that sets one wins.
- Per tag the last operation wins; the lists hold tags in the order of that operation, no tag is in both.
- Notes are kept in order; a webhook is called once however often it is asked for.
- The fallback comes last. Agent, team and queue are one destination: if a rule set any of them, the fallback sets
  none, and its tags, attributes, notes and webhooks stay out with it. Its priority fills on its own.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from engine.core.actions import Actions
from engine.core.decision import Owner
from engine.core.facts import JsonValue

SINGLE_SLOTS = ("assign_agent", "assign_team", "route_to", "priority")
DESTINATION = ("assign_agent", "assign_team", "route_to")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The actions of one matching rule, and whose they are."""

    owner: Owner
    actions: Actions


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The outcome of all claims, and who owns what."""

    actions: Actions
    owners: dict[str, Owner]


def settle(claims: Iterable[Claim]) -> Settled:
    """Return what `claims`, in the order of their rules, come to together."""
    owners: dict[str, Owner] = {}
    single: dict[str, object] = {}
    attributes: dict[str, JsonValue] = {}
    tags: dict[str, tuple[bool, Owner]] = {}
    notes: list[str] = []
    webhooks: dict[str, None] = {}
    for claim in claims:
        _fill_single(claim, single, owners)
        _fill_attributes(claim, attributes, owners)
        _move_tags(claim, tags)
        notes.extend(claim.actions.notes)
        webhooks.update(dict.fromkeys(claim.actions.webhooks))
    owners.update({tag_slot(tag): owner for tag, (_, owner) in tags.items()})
    actions = replace(
        Actions(
            add_tags=tuple(tag for tag, (added, _) in tags.items() if added),
            remove_tags=tuple(tag for tag, (added, _) in tags.items() if not added),
            set_attributes=attributes,
            notes=tuple(notes),
            webhooks=tuple(webhooks),
        ),
        **single,  # type: ignore[arg-type]  # the keys are SINGLE_SLOTS, the values came from the same fields
    )
    return Settled(actions=actions, owners=owners)


def usable_fallback(fallback: Actions, settled: Actions) -> Actions:
    """Return the part of `fallback` that contributes after the rules came to `settled`; empty if none does."""
    priority = fallback.priority if settled.priority is None else None
    if settled.names_destination:
        return Actions(priority=priority)
    return replace(fallback, priority=priority)


def attribute_slot(key: str) -> str:
    """Return the name of the slot of an attribute, as rules write it: `attributes["tier"]`."""
    return f"attributes[{json.dumps(key, ensure_ascii=False)}]"


def tag_slot(tag: str) -> str:
    """Return the name under which the owner of a tag's last operation is kept: `tags["vip"]`."""
    return f"tags[{json.dumps(tag, ensure_ascii=False)}]"


def _fill_single(claim: Claim, single: dict[str, object], owners: dict[str, Owner]) -> None:
    for slot in SINGLE_SLOTS:
        value = getattr(claim.actions, slot)
        if value is not None and slot not in single:
            single[slot] = value
            owners[slot] = claim.owner


def _fill_attributes(claim: Claim, attributes: dict[str, JsonValue], owners: dict[str, Owner]) -> None:
    for key, value in claim.actions.set_attributes.items():
        if key not in attributes:
            attributes[key] = value
            owners[attribute_slot(key)] = claim.owner


def _move_tags(claim: Claim, tags: dict[str, tuple[bool, Owner]]) -> None:
    operations = [(tag, True) for tag in claim.actions.add_tags] + [(tag, False) for tag in claim.actions.remove_tags]
    for tag, added in operations:
        tags.pop(tag, None)  # re-inserted at the end: order is that of the last operation
        tags[tag] = (added, claim.owner)
