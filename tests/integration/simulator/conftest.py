"""The simulator as a process, as a user starts it."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from stripe import StripeClient
from typing_extensions import override

Start = Callable[..., "Simulator"]


@dataclass(frozen=True, kw_only=True)
class Simulator:
    """A running simulator: its process and what it said when it was ready."""

    process: subprocess.Popen[str]
    ready: dict[str, Any]

    @property
    def url(self) -> str:
        """Return where it listens."""
        return str(self.ready["url"])

    def control(self, name: str, /, **args: object) -> dict[str, Any]:
        """Tell it to do something."""
        response = requests.post(f"{self.url}/_control/{name}", json=args, headers=self._headers, timeout=10)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def look(self, name: str) -> dict[str, Any]:
        """Ask it about itself."""
        response = requests.get(f"{self.url}/_control/{name}", headers=self._headers, timeout=10)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.ready['control_token']}"}

    def client(self, key: str | None = None) -> StripeClient:
        """Return Stripe's own client, pointed here."""
        bases = dict.fromkeys(("api", "connect", "files", "meter_events"), self.url)
        return StripeClient(
            key or self.ready["api_key"],
            base_addresses=bases,  # type: ignore[arg-type]  # the four names it knows
            client_id=self.ready["client_id"],
        )

    def stop(self) -> int:
        """Ask it to stop and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=10)


def _launch(*options: str) -> Simulator:
    command = [sys.executable, "-m", "web.cli.stripe_simulator", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "it did not become ready"
    return Simulator(process=process, ready=json.loads(line))


def _end(simulator: Simulator) -> None:
    if simulator.process.poll() is None:
        simulator.stop()
    if simulator.process.stdout:
        simulator.process.stdout.close()


@pytest.fixture(name="start")
def _start() -> Iterator[Start]:
    """Start simulators with options of one's own; all are stopped at the end."""
    running: list[Simulator] = []

    def start(*options: str) -> Simulator:
        running.append(_launch(*options))
        return running[-1]

    yield start
    for simulator in running:
        _end(simulator)


@pytest.fixture(name="simulator", scope="module")
def _simulator() -> Iterator[Simulator]:
    """One simulator of 150 customers for the tests of a module."""
    simulator = _launch("--customers", "150", "--seed", "it")
    yield simulator
    _end(simulator)


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A web server that takes webhooks and keeps them."""

    url: str
    received: list[tuple[bytes, str]] = field(default_factory=list)
    """Bodies and signatures, in order of arrival."""
    refusals: list[int] = field(default_factory=list)
    """Statuses to answer with first, before it acknowledges."""
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, count: int, seconds: float = 10) -> list[dict[str, Any]]:
        """Wait until so many webhooks have come and return all their bodies."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.received) >= count, timeout=seconds), len(self.received)
            return [json.loads(body) for body, _ in self.received]


@pytest.fixture(name="listener")
def _listener() -> Iterator[Listener]:
    """A listener for webhooks."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with listener.arrived:
                status = listener.refusals.pop(0) if listener.refusals else 200
                listener.received.append((body, self.headers["stripe-signature"]))
                listener.arrived.notify_all()
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    listener = Listener(url=f"http://127.0.0.1:{server.server_address[1]}/hook")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield listener
    server.shutdown()
    server.server_close()
    thread.join()
