"""Connections through a Stripe App: tokens that live an hour, and refresh tokens that work once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import requests

from engine.storage import Database
from stripe_sync.connect.models import Connection, ConnectRefused, CredentialKind
from stripe_sync.connect.refreshing import Refreshing
from stripe_sync.connect.sealing import KeyRing
from stripe_sync.connect.vault import Reader, SecretField, Vault
from stripe_sync.gateway import Answer, Gateway, GatewayError, Trouble
from stripe_sync.service import StripeService
from stripe_sync.settings import PlatformKeys
from tests.integration.stripe_sync.office import BROWSER, FACTS, KEY, OWNER, Office, Wakes, make_office
from tests.stripe_simulator import Simulator

NEW_KEY = "a new key that is long enough"


@pytest.fixture
def app_office(database: Database, simulator: Simulator) -> Office:
    """Return an office whose Ochre has the keys of a Stripe App, connected through it."""
    keys = PlatformKeys(client_id=simulator.client_id, secret_key=simulator.secret_key)
    office = make_office(database, simulator, app=keys)
    outcome = _connect(office)
    assert isinstance(outcome, Connection), outcome
    return office


def test_app_connects_and_reads(app_office: Office) -> None:
    """The round trip through the app's pages ends in an active connection that reads."""
    assert app_office.connection.kind is CredentialKind.APP
    app_office.service.run_backfills()
    assert app_office.backfill()["status"] == "complete"


def test_token_is_renewed_before_it_ends(app_office: Office) -> None:
    """Ten minutes before its end the token is traded for the next one; the old refresh token is gone with it."""
    old = _secret(app_office, SecretField.TOKEN), _secret(app_office, SecretField.REFRESH_TOKEN)
    app_office.service.catch_up(force=True)
    assert (_secret(app_office, SecretField.TOKEN), _secret(app_office, SecretField.REFRESH_TOKEN)) == old

    app_office.clock.advance(timedelta(minutes=51))
    app_office.service.catch_up(force=True)

    assert _secret(app_office, SecretField.TOKEN) != old[0]
    assert _secret(app_office, SecretField.REFRESH_TOKEN) != old[1]
    assert app_office.status()["status"] == "active"
    assert app_office.status()["last_error"] is None


