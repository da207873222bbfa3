"""Drafts, versions and the active ruleset, on both databases."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from engine.audit import repository as audit
from engine.core.decide import decide
from engine.core.facts import Facts
from engine.ids import MemberId, WorkspaceId
from engine.storage import Database
from engine.workspace.models import References
from rules.check import CheckResult
from rules.models import Conflict, Draft, NoSuchVersion, PublishedVersion
from rules.service import RulesetBrokenError, RulesetService
from rules.tables import DbRulesetVersion
from tests.clock import FrozenClock
from web.facts import CATALOG

HERE, THERE = WorkspaceId("workspace_here"), WorkspaceId("workspace_there")
ADA, BOB = MemberId("member_ada"), MemberId("member_bob")
SOUND = "version: 1\nrules: []\nfallback: {assign_team: support}\n"
OTHER = SOUND.replace("support", "billing")
FAULTY = SOUND.replace("support", "nobody")


def references(_workspace_id: WorkspaceId, _session: Session) -> References:
    """Return the names of a small workspace."""
    return References(teams=frozenset({"support", "billing"}))


@pytest.fixture
def service(clock: FrozenClock) -> RulesetService:
    """Return the service under test."""
    return RulesetService(clock, CATALOG, references)


def test_a_new_workspace_has_an_empty_draft_and_no_ruleset(database: Database, service: RulesetService) -> None:
    """Nothing decides before something was published."""
    with database.workspace(HERE) as session:
        draft = service.get_draft(HERE, session)

        assert (draft.text, draft.updated_by, draft.updated_at) == ("", None, None)
        assert service.active(HERE, session) is None
        assert list(service.versions(HERE, session)) == []


def test_a_draft_is_saved_with_its_author_and_time(
    database: Database, service: RulesetService, clock: FrozenClock
) -> None:
    """A draft need not be sound to be saved."""
    with database.workspace(HERE) as session:
        saved = service.put_draft(HERE, session, FAULTY, None, ADA)

    with database.workspace(HERE, readonly=True) as session:
        assert service.get_draft(HERE, session) == saved
    assert isinstance(saved, Draft)
    assert (saved.text, saved.updated_by, saved.updated_at) == (FAULTY, ADA, clock.now())


def test_a_draft_that_changed_meanwhile_is_not_overwritten(database: Database, service: RulesetService) -> None:
    """Saving with an old etag tells what the draft is now."""
    with database.workspace(HERE) as session:
        empty = service.get_draft(HERE, session)
        first = service.put_draft(HERE, session, SOUND, empty.etag, ADA)
        assert isinstance(first, Draft)
        late = service.put_draft(HERE, session, OTHER, empty.etag, BOB)
        assert isinstance(late, Conflict)
        assert late.current == first

        assert isinstance(service.put_draft(HERE, session, OTHER, first.etag, BOB), Draft)


def test_saving_publishing_and_restoring_are_audited(database: Database, service: RulesetService) -> None:
    """The audit says who saved, published which number with how many rules, and restored; refusals leave nothing."""
    with database.workspace(HERE) as session:
        service.put_draft(HERE, session, SOUND, None, ADA)
        service.publish(HERE, session, BOB)
        service.put_draft(HERE, session, FAULTY, None, ADA)
        service.publish(HERE, session, BOB)
        service.put_draft(HERE, session, OTHER, "another etag", BOB)
        service.restore(HERE, session, 1, BOB)
        service.restore(HERE, session, 7, BOB)

    with database.workspace(HERE, readonly=True) as session:
        entries = [(one.actor, one.action, one.target, one.detail) for one in audit.entries(HERE, session)]
    assert entries == [
        (BOB, "ruleset.restored", "version 1", {"number": 1}),
        (ADA, "ruleset.draft_saved", "draft", {"characters": len(FAULTY)}),
        (BOB, "ruleset.published", "version 1", {"number": 1, "rules": 0}),
        (ADA, "ruleset.draft_saved", "draft", {"characters": len(SOUND)}),
    ]


def test_publishing_numbers_versions_and_the_newest_decides(
    database: Database, service: RulesetService, clock: FrozenClock
) -> None:
    """Versions count from 1, keep author, time and text, and the newest is active."""
    with database.workspace(HERE) as session:
        service.put_draft(HERE, session, SOUND, None, ADA)
        first = service.publish(HERE, session, ADA)
    clock.advance(timedelta(hours=1))
    with database.workspace(HERE) as session:
        second = service.publish_text(HERE, session, OTHER, BOB)

    assert isinstance(first, PublishedVersion)
    assert isinstance(second, PublishedVersion)
    assert (first.number, first.published_by, first.text) == (1, ADA, SOUND)
    assert (second.number, second.published_by, second.published_at) == (2, BOB, clock.now())
    with database.workspace(HERE, readonly=True) as session:
        assert service.get_version(HERE, session, 1) == first
        assert [version.number for version in service.versions(HERE, session)] == [2, 1]
        assert [version.number for version in service.versions(HERE, session, before=2)] == [1]
        active = service.active(HERE, session)
        assert active is not None
        assert active.version == 2
        decision = decide(active.ruleset, Facts(as_of=clock.now()), now=clock.now())
        assert decision.actions.assign_team == "billing"


def test_a_ruleset_with_errors_is_not_published(database: Database, service: RulesetService) -> None:
    """Errors come back as the check's result; what decided still decides."""
    with database.workspace(HERE) as session:
        service.publish_text(HERE, session, SOUND, ADA)
        refused = service.publish_text(HERE, session, FAULTY, ADA)

        assert isinstance(refused, CheckResult)
        assert [diagnostic.code for diagnostic in refused.errors] == ["unknown_reference"]
        active = service.active(HERE, session)
        assert active is not None
        assert active.version == 1


