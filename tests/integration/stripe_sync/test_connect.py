"""Connecting and disconnecting: every hazard of the callback, the vault, and what stays afterwards."""

import logging
from collections.abc import Mapping
from datetime import timedelta

import pytest
import requests
from sqlalchemy import inspect, text

from engine.audit import repository as audit
from engine.core.facts import FactValue, Reason, to_json
from engine.faults import Conflict, NotFound
from engine.ids import ConnectionId, EndUserId, MemberId
from engine.workspace import repository as workspaces
from stripe_sync import fact_repository
from stripe_sync.connect.models import Connection, ConnectRefused, CredentialKind
from stripe_sync.connect.sealing import KeyRing
from stripe_sync.connect.vault import Reader, SecretField, Vault, VaultRefusedError
from stripe_sync.events.models import BadSignature, Ignored, Stored
from stripe_sync.events.signature import sign
from stripe_sync.fact_changes import StoredFacts
from stripe_sync.service import StripeService
from tests.integration.stripe_sync.office import ADMIN, AGENT, BROWSER, FACTS, KEY, OWNER, Office, Wakes


def test_oauth_connects_and_queues_a_backfill(office: Office) -> None:
    """After the round trip the account is connected, in the mode asked for, and a run waits."""
    connection = office.connect()

    assert connection.account_id == office.simulator.account
    assert connection.livemode is True
    assert office.status()["status"] == "active"
    assert office.backfill()["status"] == "queued"
    assert "backfill" in office.wakes.topics


def test_test_mode_uses_its_own_keys(office: Office) -> None:
    """A test connection is another connection of the same account."""
    office.connect()
    url = office.service.begin_connect(office.workspace_id, member_id=OWNER, livemode=False, binding=BROWSER)
    assert isinstance(url, str)

    connection = _finish(office, office.simulator.decide(url))

    assert isinstance(connection, Connection)
    assert connection.livemode is False
    assert len(office.service.status(office.workspace_id)["connections"]) == 2


def test_callback_works_once(office: Office) -> None:
    """A second submission of the same callback is refused before the code is used again, and breaks nothing."""
    query = office.simulator.decide(_begin(office))

    first = _finish(office, query)
    second = _finish(office, query)
    office.service.run_backfills()

    assert isinstance(first, Connection)
    assert _code(second) == "bad_state"
    assert office.backfill()["status"] == "complete"


def test_state_is_bound_and_expires(office: Office) -> None:
    """Another session, another member, another workspace or a later hour cannot use a state; its owner still can."""
    query = office.simulator.decide(_begin(office))
    other = office.in_other_workspace()

    by_session = office.service.finish_connect(office.workspace_id, member_id=OWNER, binding="another", query=query)
    by_member = office.service.finish_connect(office.workspace_id, member_id=ADMIN, binding=BROWSER, query=query)
    by_workspace = other.service.finish_connect(other.workspace_id, member_id=OWNER, binding=BROWSER, query=query)
    by_owner = _finish(office, query)
    late_query = office.simulator.decide(_begin(office))
    office.clock.advance(timedelta(minutes=11))
    late = _finish(office, late_query)

    assert [_code(each) for each in (by_session, by_member, by_workspace, late)] == ["bad_state"] * 4
    assert isinstance(by_owner, Connection)


def test_state_made_with_a_token_needs_a_session_of_the_same_member(office: Office) -> None:
    """A state without a session is finished by a browser session of the token's member only."""
    url = office.service.begin_connect(office.workspace_id, member_id=ADMIN, binding=None)
    assert isinstance(url, str)
    query = office.simulator.decide(url)

    by_owner = office.service.finish_connect(office.workspace_id, member_id=OWNER, binding=BROWSER, query=query)
    by_admin = office.service.finish_connect(office.workspace_id, member_id=ADMIN, binding="hers", query=query)

    assert _code(by_owner) == "bad_state"
    assert isinstance(by_admin, Connection)


