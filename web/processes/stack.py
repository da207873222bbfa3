"""All of Ochre's processes under one supervisor: an embedded Valkey where none is given, web, worker, scheduler."""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.error import URLError
from urllib.request import urlopen

from web.clock import SystemClock
from web.processes.folder import DataFolder
from web.processes.ports import LOOPBACK, free_port
from web.processes.supervisor import ChildSpec, Supervisor
from web.processes.valkey import EmbeddedValkey

Say = Callable[[str], None]
"""Tells the person at the terminal what happens."""

WATCH_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What to run, and where."""

    folder: DataFolder
    port: int
    database_url: str
    redis_url: str | None
    """None asks for the embedded Valkey."""
    environment: Mapping[str, str]
    """Settings of the children beyond the environment of this process."""

    @property
    def url(self) -> str:
        """Return where the web server listens."""
        return f"http://{LOOPBACK}:{self.port}"


def ochre_command(*arguments: str) -> list[str]:
    """Return the command that runs `ochre` with this very interpreter."""
    return [sys.executable, "-m", "web.cli.main", *arguments]


def start_stack(stack: Stack, supervisor: Supervisor, say: Say) -> None:
    """Migrate the database and start every process; return when the web server answers and a worker is there."""
    from web.migrations import upgrade

    redis_url = stack.redis_url or _start_valkey(stack.folder, supervisor, say)
    upgrade(stack.database_url)
    say("The database is at the newest schema")
    environment = {
        **stack.environment,
        "OCHRE_DATABASE_URL": stack.database_url,
        "OCHRE_REDIS_URL": redis_url,
        "OCHRE_DATA_DIR": str(stack.folder.path),
    }
    serve = ("serve", "--host", LOOPBACK, "--port", str(stack.port))
    for name, arguments in (("web", serve), ("worker", ("worker",)), ("scheduler", ("scheduler",))):
        supervisor.start(ChildSpec(name=name, command=ochre_command(*arguments), environment=environment))
    supervisor.wait_until("web", lambda: answers(f"{stack.url}/readyz"), seconds=30)
    say(f"The web server answers at {stack.url}")
    supervisor.wait_until("worker", lambda: answers(f"{stack.url}/readyz?require=worker"), seconds=30)
    say("The worker and the scheduler are running")


def watch(supervisor: Supervisor, look: Callable[[], None] = lambda: None) -> None:
    """Keep the children running until somebody asks to stop; raise ChildError when one can't be kept running.

    `look` is called now and then.
    """
    while not supervisor.stopping:
        supervisor.check()
        look()
        time.sleep(WATCH_SECONDS)


def answers(url: str) -> bool:
    """Tell whether `url` answers with a success."""
    try:
        with urlopen(url, timeout=2) as response:  # noqa: S310 - our own server on loopback
            return bool(response.status < 400)  # noqa: PLR2004 - where HTTP's errors begin
    except (URLError, OSError):
        return False


def _start_valkey(folder: DataFolder, supervisor: Supervisor, say: Say) -> str:
    valkey = EmbeddedValkey(port=free_port(), password=SystemClock().new_secret())
    home = folder.path / "valkey"
    home.mkdir(exist_ok=True)
    supervisor.start(valkey.child(home))
    supervisor.wait_until("valkey", valkey.is_ready, seconds=10)
    say("The embedded Valkey is up")
    return valkey.url
