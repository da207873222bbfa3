"""What the page of general settings shows. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from engine.workspace.models import ChurnAt, OnAmbiguous, RateOverride, WorkspaceSettings
from stripe_sync.derive import RateSource
from stripe_sync.rate_overview import CurrencyRate
from web.screens import format as fmt
from web.screens.explain_view import rate_text
from web.screens.page import Pill
from web.workspace_settings import Overview

CHOICES = ("reporting_currency", "timezone", "on_ambiguous", "churn_at")
DAYS = ("retention_payload_days", "retention_message_days")
FLAGS = ("subtract_repeating", "subtract_once")
OWN = Pill(text="Set by you", icon="note", tone="accent")
PUBLISHED = Pill(text="Published", icon="check", tone="line")
NONE = Pill(text="No rate", icon="alert", tone="warn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of a few answers to a setting."""

    value: str
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RateView:
    """The rate of one currency."""

    currency: str
    into: str
    text: str
    """`1 EUR = 1.10 USD`, or nothing."""
    date: str
    pill: Pill
    hint: str
    is_own: bool
    is_missing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralView:
    """The whole page."""

    reporting_currency: str
    timezone: str
    on_ambiguous: str
    churn_at: str
    subtract_repeating: bool
    subtract_once: bool
    retention_payload_days: str
    retention_message_days: str
    rates: tuple[RateView, ...]
    missing: tuple[str, ...]
    """Currencies in use for which there is no rate."""
    renewing: str
    """Since when facts are being worked out again; empty if they are not."""
    asked: Mapping[str, str]
    """What the form of a rate begins with."""
    today: str


ON_AMBIGUOUS = (
    Choice(
        value=OnAmbiguous.UNKNOWN.value,
        title="Treat the sender as unknown",
        text="Rules wait until somebody has chosen in the panel. The panel shows the best guess, marked.",
    ),
    Choice(
        value=OnAmbiguous.BEST.value,
        title="Use the best fitting customer",
        text="Rules see the facts of the customer with the best subscription. A wrong guess routes wrongly.",
    ),
)
CHURN_AT = (
    Choice(
        value=ChurnAt.PERIOD_END.value,
        title="When the paid period ends",
        text="A subscription set to cancel counts towards MRR until its last day.",
    ),
    Choice(
        value=ChurnAt.CANCELLATION.value,
        title="At once",
        text="A subscription stops counting the moment it is set to cancel.",
    ),
)


def general_view(found: Overview, now: datetime, *, asked: str, written: Mapping[str, str]) -> GeneralView:
    """Return the page; `written` is what a form held that was refused."""
    settings = found.settings
    since = found.renewing_since
    return GeneralView(
        reporting_currency=written.get("reporting_currency", settings.reporting_currency).upper(),
        timezone=written.get("timezone", settings.timezone),
        on_ambiguous=written.get("on_ambiguous", settings.on_ambiguous.value),
        churn_at=written.get("churn_at", settings.churn_at.value),
        subtract_repeating=_is_on("subtract_repeating", written, stored=settings.subtract_repeating),
        subtract_once=_is_on("subtract_once", written, stored=settings.subtract_once),
        retention_payload_days=written.get("retention_payload_days", str(settings.retention_payload_days)),
        retention_message_days=written.get("retention_message_days", str(settings.retention_message_days)),
        rates=tuple(_rate(row, settings) for row in found.rates),
        missing=tuple(row.currency.upper() for row in found.rates if row.is_in_use and row.rate is None),
        renewing="" if since is None else fmt.ago(since, now),
        asked={"currency": asked[:3].upper(), **written},
        today=now.date().isoformat(),
    )


def _is_on(name: str, written: Mapping[str, str], *, stored: bool) -> bool:
    return written[name] == "on" if name in written else stored


def _rate(row: CurrencyRate, settings: WorkspaceSettings) -> RateView:
    rate, own = row.rate, _own(row, settings)
    into, currency = row.into.upper(), row.currency.upper()
    return RateView(
        currency=currency,
        into=into,
        text="" if rate is None else f"1 {currency} = {rate_text(rate.value)} {into}",
        date="" if rate is None or rate.published is None else fmt.date(rate.published),
        pill=NONE if rate is None else OWN if rate.source is RateSource.OVERRIDE else PUBLISHED,
        hint=_hint(row, settings, is_own=own is not None),
        is_own=own is not None,
        is_missing=rate is None,
    )


def _own(row: CurrencyRate, settings: WorkspaceSettings) -> RateOverride | None:
    pairs = {(each.currency, each.into): each for each in settings.rate_overrides}
    return pairs.get((row.currency, row.into))


def _hint(row: CurrencyRate, settings: WorkspaceSettings, *, is_own: bool) -> str:
    if row.into != settings.reporting_currency:
        return f"Waits: the reporting currency is {settings.reporting_currency.upper()}"
    if row.rate is None:
        return "Amounts in it are unknown until you set a rate"
    parts = [
        f"Published: {rate_text(row.published.value)}" if is_own and row.published is not None else "",
        "" if row.is_in_use else "Not in use",
    ]
    return " · ".join(filter(None, parts))
