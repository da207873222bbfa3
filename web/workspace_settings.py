"""Looking at and changing what a workspace chose, for the API and the pages alike.

A change on which facts depend has everybody's facts worked out again, in the background; whoever looks at one before
its turn sees it by the new settings already.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from engine.faults import Fault, Invalid, NotFound
from engine.ids import MemberId, WorkspaceId
from engine.workspace import rate_service, service
from engine.workspace.models import RateOverride, WorkspaceSettings
from engine.workspace.repository import get_workspace
from engine.workspace.settings import OF_FACTS, parse_currency, parse_day, parse_rate, to_json
from stripe_sync import fact_renewal_repository
from stripe_sync.currency_repository import currencies_in_use
from stripe_sync.fact_service import FACTS_TOPIC
from stripe_sync.rate_overview import CurrencyRate, rate_overview
from web.wiring import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What a workspace chose, and what came of it."""

    settings: WorkspaceSettings
    rates: list[CurrencyRate]
    renewing_since: datetime | None
    """Since when facts are being worked out again; None if they are all up to date."""


def overview(parts: Services, workspace_id: WorkspaceId) -> Overview:
    """Return the settings of a workspace with the rates that follow from them."""
    with parts.database.workspace(workspace_id, readonly=True) as session:
        settings = get_workspace(workspace_id, session).settings
        in_use = currencies_in_use(workspace_id, session)
        return Overview(
            settings=settings,
            rates=rate_overview(settings, in_use, parts.facts.rates, parts.clock.now()),
            renewing_since=fact_renewal_repository.requested_at(workspace_id, session),
        )


def change(
    parts: Services, workspace_id: WorkspaceId, member_id: MemberId, wanted: Mapping[str, Any]
) -> WorkspaceSettings | Invalid:
    """Change the settings named in `wanted`."""
    with parts.database.workspace(workspace_id) as session:
        before = get_workspace(workspace_id, session, for_update=True).settings
        outcome = service.change_settings(workspace_id, session, parts.clock, wanted, actor=member_id)
        is_other = isinstance(outcome, WorkspaceSettings) and _follow(parts, workspace_id, session, before, outcome)
    if is_other:
        parts.waker.wake(FACTS_TOPIC)
    return outcome


def set_rate(
    parts: Services,
    workspace_id: WorkspaceId,
    member_id: MemberId,
    *,
    currency: object,
    rate: object,
    day: object = None,
) -> WorkspaceSettings | Invalid:
    """Set what one unit of `currency` is worth in the reporting currency, of `day` or of today."""
    read = (parse_currency(currency), parse_rate(rate), parts.clock.now().date() if day is None else parse_day(day))
    match read:
        case (str(code), Decimal() as value, date() as since):
            pass
        case _:
            return Invalid(tuple(part for part in read if isinstance(part, Fault)))
    with parts.database.workspace(workspace_id) as session:
        before = get_workspace(workspace_id, session, for_update=True).settings
        override = RateOverride(currency=code, into=before.reporting_currency, rate=value, since=since)
        outcome = rate_service.set_rate(workspace_id, session, parts.clock, override, actor=member_id)
        is_other = isinstance(outcome, WorkspaceSettings) and _follow(parts, workspace_id, session, before, outcome)
    if is_other:
        parts.waker.wake(FACTS_TOPIC)
    return outcome


def remove_rate(
    parts: Services, workspace_id: WorkspaceId, member_id: MemberId, currency: str, into: str | None = None
) -> WorkspaceSettings | NotFound:
    """Remove the workspace's own rate of `currency`, into the reporting currency unless another is named."""
    with parts.database.workspace(workspace_id) as session:
        before = get_workspace(workspace_id, session, for_update=True).settings
        target = into or before.reporting_currency
        outcome = rate_service.remove_rate(workspace_id, session, parts.clock, currency, target, actor=member_id)
        is_other = isinstance(outcome, WorkspaceSettings) and _follow(parts, workspace_id, session, before, outcome)
    if is_other:
        parts.waker.wake(FACTS_TOPIC)
    return outcome


def _follow(
    parts: Services,
    workspace_id: WorkspaceId,
    session: Session,
    before: WorkspaceSettings,
    after: WorkspaceSettings,
) -> bool:
    """Have facts worked out again if they depend on what changed; return whether they do."""
    was, is_ = to_json(before), to_json(after)
    is_other = any(was[name] != is_[name] for name in OF_FACTS)
    if is_other:
        parts.facts.settings_changed(workspace_id, session, parts.clock.now())
    return is_other
