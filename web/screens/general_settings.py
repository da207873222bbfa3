"""The settings facts depend on, and the workspace's own exchange rates."""

from functools import cache
from zoneinfo import available_timezones

from flask import Blueprint, Response, request

from engine.faults import Fault, Invalid, NotFound
from engine.workspace.models import Role
from web import workspace_settings
from web.auth.access import allow
from web.auth.gate import principal
from web.current import services
from web.errors import not_found
from web.screens.general_settings_view import CHOICES, CHURN_AT, DAYS, FLAGS, ON_AMBIGUOUS, general_view
from web.screens.page import local_now, page, see_other

PATH = "/settings/general"
MAX_FIELD = 100

blueprint = Blueprint("general_settings", __name__, url_prefix=PATH)


@blueprint.get("")
@allow(Role.ADMIN)
def show() -> Response:
    """Show the settings."""
    return _page()


@blueprint.post("")
@allow(Role.ADMIN)
def change() -> Response:
    """Save the settings of the form."""
    caller = principal()
    wanted: dict[str, object] = {name: _field(name) for name in CHOICES if name in request.form}
    wanted |= {name: name in request.form for name in FLAGS}
    wanted |= {name: _days(_field(name)) for name in DAYS if name in request.form}
    outcome = workspace_settings.change(services(), caller.workspace_id, caller.member_id, wanted)
    if isinstance(outcome, Invalid):
        return _page(settings_faults=outcome.faults, written={name: _field(name) for name in (*CHOICES, *FLAGS, *DAYS)})
    return see_other(PATH, "changed")


@blueprint.post("/rates")
@allow(Role.ADMIN)
def set_rate() -> Response:
    """Set a rate of the workspace's own."""
    caller = principal()
    written = {name: _field(name) for name in ("currency", "rate", "date")}
    outcome = workspace_settings.set_rate(
        services(),
        caller.workspace_id,
        caller.member_id,
        currency=written["currency"],
        rate=written["rate"].replace(",", "."),
        day=written["date"] or None,
    )
    if isinstance(outcome, Invalid):
        return _page(rate_faults=outcome.faults, written=written)
    return see_other(PATH, "rate_set")


@blueprint.post("/rates/<currency>/remove")
@allow(Role.ADMIN)
def remove_rate(currency: str) -> Response:
    """Remove a rate of the workspace's own."""
    caller = principal()
    outcome = workspace_settings.remove_rate(
        services(), caller.workspace_id, caller.member_id, currency, _field("into") or None
    )
    if isinstance(outcome, NotFound):
        raise not_found("rate")
    return see_other(PATH, "rate_removed")


@cache
def _zones() -> tuple[str, ...]:
    return tuple(sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC"))


def _days(written: str) -> object:
    return int(written) if written.isascii() and written.isdigit() else written


def _field(name: str) -> str:
    return request.form.get(name, "").strip()[:MAX_FIELD]


def _page(
    settings_faults: tuple[Fault, ...] = (),
    rate_faults: tuple[Fault, ...] = (),
    written: dict[str, str] | None = None,
) -> Response:
    found = workspace_settings.overview(services(), principal().workspace_id)
    view = general_view(found, local_now(), asked=request.args.get("currency", ""), written=written or {})
    return page(
        "settings/general.html",
        area="settings",
        section="general",
        status=422 if settings_faults or rate_faults else 200,
        view=view,
        churn_at=CHURN_AT,
        on_ambiguous=ON_AMBIGUOUS,
        zones=_zones(),
        faults={fault.pointer.strip("/"): fault.message for fault in settings_faults},
        rate_faults={fault.pointer.strip("/"): fault.message for fault in rate_faults},
    )
