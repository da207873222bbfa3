"""A workspace's own exchange rates: set and removed one at a time, each change audited.

`actor` is a member's id, or `system` for the command line. Facts are worked out again by whoever calls, since the
facts are not the engine's.
"""

from dataclasses import replace
from datetime import date

from sqlalchemy.orm import Session

from engine.audit import repository as audit
from engine.core.facts import JsonValue
from engine.faults import Fault, Invalid, NotFound
from engine.ids import WorkspaceId
from engine.ports import Clock
from engine.workspace import repository
from engine.workspace.models import RateOverride, WorkspaceSettings
from engine.workspace.settings import MAX_OVERRIDES


def set_rate(
    workspace_id: WorkspaceId, session: Session, clock: Clock, override: RateOverride, *, actor: str
) -> WorkspaceSettings | Invalid:
    """Set a rate of the workspace's own, in place of the one it had for that pair of currencies."""
    settings = repository.get_workspace(workspace_id, session, for_update=True).settings
    faults = _rate_faults(settings, override, clock.now().date())
    if faults:
        return Invalid(faults)
    before = _own_rate(settings, override.currency, override.into)
    if before == override:
        return settings
    kept = tuple(each for each in settings.rate_overrides if each != before)
    changed = replace(settings, rate_overrides=tuple(sorted((*kept, override), key=_pair)))
    repository.update_settings(workspace_id, session, changed)
    _audit_rate(workspace_id, session, clock, override, before, actor)
    return changed


def remove_rate(
    workspace_id: WorkspaceId, session: Session, clock: Clock, currency: str, into: str, *, actor: str
) -> WorkspaceSettings | NotFound:
    """Remove a rate of the workspace's own; the published one counts again, if there is one."""
    settings = repository.get_workspace(workspace_id, session, for_update=True).settings
    before = _own_rate(settings, currency.lower(), into.lower())
    if before is None:
        return NotFound(kind="rate", id=currency)
    changed = replace(settings, rate_overrides=tuple(each for each in settings.rate_overrides if each != before))
    repository.update_settings(workspace_id, session, changed)
    detail: dict[str, JsonValue] = {"rate": f"{before.rate:f}", "date": before.since.isoformat()}
    target = f"{before.currency} to {before.into}"
    audit.record(workspace_id, session, actor, "rate.removed", target, detail, clock.now())
    return changed


def _audit_rate(
    workspace_id: WorkspaceId,
    session: Session,
    clock: Clock,
    override: RateOverride,
    before: RateOverride | None,
    actor: str,
) -> None:
    detail: dict[str, JsonValue] = {
        "rate": [None if before is None else f"{before.rate:f}", f"{override.rate:f}"],
        "date": [None if before is None else before.since.isoformat(), override.since.isoformat()],
    }
    target = f"{override.currency} to {override.into}"
    audit.record(workspace_id, session, actor, "rate.set", target, detail, clock.now())


def _rate_faults(settings: WorkspaceSettings, override: RateOverride, today: date) -> tuple[Fault, ...]:
    faults = []
    if override.currency == override.into:
        faults.append(Fault(pointer="/currency", message=f"{override.currency} needs no rate into itself."))
    if override.since > today:
        message = "Give today or a day in the past: a rate counts as soon as it is set."
        faults.append(Fault(pointer="/date", message=message))
    is_new = _own_rate(settings, override.currency, override.into) is None
    if is_new and len(settings.rate_overrides) >= MAX_OVERRIDES:
        message = f"There are {MAX_OVERRIDES} rates already; remove one first."
        faults.append(Fault(pointer="/currency", message=message))
    return tuple(faults)


def _own_rate(settings: WorkspaceSettings, currency: str, into: str) -> RateOverride | None:
    return next((each for each in settings.rate_overrides if _pair(each) == (into, currency)), None)


def _pair(override: RateOverride) -> tuple[str, str]:
    return (override.into, override.currency)