def test_publishing_what_was_not_seen_is_a_conflict(database: Database, service: RulesetService) -> None:
    """With an etag, exactly the draft that was looked at is published."""
    with database.workspace(HERE) as session:
        seen = service.put_draft(HERE, session, SOUND, None, ADA)
        service.put_draft(HERE, session, OTHER, None, BOB)
        assert isinstance(seen, Draft)

        assert isinstance(service.publish(HERE, session, ADA, if_match=seen.etag), Conflict)


def test_restoring_makes_an_old_text_the_draft(database: Database, service: RulesetService) -> None:
    """The draft becomes the old text; it decides once it is published, under a new number."""
    with database.workspace(HERE) as session:
        service.publish_text(HERE, session, SOUND, ADA)
        service.publish_text(HERE, session, OTHER, ADA)
        restored = service.restore(HERE, session, 1, BOB)
        assert isinstance(restored, Draft)
        assert restored.text == SOUND
        version = service.publish(HERE, session, BOB)

        assert isinstance(version, PublishedVersion)
        assert (version.number, version.text) == (3, SOUND)
        assert service.restore(HERE, session, 9, BOB) == NoSuchVersion(number=9)


def test_workspaces_do_not_see_each_other(database: Database, service: RulesetService) -> None:
    """Drafts, versions and what is kept in memory belong to one workspace."""
    with database.workspace(HERE) as session:
        service.publish_text(HERE, session, SOUND, ADA)
        assert service.active(HERE, session) is not None

    with database.workspace(THERE) as session:
        assert service.active(THERE, session) is None
        assert service.get_version(THERE, session, 1) == NoSuchVersion(number=1)
        assert service.get_draft(THERE, session).text == ""
        published = service.publish_text(THERE, session, OTHER, BOB)
        assert isinstance(published, PublishedVersion)
        assert published.number == 1


def test_a_version_is_compiled_once(database: Database, service: RulesetService) -> None:
    """Asking again gives the same object until something else is published."""
    with database.workspace(HERE) as session:
        service.publish_text(HERE, session, SOUND, ADA)
        first = service.active(HERE, session)
        assert service.active(HERE, session) is first
        service.publish_text(HERE, session, OTHER, ADA)

        assert service.active(HERE, session) is not first


def test_a_version_of_a_failed_transaction_is_forgotten(database: Database, service: RulesetService) -> None:
    """A number that was rolled back and given again never brings back the first text."""

    def fail_after_publishing() -> None:
        with database.workspace(HERE) as session:
            service.publish_text(HERE, session, SOUND, ADA)
            assert service.active(HERE, session) is not None
            raise LookupError

    with pytest.raises(LookupError):
        fail_after_publishing()
    with database.workspace(HERE) as session:
        service.publish_text(HERE, session, OTHER, ADA)
        active = service.active(HERE, session)

        assert active is not None
        assert (active.version, active.ruleset.fallback.assign_team) == (1, "billing")


def test_publishers_at_the_same_moment_get_different_numbers(database: Database, service: RulesetService) -> None:
    """However many publish at once, every version has its own number and none is lost."""
    with database.workspace(HERE) as session:
        service.put_draft(HERE, session, SOUND, None, ADA)
    together = threading.Barrier(4)
    numbers: list[int] = []

    def publish() -> None:
        together.wait()
        with database.workspace(HERE) as session:
            version = service.publish(HERE, session, ADA)
            assert isinstance(version, PublishedVersion)
            numbers.append(version.number)

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(numbers) == [1, 2, 3, 4]


def test_a_trace_is_recomputed_from_a_version(database: Database, service: RulesetService, clock: FrozenClock) -> None:
    """Any published version can explain any snapshot, not only the newest."""
    rule = "rules:\n  - {name: a, when: delinquent, then: {note: x}}\n"
    with database.workspace(HERE) as session:
        service.publish_text(HERE, session, SOUND.replace("rules: []\n", rule), ADA)
        service.publish_text(HERE, session, SOUND, ADA)
        facts = Facts(as_of=clock.now(), values={"delinquent": True})
        (traced,) = service.trace(HERE, session, 1, facts, now=clock.now()) or ()  # type: ignore[misc]  # found

        assert isinstance(traced, dict)
        assert (traced["rule"], traced["outcome"]) == ("a", "matched")
        assert service.trace(HERE, session, 2, facts, now=clock.now()) == []
        assert service.trace(HERE, session, 3, facts, now=clock.now()) == NoSuchVersion(number=3)


def test_a_version_that_no_longer_passes_is_named(
    database: Database, service: RulesetService, clock: FrozenClock
) -> None:
    """After a change of the language a published text may be at fault: the error says where."""
    with database.workspace(HERE) as session:
        session.add(
            DbRulesetVersion(
                workspace_id=HERE,
                number=1,
                text="version: 2\n",
                etag="x",
                rules=0,
                language="older",
                published_by=ADA,
                published_at=clock.now(),
            )
        )
        session.flush()

        with pytest.raises(RulesetBrokenError, match="version 1 no longer passes the check: line 1"):
            service.active(HERE, session)
