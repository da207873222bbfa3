"""The pages of the rules."""

import re
from collections.abc import Callable

from engine.workspace.models import Role, Team
from tests.integration.screens.conftest import RULESET, Browser, receive, text_of
from tests.integration.web.conftest import Tenant

FAULTY = RULESET.replace("mrr", "mrrr")


def etag(browser: Browser) -> str:
    """Return the tag of the draft that the editor shows."""
    found = re.search(r'name="etag" value="([^"]*)"', browser.read("/rules"))
    assert found is not None
    return found[1]


def test_the_order_is_told_in_one_sentence(admin: Browser) -> None:
    """Nobody has to guess whether the first match ends the check."""
    words = text_of(admin.read("/rules"))
    assert "Checked from top to bottom; a rule marked stop ends the check." in words
    assert "Nothing is published yet" in words


def test_check_shows_faults_at_their_places(admin: Browser, billing: Team) -> None:
    """Line, column, the line itself with a caret under the token, and a hint; nothing is stored."""
    answer = admin.post("/rules/check", page="/rules", text=FAULTY.replace("\n", "\r\n"), etag="")
    html = answer.get_data(as_text=True)

    assert "Line 4:37" in html
    assert re.search(r'mrrr &gt; 1000</span>\s*<span class="caret" aria-hidden="true"> {36}\^{4}</span>', html)
    assert "did you mean" in text_of(html)
    assert 'data-place="4 37 4 41"' in html
    assert "mrrr" in html.split("<textarea")[1]
    assert "mrrr" not in admin.read("/rules")


def test_a_sound_text_is_told_to_be_so(admin: Browser, billing: Team) -> None:
    """No errors and no warnings is an answer too."""
    answer = admin.post("/rules/check", page="/rules", text=RULESET, etag="")
    assert "3 rules" in text_of(answer.get_data(as_text=True))


def test_a_check_tells_what_is_compiled_and_what_sql_leaves_open(admin: Browser, billing: Team) -> None:
    """How many rules the matcher takes, and which conditions about customers are worked out one after the other."""
    slow = RULESET.replace('subject =~~ "invoice" and mrr > 1000', "mrr / 12 > 100")
    answer = admin.post("/rules/check", page="/rules", text=slow, etag="")

    words = text_of(answer.get_data(as_text=True))
    assert "3 of 3 rules compiled" in words
    assert "Asked of all customers" in words
    assert "SQL can't say `/` exactly" in words
    assert "in rule Words about money" in words


def test_nothing_is_told_about_sql_where_it_answers_alone(admin: Browser, billing: Team) -> None:
    """A ruleset whose conditions SQL answers has no such list."""
    answer = admin.post("/rules/check", page="/rules", text=RULESET, etag="")

    words = text_of(answer.get_data(as_text=True))
    assert "3 of 3 rules compiled" in words
    assert "Asked of all customers" not in words


def test_save_publish_and_the_next_conversation(admin: Browser, ours: Tenant, billing: Team) -> None:
    """A draft is confirmed with what changes, published as version 1, and decides what comes next."""
    asked = admin.post("/rules/publish", page="/rules", text=RULESET, etag=etag(admin))
    words = text_of(asked.get_data(as_text=True))
    confirmed = admin.post("/rules/publish/confirm", page="/rules", etag=etag(admin))

    assert "Publish as version 1?" in words
    assert "13 lines added, 0 removed" in words
    assert confirmed.headers["Location"] == "/rules?notice=published"
    assert "Version 1 decides" in text_of(admin.read("/rules"))
    assert receive(ours).decision.decision.matched == ("Everything by e-mail",)


def test_faults_are_saved_but_never_published(admin: Browser, billing: Team) -> None:
    """A faulty draft may be kept; publishing it shows the faults instead."""
    admin.post("/rules/draft", page="/rules", text=FAULTY, etag=etag(admin))
    refused = admin.post("/rules/publish", page="/rules", text=FAULTY, etag=etag(admin))

    assert "mrrr" in admin.read("/rules")
    assert refused.status_code == 422
    assert "Line 4:37" in refused.get_data(as_text=True)
    assert "Nothing is published yet" in admin.read("/rules")


def test_two_people_do_not_overwrite_each_other(
    admin: Browser, browse: Callable[[Role], Browser], billing: Team
) -> None:
    """Who saves second is told, keeps what they wrote, sees the difference, and may save again."""
    owner = browse(Role.OWNER)
    before = etag(admin)
    owner.post("/rules/draft", page="/rules", text=RULESET, etag=before)
    mine = RULESET.replace("Never asked", "Mine alone")

    refused = admin.post("/rules/draft", page="/rules", text=mine, etag=before)
    html = refused.get_data(as_text=True)
    again = re.search(r'name="etag" value="([^"]*)"', html)
    assert again is not None
    saved = admin.post("/rules/draft", page="/rules", text=mine, etag=again[1])

    assert refused.status_code == 409
    assert "Somebody else saved the draft meanwhile" in html
    assert "Mine alone" in html.split("<textarea")[1]
    assert "+   - name: Mine alone" in html
    assert saved.status_code in {200, 303}
    assert "Mine alone" in admin.read("/rules")


def test_only_the_draft_that_was_shown_is_published(
    admin: Browser, browse: Callable[[Role], Browser], billing: Team
) -> None:
    """If the draft changes between question and answer, nothing is published."""
    admin.post("/rules/draft", page="/rules", text=RULESET, etag=etag(admin))
    shown = etag(admin)
    browse(Role.OWNER).post("/rules/draft", page="/rules", text=RULESET + "# more\n", etag=shown)

    assert admin.post("/rules/publish/confirm", page="/rules", etag=shown).status_code == 409
    assert "Nothing is published yet" in admin.read("/rules")


def test_a_version_is_viewed_and_restored(admin: Browser, ours: Tenant, published: None) -> None:
    """A published version shows its text and author, and can become the draft again."""
    admin.post("/rules/draft", page="/rules", text="version: 1\n", etag=etag(admin))

    words = text_of(admin.read("/rules/versions/1"))
    restored = admin.post("/rules/versions/1/restore", page="/rules/versions/1")

    assert "Everything by e-mail" in words
    assert restored.headers["Location"] == "/rules?notice=restored"
    assert "Everything by e-mail" in admin.read("/rules")
    assert admin.get("/rules/versions/7").status_code == 404


def test_any_text_gets_an_answer(admin: Browser) -> None:
    """Whatever is pasted into the editor, it is checked or refused, and shown again."""
    for text in ("", "\x00", "- - -", "a" * 100_000, "when: \U0001f600 < 1"):
        answer = admin.post("/rules/check", page="/rules", text=text, etag="")
        saved = admin.post("/rules/draft", page="/rules", text=text, etag="")
        assert answer.status_code in {200, 422}
        assert saved.status_code in {200, 303, 409, 422}
