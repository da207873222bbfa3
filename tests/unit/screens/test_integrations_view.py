"""The Stripe integration as its page shows it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from web.screens.integrations_view import connection_views, has_active, summary

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def connection(**more: Any) -> dict[str, Any]:
    return {"id": "con_1", "kind": "oauth", "account_id": "acct_1", "livemode": False, "status": "active", **more}


def test_a_running_backfill_shows_how_far_it_is() -> None:
    """Objects, pages, rate and the time that is left stand beside the bar."""
    progress = {
        "pages": 12,
        "objects_per_second": 640.4,
        "eta_seconds": 21,
        "steps": 10,
        "steps_done": 4,
        "current": "charges",
    }
    status = {"connections": [connection(backfill={"status": "running", "objects": 1200, "progress": progress})]}
    (view,) = connection_views(status, NOW)
    assert view.backfill is not None
    assert view.backfill.percent == 40
    assert view.backfill.detail == "1,200 objects · 12 pages · 640 a second · about 21 s left"


@pytest.mark.parametrize(("status", "word"), [("active", "Connected"), ("revoked", "Revoked at Stripe")])
def test_a_connection_says_its_state_in_words(status: str, word: str) -> None:
    """No state is told by colour alone."""
    found = {"connections": [connection(status=status)]}
    assert word in [pill.text for pill in connection_views(found, NOW)[0].pills]
    assert summary(found).text == word
    assert has_active(found) == (status == "active")


def test_without_connections_stripe_is_not_connected() -> None:
    """An empty list is a state of its own."""
    assert summary({"connections": []}).text == "Not connected"


def test_drift_and_what_was_left_alone_are_told_in_words() -> None:
    """Zero is said as such, a difference by its kind, and events nobody needed by their reason."""
    clean, drifted = connection_views(
        {
            "connections": [
                connection(drift=0, drift_by_kind={}),
                connection(drift=2, drift_by_kind={"invoices": 2}, ignored={"other_mode": 3}),
            ]
        },
        NOW,
    )

    assert "None: sweeps found nothing that no event had told of" in [fact.text for fact in clean.facts]
    told = [fact.text for fact in drifted.facts]
    assert "2 differences found and mended in the last week: 2 invoices" in told
    assert "3 events of the other mode" in told
