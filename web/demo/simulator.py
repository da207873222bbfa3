"""The simulated Stripe of the demonstration, as a child process."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from web.processes.stack import ochre_command
from web.processes.supervisor import ChildSpec, Supervisor

SEED = 7
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


def start_simulator(
    supervisor: Supervisor, *, port: int, webhook_url: str, state: Path, customers: int, events_a_minute: int
) -> SimulatedAccount:
    """Start the simulator and return what it says when it is ready; `state` keeps its data for the next start."""
    options = {
        "--port": port,
        "--customers": customers,
        "--seed": SEED,
        "--webhook-url": webhook_url,
        "--state": state,
        "--activity-per-minute": events_a_minute,
    }
    command = ochre_command("stripe-simulator", *(str(word) for option in options.items() for word in option))
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


def example_customers(account: SimulatedAccount) -> dict[str, str]:
    """Return e-mail addresses of customers that make good examples, by what they are an example of."""
    examples: dict[str, str] = _control(account, "examples")
    return examples


def other_customers(account: SimulatedAccount) -> list[str]:
    """Return the e-mail addresses of all customers but the examples, for conversations that arrive by themselves."""
    examples = set(example_customers(account).values())
    customers = _control(account, "objects/customer")["data"]
    return [customer["email"] for customer in customers if customer.get("email") and customer["email"] not in examples]


def _control(account: SimulatedAccount, path: str) -> Any:
    headers = {"Authorization": f"Bearer {account.control_token}"}
    response = requests.get(f"{account.url}/_control/{path}", headers=headers, timeout=30)
    response.raise_for_status()
    return response.json()


def _ready_line(log: Path) -> dict[str, Any] | None:
    for line in log.read_text(errors="replace").splitlines():
        if line.startswith("{") and '"control_token"' in line:
            ready: dict[str, Any] = json.loads(line)
            return ready
    return None
