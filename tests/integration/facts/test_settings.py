"""A change of settings: everybody's facts follow, in batches, each change told once."""

from datetime import timedelta
from decimal import Decimal

import pytest

from engine.ids import EndUserId
from engine.workspace.models import WorkspaceSettings
from stripe_sync import fact_renewal_repository, fact_service
from stripe_sync.fact_service import FACTS_TOPIC
from tests.integration.facts.world import HERE, SERVICE, World, changes
from tests.unit.derive.build import charge, customer


class Woken:
    """Notes what is woken."""

    def __init__(self) -> None:
        self.topics: list[str] = []

    def wake(self, topic: str) -> None:
        """Note it."""
        self.topics.append(topic)


def people(world: World, count: int) -> list[EndUserId]:
    """Return end users with one customer each, who paid 11.00 dollars in euros."""
    connection = world.connect()
    ids = [f"cus_{number}" for number in range(count)]
    world.mirror(
        connection,
        customers=[customer(id=each) for each in ids],
        charges=[{**charge(1000, currency="eur", id=f"ch_{each}"), "customer": each} for each in ids],
    )
    made = [EndUserId(f"eu_{each}") for each in ids]
    for each, end_user_id in zip(ids, made, strict=True):
        world.link(connection, each, end_user_id)
    world.recompute(*made)
    return made


def test_everybody_follows_in_batches(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """New settings reach everybody, a batch in each transaction, and every change is told once, as the setting's."""
    monkeypatch.setattr(fact_service, "BATCH", 2)
    ids = people(world, 5)
    world.change_settings(WorkspaceSettings(reporting_currency="eur"))
    dealt_with = [SERVICE.recompute_requested(world.database, world.clock) for _ in range(4)]
    told = world.told()

    assert dealt_with == [2, 2, 1, 0]
    assert {world.read(each).get("ltv") for each in ids} == {Decimal("10.00")}
    assert {each["cause"] for each in told} == {"setting"}
    for end_user_id in ids:
        mine = changes([each for each in told if each["end_user_id"] == end_user_id])
        assert mine["ltv"] == ("11.00", "10.00")


def test_whoever_writes_in_need_not_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts that are read before their batch came are worked out on the spot, and not told again by the batch."""
    monkeypatch.setattr(fact_service, "BATCH", 2)
    ids = people(world, 3)
    world.change_settings(WorkspaceSettings(reporting_currency="eur"))

    assert world.read(ids[2]).get("ltv") == Decimal("10.00")
    told = world.told()
    assert {(each["end_user_id"], each["cause"]) for each in told} == {(ids[2], "setting")}
    assert SERVICE.drain_due(world.database, world.clock) == len(ids)
    assert {each["end_user_id"] for each in world.told()} == {ids[0], ids[1]}


def test_another_change_meanwhile_starts_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings changed again half-way reach also those who followed the first change already."""
    monkeypatch.setattr(fact_service, "BATCH", 2)
    ids = people(world, 3)
    world.change_settings(WorkspaceSettings(reporting_currency="eur"))
    SERVICE.recompute_requested(world.database, world.clock)
    world.change_settings(WorkspaceSettings(reporting_currency="usd"))
    SERVICE.drain_due(world.database, world.clock)

    assert {world.read(each).get("ltv") for each in ids} == {Decimal("11.00")}


def test_long_work_is_left_to_the_next_job(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that ran out of time asks for another instead of holding up what waits behind it."""
    people(world, 1)
    world.change_settings(WorkspaceSettings(reporting_currency="eur"))
    woken = Woken()
    monkeypatch.setattr(fact_service, "JOB_TIME", timedelta(0))
    assert SERVICE.drain_due(world.database, world.clock, woken) == 0
    assert woken.topics == [FACTS_TOPIC]
    monkeypatch.undo()
    assert SERVICE.drain_due(world.database, world.clock, woken) == 1
    assert woken.topics == [FACTS_TOPIC]


def test_no_other_workspace_follows(world: World) -> None:
    """A change of settings concerns its own workspace, and one without end users is over at once."""
    with world.database.workspace(HERE) as session:
        SERVICE.settings_changed(HERE, session, world.clock.now())
    assert SERVICE.drain_due(world.database, world.clock) == 0
    with world.database.system() as session:
        assert fact_renewal_repository.system_requested(session) == []
