"""The demonstration from start to end: simulator, service, workspace, connection, and then a trickle of life."""

import time
from collections.abc import Callable, Collection
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin

from engine.ids import WorkspaceId
from engine.inbox.end_user_repository import find_end_user_by_email
from stripe_sync import fact_repository
from web.demo import files
from web.demo.browser import Browser, PageError
from web.demo.content import MEMBERS
from web.demo.files import DemoState
from web.demo.simulator import example_customers, other_customers, start_simulator
from web.demo.trickle import Trickle
from web.demo.workspace import find_or_create_workspace
from web.processes.folder import DataFolder
from web.processes.owned import supervised
from web.processes.ports import LOOPBACK, is_free, usual_or_free
from web.processes.progress import Progress
from web.processes.stack import Stack, start_stack, watch
from web.processes.supervisor import ChildError, Supervisor
from web.settings import Settings
from web.startup import load_services
from web.wiring import Services

USUAL_PORT = 8000
USUAL_STRIPE_PORT = 8100
BACKFILL_SECONDS = 300
POLL_SECONDS = 0.25
EVENTS_A_MINUTE = 6
NOBODY = "unknown"
"""The example that is no customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What can be chosen about the demonstration."""

    port: int | None
    stripe_port: int | None
    customers: int
    lively: bool


def run(settings: Settings, options: DemoOptions) -> None:
    """Run the demonstration until told to stop; raise FolderError or ChildError, with one line to show, if it can't."""
    progress = Progress()
    with supervised(settings.data_dir, progress.say) as (folder, supervisor):
        files.remove_ready_file(folder.path)
        try:
            _run(settings, options, folder, supervisor, progress)
        except PageError as error:
            raise ChildError(f"The simulated account could not be connected: {error}") from error
        finally:
            files.remove_ready_file(folder.path)


def _run(
    settings: Settings, options: DemoOptions, folder: DataFolder, supervisor: Supervisor, progress: Progress
) -> None:
    port = _port(options.port, USUAL_PORT, "--port")
    account = start_simulator(
        supervisor,
        port=_port(options.stripe_port, USUAL_STRIPE_PORT, "--stripe-port"),
        webhook_url=f"http://{LOOPBACK}:{port}/webhooks/stripe",
        state=folder.path / "stripe-simulator.state",
        customers=options.customers,
        events_a_minute=EVENTS_A_MINUTE if options.lively else 0,
    )
    progress.say(f"A simulated Stripe with {options.customers:,} customers answers at {account.url}")
    public_url = f"http://{LOOPBACK}:{port}"
    stack = Stack(
        folder=folder,
        port=port,
        database_url=settings.database_url,
        redis_url=settings.redis_url,
        environment={**account.environment, "OCHRE_PUBLIC_URL": public_url},
    )
    start_stack(stack, supervisor, progress.say)

    services = load_services(replace(settings, public_url=public_url))
    state = find_or_create_workspace(services, files.read_state(folder.path))
    files.write_state(folder.path, state)
    progress.say("The workspace has its people, teams, queue and rules")
    _connect(services, public_url, state, progress)
    customers = example_customers(account)
    workspace_id = WorkspaceId(state.workspace_id)
    known = [email for name, email in customers.items() if name != NOBODY]
    _wait_for_facts(services, workspace_id, known, supervisor, progress)
    files.write_ready_file(folder.path, url=public_url, account=account, state=state, customers=customers)
    progress.text(files.welcome(public_url, account, state, customers))
    trickle = Trickle(
        public_url, state.api_token, other_customers(account), start=int(services.clock.now().timestamp())
    )
    with trickle.running() if options.lively else nullcontext():
        watch(supervisor, _tell_when_complete(services, workspace_id, progress))


def _port(wanted: int | None, usual: int, option: str) -> int:
    if wanted is None:
        return usual_or_free(usual)
    if not is_free(wanted):
        raise ChildError(f"port {wanted} is taken; choose another with {option}, or leave it out")
    return wanted


def _connect(services: Services, public_url: str, state: DemoState, progress: Progress) -> None:
    """Connect the simulated account as its owner would, unless it is connected."""
    if _connections(services, WorkspaceId(state.workspace_id)):
        return
    browser = Browser()
    owner = MEMBERS[0]
    signed_in = browser.submit(
        browser.open(f"{public_url}/sign-in"), "/sign-in", email=owner.email, password=state.password
    )
    integrations = browser.open(urljoin(signed_in.url, "/settings/integrations/stripe"))
    authorize = browser.submit(integrations, "/connect")
    browser.submit(authorize, "/oauth/authorize", decision="authorize")
    if not _connections(services, WorkspaceId(state.workspace_id)):
        raise PageError("the callback did not connect the account")
    progress.say("The simulated Stripe account is connected")


def _connections(services: Services, workspace_id: WorkspaceId) -> list[dict[str, Any]]:
    connections: list[dict[str, Any]] = services.stripe.status(workspace_id)["connections"]
    return [connection for connection in connections if connection["status"] == "active"]


def _wait_for_facts(
    services: Services, workspace_id: WorkspaceId, emails: Collection[str], supervisor: Supervisor, progress: Progress
) -> None:
    """Wait until the example customers have the facts the rules ask for; the backfill goes on after that."""
    deadline = time.monotonic() + BACKFILL_SECONDS
    while not all(_has_facts(services, workspace_id, email) for email in emails):
        if supervisor.stopping:
            raise KeyboardInterrupt
        backfill = _backfill(services, workspace_id)
        if backfill["status"] == "failed" or time.monotonic() > deadline:
            raise ChildError(f"The backfill is {backfill['status']}; the worker's log says why")
        progress.update(f"Reading the account: {backfill['objects']:,} objects")
        supervisor.check()
        time.sleep(POLL_SECONDS)
    progress.say("Customers and subscriptions are in; invoices and charges follow in the background")


def _has_facts(services: Services, workspace_id: WorkspaceId, email: str) -> bool:
    with services.database.workspace(workspace_id, readonly=True) as session:
        end_user = find_end_user_by_email(workspace_id, session, email)
        found = None if end_user is None else fact_repository.read(workspace_id, session, end_user.id)
    return found is not None and {"status", "mrr"} <= found.values.keys()


def _backfill(services: Services, workspace_id: WorkspaceId) -> dict[str, Any]:
    """Return how far the backfill of the only connection is."""
    waiting = {"status": "queued", "objects": 0}
    found: dict[str, Any] = next(iter(_connections(services, workspace_id)), {}).get("backfill") or waiting
    return found


def _tell_when_complete(services: Services, workspace_id: WorkspaceId, progress: Progress) -> Callable[[], None]:
    """Return what to call now and then; it says once that the backfill is complete."""
    state = {"is_told": _backfill(services, workspace_id)["status"] == "complete"}

    def look() -> None:
        if not state["is_told"]:
            backfill = _backfill(services, workspace_id)
            if backfill["status"] == "complete":
                state["is_told"] = True
                progress.say(f"The backfill is complete: {backfill['objects']:,} objects")

    return look
