"""The rules: write, check, save, publish, look back. For Owner and Admin.

Laws of this module
- What somebody typed is never lost: every refusal shows their text again.
- Nothing is published that was not shown: the confirmation names the draft it showed, and another one is refused.
"""

from contextlib import AbstractContextManager
from http import HTTPStatus

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from engine.ids import WorkspaceId
from engine.text import is_storable
from engine.workspace import repository as workspaces
from engine.workspace.models import Role
from rules.check import CheckResult
from rules.compile import coverage_of
from rules.models import Conflict, Draft, NoSuchVersion, PublishedVersion
from web.auth.access import allow
from web.auth.gate import principal
from web.current import services
from web.errors import not_found
from web.rule_notes import notes
from web.screens import format as fmt
from web.screens import rules_view as views
from web.screens.page import Notice, local_now, now, page, see_other

PATH = "/rules"
FORMER = "a former member"

blueprint = Blueprint("rules", __name__, url_prefix=PATH)


@blueprint.get("")
@allow(Role.ADMIN)
def show() -> Response:
    """Show the draft."""
    with _session(readonly=True) as session:
        return _editor(session, services().rulesets.get_draft(_workspace(), session))


@blueprint.post("/check")
@allow(Role.ADMIN, rule_text=True)
def check() -> Response:
    """Check the text as it stands in the editor; nothing is stored."""
    text = _text()
    with _session(readonly=True) as session:
        result = services().rulesets.check(_workspace(), session, text)
        return _editor(session, services().rulesets.get_draft(_workspace(), session), text, result=result)


@blueprint.post("/draft")
@allow(Role.ADMIN, rule_text=True)
def save() -> Response:
    """Save the draft, unless somebody else saved one meanwhile; also one that has faults, which are shown."""
    text = _text()
    if not is_storable(text):
        return _unkeepable(text)
    with _session() as session:
        saved = _save(session, text)
        if isinstance(saved, Conflict):
            return _conflict(session, saved, text)
        result = services().rulesets.check(_workspace(), session, text)
        if result.diagnostics:
            return _editor(session, saved, result=result, notice=Notice(tone="warn", text="Saved, with faults."))
    return see_other(PATH, "draft")


