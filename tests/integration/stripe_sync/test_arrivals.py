"""Deliveries that come one after the other and all at once: each is stored once, with whoever it belongs to."""

import itertools
import json
from concurrent.futures import ThreadPoolExecutor

from stripe_sync.events.models import Ignored, Stored
from tests.integration.stripe_sync.office import OWNER, Office

_NUMBERS = itertools.count(1)


def test_what_comes_at_once_is_stored_once(office: Office) -> None:
    """Of sixteen deliveries at once, half of them repeated, each event is new once, and all are there."""
    office.connect()
    assert isinstance(office.deliver_raw(event(office)), Stored)
    bodies = [event(office) for _ in range(8)]
    with ThreadPoolExecutor(16) as threads:
        received = list(threads.map(office.deliver_raw, bodies * 2))

    assert all(isinstance(each, Stored) for each in received)
    assert sum(isinstance(each, Stored) and each.is_new for each in received) == len(bodies)
    assert office.status()["events"]["pending"] == len(bodies) + 1


def test_a_connection_that_ended_receives_nothing_more(office: Office) -> None:
    """Nothing that was known of a connection a moment ago lets an event in after it ended."""
    connection = office.connect()
    office.deliver_raw(event(office))
    second = office.deliver_raw(event(office))
    office.service.disconnect(office.workspace_id, member_id=OWNER, connection_id=connection.id)

    after = office.deliver_raw(event(office))

    assert isinstance(second, Stored)
    assert isinstance(after, Ignored)
    assert after.reason == "inactive"


def test_other_modes_and_accounts_are_told_apart_in_one_moment(office: Office) -> None:
    """Deliveries of the connected account, of its test mode and of a stranger's, at once, each get their answer."""
    office.connect()
    office.deliver_raw(event(office))
    bodies = [event(office), event(office, livemode=False), event(office, account="acct_nobody")] * 4
    with ThreadPoolExecutor(12) as threads:
        received = list(threads.map(office.deliver_raw, bodies))

    reasons = [each.reason if isinstance(each, Ignored) else type(each).__name__ for each in received]
    assert sorted(set(reasons)) == ["Stored", "other_mode", "unknown_account"]
    assert [reasons.count(each) for each in ("Stored", "other_mode", "unknown_account")] == [4, 4, 4]


def test_a_delivery_survives_that_the_database_dropped_its_connections(office: Office) -> None:
    """After the database threw everybody out the next delivery connects anew and is stored."""
    office.connect()
    office.deliver_raw(event(office))
    assert isinstance(office.deliver_raw(event(office)), Stored)
    if office.database.is_postgresql:
        with office.database.system() as session:
            session.connection().exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    assert isinstance(office.deliver_raw(event(office)), Stored)


def event(office: Office, *, livemode: bool = True, account: str | None = None) -> bytes:
    """Return a new event about a customer, as the platform's endpoint gets it."""
    number = next(_NUMBERS)
    return json.dumps(
        {
            "id": f"evt_arrival_{number}_{account}",
            "object": "event",
            "type": "customer.updated",
            "created": int(office.clock.now().timestamp()),
            "livemode": livemode,
            "account": account or office.simulator.account,
            "data": {"object": {"id": f"cus_arrival_{number}", "object": "customer", "livemode": livemode}},
        }
    ).encode()