def test_declined_and_broken_callbacks(office: Office) -> None:
    """Declining, a code nobody issued and a missing code are explained, and nothing is connected."""
    declined = _finish(office, office.simulator.decide(_begin(office), decision="deny"))
    state = office.simulator.decide(_begin(office))["state"]
    forged = _finish(office, {"state": state, "code": "ac_forged"})
    state = office.simulator.decide(_begin(office))["state"]
    missing = _finish(office, {"state": state})
    nothing = _finish(office, {})

    assert [_code(each) for each in (declined, forged, missing, nothing)] == [
        "denied",
        "stripe_error",
        "stripe_error",
        "bad_state",
    ]
    assert office.service.status(office.workspace_id) == {"connections": []}


def test_wrong_scope_is_refused(office: Office) -> None:
    """What Stripe grants beyond reading is not kept."""
    query = office.simulator.decide(_begin(office).replace("scope=read_only", "scope=read_write"))

    outcome = _finish(office, query)

    assert _code(outcome) == "wrong_scope"
    assert office.service.status(office.workspace_id) == {"connections": []}
    assert not _is_installed(office), "the consent was given back"


def test_wrong_scope_leaves_what_another_workspace_has(office: Office) -> None:
    """A consent that is too wide is not given back where that would end somebody's connection."""
    office.connect()
    other = office.in_other_workspace()
    url = office.service.begin_connect(other.workspace_id, member_id=MemberId(f"{OWNER}_other"), binding=BROWSER)
    assert isinstance(url, str)
    query = office.simulator.decide(url.replace("scope=read_only", "scope=read_write"))

    outcome = office.service.finish_connect(
        other.workspace_id, member_id=MemberId(f"{OWNER}_other"), binding=BROWSER, query=query
    )

    assert _code(outcome) == "wrong_scope"
    office.service.catch_up(force=True)
    assert office.status()["status"] == "active"


def test_account_of_another_workspace_is_refused(office: Office) -> None:
    """An account belongs to one workspace until it is disconnected there."""
    office.connect()
    other = office.in_other_workspace()
    member_id = MemberId(OWNER + "_other")
    url = other.service.begin_connect(other.workspace_id, member_id=member_id, binding=BROWSER)
    assert isinstance(url, str)

    outcome = other.service.finish_connect(
        other.workspace_id, member_id=member_id, binding=BROWSER, query=office.simulator.decide(url)
    )

    assert _code(outcome) == "linked_elsewhere"
    assert other.service.status(other.workspace_id) == {"connections": []}


def test_without_platform_keys_it_says_which(office: Office) -> None:
    """A kind nobody configured is refused with the settings it needs."""
    outcome = office.service.begin_connect(
        office.workspace_id, member_id=OWNER, kind=CredentialKind.APP, binding=BROWSER
    )

    assert isinstance(outcome, ConnectRefused)
    assert outcome.code == "not_configured"
    assert "OCHRE_STRIPE_APP_CLIENT_ID" in outcome.message


def test_restricted_key_has_its_own_endpoint(office: Office) -> None:
    """A merchant's own key is checked with Stripe, and its events are verified with its own secret."""
    connection = _connect_key(office)
    assert isinstance(connection, Connection)
    body = b'{"id":"evt_1","object":"event","type":"customer.updated","created":1780000000,"livemode":true,'
    body += b'"data":{"object":{"id":"cus_1","object":"customer"}}}'
    now = office.clock.now()

    good = office.service.receive_event(body, sign(body, "whsec_own", now), connection_id=connection.id)
    bad = office.service.receive_event(
        body, sign(body, office.simulator.webhook_secret, now), connection_id=connection.id
    )
    test_mode = body.replace(b"true", b"false")
    other_mode = office.service.receive_event(test_mode, sign(test_mode, "whsec_own", now), connection_id=connection.id)
    nobody = office.service.receive_event(body, sign(body, "whsec_own", now), connection_id=ConnectionId("con_x"))

    assert isinstance(good, Stored)
    assert bad == BadSignature(reason="mismatch")
    assert other_mode == Ignored(reason="other_mode")
    assert nobody == BadSignature(reason="unknown_endpoint")
    assert office.status()["webhook_url"].endswith(connection.id)


