"""What may go wrong between Stripe and us, on demand."""

from dataclasses import dataclass, fields, replace

from stripe_sync.simulator.answers import invalid
from stripe_sync.simulator.records import Record

_LOWEST_STATUS, _HIGHEST_STATUS = 400, 599


@dataclass(frozen=True, kw_only=True, slots=True)
class Faults:
    """Faults in force. Shares are from 0 (never) to 1 (always)."""

    drop: float = 0.0
    """Share of webhook deliveries that are lost for good."""
    repeat: float = 0.0
    """Share of webhook deliveries that come a second time."""
    delay_ms: int = 0
    """How much later every webhook is delivered."""
    reorder: float = 0.0
    """Share of webhook deliveries that are overtaken by later ones."""
    status: int | None = None
    """What every API request is answered with, if anything."""
    rate: float | None = None
    """Requests a second before 429, in place of the simulator's own; 0 refuses all."""
    nonsense: bool = False
    """Whether API answers are cut-off HTML instead of JSON, as from a broken proxy."""
    latency_ms: int | None = None
    """How long every API answer takes, in place of the simulator's own latency."""


def merged(present: Faults, given: Record) -> Faults:
    """Return the faults after a request: fields given are set, `null` resets one, an empty object resets all."""
    if not given:
        return Faults()
    names = {field.name: field.default for field in fields(Faults)}
    changes = {}
    for name, value in given.items():
        if name not in names:
            raise invalid(name, f"Received unknown parameter: {name}", code="parameter_unknown")
        changes[name] = names[name] if value is None else _checked(name, value)
    return replace(present, **changes)  # type: ignore[arg-type]  # checked by name just above


def _checked(name: str, value: object) -> float | int | None:
    if name == "nonsense":
        return bool(value)
    if name in {"drop", "repeat", "reorder"}:
        share = float(value) if isinstance(value, (bool, int, float)) else -1.0
        if not 0 <= share <= 1:
            raise invalid(name, f"Invalid {name}: must be a share from 0 to 1, true or false")
        return share
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise invalid(name, f"Invalid {name}: must be a number, 0 or more")
    if name == "status":
        if value in {0, 200}:
            return None
        if not _LOWEST_STATUS <= value <= _HIGHEST_STATUS:
            raise invalid(name, "Invalid status: must be from 400 to 599, or 0 for none")
        return int(value)
    return float(value) if name == "rate" else int(value)
