"""The simulated Stripe of the demonstration, as a child process."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from web.processes.ports import LOOPBACK
from web.processes.supervisor import ChildSpec, Supervisor

CUSTOMERS = 2000
SEED = 7
EVENTS_A_MINUTE = 6
START_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedAccount:
    """What the simulator said of itself when it was ready."""

    url: str
    """Reached by the name `localhost`, so that it is another site than Ochre's `127.0.0.1`, as the real one is."""
    client_id: str
    secret_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    control_token: str = field(repr=False)
    livemode: bool

    @property
    def environment(self) -> dict[str, str]:
        """Return the settings that point Ochre at this simulator."""
        mode = "" if self.livemode else "TEST_"
        return {
            "OCHRE_STRIPE_API_BASE": self.url,
            "OCHRE_STRIPE_CONNECT_BASE": self.url,
            "OCHRE_STRIPE_APPS_BASE": self.url,
            "OCHRE_STRIPE_DASHBOARD_BASE": self.url,
            f"OCHRE_STRIPE_{mode}CLIENT_ID": self.client_id,
            f"OCHRE_STRIPE_{mode}SECRET_KEY": self.secret_key,
            "OCHRE_STRIPE_WEBHOOK_SECRETS": self.webhook_secret,
        }


def start_simulator(supervisor: Supervisor, *, port: int, webhook_url: str, state: Path, customers: int) -> SimulatedAccount:
    """Start the simulator and return what it says when it is ready; `state` keeps its data for the next start."""
    command = [sys.executable, "-m", "web.cli.main", "stripe-simulator", "--port", str(port), "--customers", str(customers)]
    command += ["--seed", str(SEED), "--webhook-url", webhook_url, "--state", str(state)]
    command += ["--activity-per-minute", str(EVENTS_A_MINUTE)]
    log = supervisor.start(ChildSpec(name="stripe-simulator", command=command, environment={}))
    supervisor.wait_until("stripe-simulator", lambda: _ready_line(log) is not None, seconds=START_SECONDS)
    ready = _ready_line(log)
    assert ready is not None
    return SimulatedAccount(
        url=f"http://localhost:{port}",
        client_id=ready["client_id"],
        secret_key=ready["secret_key"],
        webhook_secret=ready["webhook_secret"],
        control_token=ready["control_token"],
        livemode="_live_" in ready["secret_key"],
    )


def demo_customers(port: int, control_token: str) -> dict[str, str]:
    """Return e-mail addresses of customers that make good examples, by what they are an example of."""
    headers = {"Authorization": f"Bearer {control_token}"}
    response = requests.get(f"http://{LOOPBACK}:{port}/_control/examples", headers=headers, timeout=10)
    response.raise_for_status()
    examples: dict[str, str] = response.json()
    return examples


def _ready_line(log: Path) -> dict[str, Any] | None:
    for line in log.read_text(errors="replace").splitlines():
        if line.startswith("{") and '"control_token"' in line:
            ready: dict[str, Any] = json.loads(line)
            return ready
    return None
