"""`/ruleset`: the draft, the check, publishing, versions, and trying facts against a ruleset."""

from typing import Any

from flask import Response

from engine.core.facts import format_instant
from engine.faults import Fault
from engine.ids import WorkspaceId
from engine.workspace import repository as workspaces
from engine.workspace.models import Directory, Role
from rules.check import CheckResult
from rules.compile import coverage, coverage_of
from rules.models import Conflict, Draft, NoSuchVersion, PublishedVersion, VersionInfo
from web.api.answers import answer, if_match
from web.api.blueprint import new_blueprint
from web.api.schemas import PageQuery
from web.api.schemas_rules import (
    CheckOut,
    DraftOut,
    PublishedOut,
    RulesetOut,
    RuleTextIn,
    VersionPath,
    VersionsOut,
)
from web.auth.access import allow
from web.auth.gate import principal
from web.auth.models import Scope
from web.current import services
from web.errors import Problem, invalid, not_found

MAX_SHOWN = 1000
"""A hopeless text can have a fault a line; nobody reads more than these."""

blueprint = new_blueprint("rulesets")


@blueprint.get("/ruleset", responses={200: RulesetOut})
@allow(Role.ADMIN, Scope.RULES_READ)
def get_ruleset() -> Response:
    """Return the published ruleset that decides; 404 before the first is published."""
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id, readonly=True) as session:
        active = services().rulesets.active(workspace_id, session)
        found = active and services().rulesets.get_version(workspace_id, session, active.version)
        directory = workspaces.directory(workspace_id, session)
    if active is None or not isinstance(found, PublishedVersion):
        raise not_found("published ruleset; publish a draft first")
    compiled = coverage(active.ruleset).compiled
    return answer({**_version(found, directory), "text": found.text, "compiled": compiled})


@blueprint.get("/ruleset/draft", responses={200: DraftOut})
@allow(Role.ADMIN, Scope.RULES_READ)
def get_draft() -> Response:
    """Return the draft, checked; before the first is saved it is the published text."""
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id, readonly=True) as session:
        draft = services().rulesets.get_draft(workspace_id, session)
        return _draft_answer(workspace_id, session, draft)


@blueprint.put("/ruleset/draft", responses={200: DraftOut})
@allow(Role.ADMIN, Scope.RULES_WRITE, rule_text=True)
def put_draft(body: RuleTextIn) -> Response:
    """Save the draft; it need not be free of errors. With If-Match only if nobody saved in between (else 412)."""
    caller = principal()
    with services().database.workspace(caller.workspace_id) as session:
        saved = services().rulesets.put_draft(caller.workspace_id, session, body.text, if_match(), caller.member_id)
        return _draft_answer(caller.workspace_id, session, _saved(saved))


@blueprint.post("/ruleset/check", responses={200: CheckOut})
@allow(Role.ADMIN, Scope.RULES_READ, rule_text=True)
def check(body: RuleTextIn) -> Response:
    """Check a text without saving it: every fault at once, each with its place."""
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id, readonly=True) as session:
        return answer(_check_shape(services().rulesets.check(workspace_id, session, body.text)))


@blueprint.post("/ruleset/publish", responses={201: PublishedOut})
@allow(Role.ADMIN, Scope.RULES_WRITE)
def publish() -> Response:
    """Publish the draft as the next version; the next conversation is decided by it."""
    caller = principal()
    with services().database.workspace(caller.workspace_id) as session:
        published = services().rulesets.publish(caller.workspace_id, session, caller.member_id, if_match())
        match published:
            case CheckResult():
                faults = [Fault(pointer="/text", message=str(one.message)) for one in published.errors[:MAX_SHOWN]]
                raise Problem(
                    422,
                    "The draft has errors; mend them and publish again.",
                    errors=tuple(faults),
                    extra={"diagnostics": _check_shape(published)["diagnostics"]},
                )
            case Conflict():
                raise _changed_meanwhile()
            case PublishedVersion():
                checked = services().rulesets.check(caller.workspace_id, session, published.text).ruleset
                assert checked is not None, "only a text without errors is published"
                shape = _version(published, workspaces.directory(caller.workspace_id, session))
                return answer({**shape, "compiled": coverage_of(checked).compiled}, 201)


@blueprint.get("/ruleset/versions", responses={200: VersionsOut})
@allow(Role.ADMIN, Scope.RULES_READ)
def list_versions(query: PageQuery) -> Response:
    """List published versions, newest first."""
    workspace_id = principal().workspace_id
    before = _before(query.after)
    with services().database.workspace(workspace_id, readonly=True) as session:
        found = services().rulesets.versions(workspace_id, session, limit=query.limit + 1, before=before)
        directory = workspaces.directory(workspace_id, session)
    shown = list(found)[: query.limit]
    following = str(shown[-1].number) if len(found) > query.limit else None
    return answer({"data": [_version(one, directory) for one in shown], "next": following})


@blueprint.post("/ruleset/versions/<int:number>/restore", responses={200: DraftOut})
@allow(Role.ADMIN, Scope.RULES_WRITE)
def restore(path: VersionPath) -> Response:
    """Make the text of a version the draft, whatever it was; it decides again once it is published."""
    caller = principal()
    with services().database.workspace(caller.workspace_id) as session:
        restored = services().rulesets.restore(caller.workspace_id, session, path.number, caller.member_id)
        if isinstance(restored, NoSuchVersion):
            raise not_found("version")
        return _draft_answer(caller.workspace_id, session, _saved(restored))


def _saved(result: Draft | Conflict) -> Draft:
    if isinstance(result, Conflict):
        raise _changed_meanwhile()
    return result


def _changed_meanwhile() -> Problem:
    return Problem(412, "Somebody saved the draft in between. Read it again, and save on top of that.")


def _before(after: str | None) -> int | None:
    if after is None:
        return None
    if not after.isdecimal() or len(after) > 9:  # noqa: PLR2004 - more digits than any database's integer takes
        raise invalid(Fault(pointer="/after", message="This is no `next` of a page; leave it out to begin."))
    return int(after)


def _draft_answer(workspace_id: WorkspaceId, session: Any, draft: Draft) -> Response:
    author = workspaces.directory(workspace_id, session).members_by_id.get(draft.updated_by or "")
    shape = {
        "text": draft.text,
        "etag": draft.etag,
        "updated_by": None if author is None else author.email,
        "updated_at": None if draft.updated_at is None else format_instant(draft.updated_at),
        **_check_shape(services().rulesets.check(workspace_id, session, draft.text)),
    }
    return answer(shape, headers={"ETag": f'"{draft.etag}"'})


def _check_shape(result: CheckResult) -> dict[str, Any]:
    return {"ok": result.ok, "diagnostics": [one.to_json() for one in result.diagnostics[:MAX_SHOWN]]}


def _version(version: VersionInfo | PublishedVersion, directory: Directory) -> dict[str, Any]:
    author = directory.members_by_id.get(version.published_by)
    return {
        "version": version.number,
        "rules": version.rules,
        "published_by": None if author is None else author.email,
        "published_at": format_instant(version.published_at),
    }
