"""What Ochre is for, as people live it, in a real browser before real processes."""

import re
import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Demo, OpenBrowser

TURN_SECONDS = 2.0


def test_signing_in_and_out(demo: Demo, open_browser: OpenBrowser) -> None:
    """An agent signs in through the form, lands where they wanted to go, and signs out again."""
    page = open_browser().new_page()
    email, password = demo.password("agent")

    page.goto("/inbox?view=mine")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("No active member has this e-mail address and password.")

    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"/inbox\?view=mine$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Mine")

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_past_due_customer_is_routed_and_turns_active(demo: Demo, tab_of: Callable[..., Page]) -> None:
    """The message arrives at billing with tag, panel and reason; the invoice is paid; the panel turns by itself."""
    page = tab_of("agent")
    page.goto("/inbox")
    path = demo.send("story-past-due", demo.customers["past_due"], "My card was refused")

    row = page.locator("li.conversation", has_text="My card was refused")
    expect(row).to_contain_text("billing")
    expect(row).to_contain_text("High")
    row.get_by_role("link").click()
    expect(page).to_have_url(re.compile(f"{path}$"))
    panel = page.locator("#panel")
    expect(panel.locator("#panel-status")).to_contain_text("Past due")
    expect(panel).to_contain_text("“Past due to billing” matched")
    expect(panel.get_by_text("Failed").first).to_be_visible()
    page.get_by_label("Message", exact=True).fill("We are looking into it")
    page.evaluate("window.untouched = true")

    demo.control("pay_invoice", id=demo.customers["past_due"])
    paid_at = time.monotonic()
    expect(panel.locator("#panel-status")).to_contain_text("Active", timeout=TURN_SECONDS * 1000)

    assert time.monotonic() - paid_at < TURN_SECONDS
    assert page.evaluate("window.untouched") is True
    expect(page.get_by_label("Message", exact=True)).to_have_value("We are looking into it")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()


def test_every_value_of_the_panel_opens_its_record(demo: Demo, tab_of: Callable[..., Page]) -> None:
    """Customer, status, MRR, plan and invoices are links to Stripe, each in a tab of its own that can't reach back."""
    page = tab_of("agent")
    page.goto(demo.send("story-links", demo.customers["high_mrr"], "Seats"))
    links = page.locator("#panel a[target=_blank]")
    expect(links.first).to_be_visible()

    addresses = [link.get_attribute("href") or "" for link in links.all()]
    assert all(address.startswith(f"{demo.stripe_url}/acct_") for address in addresses)
    assert {
        part for address in addresses for part in ("customers", "subscriptions", "invoices") if part in address
    } == {
        "customers",
        "subscriptions",
        "invoices",
    }
    assert all("noopener" in (link.get_attribute("rel") or "") for link in links.all())
    with page.expect_popup() as opened:
        page.locator("#panel .name").click()
    assert opened.value.title() != ""
    assert opened.value.evaluate("window.opener") is None


def test_an_unknown_sender_is_linked_by_hand(demo: Demo, tab_of: Callable[..., Page]) -> None:
    """Nobody fits, so the panel offers to search; the choice is remembered and can be undone."""
    page = tab_of("agent")
    page.goto(demo.send("story-unknown", "someone@private.example", "Question from my private address"))
    panel = page.locator("#panel")
    expect(panel).to_contain_text("No Stripe customer found")

    panel.get_by_role("link", name="Search and link").click()
    page.get_by_label("Customer id, e-mail address or name").fill(demo.customers["active"])
    page.get_by_role("button", name="Search").click()
    page.get_by_role("button", name="Link").first.click()
    expect(panel).to_contain_text("Linked by hand")
    expect(panel.locator("#panel-status")).to_contain_text("Active")

    page.goto(demo.send("story-unknown-again", "someone@private.example", "And another"))
    expect(panel).to_contain_text("Linked by hand")
    panel.get_by_label("More about the customer").click()
    panel.get_by_role("button", name="Unlink").click()
    expect(panel).to_contain_text("No Stripe customer found")


