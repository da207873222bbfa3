"""Where Stripe sends the browser back to after its page of consent."""

from flask import Blueprint, Response, request

from engine.workspace.models import Role
from stripe_sync.connect.models import ConnectRefused
from web.auth.access import allow
from web.auth.gate import principal
from web.current import services
from web.screens.integrations import STRIPE, refused
from web.screens.page import see_other

blueprint = Blueprint("callback", __name__)


@blueprint.get("/integrations/stripe/callback")
@allow(Role.ADMIN)
def finish() -> Response:
    """Finish connecting, or say kindly why it did not work."""
    caller = principal()
    outcome = services().stripe.finish_connect(
        caller.workspace_id,
        member_id=caller.member_id,
        binding=caller.session_digest or "",
        query=request.args.to_dict(),
    )
    if isinstance(outcome, ConnectRefused):
        return refused(outcome)
    return see_other(STRIPE, "connected")
