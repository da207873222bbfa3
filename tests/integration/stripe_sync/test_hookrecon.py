"""An independent auditor, hookrecon from PyPI, finds everything in the mirror that Stripe's event log tells of.

It reads Stripe's log and our tables with code of its own, and knows nothing of how we sync.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from engine.storage import Database
from stripe_sync.mirror_tables import MIRROR
from tests.integration.stripe_sync.office import Office, make_office
from tests.servers import PostgresqlServer
from tests.stripe_simulator import Simulator

TABLES = {
    "customer.created": "customers",
    "customer.updated": "customers",
    "customer.deleted": "customers",
    "customer.subscription.created": "subscriptions",
    "customer.subscription.updated": "subscriptions",
    "invoice.created": "invoices",
    "invoice.paid": "invoices",
    "charge.succeeded": "charges",
    "charge.failed": "charges",
    "charge.refunded": "charges",
    "refund.created": "refunds",
    "charge.dispute.created": "disputes",
    "product.created": "products",
    "price.created": "prices",
    "coupon.created": "coupons",
}
AUDIT = """
import sys
import stripe
stripe.api_base = sys.argv[1]
from hookrecon.cli import main
sys.exit(main(["check", "--json"]))
"""
CLEAN, DRIFT = 0, 1


@pytest.fixture
def office(postgresql_server: PostgresqlServer, simulator: Simulator) -> Iterator[Office]:
    """Return a workspace on a PostgreSQL of its own, whose account is connected and backfilled."""
    with postgresql_server.fresh_database() as url:
        database = Database(url)
        office = make_office(database, simulator)
        office.synced()
        yield office
        database.dispose()


def test_an_independent_auditor_finds_nothing_missing(office: Office, tmp_path: Path) -> None:
    """Whether a delivery came, came twice or never came: after a catch-up the auditor reports no drift."""
    _happen(office)
    events = _events(office)
    office.deliver(*events[::2], *events[:4])
    office.settle()
    office.service.catch_up(force=True)
    office.settle()

    code, report = _audit(office, tmp_path)

    assert {event["type"] for event in events} >= TABLES.keys()
    assert {check["event"]: check["error"] or check["status"] for check in report["checks"]} == dict.fromkeys(
        TABLES, "clean"
    )
    assert code == CLEAN


def test_the_auditor_sees_what_is_missing(office: Office, tmp_path: Path) -> None:
    """With a charge taken out of the mirror it reports just that charge."""
    _happen(office)
    office.service.catch_up(force=True)
    office.settle()
    charges = MIRROR["charges"]
    lost = next(event for event in _events(office) if event["type"] == "charge.failed")["data"]["object"]["id"]
    with office.database.workspace(office.workspace_id) as session:
        session.execute(delete(charges).where(charges.c.workspace_id == office.workspace_id, charges.c.id == lost))

    code, report = _audit(office, tmp_path)

    assert code == DRIFT
    assert {drift["objectId"] for check in report["checks"] for drift in check["drifts"]} == {lost}


# helpers


def _happen(office: Office) -> None:
    """Let things of many kinds happen at the merchant's."""
    customer_id, _ = office.new_customer()
    gone_id, _ = office.new_customer()
    control = office.simulator.control
    control("attach_card", id=customer_id)
    control("create_subscription", id=customer_id)
    for after in ("refund", "dispute"):
        control("create_charge", id=customer_id, status="succeeded")
        paid = next(event for event in reversed(_events(office)) if event["type"] == "charge.succeeded")
        control(after, id=paid["data"]["object"]["id"])
    control("create_charge", id=customer_id, status="failed")
    control("update_customer", id=customer_id, name="Another")
    control("create_product", id=f"prod_{gone_id}", name="New")
    control("create_price", product=f"prod_{gone_id}", unit_amount=500, currency="usd")
    control("create_coupon", id=f"coupon_{gone_id}", percent_off=10, duration="forever")
    control("delete_customer", id=gone_id)


def _events(office: Office) -> list[dict[str, Any]]:
    """Return what the log tells of, oldest first, as the platform's endpoint gets it."""
    found = office.simulator.get("/v1/events", limit=100)["data"][::-1]
    return [{**event, "account": office.simulator.account} for event in found]


def _audit(office: Office, folder: Path) -> tuple[int, dict[str, Any]]:
    """Run hookrecon against the simulator and our database; return its exit code and its report."""
    connection = office.connection
    checks = [
        {
            "name": event,
            "event": event,
            # The auditor binds one value, the id of the object.
            "sql": f"SELECT id FROM stripe_{table} WHERE connection_id = '{connection.id}' AND id = $1",
            "param": "data.object.id",
        }
        for event, table in TABLES.items()
    ]
    (folder / "hookrecon.config.json").write_text(json.dumps({"checks": checks, "stripe": {"lookbackDays": 1}}))
    url = office.database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-c", AUDIT, office.simulator.url],
        cwd=folder,
        env={
            **os.environ,
            "STRIPE_SECRET_KEY": office.simulator.api_key,
            "DATABASE_URL": f"{url}&options=-c%20ochre.workspace%3D{office.workspace_id}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)
