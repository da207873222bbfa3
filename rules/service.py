"""Rulesets of workspaces: draft, check, publish, versions, restore, and the one that decides.

Laws of this module
- What decides is the newest published version; versions are numbered, immutable and never deleted.
- Only a text without errors is published, and publishers wait for each other on the draft's row.
- A published version never changes, so each process compiles it once and keeps it.
- Whatever changes a draft or publishes is audited in the same transaction, whoever calls.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from engine.audit import repository as audit
from engine.core.facts import FactCatalog, Facts, JsonValue
from engine.ids import MemberId, WorkspaceId
from engine.ports import ActiveRuleset, Clock
from engine.workspace.models import References
from rules import repository
from rules.check import CheckedRuleset, CheckResult, check
from rules.compile import compile_ruleset
from rules.explain import trace
from rules.models import Conflict, Draft, NoSuchVersion, PublishedVersion, VersionInfo, VersionKey, etag_of

LANGUAGE = "rule-engine 5.1.0"
MOST_COMPILED = 64
MOST_RULES = 100_000
"""How many rules, of all versions together, a process keeps; each takes a few kilobytes."""

ReferencesOf = Callable[[WorkspaceId, Session], References]


class RulesetBrokenError(RuntimeError):
    """Raised when a published version no longer passes the check, after a change of the language or the catalog."""


class _Loaded:
    """A published version as it is kept in memory; it is indexed when it first decides."""

    def __init__(self, number: int, checked: CheckedRuleset, before: "_Loaded | None") -> None:
        """`before` is another version of the workspace, from which what did not change is taken."""
        self.checked = checked
        self._number = number
        self._before = before
        self._active: ActiveRuleset | None = None

    @property
    def indexed(self) -> ActiveRuleset | None:
        """Return the version ready to decide, if it ever did."""
        return self._active

    @property
    def active(self) -> ActiveRuleset:
        """Return the version ready to decide."""
        if self._active is None:  # two threads may both index it; they come to the same
            indexed = None if self._before is None else self._before.indexed
            before = None if indexed is None else indexed.ruleset
            self._active = ActiveRuleset(version=self._number, ruleset=compile_ruleset(self.checked, before))
            self._before = None
        return self._active


class RulesetService:
    """Drafts and versions; satisfies `engine.ports.RulesetSource`. One instance serves all threads of a process."""

    def __init__(self, clock: Clock, catalog: FactCatalog, references: ReferencesOf) -> None:
        self._clock = clock
        self._catalog = catalog
        self._references = references
        self._compiled: OrderedDict[tuple[WorkspaceId, VersionKey], _Loaded] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, workspace_id: WorkspaceId, session: Session, text: str) -> CheckResult:
        """Return `text` checked, also against the names that exist in the workspace."""
        return check(text, self._catalog, self._references(workspace_id, session))

    def get_draft(self, workspace_id: WorkspaceId, session: Session) -> Draft:
        """Return the draft; before the first is saved, the text that is published, or an empty one."""
        draft = repository.find_draft(workspace_id, session)
        if draft is not None:
            return draft
        published = self._newest(workspace_id, session)
        text = "" if published is None else published.text
        return Draft(text=text, etag=etag_of(text))

    def put_draft(
        self, workspace_id: WorkspaceId, session: Session, text: str, if_match: str | None, member_id: MemberId
    ) -> Draft | Conflict:
        """Save `text` as the draft if its etag still is `if_match` (None takes any); it need not be sound."""
        saved = self._save(workspace_id, session, text, if_match, member_id)
        if isinstance(saved, Draft):
            self._audit(workspace_id, session, member_id, "ruleset.draft_saved", "draft", {"characters": len(text)})
        return saved

    def _save(
        self, workspace_id: WorkspaceId, session: Session, text: str, if_match: str | None, member_id: MemberId
    ) -> Draft | Conflict:
        draft = Draft(text=text, etag=etag_of(text), updated_by=member_id, updated_at=self._clock.now())
        if repository.replace_draft(workspace_id, session, draft, if_etag=if_match):
            return draft
        current = self.get_draft(workspace_id, session)
        was_never_saved = current.updated_at is None
        if (
            was_never_saved
            and if_match in (None, current.etag)
            and repository.insert_draft(workspace_id, session, draft)
        ):
            return draft
        return Conflict(current=self.get_draft(workspace_id, session))

    def publish(
        self, workspace_id: WorkspaceId, session: Session, member_id: MemberId, if_match: str | None = None
    ) -> PublishedVersion | CheckResult | Conflict:
        """Publish the draft as the next version, or return why not: its errors, or a change meanwhile."""
        draft = repository.find_draft(workspace_id, session, for_update=True) or self.get_draft(workspace_id, session)
        if if_match is not None and draft.etag != if_match:
            return Conflict(current=draft)
        result = self.check(workspace_id, session, draft.text)
        if result.ruleset is None:
            return result
        if draft.updated_at is None:  # an unsaved draft has no row to wait on
            self._save(workspace_id, session, draft.text, None, member_id)
            repository.find_draft(workspace_id, session, for_update=True)
        newest = repository.find_key(workspace_id, session)
        version = PublishedVersion(
            number=1 if newest is None else newest.number + 1,
            rules=len(result.ruleset.rules),
            text=draft.text,
            language=LANGUAGE,
            published_by=member_id,
            published_at=self._clock.now(),
        )
        repository.insert_version(workspace_id, session, version)
        detail: dict[str, JsonValue] = {"number": version.number, "rules": version.rules}
        self._audit(workspace_id, session, member_id, "ruleset.published", f"version {version.number}", detail)
        return version

    def publish_text(
        self, workspace_id: WorkspaceId, session: Session, text: str, member_id: MemberId
    ) -> PublishedVersion | CheckResult | Conflict:
        """Make `text` the draft, whatever it was, and publish it."""
        self.put_draft(workspace_id, session, text, None, member_id)
        return self.publish(workspace_id, session, member_id)

    def versions(
        self, workspace_id: WorkspaceId, session: Session, *, limit: int = 50, before: int | None = None
    ) -> Sequence[VersionInfo]:
        """Return published versions, newest first, of those below the number `before`."""
        return repository.list_versions(workspace_id, session, limit=limit, before=before)

    def get_version(self, workspace_id: WorkspaceId, session: Session, number: int) -> PublishedVersion | NoSuchVersion:
        """Return one published version."""
        return repository.find_version(workspace_id, session, number) or NoSuchVersion(number=number)

    def restore(
        self, workspace_id: WorkspaceId, session: Session, number: int, member_id: MemberId
    ) -> Draft | NoSuchVersion | Conflict:
        """Make the text of a version the draft, whatever it was; it decides again once it is published."""
        version = repository.find_version(workspace_id, session, number)
        if version is None:
            return NoSuchVersion(number=number)
        restored = self._save(workspace_id, session, version.text, None, member_id)
        if isinstance(restored, Draft):
            self._audit(workspace_id, session, member_id, "ruleset.restored", f"version {number}", {"number": number})
        return restored

    def active(self, workspace_id: WorkspaceId, session: Session) -> ActiveRuleset | None:
        """Return the newest published version ready to decide, or None if nothing was ever published."""
        found = self._loaded(workspace_id, session, repository.find_key(workspace_id, session))
        return None if found is None else found.active

    def at_version(self, workspace_id: WorkspaceId, session: Session, number: int) -> ActiveRuleset | None:
        """Return a published version ready to decide, or None if there is none of that number.

        Raise RulesetBrokenError if it no longer passes the check.
        """
        found = self._loaded(workspace_id, session, repository.find_key(workspace_id, session, number))
        return None if found is None else found.active

    def trace(
        self,
        workspace_id: WorkspaceId,
        session: Session,
        number: int,
        facts: Facts,
        *,
        now: datetime,
        on: str = "created",
        conversation_id: str | None = None,
    ) -> list[JsonValue] | NoSuchVersion:
        """Return the trace of every rule of a published version over `facts`, recomputed."""
        found = self._loaded(workspace_id, session, repository.find_key(workspace_id, session, number))
        if found is None:
            return NoSuchVersion(number=number)
        return trace(found.checked, facts, now=now, on=on, conversation_id=conversation_id)

    def _audit(
        self,
        workspace_id: WorkspaceId,
        session: Session,
        member_id: MemberId,
        action: str,
        target: str,
        detail: Mapping[str, JsonValue],
    ) -> None:
        audit.record(workspace_id, session, member_id, action, target, detail, self._clock.now())

    def _loaded(self, workspace_id: WorkspaceId, session: Session, version_key: VersionKey | None) -> _Loaded | None:
        if version_key is None:
            return None
        key = (workspace_id, version_key)
        with self._lock:
            if key in self._compiled:
                self._compiled.move_to_end(key)
                return self._compiled[key]
        version = repository.find_version(workspace_id, session, version_key.number)
        if version is None:
            return None
        # Two threads may both compile a new version; they come to the same and neither waits on a database.
        loaded = self._load(version, self._newest_of(workspace_id))
        with self._lock:
            self._compiled[key] = loaded
            while len(self._compiled) > 1 and not self._is_within_bounds():
                self._compiled.popitem(last=False)
        return loaded

    def _is_within_bounds(self) -> bool:
        rules = sum(len(loaded.checked.rules) for loaded in self._compiled.values())
        return len(self._compiled) <= MOST_COMPILED and rules <= MOST_RULES

    def _newest_of(self, workspace_id: WorkspaceId) -> _Loaded | None:
        """Return the newest version of the workspace that is in memory."""
        with self._lock:
            kept = {key.number: loaded for (owner, key), loaded in self._compiled.items() if owner == workspace_id}
        return kept[max(kept)] if kept else None

    def _load(self, version: PublishedVersion, before: _Loaded | None) -> _Loaded:
        # Names are not looked up again: a team that is gone is the router's to tell, not a reason to stop deciding.
        result = check(version.text, self._catalog)
        if result.ruleset is None:
            first = result.errors[0]
            place = f"line {first.line}, column {first.column}"
            raise RulesetBrokenError(f"version {version.number} no longer passes the check: {place}: {first.message}")
        return _Loaded(version.number, result.ruleset, before)

    def _newest(self, workspace_id: WorkspaceId, session: Session) -> PublishedVersion | None:
        key = repository.find_key(workspace_id, session)
        return None if key is None else repository.find_version(workspace_id, session, key.number)