@pytest.mark.parametrize(
    ("api_key", "webhook_secret", "code"),
    [
        ("", "whsec_own", "bad_key"),
        ("pk_live_123456", "whsec_own", "bad_key"),
        ("sk_live_123456", "whsec_own", "bad_key"),  # it could write
        ("rk_live_nobodys_key", "whsec_own", "bad_key"),
        ("rk_live_123456", "secret", "bad_key"),
    ],
)
def test_bad_restricted_keys(office: Office, api_key: str, webhook_secret: str, code: str) -> None:
    """Keys that are none, could write, or are nobody's are refused without being repeated in the message."""
    outcome = office.service.connect_restricted_key(
        office.workspace_id, member_id=OWNER, api_key=api_key, webhook_secret=webhook_secret
    )

    assert isinstance(outcome, ConnectRefused)
    assert outcome.code == code
    assert not api_key or api_key not in outcome.message


def test_stripe_down_while_connecting(office: Office) -> None:
    """A server error at the exchange is told as such, and the next try works."""
    query = office.simulator.decide(_begin(office))
    office.simulator.control("faults", status=500)
    down = _connect_key(office)
    office.simulator.control("faults")
    again = _finish(office, query)

    assert _code(down) == "unavailable"
    assert isinstance(again, Connection)


def test_disconnect_and_connect_again(office: Office) -> None:
    """Disconnecting clears the token, tells Stripe, hides the panel, keeps people and stales their values.

    Connecting the same account again takes the same connection up, without duplicates.
    """
    second = office.simulator.accounts[1]
    connection = office.synced(second)
    customer = next(each for each in office.simulator.objects("customer", account=second) if each["email"])
    people = _count(office, "end_users")
    token = _read_token(office, connection)

    ended = office.service.disconnect(office.workspace_id, member_id=ADMIN, connection_id=connection.id)

    assert isinstance(ended, Connection)
    assert office.status()["status"] == "inactive"
    with pytest.raises(VaultRefusedError, match="disconnected"):
        _read_token(office, connection)
    assert _may_read(office, token) is False
    assert office.panel(customer["email"])["state"] == "not_connected"
    assert _count(office, "end_users") == people
    assert office.facts(customer["email"]).reasons["mrr"] == "stale"
    resync = office.service.resync(office.workspace_id, member_id=OWNER, connection_id=connection.id)
    assert isinstance(resync, Conflict)

    again = office.synced(second)

    assert again.id == connection.id
    assert _count(office, "end_users") == people
    assert _count(office, "stripe_connections") == 1
    assert office.panel(customer["email"])["state"] in {"linked", "ambiguous"}


def test_stored_facts_go_stale_and_come_back(office: Office) -> None:
    """Nobody has to write in: stored facts turn stale with their last values kept, for people, and return whole.

    Between connecting again and the end of the backfill nothing claims that the connection has ended.
    """
    connection = office.synced()
    before = _stored(office)
    known = {who: dict(each.facts.values) for who, each in before.items() if "mrr" in each.facts.values}
    links = _count(office, "stripe_links")

    office.service.disconnect(office.workspace_id, member_id=ADMIN, connection_id=connection.id)
    office.settle()
    ended = _stored(office)
    office.connect()
    office.settle()
    connected = _stored(office)
    office.service.run_backfills()
    office.settle()
    after = _stored(office)

    assert len(known) > 10
    for who, values in known.items():
        assert ended[who].facts.reasons["mrr"] == Reason.STALE
        assert ended[who].facts.values == {"match": "email"}
        last = ended[who].last_values
        assert last is not None
        assert (last["mrr"], last["customer_id"]) == (to_json(values["mrr"]), values["customer_id"])
        assert Reason.STALE not in connected[who].facts.reasons.values()
        assert connected[who].facts.values["customer"] is True
        assert after[who].last_values is None
        assert _timeless(after[who].facts.values) == _timeless(values)
    assert set(after) == set(before)
    assert _count(office, "stripe_links") == links


