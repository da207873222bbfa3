"""No secret in anything the running service writes: real processes at the loudest log level, in bad moments too."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis
import requests
from sqlalchemy import text

from engine.storage import Database
from engine.workspace import repository as workspaces
from engine.workspace.models import Workspace
from stripe_sync.connect.repository import connections
from stripe_sync.connect.sealing import KeyRing
from stripe_sync.connect.vault import Reader, SecretField, Vault, VaultRefusedError
from tests.integration.web.conftest import environment
from tests.servers import migrate
from tests.stripe_simulator import Simulator, start_simulator
from web.auth.service import NewToken
from web.processes.ports import free_port
from web.settings import load
from web.wiring import Services, build

STRIPE = "/settings/integrations/stripe"
PASSWORD = "correct horse battery staple"
SIGNING, SEALING = "signing-key-" + "s" * 32, "sealing-key-" + "e" * 32
OWN_WEBHOOK_SECRET = "whsec_of_the_merchants_own_endpoint_0123456789"
WRONG_KEY = "rk_live_51WrongWrongWrongWrongWrong0123456789"
FIELDS = (SecretField.TOKEN, SecretField.REFRESH_TOKEN, SecretField.WEBHOOK_SECRET)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A running service, the simulated Stripe beside it, and the secrets that were seen so far."""

    url: str
    folder: Path
    redis_url: str
    simulator: Simulator
    services: Services = field(repr=False)
    workspace: Workspace
    browser: requests.Session = field(repr=False)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    pages: list[str] = field(default_factory=list, repr=False)

    def get(self, path: str) -> str:
        """Open a page, and keep what it said."""
        answer = self.browser.get(self.url + path, timeout=20)
        self.pages.append(f"{path} {answer.headers} {answer.text}")
        return answer.text

    def post(self, path: str, **fields: str) -> requests.Response:
        """Send a form of the integration's page, and keep the answer."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(STRIPE))
        assert found is not None
        answer = self.browser.post(
            self.url + path,
            data={"csrf_token": found[1], **fields},
            headers={"Origin": self.url},
            allow_redirects=False,
            timeout=20,
        )
        self.pages.append(f"{path} {answer.text}")
        return answer

    def connect(self, kind: str, account: str) -> None:
        """Connect an account through Stripe's page of consent."""
        authorize = self.post(f"{STRIPE}/connect", kind=kind, livemode="true").headers["Location"]
        self.pages.pop()  # it leads the browser to Stripe, and has to tell it the state
        query = self.simulator.decide(authorize, account=account)
        self.secrets.update({f"code of {kind}": query["code"], f"state of {kind}": query["state"]})
        answer = self.browser.get(f"{self.url}/integrations/stripe/callback", params=query, timeout=20)
        assert "Connected." in answer.text
        self.note(kind)

    def note(self, occasion: str) -> None:
        """Note every secret the vault holds now."""
        parts, workspace_id = self.services, self.workspace.id
        vault = Vault(KeyRing([SEALING]), parts.clock)
        with parts.database.workspace(workspace_id) as session:
            (owner,) = workspaces.members(workspace_id, session)
            reader = Reader(member_id=owner.id, purpose="test")
            for connection in connections(workspace_id, session):
                for one in FIELDS:
                    try:
                        found = vault.read(workspace_id, session, connection.id, one, reader)
                    except VaultRefusedError:
                        continue  # this kind of connection has none
                    self.secrets[f"{one.value} of {connection.kind.value}, {occasion}"] = found.value

    def backfills(self) -> list[str]:
        """Return the state of each connection's newest run."""
        found = self.services.stripe.status(self.workspace.id)["connections"]
        return [str(each["backfill"]["status"]) for each in found]

    def logs(self) -> dict[str, str]:
        """Return what the processes wrote, by name."""
        return {path.stem: path.read_text() for path in self.folder.glob("*.log")}


