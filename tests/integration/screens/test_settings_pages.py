"""The page of general settings and rates, and the page that tells how a number was made."""

import re

from tests.integration.screens.conftest import Browser, receive, text_of
from tests.integration.web.conftest import Tenant
from web import workspace_settings

PAGE = "/settings/general"
FORM = {
    "reporting_currency": "EUR",
    "timezone": "Europe/Vienna",
    "on_ambiguous": "best",
    "churn_at": "cancellation",
    "subtract_once": "on",
}


def test_settings_are_saved_and_facts_follow(admin: Browser, ours: Tenant) -> None:
    """The form stores what it shows, and the page says that facts are being worked out again."""
    assert "worked out again by the new settings" not in admin.read(PAGE)
    answer = admin.post(PAGE, page=PAGE, **FORM)
    html = admin.read(f"{PAGE}?notice=changed")
    settings = workspace_settings.overview(ours.services, ours.workspace_id).settings

    assert answer.headers["Location"] == f"{PAGE}?notice=changed"
    assert (settings.reporting_currency, settings.timezone, settings.on_ambiguous, settings.churn_at) == (
        "eur", "Europe/Vienna", "best", "cancellation",
    )  # fmt: skip
    assert (settings.subtract_repeating, settings.subtract_once) == (False, True)
    assert "Facts are being worked out again by the new settings" in text_of(html)
    assert re.search(r'id="set-subtract_once"[^>]* checked', html)
    assert not re.search(r'id="set-subtract_repeating"[^>]* checked', html)
    assert "usd → eur" in text_of(admin.read("/settings/audit"))


def test_days_of_retention_are_whole_numbers(admin: Browser, ours: Tenant) -> None:
    """Days are stored as numbers; what is none is refused at its field, and kept there to be mended."""
    admin.post(PAGE, page=PAGE, **FORM, retention_message_days="90", retention_payload_days="7")
    settings = workspace_settings.overview(ours.services, ours.workspace_id).settings
    assert (settings.retention_message_days, settings.retention_payload_days) == (90, 7)

    for wrong in ("0", "-1", "a week", "99999", "1.5", "²"):
        answer = admin.post(PAGE, page=PAGE, **FORM, retention_message_days=wrong, retention_payload_days="7")
        assert answer.status_code == 422, wrong
        assert "whole number of days" in text_of(answer.get_data(as_text=True))
    assert workspace_settings.overview(ours.services, ours.workspace_id).settings.retention_message_days == 90


def test_a_refused_form_keeps_what_was_written(admin: Browser, ours: Tenant) -> None:
    """The fault stands at its field, and the other fields are as they were left."""
    answer = admin.post(PAGE, page=PAGE, **{**FORM, "timezone": "Mars/Olympus"})
    html = answer.get_data(as_text=True)

    assert answer.status_code == 422
    assert re.search(r'id="set-timezone"[^>]*value="Mars/Olympus"[^>]*aria-describedby="fault-timezone"', html)
    assert "Give a time zone by its name" in text_of(html)
    assert re.search(r'id="churn_at-cancellation"[^>]* checked', html)
    assert re.search(r'id="set-subtract_once"[^>]* checked', html)
    assert workspace_settings.overview(ours.services, ours.workspace_id).settings.timezone == "UTC"


def test_a_rate_is_set_and_removed(admin: Browser) -> None:
    """An own rate shows beside the published one; a comma is taken for the point."""
    assert "no rate is needed" in admin.read(PAGE)
    answer = admin.post(f"{PAGE}/rates", page=PAGE, currency="eur", rate="1,25", date="2026-11-01")
    words = text_of(admin.read(PAGE))

    assert answer.headers["Location"] == f"{PAGE}?notice=rate_set"
    assert "1 EUR = 1.25 USD 1 Nov 2026 Published:" in words
    assert "Set by you" in words
    gone = admin.post(f"{PAGE}/rates/eur/remove", page=PAGE, into="usd")
    assert gone.headers["Location"] == f"{PAGE}?notice=rate_removed"
    assert "no rate is needed" in admin.read(PAGE)
    assert admin.post(f"{PAGE}/rates/eur/remove", page=PAGE, into="usd").status_code == 404


def test_a_wrong_rate_is_explained_at_its_field(admin: Browser) -> None:
    """What was typed stays; hostile text is only text."""
    answer = admin.post(f"{PAGE}/rates", page=PAGE, currency="xyz", rate='"><script>', date="2026-11-01")
    html = answer.get_data(as_text=True)

    assert answer.status_code == 422
    assert "three letters in ISO 4217" in text_of(html)
    assert "positive decimal" in text_of(html)
    assert "<script>" not in html.replace("<script src", "")
    assert 'value="xyz"' in html


def test_the_form_of_a_rate_begins_with_the_currency_asked_for(admin: Browser) -> None:
    """The panel leads here with the currency that lacks a rate."""
    assert re.search(r'id="rate-currency"[^>]*value="KWD"', admin.read(f"{PAGE}?currency=kwd"))


def test_settings_are_for_admins(agent: Browser) -> None:
    """An agent is told that the page is not theirs."""
    assert agent.get(PAGE).status_code == 403


def test_how_a_number_was_made_is_a_page_and_a_part(agent: Browser, ours: Tenant) -> None:
    """Without scripts it is a page of its own; htmx gets the part alone; other facts have none."""
    url = f"/conversations/{receive(ours).conversation.id}"
    whole, part = agent.read(f"{url}/how/mrr"), agent.get(f"{url}/how/mrr", **{"HX-Request": "true"})

    assert "How MRR was made" in text_of(whole)
    assert "There is no value: not connected." in text_of(whole)
    assert "<html" not in part.get_data(as_text=True)
    assert "There is no value: not connected." in text_of(part.get_data(as_text=True))
    assert agent.get(f"{url}/how/email").status_code == 404
