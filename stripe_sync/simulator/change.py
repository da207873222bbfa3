"""One change of a world: the only way objects come, change and go, and the only maker of events.

Each event carries the object as it was at that moment of the change, so several events of one change may show
one object in several states, as Stripe's do. `previous_attributes` is made on `*.updated` events alone; nested
objects appear in it with their changed fields only, arrays whole.
"""

import random

from stripe_sync.simulator import factory
from stripe_sync.simulator.records import KINDS, Record, new_id
from stripe_sync.simulator.shapes import render
from stripe_sync.simulator.world import World

_EVENT_NAMES = {
    "subscription": "customer.subscription",
    "discount": "customer.discount",
    "dispute": "charge.dispute",
}
_SILENT = frozenset({"subscription_item", "discount"})
"""Kinds whose changes Stripe reports through the object they belong to."""


class Change:
    """What one operation does to one world at one instant."""

    def __init__(self, world: World, now: int, rng: random.Random) -> None:
        self.world = world
        self.now = now
        self.rng = rng
        self.events: list[Record] = []
        self._touched: dict[tuple[str, str], None] = {}

    def new_id(self, kind: str) -> str:
        """Make an id for an object of this kind."""
        return new_id(KINDS[kind].prefix, self.rng)

    def get(self, kind: str, record_id: str | None) -> Record:
        """Return a record that must exist."""
        record = self.world.get(kind, record_id)
        assert record is not None, f"{kind} {record_id} exists"
        return record

    def create(self, kind: str, *events: str, record_id: str | None = None, **fields: object) -> Record:
        """Store a new record and emit these events (`created` if none are named; none for silent kinds)."""
        record = factory.make(kind, record_id or self.new_id(kind), self.now, **fields)
        return self.store(kind, record, *events)

    def store(self, kind: str, record: Record, *events: str) -> Record:
        """Store a new, complete record and emit these events, as `create` does."""
        self.world.put(kind, record)
        self.touch(kind, record["id"])
        if not events and kind not in _SILENT:
            events = (f"{_EVENT_NAMES.get(kind, kind)}.created",)
        self.emit(kind, record["id"], *events)
        return record

    def update(self, kind: str, record_id: str, *events: str, silent: bool = False, **fields: object) -> Record:
        """Change fields of a record; emits `*.updated` with what was before if anything visible changed, then these."""
        old = self.get(kind, record_id)
        new = {**old, **fields}
        assert new.keys() == old.keys(), f"unknown field of a {kind}"
        before = None if silent or kind in _SILENT else render(self.world, kind, old)
        self.world.put(kind, new)
        self.touch(kind, record_id)
        if before is not None:
            self.emit_updated(kind, before)
        self.emit(kind, record_id, *events)
        return new

    def emit_updated(self, kind: str, before: Record) -> None:
        """Emit `*.updated` if the object differs from how it was shown `before`."""
        shape = self.shape(kind, before["id"])
        previous = difference(before, shape)
        if previous:
            self.announce(f"{_EVENT_NAMES.get(kind, kind)}.updated", shape, previous)

    def emit(self, kind: str, record_id: str, *types: str) -> None:
        """Emit events about an object as it is now."""
        for event_type in types:
            self.announce(event_type, self.shape(kind, record_id), None)

    def remove(self, kind: str, record_id: str, *events: str) -> None:
        """Delete a record; its events show it as it was, marked deleted where Stripe does so."""
        shape = self.shape(kind, record_id)
        self.world.remove(kind, record_id)
        self.touch(kind, record_id)
        for event_type in events:
            self.announce(event_type, shape)

    def shape(self, kind: str, record_id: str) -> Record:
        """Return an existing object as the API shows it now."""
        return render(self.world, kind, self.get(kind, record_id))

    def touched(self) -> dict[str, list[Record]]:
        """Return all objects this change stored, as they are now, by kind."""
        answer: dict[str, list[Record]] = {}
        for kind, record_id in self._touched:
            if kind in _SILENT:
                continue
            record = self.world.get(kind, record_id)
            shape = render(self.world, kind, record) if record else {"id": record_id, "deleted": True}
            answer.setdefault(kind, []).append(shape)
        return answer

    def touch(self, kind: str, record_id: str) -> None:
        """Count an object among those this change is about."""
        self._touched[kind, record_id] = None

    def announce(self, event_type: str, shape: Record, previous: Record | None = None) -> None:
        """Emit an event about an object as given."""
        data: Record = {"object": shape}
        if previous:
            data["previous_attributes"] = previous
        event = factory.make("event", self.new_id("event"), self.now, type=event_type, data=data)
        self.world.put("event", event)
        self.events.append(event)


def difference(before: Record, after: Record) -> Record:
    """Return the former values of what changed, in the form of `previous_attributes`."""
    changed: Record = {}
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        changed[name] = difference(old, new) if isinstance(old, dict) and isinstance(new, dict) else old
    return changed
