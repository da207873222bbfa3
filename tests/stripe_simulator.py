"""A simulated Stripe in a process of its own, and what a test tells it to do."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

TIMEOUT_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulator:
    """A running simulator: its ready line, and its control API."""

    url: str
    account: str
    api_key: str
    client_id: str
    secret_key: str
    webhook_secret: str
    control_token: str
    other_mode: dict[str, str]
    accounts: list[str]

    def control(self, operation: str, **arguments: object) -> dict[str, Any]:
        """Do something in the merchant's Stripe, or set faults."""
        return self._control("POST", operation, arguments)

    def objects(self, kind: str, **arguments: object) -> list[dict[str, Any]]:
        """Return every object of a kind as the API shows it: the truth."""
        found: list[dict[str, Any]] = self._control("GET", f"objects/{kind}", arguments)["data"]
        return found

    def stats(self) -> dict[str, Any]:
        """Return what was asked of the simulator."""
        return self._control("GET", "stats", {})

    def get(self, path: str, **params: object) -> dict[str, Any]:
        """Read the API with the merchant's own key."""
        answer = requests.get(
            f"{self.url}{path}",
            params={key: str(value) for key, value in params.items()},
            headers={"Authorization": f"Bearer {self.api_key}"},
            timeout=TIMEOUT_S,
        )
        answer.raise_for_status()
        body: dict[str, Any] = answer.json()
        return body

    def decide(self, authorize_url: str, decision: str = "authorize", account: str | None = None) -> dict[str, str]:
        """Do what a merchant does on the authorize page; return the query the browser comes back with."""
        form = {"decision": decision, "account": account or self.account}
        answer = requests.post(authorize_url, data=form, allow_redirects=False, timeout=TIMEOUT_S)
        assert answer.status_code in {302, 303}, answer.text
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
        return {name: values[0] for name, values in query.items()}

    def _control(self, method: str, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        is_read = method == "GET"
        answer = requests.request(
            method,
            f"{self.url}/_control/{name}",
            params=arguments if is_read else None,
            json=None if is_read else arguments,
            headers={"Authorization": f"Bearer {self.control_token}"},
            timeout=TIMEOUT_S,
        )
        assert answer.ok, answer.text
        body: dict[str, Any] = answer.json()
        return body


@contextmanager
def start_simulator(*arguments: str) -> Iterator[Simulator]:
    """Run a simulator on a free port until the block ends."""
    command = [sys.executable, "-m", "web.cli.stripe_simulator", "--port", "0", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        names = Simulator.__dataclass_fields__
        yield Simulator(**{name: ready[name] for name in names})
    finally:
        process.terminate()
        process.wait(timeout=TIMEOUT_S)
        if process.stdout is not None:
            process.stdout.close()
