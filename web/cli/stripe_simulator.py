"""`ochre stripe-simulator`: a simulated Stripe on this machine."""

import json
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from stripe_sync.simulator.delivery import Endpoint
from stripe_sync.simulator.records import new_id, seeded
from web.clock import SystemClock
from web.simulator.door import Door
from web.simulator.host import Host, HostOptions
from web.simulator.journal import JournalError
from web.simulator.sender import Sender
from web.simulator.server import LOOPBACK, SimulatorServer

_LIFE_S = 5.0
"""How often the simulator looks whether time alone has brought something."""

_POLL_S = 0.05
"""How long the server may take to notice that it should stop."""


@click.command("stripe-simulator")
@click.option("--port", default=0, show_default=True, type=click.IntRange(0, 65_535), help="0 takes a free one.")
@click.option("--customers", default=100, show_default=True, type=click.IntRange(0), help="Size of the merchant.")
@click.option("--test-customers", default=0, type=click.IntRange(0), help="Size of the merchant's other mode.")
@click.option("--accounts", default=1, show_default=True, type=click.IntRange(1), help="How many merchants.")
@click.option("--seed", default="1", show_default=True, help="The same seed gives the same merchant.")
@click.option("--mode", default="live", show_default=True, type=click.Choice(["live", "test"]))
@click.option("--latency-ms", default=0, show_default=True, type=click.IntRange(0), help="Of each API answer.")
@click.option("--rate", default=100.0, show_default=True, help="API requests a second per account before 429.")
@click.option("--webhook-url", default=None, help="Where to deliver webhooks of connected accounts.")
@click.option("--activity-per-minute", default=0.0, show_default=True, help="Random changes of customers.")
@click.option("--reserve", multiple=True, metavar="EMAIL", help="A customer whom random changes leave alone.")
@click.option("--state", type=click.Path(path_type=Path, dir_okay=False), help="A file that keeps what happened.")
def command(  # noqa: PLR0913, PLR0917 - one parameter for each option
    port: int,
    customers: int,
    test_customers: int,
    accounts: int,
    seed: str,
    mode: str,
    latency_ms: int,
    rate: float,
    webhook_url: str | None,
    activity_per_minute: float,
    reserve: tuple[str, ...],
    state: Path | None,
) -> None:
    """Run a simulated Stripe: its API, OAuth, webhooks and record pages, and an API to control it.

    When it is ready it prints one line of JSON with its address and its keys; it stops on SIGTERM or Ctrl-C.
    """
    options = HostOptions(
        customers=customers,
        test_customers=test_customers,
        accounts=accounts,
        seed=seed,
        livemode=mode == "live",
        latency_ms=latency_ms,
        rate=rate,
        activity_per_minute=activity_per_minute,
        reserve=reserve,
        state=state,
    )
    stopping = threading.Event()
    _stop_on_signals(stopping)
    clock = SystemClock()
    try:
        server = SimulatorServer(port)
    except OSError as error:
        _fail(f"The simulator cannot listen on {LOOPBACK}:{port} ({error.strerror}): give another --port, or 0.")
    try:
        host = Host(options, clock)
    except JournalError as error:
        _fail(str(error))
    control_token = new_id("ctl_", seeded(seed, "control"), 24)
    server.door = Door(host, control_token, clock.new_id)
    if webhook_url:
        host.add_endpoint(Endpoint(url=webhook_url, secret=host.stripe.webhook_secret))
    _run(server, host, control_token, stopping)


def _run(server: SimulatorServer, host: Host, control_token: str, stopping: threading.Event) -> None:
    sender = Sender(host)
    threads = [
        threading.Thread(target=server.serve_forever, args=(_POLL_S,), name="server", daemon=True),
        threading.Thread(target=_every, args=(_LIFE_S, host.live, stopping), name="life", daemon=True),
    ]
    per_minute = host.options.activity_per_minute
    if per_minute > 0:
        pause = 60 / per_minute
        threads.append(threading.Thread(target=_every, args=(pause, host.act, stopping), name="activity", daemon=True))
    sender.start()
    for thread in threads:
        thread.start()
    click.echo(json.dumps(_ready(server, host, control_token)))
    sys.stdout.flush()
    stopping.wait()
    server.shutdown()
    server.server_close()
    sender.stop()
    host.close()


def _ready(server: SimulatorServer, host: Host, control_token: str) -> dict[str, object]:
    stripe = host.stripe
    application, account = stripe.oauth.application, stripe.default_account
    other = not stripe.livemode
    return {
        "url": f"http://{LOOPBACK}:{server.server_address[1]}",
        "account": account.id,
        "api_key": account.keys[stripe.livemode],
        "client_id": application.client_ids[stripe.livemode],
        "secret_key": stripe.platform_key,
        "webhook_secret": stripe.webhook_secret,
        "control_token": control_token,
        "livemode": stripe.livemode,
        "accounts": list(stripe.accounts),
        "other_mode": {
            "api_key": account.keys[other],
            "client_id": application.client_ids[other],
            "secret_key": application.secret_keys[other],
        },
    }


def _every(seconds: float, action: Callable[[], None], stopping: threading.Event) -> None:
    while not stopping.wait(seconds):
        action()


def _stop_on_signals(stopping: threading.Event) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _fail(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(1)


if __name__ == "__main__":
    command()
