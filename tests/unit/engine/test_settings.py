"""The settings of a workspace."""

from typing import Any

import pytest

from engine.faults import Invalid
from engine.workspace.models import ChurnAt, OnAmbiguous, WorkspaceSettings
from engine.workspace.settings import parse, to_json


def test_nothing_said_means_the_defaults() -> None:
    """An empty object gives the defaults of the contracts."""
    assert parse({}) == WorkspaceSettings()
    assert to_json(WorkspaceSettings())["reporting_currency"] == "usd"


def test_settings_survive_the_way_through_json() -> None:
    """What is written is read back equal."""
    settings = parse(
        {
            "reporting_currency": "EUR",
            "timezone": "Europe/Vienna",
            "on_ambiguous": "best",
            "subtract_once": True,
            "churn_at": "cancellation",
            "business_hours": {"monday": [["09:00", "12:30"], ["13:00", "24:00"]], "sunday": []},
            "rate_overrides": [{"currency": "KWD", "into": "eur", "rate": "3.050", "date": "2026-11-01"}],
        }
    )

    assert isinstance(settings, WorkspaceSettings)
    assert (settings.reporting_currency, settings.zone.key) == ("eur", "Europe/Vienna")
    assert (settings.on_ambiguous, settings.churn_at) == (OnAmbiguous.BEST, ChurnAt.CANCELLATION)
    assert parse(to_json(settings)) == settings


@pytest.mark.parametrize(
    "raw",
    [
        {"reporting_currency": "dollars"},
        {"reporting_currency": "xyz"},
        {"rate_overrides": {}},
        {"rate_overrides": [{"currency": "eur", "into": "usd", "rate": "1.1"}]},
        {"rate_overrides": [{"currency": "eur", "into": "eur", "rate": "1.1", "date": "2026-11-01"}]},
        {"rate_overrides": [{"currency": "eur", "into": "usd", "rate": "Infinity", "date": "2026-11-01"}]},
        {"rate_overrides": [{"currency": "eur", "into": "usd", "rate": "1", "date": "2026-13-01"}]},
        {"rate_overrides": [{"currency": "eur", "into": "usd", "rate": "1", "date": "2026-11-01"}] * 2},
        {"reporting_currency": 1},
        {"timezone": "Mars/Olympus"},
        {"timezone": "../../etc/passwd"},
        {"timezone": None},
        {"on_ambiguous": "guess"},
        {"subtract_once": "yes"},
        {"churn_at": ""},
        {"business_hours": {"friday": [["17:00", "09:00"]]}},  # the wrong way round
        {"business_hours": {"friday": [["9", "17"]]}},
        {"business_hours": {"holiday": []}},
        {"business_hours": []},
        {"colour": "red"},
    ],
)
def test_a_bad_value_is_a_fault_at_its_key(raw: dict[str, Any]) -> None:
    """The fault points at the setting that is wrong."""
    result = parse(raw)

    assert isinstance(result, Invalid)
    assert [fault.pointer for fault in result.faults] == [f"/{next(iter(raw))}"]


def test_all_faults_are_reported_together() -> None:
    """Two wrong settings give two faults."""
    result = parse({"timezone": "Nowhere", "churn_at": "never"})

    assert isinstance(result, Invalid)
    assert {fault.pointer for fault in result.faults} == {"/timezone", "/churn_at"}
