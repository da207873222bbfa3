"""`/integrations/stripe`: connect Stripe accounts, look at them, sync them again, disconnect them."""

from typing import Any

from flask import Response

from engine.faults import Fault
from engine.ids import ConnectionId, WorkspaceId
from engine.workspace.models import Role
from stripe_sync.connect.models import Connection, ConnectRefused, CredentialKind
from web.api.answers import answer, unwrap
from web.api.blueprint import new_blueprint
from web.api.schemas_stripe import AuthorizeOut, ConnectIn, ConnectionIn, ConnectionOut, IntegrationOut
from web.auth.access import allow
from web.auth.gate import principal
from web.auth.models import Scope
from web.current import services
from web.errors import Problem, invalid, not_found

REFUSED = {
    "bad_key": 422,
    "wrong_scope": 422,
    "wrong_mode": 422,
    "stripe_error": 502,
    "unavailable": 503,
}
"""The statuses of refusals; all others clash with what is there (409)."""

blueprint = new_blueprint("integrations")


@blueprint.get("/integrations/stripe", responses={200: IntegrationOut})
@allow(Role.ADMIN, Scope.INTEGRATIONS_READ)
def get_integration() -> Response:
    """Return the Stripe accounts of the workspace and how far their backfills are."""
    return answer(services().stripe.status(principal().workspace_id))


@blueprint.post("/integrations/stripe/connect", responses={200: AuthorizeOut, 201: ConnectionOut})
@allow(Role.ADMIN, Scope.INTEGRATIONS_WRITE)
def connect(body: ConnectIn) -> Response:
    """Connect an account: with a restricted key at once, else by sending a browser to the address returned.

    The way back from Stripe needs a browser in which the token's member is signed in.
    """
    caller = principal()
    kind = CredentialKind(body.kind)
    if kind is CredentialKind.RESTRICTED_KEY:
        return _connect_with_key(body)
    given = [name for name in ("api_key", "webhook_secret") if getattr(body, name) is not None]
    if given:
        raise invalid(*(Fault(pointer=f"/{name}", message="This belongs to restricted_key only.") for name in given))
    url = services().stripe.begin_connect(
        caller.workspace_id,
        member_id=caller.member_id,
        kind=kind,
        livemode=body.livemode,
        binding=caller.session_digest,
    )
    if isinstance(url, ConnectRefused):
        raise _refused(url)
    return answer({"authorize_url": url})


@blueprint.post("/integrations/stripe/resync", responses={202: ConnectionOut})
@allow(Role.ADMIN, Scope.INTEGRATIONS_WRITE)
def resync(body: ConnectionIn) -> Response:
    """Read everything from Stripe again, in the background, and remove what it no longer has."""
    caller = principal()
    unwrap(
        services().stripe.resync(
            caller.workspace_id, member_id=caller.member_id, connection_id=ConnectionId(body.connection)
        )
    )
    return answer(_connection(caller.workspace_id, body.connection), 202)


@blueprint.post("/integrations/stripe/disconnect", responses={200: ConnectionOut})
@allow(Role.ADMIN, Scope.INTEGRATIONS_WRITE)
def disconnect(body: ConnectionIn) -> Response:
    """Forget the account's credentials; end users stay, and their facts become unknown to rules."""
    caller = principal()
    unwrap(
        services().stripe.disconnect(
            caller.workspace_id, member_id=caller.member_id, connection_id=ConnectionId(body.connection)
        )
    )
    return answer(_connection(caller.workspace_id, body.connection))


def _connect_with_key(body: ConnectIn) -> Response:
    if body.api_key is None or body.webhook_secret is None:
        missing = [name for name in ("api_key", "webhook_secret") if getattr(body, name) is None]
        raise invalid(*(Fault(pointer=f"/{name}", message="A restricted key needs this.") for name in missing))
    caller = principal()
    connection = services().stripe.connect_restricted_key(
        caller.workspace_id,
        member_id=caller.member_id,
        api_key=body.api_key,
        webhook_secret=body.webhook_secret,
    )
    match connection:
        case ConnectRefused():
            raise _refused(connection)
        case Connection():
            return answer(_connection(caller.workspace_id, connection.id), 201)


def _refused(refused: ConnectRefused) -> Problem:
    status = REFUSED.get(refused.code, 409)
    if refused.code == "bad_key":
        return invalid(Fault(pointer="/api_key", message=refused.message))
    return Problem(status, refused.message, extra={"code": refused.code})


def _connection(workspace_id: WorkspaceId, connection_id: str) -> dict[str, Any]:
    connections: list[dict[str, Any]] = services().stripe.status(workspace_id)["connections"]
    for connection in connections:
        if connection["id"] == connection_id:
            return connection
    raise not_found("connection")
