"""The files of the demonstration in the data folder: what it must remember, and what scripts wait for.

`demo-state.json` keeps the password and the API token over restarts; `demo.json` is there exactly while the
demonstration is ready. Both are readable by their owner alone.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from web.demo.content import MEMBERS
from web.demo.simulator import SimulatedAccount
from web.processes.folder import write_atomically

READY_FILE = "demo.json"
STATE_FILE = "demo-state.json"

_SEPARATOR = "─" * 78


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoState:
    """What the next start needs to know."""

    workspace_id: str
    password: str = field(repr=False)
    """Of every demo login."""
    api_token: str = field(repr=False)


def read_state(folder: Path) -> DemoState | None:
    """Return what the last start remembered, or None."""
    try:
        return DemoState(**json.loads((folder / STATE_FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def write_state(folder: Path, state: DemoState) -> None:
    """Remember `state` for the next start."""
    write_atomically(folder / STATE_FILE, json.dumps(asdict(state), indent=2))


def write_ready_file(
    folder: Path, *, url: str, account: SimulatedAccount, state: DemoState, customers: Mapping[str, str]
) -> None:
    """Tell scripts that the demonstration is ready, and everything they need to use it."""
    content = {
        "url": url,
        "api_token": state.api_token,
        "stripe_url": account.url,
        "stripe_control_token": account.control_token,
        "logins": [
            {"email": member.email, "password": state.password, "role": member.role.value} for member in MEMBERS
        ],
        "customers": dict(customers),
    }
    write_atomically(folder / READY_FILE, json.dumps(content, indent=2) + "\n")


def remove_ready_file(folder: Path) -> None:
    """Take the sign of readiness away."""
    (folder / READY_FILE).unlink(missing_ok=True)


def welcome(url: str, account: SimulatedAccount, state: DemoState, customers: Mapping[str, str]) -> str:
    """Return what a person reads when everything is ready."""
    logins = "\n".join(f"  {member.role.value:<6} {member.email:<22} {state.password}" for member in MEMBERS)
    conversation = json.dumps(
        {
            "external_id": "hello-1",
            "channel": "email",
            "sender": {"email": customers["past_due"]},
            "subject": "My card was declined",
            "body": "What can I do?",
        }
    )
    return f"""{_SEPARATOR}
Ochre is ready:  {url}

{logins}

The simulated Stripe, where a customer's invoice can be paid:  {account.url}

Send a past-due customer's message, and see it arrive at the billing team:

curl -s {url}/api/v1/conversations \\
  -H 'Authorization: Bearer {state.api_token}' -H 'Content-Type: application/json' \\
  -d '{conversation}'

Ctrl-C stops everything; the data is kept for the next start.
{_SEPARATOR}"""
