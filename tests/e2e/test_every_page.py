"""What every page has in common, in a real browser: no complaint of the console, readable, fit for any width."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import Demo

PAGES = (
    "/inbox",
    "/rules",
    "/settings/integrations",
    "/settings/integrations/stripe",
    "/settings/members",
    "/settings/teams",
    "/settings/tokens",
    "/settings/audit",
    "/settings/general",
    "/docs/api",
)
AUDIT = (Path(__file__).parent / "audit.js").read_text()


@pytest.fixture(scope="session")
def paths(demo: Demo) -> tuple[str, ...]:
    """Return the addresses of all kinds of pages, with conversations of every kind of panel."""
    kinds = {kind: demo.send(f"page-{kind}", email, f"A {kind} customer") for kind, email in demo.customers.items()}
    conversation = kinds["past_due"]
    return (*PAGES, *kinds.values(), f"{conversation}/decisions/1", f"{conversation}/customer", "/nowhere")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_readable_and_the_console_is_silent(
    demo: Demo, paths: tuple[str, ...], tab_of: Callable[..., Page], scheme: str
) -> None:
    """Labels, names, one heading of the first rank, no skipped rank, contrast of at least 4.5 to 1; no violation."""
    page = tab_of("owner", color_scheme=scheme)
    found: dict[str, Any] = {}
    for path in paths:
        page.goto(path)
        found[path] = page.evaluate(AUDIT)
    assert {path: faults for path, faults in found.items() if faults} == {}


def test_pages_fit_a_small_telephone(demo: Demo, paths: tuple[str, ...], tab_of: Callable[..., Page]) -> None:
    """At 360 pixels nothing makes the page scroll sideways."""
    page = tab_of("owner", viewport={"width": 360, "height": 740})
    wide = {}
    for path in paths:
        page.goto(path)
        beyond = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if beyond > 0:
            wide[path] = beyond
    assert wide == {}


def test_pages_work_without_scripts(demo: Demo, tab_of: Callable[..., Page]) -> None:
    """Forms post and links lead on when no script runs."""
    page = tab_of("agent", java_script_enabled=False)
    page.goto(demo.send("no-script", "quiet@nowhere.example", "No scripts here"))
    page.locator("#set-priority").select_option("urgent")
    page.locator("form[action$='/changes'] button").click()
    assert "Saved." in page.content()
    page.locator("#body").fill("Sent without a script")
    page.locator(".composer button").click()
    assert "Sent without a script" in page.locator("article.message-agent").inner_text()
    page.goto("/inbox?q=No+scripts+here")
    assert "Urgent" in page.locator("li.conversation").first.inner_text()
