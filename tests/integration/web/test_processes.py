"""The processes as an operator runs them: command line, web server, worker and scheduler, over a real Valkey."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from engine.workspace import repository as workspaces
from engine.workspace.models import Workspace
from tests.integration.web.conftest import SECRET, environment, message
from tests.servers import start_valkey
from web.auth.service import NewToken
from web.migrations import upgrade
from web.settings import load
from web.wiring import build

OCHRE = [sys.executable, "-m", "web.cli.main"]
PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A running Ochre."""

    url: str
    token: str
    environ: dict[str, str] = field(repr=False)

    @property
    def bearer(self) -> dict[str, str]:
        """Return the credentials of the owner's script."""
        return {"Authorization": f"Bearer {self.token}"}


@pytest.fixture
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Run web server, worker and scheduler from the command line, with one workspace."""
    folder = tmp_path_factory.mktemp("installation")
    with start_valkey(tmp_path_factory.mktemp("valkey")) as redis_url:
        port = _free_port()
        environ = {
            **os.environ,
            **environment(folder, REDIS_URL=redis_url, PUBLIC_URL=f"http://127.0.0.1:{port}"),
            "PYTHONPATH": str(Path(__file__).parents[3]),
        }
        settings = load({**environ, "OCHRE_SECRET_KEY": SECRET})
        upgrade(settings.database_url)
        services = build(settings)
        workspace = services.members.create_workspace("Acme", "olive@acme.example", PASSWORD)
        assert isinstance(workspace, Workspace)
        with services.database.workspace(workspace.id) as session:
            (owner,) = workspaces.members(workspace.id, session)
            made = services.auth.create_token(workspace.id, session, owner, "test", None)
        assert isinstance(made, NewToken)
        services.database.dispose()
        commands = (["serve", "--port", str(port)], ["worker"], ["scheduler"])
        children = []
        for command in commands:
            with (folder / f"{command[0]}.log").open("wb") as log:
                children.append(subprocess.Popen([*OCHRE, *command], env=environ, stdout=log, stderr=log))
        url = f"http://127.0.0.1:{port}"
        try:
            wait_for(lambda: requests.get(f"{url}/readyz?require=worker", timeout=5).status_code == 200)
            yield Installation(url=url, token=made.text, environ=environ)
        finally:
            for child in children:
                child.send_signal(signal.SIGTERM)
            codes = [child.wait(20) for child in children]
        assert codes == [0, 0, 0]
        assert "Traceback" not in "".join((folder / f"{command[0]}.log").read_text() for command in commands)


def test_the_processes_work_together(installation: Installation) -> None:
    """Over real HTTP conversations are taken and worked on, large bodies refused, people let in; all end when told."""
    _take_a_conversation(installation)
    _refuse_large_bodies(installation)
    _let_the_owner_in(installation)


# helpers


def _take_a_conversation(installation: Installation) -> None:
    url = f"{installation.url}/api/v1/conversations"
    answer = requests.post(url, json=message(), headers=installation.bearer, timeout=10)

    assert answer.status_code == 201
    assert answer.json()["decision"]["ruleset_version"] == 0
    wait_for(lambda: _backlog(installation) == 0)


def _refuse_large_bodies(installation: Installation) -> None:
    """Neither a stated nor an unstated size gets more than 1 MiB in."""
    url = f"{installation.url}/api/v1/conversations"
    headers = {**installation.bearer, "Content-Type": "application/json"}
    chunks = (b"x" * 65_536 for _ in range(64))
    stated = requests.post(url, data=b"x" * (2 * 1024 * 1024), headers=headers, timeout=10)
    unstated = requests.post(url, data=chunks, headers=headers, timeout=10)

    assert stated.status_code == 413
    assert unstated.status_code in {400, 413}


def _let_the_owner_in(installation: Installation) -> None:
    url = f"{installation.url}/sign-in"
    right = {"email": "olive@acme.example", "password": PASSWORD}
    wrong = {**right, "password": "wrong password"}
    let_in = requests.post(url, data=right, allow_redirects=False, timeout=10)
    kept_out = requests.post(url, data=wrong, allow_redirects=False, timeout=10)

    assert let_in.status_code == 303
    assert "HttpOnly" in let_in.headers["Set-Cookie"]
    assert "Set-Cookie" not in kept_out.headers


def wait_for(is_so: Callable[[], bool], seconds: float = 90.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if is_so():
                return
        except requests.ConnectionError:
            pass
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.2)


def _backlog(installation: Installation) -> int:
    text = requests.get(f"{installation.url}/metrics", timeout=5).text
    (line,) = [line for line in text.splitlines() if line.startswith('ochre_backlog{topic="outbox"}')]
    return int(float(line.rpartition(" ")[2]))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