def test_access_that_stripe_refuses_leaves_facts_stale(office: Office) -> None:
    """When Stripe no longer takes the token the connection is revoked, and stored facts turn stale by themselves."""
    office.synced()
    known = [who for who, each in _stored(office).items() if "mrr" in each.facts.values]
    office.simulator.control("faults", status=401)
    office.service.catch_up(force=True)
    office.simulator.control("faults")
    office.settle()

    assert office.status()["status"] == "revoked"
    assert {str(_stored(office)[who].facts.reasons["mrr"]) for who in known} == {"stale"}


def test_disconnect_succeeds_while_stripe_is_down(office: Office) -> None:
    """Stripe not answering does not keep a connection alive; the page says what went wrong."""
    connection = office.connect(office.simulator.accounts[1])
    dead = _service_towards(office, "http://127.0.0.1:9")

    ended = dead.disconnect(office.workspace_id, member_id=OWNER, connection_id=connection.id)

    assert isinstance(ended, Connection)
    assert office.status()["status"] == "inactive"
    assert "no answer" in office.status()["last_error"]


def test_disconnecting_what_is_not_there(office: Office) -> None:
    """A connection of nobody's, or of another workspace, is not found."""
    connection = office.connect()
    other = office.in_other_workspace()

    outcome = other.service.disconnect(
        other.workspace_id, member_id=MemberId(OWNER + "_other"), connection_id=connection.id
    )

    assert isinstance(outcome, NotFound)
    assert office.status()["status"] == "active"


def test_vault_gives_secrets_to_owners_and_admins_and_audits(office: Office) -> None:
    """Agents, strangers and members of elsewhere get nothing; every reading leaves a row without the secret."""
    connection = office.connect()
    vault = Vault(KeyRing([KEY]), office.clock)
    with office.database.workspace(office.workspace_id) as session:
        found = [
            vault.read(
                office.workspace_id, session, connection.id, SecretField.TOKEN, Reader(member_id=who, purpose="x")
            )
            for who in (OWNER, ADMIN)
        ]
        for who in (AGENT, MemberId("mem_nobody")):
            with pytest.raises(VaultRefusedError, match="only an owner or admin"):
                vault.read(
                    office.workspace_id, session, connection.id, SecretField.TOKEN, Reader(member_id=who, purpose="x")
                )
    with office.database.workspace(office.workspace_id) as session:
        rows = [row for row in audit.entries(office.workspace_id, session) if row.action == "stripe.secret_read"]

    assert {secret.value[:8] for secret in found} == {"sk_live_"}
    assert [row.actor for row in rows] == [ADMIN, OWNER]
    assert "sk_live" not in repr((found, rows))


def test_jobs_stop_when_the_member_who_connected_is_no_admin_any_more(office: Office) -> None:
    """A backfill acts under the member who connected, and says so when that member may not."""
    office.connect()
    with office.database.workspace(office.workspace_id) as session:
        owner = workspaces.find_member(office.workspace_id, session, OWNER)
        assert owner is not None
        session.execute(text("UPDATE members SET role = 'agent' WHERE id = :id"), {"id": OWNER})

    office.service.run_backfills()

    assert office.backfill()["status"] == "failed"
    assert "no longer an owner or admin" in office.backfill()["error"]


def test_keys_rotate(office: Office) -> None:
    """After rotation the new key alone opens everything; a second rotation has nothing to do."""
    connection = office.connect()
    rotating = _service_towards(office, office.simulator.url, keys=["a new key that is long enough", KEY])

    assert rotating.rotate_keys() == 1
    assert rotating.rotate_keys() == 0

    fresh = Vault(KeyRing(["a new key that is long enough"]), office.clock)
    with office.database.workspace(office.workspace_id) as session:
        reader = Reader(member_id=OWNER, purpose="test")
        secret = fresh.read(office.workspace_id, session, connection.id, SecretField.TOKEN, reader)
        with pytest.raises(VaultRefusedError, match="cannot be opened"):
            Vault(KeyRing([KEY]), office.clock).read(
                office.workspace_id, session, connection.id, SecretField.TOKEN, reader
            )
    assert secret.value.startswith("sk_live_")


