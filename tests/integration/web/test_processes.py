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


@pytest.fixture(scope="module")
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


def test_a_conversation_is_taken_over_http(installation: Installation) -> None:
    """The web server takes a conversation, stores and decides it, and lets the worker draw the consequences."""
    answer = requests.post(
        f"{installation.url}/api/v1/conversations", json=message(), headers=installation.bearer, timeout=10
    )

    assert answer.status_code == 201
    assert answer.json()["decision"]["ruleset_version"] == 0
    wait_for(lambda: _backlog(installation) == 0)


def test_a_large_body_is_refused_before_it_is_read(installation: Installation) -> None:
    """Neither a stated nor an unstated size gets more than 1 MiB in."""
    url = f"{installation.url}/api/v1/conversations"
    headers = {**installation.bearer, "Content-Type": "application/json"}
    chunks = (b"x" * 65_536 for _ in range(64))
    stated = requests.post(url, data=b"x" * (2 * 1024 * 1024), headers=headers, timeout=10)
    unstated = requests.post(url, data=chunks, headers=headers, timeout=10)

    assert stated.status_code == 413
    assert unstated.status_code in {400, 413}


def test_a_person_signs_in_with_the_password_of_the_command_line(installation: Installation) -> None:
    """The owner made on the command line can sign in over HTTP, and a wrong password is told so."""
    browser = requests.Session()
    right = browser.post(
        f"{installation.url}/sign-in",
        data={"email": "olive@acme.example", "password": PASSWORD},
        allow_redirects=False,
        timeout=10,
    )
    wrong = requests.post(
        f"{installation.url}/sign-in",
        data={"email": "olive@acme.example", "password": "wrong password"},
        allow_redirects=False,
        timeout=10,
    )

    assert right.status_code == 303
    assert "HttpOnly" in right.headers["Set-Cookie"]
    assert "Set-Cookie" not in wrong.headers


def test_a_taken_port_is_said_in_one_line(installation: Installation) -> None:
    """A second server on the same port ends at once with one clear line."""
    port = installation.url.rpartition(":")[2]
    second = subprocess.run(
        [*OCHRE, "serve", "--port", port],
        env=installation.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert f"port {port}" in second.stderr


def test_faulty_settings_end_a_process_with_every_fault() -> None:
    """A process with faulty settings does not start, and names all of them."""
    environ = {**os.environ, "OCHRE_REDIS_URL": "nope", "OCHRE_PUBLIC_URL": "nope", "OCHRE_DATA_DIR": "/proc/nope"}
    process = subprocess.run([*OCHRE, "doctor"], env=environ, capture_output=True, text=True, timeout=60, check=False)

    assert process.returncode == 2
    assert all(name in process.stderr for name in ("OCHRE_REDIS_URL", "OCHRE_PUBLIC_URL", "OCHRE_DATA_DIR"))


# helpers


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
