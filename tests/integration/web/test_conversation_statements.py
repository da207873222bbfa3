"""How many statements one inbound conversation takes: each is an exchange with the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from engine.storage import Database
from tests.clock import FrozenClock
from tests.integration.web.conftest import Tenant, environment, message, new_tenant, publish
from web.app import create_app
from web.settings import load
from web.wiring import Services, build

PATH = "/api/v1/conversations"
MOST_OF_A_STRANGER = 16
MOST_OF_SOMEBODY_KNOWN = 13


@pytest.fixture
def tenant(tmp_path: Path, database: Database, clock: FrozenClock) -> Iterator[Tenant]:
    """Return a workspace with published rules, on each database."""
    url = database.url.render_as_string(hide_password=False)
    services = build(load(environment(tmp_path, DATABASE_URL=url)), clock)
    made = new_tenant(services, "ours")
    publish(made)
    yield made
    services.database.dispose()


@pytest.fixture
def desk(tmp_path: Path, tenant: Tenant) -> FlaskClient:
    """Return a help desk with its credentials, past its first conversation."""
    url = tenant.services.database.url.render_as_string(hide_password=False)
    client = create_app(tenant.services, load(environment(tmp_path, DATABASE_URL=url))).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = tenant.bearer()["Authorization"]
    first = client.post(PATH, json=message("c0", sender={"email": "first@example.com"}))
    assert first.status_code == 201, first.text
    return client


def test_stranger_takes_few_statements(tenant: Tenant, desk: FlaskClient) -> None:
    """A conversation of somebody new is decided and stored within the bound."""
    with _counted(tenant.services) as statements:
        assert desk.post(PATH, json=message("c1")).status_code == 201

    assert len(statements) <= MOST_OF_A_STRANGER, statements


def test_somebody_known_takes_fewer(tenant: Tenant, desk: FlaskClient) -> None:
    """A conversation of somebody about whom nothing changed writes nothing about them."""
    desk.post(PATH, json=message("c1"))
    with _counted(tenant.services) as statements:
        assert desk.post(PATH, json=message("c2")).status_code == 201

    assert len(statements) <= MOST_OF_SOMEBODY_KNOWN, statements
    assert not [one for one in statements if one.startswith(("INSERT INTO end_user", "UPDATE end_user"))]


def test_answer_is_what_is_read_later(desk: FlaskClient) -> None:
    """What is answered from memory is what the database tells afterwards."""
    answered = desk.post(PATH, json=message("c1")).get_json()
    again = desk.post(PATH, json=message("c1")).get_json()

    assert again == answered


@contextmanager
def _counted(services: Services) -> Iterator[list[str]]:
    """Collect the statements that reach the database, but for those that only open a transaction."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "SELECT set_config")):
            seen.append(" ".join(statement.split()))

    event.listen(services.database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(services.database.engine, "before_cursor_execute", note)