def test_no_secret_is_anywhere(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """After connecting, syncing and failing, no table, log line or status holds a token, key or state."""
    caplog.set_level(logging.DEBUG)
    query = office.simulator.decide(_begin(office))
    caplog.clear()  # what the browser did is not ours
    connection = _finish(office, query)
    assert isinstance(connection, Connection)
    token = _read_token(office, connection)
    office.service.run_backfills()
    office.simulator.control("faults", status=401)
    office.service.catch_up(force=True)
    office.simulator.control("faults")

    secrets = [token, query["code"], query["state"], office.simulator.secret_key, office.simulator.webhook_secret]
    for name, everything in {**_dump(office), "log": caplog.text, "status": repr(office.status())}.items():
        assert [secret for secret in secrets if secret in everything] == [], name


# helpers


def _begin(office: Office) -> str:
    url = office.service.begin_connect(office.workspace_id, member_id=OWNER, binding=BROWSER)
    assert isinstance(url, str)
    return url


def _finish(office: Office, query: dict[str, str]) -> Connection | ConnectRefused:
    return office.service.finish_connect(office.workspace_id, member_id=OWNER, binding=BROWSER, query=query)


def _connect_key(office: Office) -> Connection | ConnectRefused:
    return office.service.connect_restricted_key(
        office.workspace_id, member_id=OWNER, api_key=office.simulator.api_key, webhook_secret="whsec_own"
    )


def _code(outcome: object) -> str | None:
    return outcome.code if isinstance(outcome, ConnectRefused) else None


def _read_token(office: Office, connection: Connection) -> str:
    with office.database.workspace(office.workspace_id) as session:
        reader = Reader(member_id=OWNER, purpose="test")
        vault = Vault(KeyRing([KEY]), office.clock)
        return vault.read(office.workspace_id, session, connection.id, SecretField.TOKEN, reader).value


def _is_installed(office: Office) -> bool:
    """Return whether Stripe says that the account gave our platform access, by taking it away."""
    answer = requests.post(
        f"{office.simulator.url}/oauth/deauthorize",
        data={"client_id": office.simulator.client_id, "stripe_user_id": office.simulator.account},
        headers={"Authorization": f"Bearer {office.simulator.secret_key}"},
        timeout=10,
    )
    return answer.ok


def _may_read(office: Office, token: str) -> bool:
    answer = requests.get(
        f"{office.simulator.url}/v1/customers", headers={"Authorization": f"Bearer {token}"}, timeout=10
    )
    return answer.ok


def _count(office: Office, table: str) -> int:
    with office.database.workspace(office.workspace_id, readonly=True) as session:
        return int(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def _stored(office: Office) -> dict[EndUserId, StoredFacts]:
    """Return everybody's facts as they are stored."""
    with office.database.workspace(office.workspace_id, readonly=True) as session:
        people = session.execute(text("SELECT id FROM end_users")).scalars()
        return fact_repository.read_many(office.workspace_id, session, [EndUserId(who) for who in people])


def _timeless(values: Mapping[str, FactValue]) -> dict[str, FactValue]:
    return {name: value for name, value in values.items() if name != "synced_at"}


def _service_towards(office: Office, base: str, keys: list[str] | None = None) -> StripeService:
    from dataclasses import replace

    config = replace(office.config, api_base=base, connect_base=base)
    return StripeService(office.database, office.clock, config, Wakes(), encryption_keys=keys or [KEY], facts=FACTS)


def _dump(office: Office) -> dict[str, str]:
    """Return every table's content as text."""
    with office.database.system(readonly=True) as session:
        names = inspect(session.connection()).get_table_names()
        return {name: repr(session.execute(text(f"SELECT * FROM {name}")).all()) for name in names}
