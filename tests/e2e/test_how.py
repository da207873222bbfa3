"""How a number was made, asked for in a real browser, and a rate that an admin sets."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Demo


@pytest.mark.parametrize("width", [1280, 360])
def test_a_number_tells_how_it_was_made(demo: Demo, tab_of: Callable[..., Page], width: int) -> None:
    """By keyboard alone the lines open inside the panel, end in the number itself, and stay while the panel lives."""
    page = tab_of("agent", viewport={"width": width, "height": 800})
    page.goto(demo.send(f"how-{width}", demo.customers["high_mrr"], "How much do we pay?"))
    number = page.locator(".numbers div", has=page.get_by_text("MRR", exact=True)).first
    shown = number.locator("dd > a").inner_text()
    page.locator("#how-mrr summary").focus()
    page.keyboard.press("Enter")
    made = page.locator("#how-mrr .how-made")

    expect(made.locator(".how-total strong")).to_have_text(shown)
    expect(made.locator(".how-lines li").first).to_be_visible()
    expect(made.locator(".how-links a").first).to_have_attribute("href", re.compile(r"/subscriptions/sub_"))
    page.wait_for_timeout(1500)  # the panel asked again in between
    expect(made).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_an_admin_sets_a_rate(demo: Demo, tab_of: Callable[..., Page]) -> None:
    """A rate of the workspace's own shows as such, and is gone when it is removed."""
    page = tab_of("admin")
    page.goto("/settings/general")
    page.get_by_label("Currency", exact=True).fill("KWD")
    page.get_by_label("One is worth").fill("3.25")
    page.get_by_role("button", name="Set rate").click()
    row = page.locator("li.rate", has_text="KWD")
    expect(row).to_contain_text("1 KWD = 3.25 USD")
    expect(row).to_contain_text("Set by you")
    row.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Removed.")).to_be_visible()