def test_a_conversation_is_worked_on(demo: Demo, tab_of: Callable[..., Page]) -> None:
    """Reply, note, team and status: each change stands there afterwards, and what was half written survives."""
    page = tab_of("agent")
    page.goto(demo.send("story-work", "worker@nowhere.example", "Please help"))

    page.get_by_label("Message", exact=True).fill("Half a sentence")
    page.get_by_role("combobox", name="Team").select_option("senior")
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    expect(page.get_by_label("Message", exact=True)).to_have_value("Half a sentence")
    page.get_by_label("Message", exact=True).fill("Dear worker")
    page.get_by_label("Message", exact=True).press("Control+Enter")
    expect(page.locator("article.message-agent")).to_contain_text("Dear worker")
    page.get_by_text("Internal note", exact=True).click()
    page.get_by_label("Message", exact=True).fill("Be gentle")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("article.message-note")).to_contain_text("Be gentle")
    expect(page.get_by_label("Message", exact=True)).to_have_value("")


def test_a_rules_fault_is_found_mended_and_published(demo: Demo, tab_of: Callable[..., Page]) -> None:
    """The fault shows at its place, its link selects it, it is mended and published, and decides what comes next."""
    page = tab_of("admin")
    page.goto("/rules")
    editor = page.get_by_label("Ruleset")
    before = editor.input_value()
    then = "then: {add_tags: [praise], route_to: onboarding}"
    rule = f"rules:\n  - name: Praise\n    when: subjct =~~ '(?i)thank'\n    {then}\n"
    editor.fill(before.replace("rules:\n", rule, 1))
    page.get_by_role("button", name="Check").click()

    fault = page.locator("#diagnostics li", has_text="subjct")
    expect(fault).to_contain_text("did you mean `subject`?")
    expect(fault.locator(".caret")).to_contain_text("^^^^^^")
    fault.get_by_role("link").click()
    expect(editor).to_be_focused()
    selected = editor.evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)")
    assert selected == "subjct"

    editor.fill(editor.input_value().replace("subjct", "subject"))
    page.get_by_role("button", name="Publish…").click()
    expect(page.locator(".diff-add", has_text="name: Praise")).to_be_visible()
    page.get_by_role("button", name="Publish version").click()
    expect(page.get_by_role("status").first).to_contain_text("Published.")

    page.goto(demo.send("story-rules", "happy@nowhere.example", "Thank you all"))
    expect(page.locator("#thread")).to_contain_text("praise")
    page.get_by_role("link", name="See how every rule was checked").click()
    expect(page.get_by_role("article").first).to_contain_text("Matched")
    expect(page.get_by_role("heading", level=1)).to_have_text("Why is it here?")


def test_an_agent_cannot_open_the_rules(tab_of: Callable[..., Page]) -> None:
    """The menu does not offer them, and their address is closed."""
    page = tab_of("agent")
    page.goto("/inbox")
    expect(page.get_by_role("link", name="Rules")).to_have_count(0)
    answer = page.request.get("/rules")
    assert answer.status == 403
    assert "This is not open to you" in answer.text()


def test_disconnecting_and_connecting_by_hand(demo: Demo, tab_of: Callable[..., Page]) -> None:
    """Disconnect says what it means and empties the panel; connecting leads through Stripe's page and reads again."""
    page = tab_of("admin")
    path = demo.send("story-connect", demo.customers["trialing"], "About my trial")
    page.goto("/settings/integrations/stripe")
    page.get_by_role("link", name="Disconnect…").click()
    expect(page.get_by_role("main")).to_contain_text("Past due to billing")
    page.get_by_role("button", name="Disconnect", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Disconnected. The token is cleared.")

    page.goto(path)
    expect(page.locator("#panel")).to_contain_text("Stripe is not connected")
    page.get_by_role("link", name="Connect Stripe").click()
    page.get_by_role("button", name="Connect Stripe").first.click()
    assert page.url.startswith(demo.stripe_url)
    page.locator("button[value=authorize]").click()
    expect(page.get_by_role("status").first).to_contain_text("Connected.")
    expect(page.locator("[data-backfill=complete]").first).to_be_visible(timeout=30_000)

    page.goto(path)
    expect(page.locator("#panel-status")).to_contain_text("Trial")