@pytest.fixture
def place(tmp_path: Path, valkey_url: str) -> Iterator[Place]:
    """Run web server and worker on SQLite and Valkey, with an owner signed in, at log level debug."""
    with start_simulator("--customers", "4", "--accounts", "3", "--rate", "10000") as simulator:
        port = free_port()
        keys = {"CLIENT_ID": simulator.client_id, "SECRET_KEY": simulator.secret_key}
        plain = environment(
            tmp_path,
            DATABASE_URL=f"sqlite:///{tmp_path / 'ochre.db'}",
            REDIS_URL=valkey_url,
            PUBLIC_URL=f"http://127.0.0.1:{port}",
            LOG_LEVEL="debug",
            STRIPE_WEBHOOK_SECRETS=simulator.webhook_secret,
            **{f"STRIPE_{name}_BASE": simulator.url for name in ("API", "CONNECT", "APPS", "DASHBOARD")},
            **{f"STRIPE_{name}": value for name, value in keys.items()},
            **{f"STRIPE_APP_{name}": value for name, value in keys.items()},
        )
        environ = {**plain, "OCHRE_SECRET_KEY": SIGNING, "OCHRE_ENCRYPTION_KEYS": SEALING}
        settings = load(environ)
        migrate(settings.database_url)
        services = build(settings)
        workspace = services.members.create_workspace("Acme", "olive@acme.example", PASSWORD)
        assert isinstance(workspace, Workspace)
        with _processes(tmp_path, environ, ["serve", "--port", str(port)], ["worker"]):
            found = Place(
                url=f"http://127.0.0.1:{port}",
                folder=tmp_path,
                redis_url=valkey_url,
                simulator=simulator,
                services=services,
                workspace=workspace,
                browser=requests.Session(),
            )
            _sign_in(found)
            yield found
        services.database.dispose()


def test_no_secret_is_written_anywhere(place: Place) -> None:
    """Three kinds of credential, webhook secrets, refreshed tokens, wrong keys, failures and crashes: none is told."""
    accounts = place.simulator.accounts
    place.connect("oauth", accounts[1])
    place.connect("app", accounts[2])
    answer = place.post(f"{STRIPE}/key", api_key=place.simulator.api_key, webhook_secret=OWN_WEBHOOK_SECRET)
    assert answer.status_code == 303
    refused = place.post(f"{STRIPE}/key", api_key=WRONG_KEY, webhook_secret=OWN_WEBHOOK_SECRET)
    assert refused.status_code == 422
    place.note("restricted key")
    _wait(lambda: place.backfills() == ["complete"] * 3)

    _refresh(place)
    _fail(place)
    _crash(place)
    for path in ("", "/settings/audit", "/settings/tokens", "/inbox", "/metrics", "/readyz", "/docs/api"):
        place.get(path or STRIPE)

    names = " ".join(place.secrets)
    for told in (
        "token of oauth",
        "refresh_token of app, refreshed",
        "webhook_secret of restricted_key",
        "token of app",
    ):
        assert told in names
    assert all("Traceback" in log for log in place.logs().values()), "nothing crashed, so nothing was shown"
    for where, everything in _written(place):
        found = [name for name, secret in place.secrets.items() if secret in everything]
        assert found == [], where


# helpers


def _sign_in(place: Place) -> None:
    form = {"email": "olive@acme.example", "password": PASSWORD}
    answer = place.browser.post(f"{place.url}/sign-in", data=form, headers={"Origin": place.url}, timeout=20)
    assert answer.ok
    with place.services.database.workspace(place.workspace.id) as session:
        (owner,) = workspaces.members(place.workspace.id, session)
        made = place.services.auth.create_token(place.workspace.id, session, owner, "test", None)
    assert isinstance(made, NewToken)
    place.secrets.update(
        {
            "password": PASSWORD,
            "cookie": next(iter(place.browser.cookies)).value or "",
            "api token": made.text,
            "signing key": SIGNING,
            "sealing key": SEALING,
            "platform key": place.simulator.secret_key,
            "platform webhook secret": place.simulator.webhook_secret,
            "own webhook secret": OWN_WEBHOOK_SECRET,
            "wrong key": WRONG_KEY,
            "restricted key": place.simulator.api_key,
        }
    )
    headers = {"Authorization": f"Bearer {made.text}"}
    for path in ("/api/v1/integrations/stripe", "/api/v1/settings"):
        place.pages.append(requests.get(place.url + path, headers=headers, timeout=20).text)


def _refresh(place: Place) -> None:
    """Let the app's token end, so that the worker trades its refresh token."""
    _run(place.services.database, "UPDATE stripe_connections SET token_expires_at = connected_at WHERE kind = 'app'")
    before = place.secrets["refresh_token of app, restricted key"]
    _resync(place)

    def is_traded() -> bool:
        place.note("refreshed")
        return place.secrets["refresh_token of app, refreshed"] != before

    _wait(is_traded)