def test_processes_renew_one_at_a_time(app_office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many want to read at once, one trades the refresh token and all read on."""
    trades = _count_trades(monkeypatch)
    app_office.clock.advance(timedelta(minutes=51))
    services = [_another_process(app_office) for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda service: service.catch_up(force=True), services))

    assert len(trades) == 1
    assert app_office.status()["status"] == "active"
    assert app_office.status()["last_error"] is None


def test_answer_lost_before_it_was_stored_comes_again(app_office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash between Stripe's answer and our commit costs nothing: the same question gets the same answer."""
    app_office.clock.advance(timedelta(minutes=51))
    with monkeypatch.context() as patch:
        patch.setattr(Refreshing, "_store", _crash)
        with pytest.raises(KeyboardInterrupt):
            app_office.service.catch_up(force=True)
    old = _secret(app_office, SecretField.TOKEN)

    app_office.clock.advance(timedelta(minutes=1))
    app_office.service.catch_up(force=True)

    assert _secret(app_office, SecretField.TOKEN) != old
    app_office.clock.advance(timedelta(minutes=51))
    app_office.service.catch_up(force=True)
    assert app_office.status()["status"] == "active"
    assert app_office.status()["last_error"] is None


def test_claim_of_a_process_that_died_ends_by_itself(app_office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim that nobody gives back holds the others up for less than a minute."""
    app_office.clock.advance(timedelta(minutes=51))
    with monkeypatch.context() as patch:
        patch.setattr(Refreshing, "_store", _crash)
        patch.setattr("stripe_sync.connect.repository.release_refresh", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            app_office.service.catch_up(force=True)
    trades = _count_trades(monkeypatch)
    monkeypatch.setattr("stripe_sync.connect.refreshing.WAITS", 2)

    app_office.service.catch_up(force=True)  # the old token is good for some minutes yet
    assert trades == []
    assert app_office.status()["last_error"] is None
    app_office.clock.advance(timedelta(minutes=1))
    app_office.service.catch_up(force=True)

    assert len(trades) == 1


def test_rotation_of_our_keys_meanwhile_loses_nothing(app_office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own keys are rotated between question and answer: the answer is stored all the same."""
    rotating = _another_process(app_office, keys=[NEW_KEY, KEY])
    ask = Gateway.refresh_app_token

    def ask_slowly(gateway: Gateway, keys: PlatformKeys, refresh_token: str) -> Answer:
        answer = ask(gateway, keys, refresh_token)
        assert rotating.rotate_keys() == 1
        return answer

    monkeypatch.setattr(Gateway, "refresh_app_token", ask_slowly)
    app_office.clock.advance(timedelta(minutes=51))
    reading = _another_process(app_office, keys=[KEY, NEW_KEY])
    reading.catch_up(force=True)

    monkeypatch.undo()
    app_office.clock.advance(timedelta(minutes=51))
    reading.catch_up(force=True)
    assert app_office.status()["status"] == "active"
    assert app_office.status()["last_error"] is None


def test_silence_while_renewing_ends_nothing(app_office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refresh that got no answer leaves the connection as it is, also when the token is refused meanwhile."""
    monkeypatch.setattr(Gateway, "refresh_app_token", _no_answer)
    app_office.simulator.control("faults", status=401)

    app_office.service.catch_up(force=True)

    assert app_office.status()["status"] == "active"
    app_office.simulator.control("faults")
    monkeypatch.undo()
    app_office.service.catch_up(force=True)
    assert app_office.status()["last_error"] is None


def test_connection_is_over_when_stripe_takes_neither_token(app_office: Office) -> None:
    """Uninstalling the app ends the connection, and says so."""
    simulator = app_office.simulator
    answer = requests.post(
        f"{simulator.url}/oauth/deauthorize",
        data={"client_id": simulator.client_id, "stripe_user_id": simulator.account},
        headers={"Authorization": f"Bearer {simulator.secret_key}"},
        timeout=10,
    )
    assert answer.ok, answer.text

    app_office.service.catch_up(force=True)

    assert app_office.status()["status"] == "revoked"
    assert "connect again" in app_office.status()["last_error"]


# helpers


def _connect(office: Office) -> Connection | ConnectRefused:
    url = office.service.begin_connect(office.workspace_id, member_id=OWNER, kind=CredentialKind.APP, binding=BROWSER)
    assert isinstance(url, str), url
    query = office.simulator.decide(url)
    return office.service.finish_connect(office.workspace_id, member_id=OWNER, binding=BROWSER, query=query)


def _secret(office: Office, name: SecretField) -> str:
    with office.database.workspace(office.workspace_id) as session:
        reader = Reader(member_id=OWNER, purpose="test")
        vault = Vault(KeyRing([KEY]), office.clock)
        return vault.read(office.workspace_id, session, office.connection.id, name, reader).value


def _another_process(office: Office, keys: list[str] | None = None) -> StripeService:
    return StripeService(
        office.database, office.clock, office.config, Wakes(), encryption_keys=keys or [KEY], facts=FACTS
    )


def _count_trades(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    trades: list[str] = []
    ask = Gateway.refresh_app_token

    def counted(gateway: Gateway, keys: PlatformKeys, refresh_token: str) -> Answer:
        trades.append(refresh_token)
        return ask(gateway, keys, refresh_token)

    monkeypatch.setattr(Gateway, "refresh_app_token", counted)
    return trades


def _crash(*_: Any) -> None:
    raise KeyboardInterrupt


def _no_answer(*_: Any) -> Answer:
    raise GatewayError(Trouble.UNAVAILABLE, "no answer")
