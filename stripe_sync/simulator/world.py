"""One account of a simulated Stripe in one mode: everything Stripe holds for it."""

from collections.abc import Iterable, Mapping

from stripe_sync.simulator.collection import Collection
from stripe_sync.simulator.records import KINDS, Record


class World:
    """The objects of one account in one mode, and those that were deleted.

    Live and test mode are two worlds that never meet, as in Stripe.
    """

    def __init__(self, *, account: str, livemode: bool, account_name: str, created: int) -> None:
        self.account = account
        self.livemode = livemode
        self.account_name = account_name
        self.created = created
        self.collections = {name: Collection(kind.indexed) for name, kind in KINDS.items()}
        self.undelivered: dict[str, int] = {}
        """Event id to the number of endpoints that have not acknowledged it yet."""
        self._graves: dict[str, dict[str, Record]] = {name: {} for name in KINDS}

    def get(self, kind: str, record_id: str | None) -> Record | None:
        """Return a record that exists, or None."""
        return self.collections[kind].get(record_id) if record_id else None

    def buried(self, kind: str, record_id: str | None) -> Record | None:
        """Return the last form of a deleted record, or None."""
        return self._graves[kind].get(record_id) if record_id else None

    def find(self, kind: str, field: str, value: str) -> list[Record]:
        """Return the records whose indexed field has this value, newest first."""
        return self.collections[kind].find(field, value)

    def put(self, kind: str, record: Record) -> None:
        """Store a record, new or in place of the one with its id."""
        self.collections[kind].put(record)

    def remove(self, kind: str, record_id: str) -> None:
        """Delete a record, keeping its last form for those that still refer to it."""
        record = self.collections[kind].remove(record_id)
        if record is not None:
            self._graves[kind][record_id] = record

    def load(self, records: Mapping[str, Iterable[Record]]) -> None:
        """Add many new records of many kinds at once."""
        for kind, rows in records.items():
            self.collections[kind].load(rows)