def _fail(place: Place) -> None:
    """Let Stripe fail and refuse, and strangers knock at the webhook's door."""
    for status in (500, 429):
        place.simulator.control("faults", status=status)
        _resync(place)
        time.sleep(1)
    place.simulator.control("faults")
    for path in ("/webhooks/stripe", *(f"/webhooks/stripe/{each}" for each in _ids(place))):
        answer = requests.post(
            place.url + path, data=b'{"id": "evt_1"}', headers={"Stripe-Signature": "t=1,v1=00"}, timeout=20
        )
        place.pages.append(answer.text)
        assert answer.status_code == 400
    for query in ({"code": "ac_stolen", "state": "st"}, {"error": "access_denied", "state": "st"}):
        place.browser.get(f"{place.url}/integrations/stripe/callback", params=query, timeout=20)


def _crash(place: Place) -> None:
    """Take a table away under the web server and the worker, while they hold keys and tokens in their hands."""
    _wait(lambda: "queued" not in place.backfills())
    _resync(place)
    with _without(place.services.database, "stripe_reads"):
        _wait(lambda: "Traceback" in place.logs()["worker"])
    csrf = _csrf(place)
    with _without(place.services.database, "stripe_connections"):
        answer = place.browser.post(
            f"{place.url}{STRIPE}/key",
            data={"csrf_token": csrf, "api_key": place.simulator.api_key, "webhook_secret": OWN_WEBHOOK_SECRET},
            headers={"Origin": place.url},
            timeout=20,
        )
    place.pages.append(answer.text)
    assert answer.status_code >= 500, answer.text


def _csrf(place: Place) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', place.get(STRIPE))
    assert found is not None
    return found[1]


def _resync(place: Place) -> None:
    for each in _ids(place):
        place.post(f"{STRIPE}/{each}/resync")


def _ids(place: Place) -> list[str]:
    return [each["id"] for each in place.services.stripe.status(place.workspace.id)["connections"]]


def _written(place: Place) -> Iterator[tuple[str, str]]:
    """Yield everything the system wrote: logs, every file of the database, every cell, Redis, pages and answers."""
    yield from place.logs().items()
    for path in place.folder.rglob("*"):
        if path.is_file():
            yield path.name, path.read_bytes().decode("latin-1")
    with redis.Redis.from_url(place.redis_url) as client:
        for key in client.scan_iter("*"):
            yield f"redis {key!r}", f"{key!r} {(client.dump(key) or b'').decode('latin-1')} {_content(client, key)}"
    for page in place.pages:
        yield page[:60], page


def _content(client: "redis.Redis", key: bytes) -> str:
    """Return what a key holds, unpacked: dumps may be compressed."""
    match client.type(key):
        case b"string":
            return repr(client.get(key))
        case b"hash":
            return repr(client.hgetall(key))
        case b"list":
            return repr(client.lrange(key, 0, -1))
        case b"set":
            return repr(client.smembers(key))
        case b"zset":
            return repr(client.zrange(key, 0, -1, withscores=True))
        case other:
            return f"a {other!r}, which the dump shows"


def _run(database: Database, statement: str) -> None:
    with database.system() as session:
        session.execute(text(statement))


@contextmanager
def _without(database: Database, table: str) -> Iterator[None]:
    _run(database, f"ALTER TABLE {table} RENAME TO away")
    try:
        yield
    finally:
        _run(database, f"ALTER TABLE away RENAME TO {table}")


@contextmanager
def _processes(folder: Path, environ: dict[str, str], *commands: list[str]) -> Iterator[None]:
    everything = {**os.environ, **environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    children = []
    for command in commands:
        with (folder / f"{command[0]}.log").open("wb") as log:
            arguments = [sys.executable, "-m", "web.cli.main", *command]
            children.append(subprocess.Popen(arguments, env=everything, stdout=log, stderr=log))
    try:
        _wait(lambda: _answers(environ["OCHRE_PUBLIC_URL"]))
        yield
    finally:
        for child in children:
            child.send_signal(signal.SIGTERM)
        for child in children:
            child.wait(30)


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz?require=worker", timeout=5).ok
    except requests.RequestException:
        return False


def _wait(happened: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.1)
