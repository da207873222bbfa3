"""What the Stripe panel shows of the panel of the contracts."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.facts import Facts
from web.screens.panel_view import panel_view, with_facts
from web.screens.panel_words import EMPTY

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
URL = "https://dashboard.stripe.com/acct_1/test/customers/cus_1"
LINKED: dict[str, Any] = {
    "state": "linked",
    "customer": {"id": "cus_1", "url": URL, "name": "Ana", "email": "ana@example.com", "match": "email"},
    "status": {"value": "past_due", "url": URL, "days_overdue": 12},
    "mrr": {"amount": "1225.00", "currency": "usd", "url": URL},
    "ltv": {"amount": None, "currency": "usd", "url": None, "reason": "not_synced"},
    "invoices": [],
    "synced_at": "2026-11-20T11:57:00Z",
}


@pytest.mark.parametrize("state", sorted(EMPTY))
def test_each_empty_state_has_words_of_its_own(state: str) -> None:
    """Every state without facts says what is the matter, and shows no number."""
    view = panel_view({"state": state}, NOW)
    assert view.empty is EMPTY[state]
    assert view.numbers == ()


def test_the_status_strip_has_one_word_and_a_detail() -> None:
    """A past-due customer shows the word, an icon and how long."""
    status = panel_view(LINKED, NOW).status
    assert status is not None
    assert (status.word, status.detail, status.tone) == ("Past due", "12 days overdue", "bad")


def test_what_is_not_known_is_not_zero() -> None:
    """A missing amount says why it is missing and is no link."""
    ltv = next(number for number in panel_view(LINKED, NOW).numbers if number.label == "LTV")
    assert (ltv.text, ltv.url) == ("Not synced yet", None)


@pytest.mark.parametrize(
    ("invoice", "word"),
    [
        ({"status": "open", "failed": True, "overdue": True}, "Failed"),
        ({"status": "open", "overdue": True}, "Overdue"),
        ({"status": "open"}, "Open"),
        ({"status": "paid", "failed": True}, "Paid"),  # it failed first and was paid later
        ({"status": "something_new"}, "something_new"),
    ],
)
def test_an_open_invoice_with_a_failed_attempt_shows_as_failed(invoice: dict[str, Any], word: str) -> None:
    """What an invoice shows is what the agent must know about it."""
    shown = {"id": "in_1", "url": URL, "amount": "1", "currency": "usd", **invoice}
    assert panel_view({**LINKED, "invoices": [shown]}, NOW).invoices[0].pill.text == word


def test_stale_facts_are_kept_with_their_age() -> None:
    """When Stripe was not heard of, the facts stay and the panel warns."""
    view = panel_view({**LINKED, "state": "stale"}, NOW)
    assert "20 Nov 2026, 11:57 UTC" in view.warning
    assert view.status is not None


def test_at_most_five_invoices_show() -> None:
    """The panel is a summary; Stripe has the rest."""
    invoice = {"id": "in_1", "url": URL, "status": "paid", "amount": "1", "currency": "usd"}
    assert len(panel_view({**LINKED, "invoices": [invoice] * 9}, NOW).invoices) == 5


@given(st.dictionaries(st.sampled_from(["status", "mrr", "ltv", "plan", "last_payment", "timeline"]), st.just({})))
def test_the_panel_is_total(gaps: dict[str, Any]) -> None:
    """Parts that are empty are left out; nothing fails."""
    gaps = {**gaps, "timeline": []}
    assert panel_view({**LINKED, **gaps}, NOW).empty is None


def test_only_what_changed_since_the_conversation_began_is_told() -> None:
    """An event from before is no news; one from after shows with its amount."""
    event = {"type": "charged", "url": URL, "amount": "5", "currency": "usd"}
    timeline = [{**event, "at": "2026-11-20T11:30:00Z"}, {**event, "at": "2026-11-20T10:30:00Z"}]
    view = panel_view({**LINKED, "timeline": timeline}, NOW, datetime(2026, 11, 20, 11, 0, tzinfo=UTC))
    assert [(found.text, found.amount, found.age) for found in view.timeline] == [
        ("Payment succeeded", "$5.00", "30 min")
    ]


def test_the_best_guess_is_shown_as_a_guess() -> None:
    """With several customers the chooser comes first, and the preview says that it is only one."""
    candidates = [{"customer_id": "cus_1", "name": "Ana", "url": URL, "best": True}]
    view = panel_view({**LINKED, "state": "ambiguous", "candidates": candidates}, NOW)
    assert view.empty is EMPTY["ambiguous"]
    assert view.customer is not None
    assert view.customer.matched.text == "Only a guess"
    assert [candidate.id for candidate in view.candidates] == ["cus_1"]


def test_facts_fill_in_the_details() -> None:
    """How long it is overdue, how many seats, and the balance come from the facts of the same instant."""
    facts = Facts(as_of=NOW, values={"days_overdue": 3, "quantity": 4, "balance": Decimal("-2.50")})
    panel = {**LINKED, "plan": {"name": "Team", "price": "9.00", "currency": "usd", "interval": "month", "url": URL}}
    view = panel_view(with_facts(panel, facts), NOW)
    assert view.status is not None
    assert view.status.detail == "3 days overdue"
    shown = {number.label: (number.text, number.sub) for number in view.numbers}
    assert shown["Plan"] == ("Team", "\N{MULTIPLICATION SIGN} 4 · $9.00/month")
    assert shown["Balance"] == ("\N{MINUS SIGN}$2.50", "")


@pytest.mark.parametrize(
    ("pending", "title"),
    [
        (None, "No Stripe customer found"),
        ("reading", "Reading the account"),
        ("unreachable", "Stripe was not reached lately"),
    ],
)
def test_who_was_not_found_may_yet_be(pending: str | None, title: str) -> None:
    """While the account is read or Stripe is silent, the panel says that instead of that there is nobody."""
    view = panel_view({"state": "not_found", "pending": pending, "customer": None}, NOW)

    assert view.empty is not None
    assert (view.empty.title, view.empty.action) == (title, "search")
