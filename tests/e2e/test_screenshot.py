"""The picture at the top of the README: the inbox's product in one view.

It is written only with OCHRE_UPDATE_SCREENSHOT=1, so that a test run changes no file.
"""

import os
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Demo

IMAGE = Path(__file__).parents[2] / "docs" / "images" / "inbox.png"
BODY = (
    "Hello,\n\nmy card was declined this morning, although it works everywhere else, and now I cannot export my "
    "reports. Can you look into it, please? We need them by Friday.\n\nThank you!"
)

NOTE = "The bank says card_declined. The invoice stays open for a week, so there is time for another card."


def test_the_picture_of_the_readme(demo: Demo, tab_of: Callable[..., Page]) -> None:
    """A message beside its customer's billing, with the reason why it is where it is."""
    customers = demo.customers
    # A customer whose payment just failed, whatever other stories did to the usual one.
    demo.control("fail_payment", id=customers["high_mrr"])
    page = tab_of("agent", viewport={"width": 1280, "height": 960}, device_scale_factor=2)
    page.goto(demo.send("picture-before", customers["high_mrr"], "When does my plan renew?"))
    expect(page.locator("#panel-status")).to_contain_text("Past due")
    page.goto(demo.send("picture", customers["high_mrr"], "My card was declined", BODY, name="Pedro Popov"))
    page.get_by_text("Internal note", exact=True).click()
    page.get_by_label("Message", exact=True).fill(NOTE)
    page.get_by_role("button", name="Send").click()
    page.goto(page.url.partition("?")[0])

    panel = page.locator("#panel")
    expect(panel.locator("#panel-status")).to_contain_text("Past due")
    expect(panel.get_by_text("MRR", exact=True)).to_be_visible()
    expect(panel).to_contain_text("Why is it here?")
    expect(panel.locator(".invoice").first).to_contain_text("Failed")
    expect(page.locator("article.message-note")).to_contain_text(NOTE)
    if os.environ.get("OCHRE_UPDATE_SCREENSHOT") == "1":
        IMAGE.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=IMAGE)
