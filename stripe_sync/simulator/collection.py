"""One kind of object of one account, in the order Stripe lists it, with indexes for Stripe's filters.

Everything is found by bisection: storing, removing and starting a page anywhere cost O(log n) comparisons.
Order is by `created`, then by arrival, as whole seconds tie often.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence

from stripe_sync.simulator.records import Record

Key = tuple[int, int, str]
"""`created`, number of arrival, id: what orders a collection."""


class Collection:
    """Records of one kind, oldest first inside, with secondary indexes."""

    def __init__(self, indexed: Sequence[str]) -> None:
        self._rows: dict[str, Record] = {}
        self._keys: dict[str, Key] = {}
        self._order: list[Key] = []
        self._indexes: dict[str, dict[str, list[Key]]] = {field: {} for field in indexed}
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Record]:
        """Yield every record, oldest first."""
        return (self._rows[key[2]] for key in self._order)

    def newest(self) -> Iterator[Record]:
        """Yield every record, newest first."""
        return (self._rows[key[2]] for key in reversed(self._order))

    def get(self, record_id: str) -> Record | None:
        """Return the record of this id, or None."""
        return self._rows.get(record_id)

    def key_of(self, record_id: str) -> Key | None:
        """Return the place of a record in the order, or None if it is not there."""
        return self._keys.get(record_id)

    def keys(self, index: tuple[str, str] | None = None) -> Sequence[Key]:
        """Return the ordered keys of all records, or of those whose indexed field has a value."""
        if index is None:
            return self._order
        field, value = index
        return self._indexes[field].get(value, ())

    def find(self, field: str, value: str) -> list[Record]:
        """Return the records whose indexed field has this value, newest first."""
        return [self._rows[key[2]] for key in reversed(self._indexes[field].get(value, ()))]

    def is_indexed(self, field: str) -> bool:
        """Tell whether records can be found by this field without a scan."""
        return field in self._indexes

    def load(self, records: Iterable[Record]) -> None:
        """Add many new records at once, in any order."""
        for record in sorted(records, key=_created):
            self._append(record, self._order.append)
        self._order.sort()

    def put(self, record: Record) -> None:
        """Store a record, new or in place of the one with its id."""
        old = self._rows.get(record["id"])
        if old is None:
            self._append(record, lambda key: insort(self._order, key))
            return
        self._rows[record["id"]] = record
        key = self._keys[record["id"]]
        for field, by_value in self._indexes.items():
            if old.get(field) != record.get(field):
                _drop(by_value, old.get(field), key)
                _add(by_value, record.get(field), key)

    def remove(self, record_id: str) -> Record | None:
        """Take a record out and return it, or None if it was not there."""
        record = self._rows.pop(record_id, None)
        if record is None:
            return None
        key = self._keys.pop(record_id)
        del self._order[bisect_left(self._order, key)]
        for field, by_value in self._indexes.items():
            _drop(by_value, record.get(field), key)
        return record

    def _append(self, record: Record, place: Callable[[Key], None]) -> None:
        self._arrivals += 1
        key = (record["created"], self._arrivals, record["id"])
        self._rows[record["id"]] = record
        self._keys[record["id"]] = key
        place(key)
        for field, by_value in self._indexes.items():
            _add(by_value, record.get(field), key)


def _created(record: Record) -> int:
    created: int = record["created"]
    return created


def _add(by_value: dict[str, list[Key]], value: str | None, key: Key) -> None:
    if value is not None:
        insort(by_value.setdefault(value, []), key)


def _drop(by_value: dict[str, list[Key]], value: str | None, key: Key) -> None:
    if value is None:
        return
    keys = by_value[value]
    del keys[bisect_left(keys, key)]
    if not keys:
        del by_value[value]
