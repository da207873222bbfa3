"""The inbox and the page of a conversation."""

import re

import pytest

from engine.workspace.models import Role
from tests.integration.screens.conftest import Browser, receive, text_of
from tests.integration.web.conftest import Tenant

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


@pytest.fixture
def url(ours: Tenant, published: None) -> str:
    """Return the address of a conversation that was routed."""
    return f"/conversations/{receive(ours).conversation.id}"


def test_the_inbox_lists_what_came_in(agent: Browser, ours: Tenant, published: None) -> None:
    """A conversation shows with sender, subject, beginning, status, priority, tag and team."""
    receive(ours)

    words = text_of(agent.read("/inbox"))

    for shown in ("My invoice", "Ana", "I have a question", "Open", "High", "mail", "billing"):
        assert shown in words


def test_an_empty_inbox_says_what_to_do(agent: Browser) -> None:
    """Nothing yet is a state with words of its own; nothing that fits is another."""
    assert "No conversations yet" in agent.read("/inbox")
    assert "No conversation fits" in agent.read("/inbox?status=closed")


def test_filters_narrow_the_list(agent: Browser, ours: Tenant, published: None) -> None:
    """Team, search and status leave out what does not fit; an unknown name fits nothing."""
    receive(ours, "1", subject="Card declined")
    receive(ours, "2", subject="Export is slow")

    assert "Export is slow" not in agent.read("/inbox?q=card")
    assert "Card declined" in agent.read("/inbox?team=billing&status=open")
    assert "No conversation fits" in agent.read("/inbox?team=nobody")
    assert "Card declined" not in agent.read("/inbox?view=mine")


