"""Facts that move with the clock, computed from stored instants when they are read."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from engine.core.facts import (
    ClockForm,
    CountPassed,
    Facts,
    FactValue,
    HasPassed,
    IsAhead,
    Reason,
    RecentNames,
    evaluate_clock,
    format_instant,
)
from stripe_sync.catalog import HIDDEN, LAST, STRIPE_FACTS, inputs_of

_CLOCK_FACTS: Mapping[str, ClockForm] = MappingProxyType(
    {spec.name: spec.clock for spec in STRIPE_FACTS if spec.clock is not None}
)
_FLIP_ONCE = (
    "valid_until",
    *(form.instant for form in _CLOCK_FACTS.values() if isinstance(form, IsAhead | HasPassed)),
)
"""The instants at which something flips."""
_COUNTED = tuple(form.instants for form in _CLOCK_FACTS.values() if isinstance(form, CountPassed))
_HIDDEN_NAMES = frozenset(stored.name for stored in HIDDEN)


def at(stored: Facts, now: datetime) -> Facts:
    """Return the facts as they are at `now`: stored values, clock facts over the instants, and no instant besides."""
    values = {name: value for name, value in stored.values.items() if name not in _HIDDEN_NAMES}
    reasons = {name: reason for name, reason in stored.reasons.items() if name not in _HIDDEN_NAMES}
    for name, form in _CLOCK_FACTS.items():
        if name in reasons:
            continue
        reason = reason_of(form, stored)
        if reason is not None:
            reasons[name] = reason
        else:
            value = _evaluate(form, stored, now)
            if value is not None:
                values[name] = value
    return Facts(as_of=now, values=values, reasons=reasons, notes=stored.notes)


def reason_of(form: ClockForm, stored: Facts) -> Reason | None:
    """Return why a clock fact has no value; of several instants, those that are not there do no harm."""
    reasons = [stored.reasons[name] for name in inputs_of(form) if name in stored.reasons]
    if isinstance(form, RecentNames):
        reasons = [reason for reason in reasons if reason is not Reason.NOT_APPLICABLE]
    return reasons[0] if reasons else None


def _evaluate(form: ClockForm, stored: Facts, now: datetime) -> FactValue | None:
    match form:
        case CountPassed():
            instants = stored.values.get(form.instants)
            return _count_passed(instants, now) if isinstance(instants, tuple) else None
        case RecentNames():
            return tuple(name for name, source in form.instants if _is_recent(stored.values.get(source), form, now))
        case _:
            instant = stored.values.get(inputs_of(form)[0])
            return evaluate_clock(form, instant, now) if isinstance(instant, datetime) else None


def _count_passed(instants: tuple[str, ...], now: datetime) -> int:
    limit = passed_limit(now)
    return sum(written < limit for written in instants)


def passed_limit(now: datetime) -> str:
    """Return the text that every written instant (whole seconds) before `now` sorts below, and no other."""
    whole = now.replace(microsecond=0)
    return format_instant(whole if whole == now else whole + timedelta(seconds=1))


def _is_recent(instant: FactValue | None, form: RecentNames, now: datetime) -> bool:
    return isinstance(instant, datetime) and instant >= now - timedelta(days=form.days)


def next_flip(stored: Facts, now: datetime) -> datetime | None:
    """Return when the stored values, or a flag or count over them, may next change by the clock alone.

    Facts that count days or seconds are left out: they move all the time, and nothing waits for them.
    """
    instants = [stored.values.get(name) for name in _FLIP_ONCE]
    ahead = [each for each in instants if isinstance(each, datetime) and now < each < LAST]
    due = [_next_due(stored.values.get(name), now) for name in _COUNTED]
    return min((*ahead, *(each for each in due if each is not None)), default=None)


def _next_due(instants: FactValue | None, now: datetime) -> datetime | None:
    """Return the first whole second at which one more instant lies in the past."""
    if not isinstance(instants, tuple) or not instants:
        return None
    limit = passed_limit(now)
    later = min((written for written in instants if written >= limit), default=None)
    return None if later is None else datetime.fromisoformat(later) + timedelta(seconds=1)
