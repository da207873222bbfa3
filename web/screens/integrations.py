"""Settings -> Integrations -> Stripe: connect, watch the account being read, re-sync, disconnect."""

from http import HTTPStatus

from flask import Blueprint, Response, redirect, request

from engine.faults import Conflict, NotFound
from engine.ids import ConnectionId
from engine.workspace.models import Role
from stripe_sync.connect.models import ConnectRefused, CredentialKind
from stripe_sync.events.routes import SUBSCRIBE_TO
from web.auth.access import allow
from web.auth.gate import principal
from web.current import services
from web.errors import not_found
from web.screens import integrations_view as views
from web.screens.page import Live, Notice, live, local_now, page, see_other
from web.screens.rules_using import rules_using_stripe

PATH = "/settings/integrations"
STRIPE = f"{PATH}/stripe"
MAX_SECRET = 300
MOST_EVENTS = 50

blueprint = Blueprint("integrations", __name__)


@blueprint.get(PATH)
@allow(Role.ADMIN)
def show_all() -> Response:
    """Show the integrations."""
    status = services().stripe.status(principal().workspace_id)
    return page("settings/integrations.html", area="settings", section="integrations", state=views.summary(status))


@blueprint.get(STRIPE)
@allow(Role.ADMIN)
def show() -> Response:
    """Show the Stripe integration."""
    return _page()


@blueprint.get(f"{STRIPE}/connections")
@allow(Role.ADMIN)
def show_connections() -> Response:
    """Return the connections alone, or 304 if nothing changed."""
    return _connections_part(services().stripe.status(principal().workspace_id)).answer()


@blueprint.post(f"{STRIPE}/connect")
@allow(Role.ADMIN)
def connect() -> Response:
    """Lead the browser to Stripe's page of consent."""
    caller = principal()
    wanted = request.form.get("livemode")
    is_app = request.form.get("kind") == CredentialKind.APP.value
    outcome = services().stripe.begin_connect(
        caller.workspace_id,
        member_id=caller.member_id,
        kind=CredentialKind.APP if is_app else CredentialKind.OAUTH,
        livemode=None if wanted is None else wanted == "true",
        binding=caller.session_digest,
    )
    if isinstance(outcome, ConnectRefused):
        return refused(outcome)
    return redirect(outcome, HTTPStatus.SEE_OTHER)  # type: ignore[return-value]  # Flask's own response


@blueprint.post(f"{STRIPE}/key")
@allow(Role.ADMIN)
def connect_key() -> Response:
    """Connect with a restricted key."""
    caller = principal()
    outcome = services().stripe.connect_restricted_key(
        caller.workspace_id,
        member_id=caller.member_id,
        api_key=request.form.get("api_key", "").strip()[:MAX_SECRET],
        webhook_secret=request.form.get("webhook_secret", "").strip()[:MAX_SECRET],
    )
    if isinstance(outcome, ConnectRefused):
        return _page(key_fault=outcome.message, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return see_other(STRIPE, "connected")


@blueprint.post(f"{STRIPE}/<connection_id>/resync")
@allow(Role.ADMIN)
def resync(connection_id: str) -> Response:
    """Read the whole account again."""
    caller = principal()
    outcome = services().stripe.resync(
        caller.workspace_id, member_id=caller.member_id, connection_id=ConnectionId(connection_id)
    )
    if isinstance(outcome, NotFound):
        raise not_found("connection")
    if isinstance(outcome, Conflict):
        return _page(notices=[Notice(tone="warn", text=outcome.message)], status=HTTPStatus.CONFLICT)
    return see_other(STRIPE, "resync")


@blueprint.get(f"{STRIPE}/failed-events")
@allow(Role.ADMIN)
def show_failed_events() -> Response:
    """Return the events that failed alone, or 304 if nothing changed."""
    return _events_part().answer()


@blueprint.post(f"{STRIPE}/replay")
@allow(Role.ADMIN)
def replay() -> Response:
    """Try one event that failed again, or all."""
    caller = principal()
    services().stripe.replay_events(
        caller.workspace_id, member_id=caller.member_id, event_id=request.form.get("event") or None
    )
    return see_other(STRIPE, "replayed")


@blueprint.get(f"{STRIPE}/<connection_id>/disconnect")
@allow(Role.ADMIN)
def ask_disconnect(connection_id: str) -> Response:
    """Say what disconnecting means, and ask."""
    caller, parts = principal(), services()
    status = parts.stripe.status(caller.workspace_id)
    found = next((one for one in status["connections"] if one["id"] == connection_id), None)
    if found is None:
        raise not_found("connection")
    with parts.database.workspace(caller.workspace_id, readonly=True) as session:
        rules = rules_using_stripe(caller.workspace_id, session)
    view = {
        "id": connection_id,
        "account_id": found["account_id"],
        "rules": rules,
        "revoke_url": found["revoke_url"],
        "revoke_at": views.revoke_at(found),
    }
    return page("integrations/disconnect.html", area="settings", section="integrations", view=view)


@blueprint.post(f"{STRIPE}/<connection_id>/disconnect")
@allow(Role.ADMIN)
def disconnect(connection_id: str) -> Response:
    """Disconnect."""
    caller = principal()
    outcome = services().stripe.disconnect(
        caller.workspace_id, member_id=caller.member_id, connection_id=ConnectionId(connection_id)
    )
    if isinstance(outcome, NotFound):
        raise not_found("connection")
    return see_other(STRIPE, "disconnected")


def refused(why: ConnectRefused) -> Response:
    """Show the integration with the reason why nothing was connected."""
    tone = "info" if why.code == "denied" else "bad"
    return _page(notices=[Notice(tone=tone, text=why.message)], status=HTTPStatus.CONFLICT)


def _page(notices: list[Notice] | None = None, key_fault: str = "", status: int = HTTPStatus.OK) -> Response:
    parts = services()
    found = parts.stripe.status(principal().workspace_id)
    return page(
        "integrations/stripe.html",
        area="settings",
        section="integrations",
        status=status,
        notices=notices or [],
        connections=_connections_part(found),
        failed_events=_events_part(),
        has_active=views.has_active(found),
        key_fault=key_fault,
        modes=_modes(),
        webhook_url=f"{parts.settings.public_url}/webhooks/stripe",
        events=SUBSCRIBE_TO,
        unknown_events=parts.stripe.count_events_of_unknown_accounts(),
    )


def _modes() -> list[dict[str, str | None]]:
    stripe = services().settings.stripe
    modes: list[dict[str, str | None]] = []
    if stripe.live is not None:
        modes.append({"kind": "oauth", "value": "true", "text": "Connect Stripe"})
    if stripe.test is not None:
        modes.append({"kind": "oauth", "value": "false", "text": "Connect Stripe in test mode"})
    if stripe.app is not None:
        modes.append({"kind": "app", "value": None, "text": "Install the Stripe App"})
    return modes


def _events_part() -> Live:
    found = services().stripe.events(principal().workspace_id, ("parked", "failed"), MOST_EVENTS)
    return live(
        "failed-events",
        f"{STRIPE}/failed-events",
        "5s",
        "integrations/failed_events.html",
        events=views.event_views(found, local_now()),
        has_more=len(found) == MOST_EVENTS,
    )


def _connections_part(status: dict[str, object]) -> Live:
    return live(
        "connections",
        f"{STRIPE}/connections",
        "2s",
        "integrations/connections.html",
        connections=views.connection_views(status, local_now()),
    )
