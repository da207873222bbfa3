"""A collection keeps Stripe's order and its indexes, whatever comes, changes and goes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from stripe_sync.simulator.collection import Collection
from stripe_sync.simulator.records import Record

_ID = st.integers(0, 12).map(str)
_RECORD = st.fixed_dictionaries({"id": _ID, "created": st.integers(0, 5), "owner": st.sampled_from(["a", "b", None])})
_STEP = st.one_of(st.tuples(st.just("put"), _RECORD), st.tuples(st.just("remove"), _ID))


@settings(max_examples=60, deadline=None)
@given(loaded=st.lists(_RECORD, max_size=8, unique_by=lambda record: record["id"]), steps=st.lists(_STEP, max_size=30))
def test_order_and_indexes_follow_every_step(loaded: list[Record], steps: list[tuple[str, object]]) -> None:
    """After any steps a collection holds what a plain list would, in order of creation, then of arrival."""
    collection = Collection(("owner",))
    collection.load(loaded)
    plain = {record["id"]: record for record in sorted(loaded, key=lambda record: record["created"])}
    for action, value in steps:
        if action == "put":
            assert isinstance(value, dict)
            record = {**value, "created": plain.get(value["id"], value)["created"]}  # Stripe never changes it
            collection.put(record)
            plain[record["id"]] = record
        else:
            collection.remove(str(value))
            plain.pop(str(value), None)

    ordered = sorted(plain.values(), key=lambda record: record["created"])
    assert list(collection) == ordered
    assert list(collection.newest()) == ordered[::-1]
    for owner in ("a", "b"):
        assert collection.find("owner", owner) == [row for row in ordered[::-1] if row["owner"] == owner]
    assert len(collection) == len(plain)