def test_the_list_is_paged_by_cursor(agent: Browser, ours: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Older conversations are a link away, and each shows exactly once."""
    monkeypatch.setattr("web.screens.inbox.PAGE_SIZE", 2)
    for number in range(5):
        receive(ours, str(number), subject=f"Subject number {number}")

    seen: list[str] = []
    path: str | None = "/inbox"
    while path:
        html = agent.read(path)
        seen += re.findall(r"<bdi>(Subject number \d)</bdi>", html)
        older = re.search(r'href="([^"]+)" rel="next"', html)
        path = older[1].replace("&amp;", "&") if older else None

    assert sorted(seen) == [f"Subject number {number}" for number in range(5)]


def test_an_unchanged_part_costs_a_304(agent: Browser, ours: Tenant, url: str) -> None:
    """A live part that is asked for with its ETag answers 304 without a body, until something changes."""
    paths = ("/inbox/list", f"{url}/thread", f"{url}/panel")
    tags = {path: agent.get(path).headers["ETag"] for path in paths}
    unchanged = [agent.get(path, **{"If-None-Match": tags[path]}) for path in paths]

    agent.post(f"{url}/messages", page=url, body="Hello", kind="agent")
    changed = [agent.get(path, **{"If-None-Match": tags[path]}).status_code for path in paths]

    assert [(answer.status_code, answer.data) for answer in unchanged] == [(304, b"")] * 3
    assert changed == [200, 200, 304]


def test_the_page_holds_the_etag_of_its_parts(agent: Browser, url: str) -> None:
    """The first question of the browser is already a 304: the page tells the ETag of each live part."""
    html = agent.read(url)
    for part in ("thread", "panel"):
        tag = re.search(rf'id="{part}"[^>]*data-etag="([^"]+)"', html)
        assert tag is not None
        assert agent.get(f"{url}/{part}", **{"If-None-Match": f'"{tag[1]}"'}).status_code == 304


def test_hostile_text_is_only_text(agent: Browser, admin: Browser, ours: Tenant) -> None:
    """What strangers write into subject, name, address and body never becomes part of the page's markup."""
    routed = receive(ours, subject=HOSTILE, name=HOSTILE, body=HOSTILE)
    url = f"/conversations/{routed.conversation.id}"

    for path in ("/inbox", url, f"{url}/customer", f"{url}/decisions/1", f"/inbox?q={HOSTILE}&team={HOSTILE}"):
        html = admin.read(path)
        assert "<script>alert" not in html, path
        assert "<img src=x" not in html, path
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in agent.read(url)


def test_right_to_left_text_stays_in_its_place(agent: Browser, ours: Tenant) -> None:
    """Names and subjects are isolated, so that their direction cannot turn what stands beside them."""
    receive(ours, subject="\u202emoc.elpmaxe", name="ليلى حسن")
    html = agent.read("/inbox")
    assert "<bdi>\u202emoc.elpmaxe</bdi>" in html
    assert "<bdi>ليلى حسن</bdi>" in html


def test_a_reply_and_a_note_stand_in_the_conversation(agent: Browser, url: str) -> None:
    """Both are stored with their author; the note is marked as internal."""
    sent = agent.post(f"{url}/messages", page=url, body="Dear Ana\r\nbye", kind="agent")
    noted = agent.post(f"{url}/messages", page=url, body="She is upset", kind="note")

    assert sent.headers["Location"] == f"{url}?notice=sent"
    assert noted.headers["Location"] == f"{url}?notice=noted"
    words = text_of(agent.read(url))
    assert "Dear Ana bye" in words
    assert "Internal note" in words


def test_an_empty_reply_is_not_sent(agent: Browser, url: str) -> None:
    """Nothing but spaces is refused with a word."""
    answer = agent.post(f"{url}/messages", page=url, body="  \r\n ", kind="agent")
    assert answer.headers["Location"].endswith("notice=empty")


def test_a_person_changes_status_team_and_tags(agent: Browser, ours: Tenant, url: str) -> None:
    """What the form changed is changed; what it left as it was is not marked as chosen by a person."""
    fields = {"status": "pending", "was_status": "open", "priority": "high", "was_priority": "high"}
    answer = agent.post(f"{url}/changes", page=url, tags="mail, vip", was_tags="mail", **fields)

    assert answer.headers["Location"].endswith("notice=changed")
    with ours.services.database.workspace(ours.workspace_id, readonly=True) as session:
        from engine.ids import ConversationId
        from engine.inbox import repository

        found = repository.find_conversation(ours.workspace_id, session, ConversationId(url.rsplit("/", 1)[-1]))
    assert found is not None
    assert (found.status, found.tags) == ("pending", ("mail", "vip"))
    assert "priority" not in found.human_touched


def test_a_change_that_cannot_be_is_explained(agent: Browser, url: str) -> None:
    """A team that is gone meanwhile is refused, and the page says so."""
    answer = agent.post(f"{url}/changes", page=url, team="gone", was_team="billing")
    assert answer.status_code == 422
    assert "There is no team of this name." in answer.get_data(as_text=True)


def test_the_reason_stands_beside_the_conversation(agent: Browser, url: str) -> None:
    """Sentences say which rule put it there, and lead to every rule's check."""
    words = text_of(agent.read(url))
    assert "“Everything by e-mail” matched and set its priority to high" in words
    assert f"{url}/decisions/1" in agent.read(url)


def test_the_trace_shows_every_rule(agent: Browser, url: str) -> None:
    """Unknown with its reason, matched, and not reached: each rule stands there with its parts."""
    words = text_of(agent.read(f"{url}/decisions/1"))

    assert "Words about money Unknown" in words
    assert "Stripe is not connected" in words
    assert "Everything by e-mail Matched Ended the check" in words
    assert "Never asked Not reached" in words
    assert "Applied" in words
    assert agent.get(f"{url}/decisions/9").status_code == 404


def test_another_workspaces_conversation_is_not_there(agent: Browser, theirs: Tenant) -> None:
    """What is not yours is a 404, as if it did not exist."""
    foreign = receive(theirs).conversation.id
    for path in ("", "/thread", "/panel", "/customer", "/decisions/1"):
        assert agent.get(f"/conversations/{foreign}{path}").status_code == 404, path


def test_a_form_without_its_token_changes_nothing(agent: Browser, url: str) -> None:
    """A post from elsewhere, or without the form's token, is refused."""
    body = {"body": "Hi", "kind": "agent"}
    assert agent.client.post(f"{url}/messages", data=body, headers={"Origin": "http://localhost"}).status_code == 403
    assert agent.client.post(f"{url}/messages", data=body, headers={"Origin": "http://evil"}).status_code == 403


def test_agents_see_no_doors_that_are_closed_to_them(agent: Browser, admin: Browser, ours: Tenant) -> None:
    """Rules and settings stand in the menu of those who may open them, and are refused to others."""
    assert 'href="/rules"' not in agent.read("/inbox")
    assert 'href="/rules"' in admin.read("/inbox")
    for path in ("/rules", "/settings/integrations/stripe", "/settings/audit"):
        refused = agent.get(path)
        assert refused.status_code == 403
        assert "This is not open to you" in refused.get_data(as_text=True)
    assert ours.member(Role.AGENT).role is Role.AGENT
