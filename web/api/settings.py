"""`/settings`: what the workspace chose, and its exchange rates."""

from typing import Any

from flask import Response

from engine.core.facts import format_instant
from engine.faults import Fault
from engine.workspace.models import Role
from engine.workspace.settings import parse_currency, to_json
from stripe_sync.derive.explain import written
from stripe_sync.rate_overview import CurrencyRate
from web import workspace_settings
from web.api.answers import answer, unwrap
from web.api.blueprint import new_blueprint
from web.api.schemas_settings import RateIn, RatePath, RateQuery, SettingsIn, SettingsOut
from web.auth.access import allow
from web.auth.gate import principal
from web.auth.models import Scope
from web.current import services
from web.errors import not_found

blueprint = new_blueprint("settings")


@blueprint.get("/settings", responses={200: SettingsOut})
@allow(Role.ADMIN, Scope.INTEGRATIONS_READ)
def get_settings() -> Response:
    """Return the settings, with the rate of every currency that is in use."""
    return answer(_shape())


@blueprint.patch("/settings", responses={200: SettingsOut})
@allow(Role.ADMIN, Scope.INTEGRATIONS_WRITE)
def change_settings(body: SettingsIn) -> Response:
    """Change settings; where facts depend on them, everybody's are worked out again in the background."""
    caller = principal()
    wanted = body.model_dump(include=body.model_fields_set)
    unwrap(workspace_settings.change(services(), caller.workspace_id, caller.member_id, wanted))
    return answer(_shape())


@blueprint.put("/settings/rates/<currency>", responses={200: SettingsOut})
@allow(Role.ADMIN, Scope.INTEGRATIONS_WRITE)
def set_rate(path: RatePath, body: RateIn) -> Response:
    """Set a rate of the workspace's own into the reporting currency; it wins over the published one."""
    caller = principal()
    if isinstance(parse_currency(path.currency), Fault):
        raise not_found("currency")
    unwrap(
        workspace_settings.set_rate(
            services(),
            caller.workspace_id,
            caller.member_id,
            currency=path.currency,
            rate=body.rate,
            day=body.date,
        )
    )
    return answer(_shape())


@blueprint.delete("/settings/rates/<currency>", responses={200: SettingsOut})
@allow(Role.ADMIN, Scope.INTEGRATIONS_WRITE)
def remove_rate(path: RatePath, query: RateQuery) -> Response:
    """Remove a rate of the workspace's own; the published one counts again, if there is one."""
    caller = principal()
    unwrap(workspace_settings.remove_rate(services(), caller.workspace_id, caller.member_id, path.currency, query.into))
    return answer(_shape())


def _shape() -> dict[str, Any]:
    found = workspace_settings.overview(services(), principal().workspace_id)
    plain = to_json(found.settings)
    del plain["rate_overrides"]
    since = found.renewing_since
    return {
        **plain,
        "rates": [_rate(each) for each in found.rates],
        "facts": {"renewing": since is not None, "since": None if since is None else format_instant(since)},
    }


def _rate(row: CurrencyRate) -> dict[str, Any]:
    rate = row.rate
    return {
        "currency": row.currency,
        "into": row.into,
        "rate": None if rate is None else written(rate.value),
        "date": None if rate is None or rate.published is None else rate.published.isoformat(),
        "source": None if rate is None else rate.source.value,
        "published": None if row.published is None else written(row.published.value),
        "in_use": row.is_in_use,
    }