@blueprint.post("/publish")
@allow(Role.ADMIN, rule_text=True)
def ask_publish() -> Response:
    """Save and check the draft, show what would change, and ask."""
    text = _text()
    if not is_storable(text):
        return _unkeepable(text)
    with _session() as session:
        saved = _save(session, text)
        if isinstance(saved, Conflict):
            return _conflict(session, saved, text)
        result = services().rulesets.check(_workspace(), session, text)
        if not result.ok:
            return _editor(session, saved, result=result, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        return _confirmation(session, saved, result)


@blueprint.post("/publish/confirm")
@allow(Role.ADMIN)
def publish() -> Response:
    """Publish the draft that was shown."""
    with _session() as session:
        outcome = services().rulesets.publish(
            _workspace(), session, principal().member_id, if_match=request.form.get("etag", "")
        )
        match outcome:
            case Conflict():
                return _conflict(session, outcome, outcome.current.text)
            case CheckResult():
                draft = services().rulesets.get_draft(_workspace(), session)
                return _editor(session, draft, result=outcome, status=HTTPStatus.UNPROCESSABLE_ENTITY)
            case PublishedVersion():
                return see_other(PATH, "published")


@blueprint.get("/versions/<int:number>")
@allow(Role.ADMIN)
def show_version(number: int) -> Response:
    """Show a published version."""
    with _session(readonly=True) as session:
        version = services().rulesets.get_version(_workspace(), session, number)
        if isinstance(version, NoSuchVersion):
            raise not_found("version")
        newest = services().rulesets.versions(_workspace(), session, limit=1)
        author = _names(session).get(version.published_by, FORMER)
    view = {
        "number": number,
        "text": version.text,
        "author": author,
        "at": version.published_at,
        "is_active": newest[0].number == number,
    }
    return page("rules/version.html", area="rules", view=view)


@blueprint.post("/versions/<int:number>/restore")
@allow(Role.ADMIN)
def restore(number: int) -> Response:
    """Make a published version the draft again."""
    with _session() as session:
        outcome = services().rulesets.restore(_workspace(), session, number, principal().member_id)
        if isinstance(outcome, NoSuchVersion):
            raise not_found("version")
        if isinstance(outcome, Conflict):
            return _conflict(session, outcome, outcome.current.text)
    return see_other(PATH, "restored")


def _workspace() -> WorkspaceId:
    return principal().workspace_id


def _session(*, readonly: bool = False) -> AbstractContextManager[Session]:
    return services().database.workspace(_workspace(), readonly=readonly)


def _text() -> str:
    """Return the text of the editor; browsers send line ends of their own."""
    return request.form.get("text", "").replace("\r\n", "\n")


def _save(session: Session, text: str) -> Draft | Conflict:
    etag = request.form.get("etag", "")
    return services().rulesets.put_draft(_workspace(), session, text, etag, principal().member_id)


def _names(session: Session) -> dict[str, str]:
    return {member.id: member.name for member in workspaces.members(_workspace(), session)}


def _editor(
    session: Session,
    draft: Draft,
    text: str | None = None,
    *,
    result: CheckResult | None = None,
    conflict: str = "",
    notice: Notice | None = None,
    status: int = HTTPStatus.OK,
) -> Response:
    """Return the page with `text`, or with the draft's own, in the editor."""
    shown = draft.text if text is None else text
    diagnostics = () if result is None else result.diagnostics
    ruleset = None if result is None else result.ruleset
    told = () if ruleset is None else notes(ruleset, now())
    view = views.RulesView(
        text=shown,
        etag=draft.etag,
        saved_line=_saved_line(session, draft),
        is_saved=shown == draft.text,
        is_changed=_differs_from_published(session, draft),
        versions=_versions(session),
        is_checked=result is not None,
        diagnostics=views.diagnostic_views(diagnostics, shown),
        summary=views.summary_of(diagnostics),
        coverage="" if ruleset is None else views.coverage_in_words(coverage_of(ruleset)),
        notes=told[: views.MOST_NOTES],
        more_notes=max(0, len(told) - views.MOST_NOTES),
        conflict=conflict,
        diff=views.diff(draft.text, shown) if conflict else (),
    )
    notices = [] if notice is None else [notice]
    return page("rules/page.html", area="rules", status=status, notices=notices, view=view, diff=view.diff)


def _conflict(session: Session, conflict: Conflict, text: str) -> Response:
    """Return the page with the member's own text, and say what happened; saving again then takes it."""
    current = conflict.current
    author = _names(session).get(current.updated_by or "", FORMER)
    saved = f"{author} saved it {fmt.ago(current.updated_at, local_now())}." if current.updated_at else ""
    return _editor(session, current, text, conflict=saved or "It was changed.", status=HTTPStatus.CONFLICT)


def _unkeepable(text: str) -> Response:
    fault = Notice(tone="bad", text="Not saved: the text holds a character that cannot be kept (NUL). Remove it.")
    with _session(readonly=True) as session:
        draft = services().rulesets.get_draft(_workspace(), session)
        return _editor(session, draft, text, notice=fault, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _confirmation(session: Session, draft: Draft, result: CheckResult) -> Response:
    newest = services().rulesets.versions(_workspace(), session, limit=1)
    number = newest[0].number if newest else 0
    before = services().rulesets.get_version(_workspace(), session, number)
    lines = views.diff("" if isinstance(before, NoSuchVersion) else before.text, draft.text)
    warnings = views.summary_of(result.diagnostics) if result.diagnostics else ""
    view = {
        "number": number + 1,
        "against": number,
        "changes": views.changes_in_words(lines),
        "warnings": f"The check found {warnings.lower()}. You can publish all the same." if warnings else "",
        "etag": draft.etag,
    }
    return page("rules/publish.html", area="rules", view=view, diff=lines)


def _saved_line(session: Session, draft: Draft) -> str:
    if draft.updated_at is None:
        return "As published"
    author = _names(session).get(draft.updated_by or "", FORMER)
    return f"Draft saved by {author} {fmt.ago(draft.updated_at, local_now())}"


def _differs_from_published(session: Session, draft: Draft) -> bool:
    newest = services().rulesets.versions(_workspace(), session, limit=1)
    if not newest:
        return False
    version = services().rulesets.get_version(_workspace(), session, newest[0].number)
    return not isinstance(version, NoSuchVersion) and version.text != draft.text


def _versions(session: Session) -> tuple[views.VersionView, ...]:
    names = _names(session)
    return tuple(
        views.VersionView(
            number=version.number,
            author=names.get(version.published_by, FORMER),
            at=version.published_at,
            age=fmt.ago(version.published_at, local_now()),
            is_active=place == 0,
        )
        for place, version in enumerate(services().rulesets.versions(_workspace(), session))
    )
