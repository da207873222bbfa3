"""The shapes of rulesets."""

from typing import Any, Literal

from pydantic import Field

from web.api.schemas import DecisionLineOut, In, Instant, Out, OutInstant, Query


class RuleTextIn(In):
    """A ruleset as it is written. The same may be sent as `application/yaml`."""

    text: str


class DiagnosticOut(Out):
    """One thing the check found, and where."""

    code: str
    severity: str
    message: str
    rule: str | None
    line: int
    column: int
    end_line: int
    end_column: int
    hint: str | None


class CheckOut(Out):
    """What the check found."""

    ok: bool
    diagnostics: list[DiagnosticOut]


class DraftOut(Out):
    """The ruleset somebody works on."""

    text: str
    etag: str = Field(description="Send it as If-Match when you save.")
    updated_by: str | None
    updated_at: OutInstant | None
    ok: bool
    diagnostics: list[DiagnosticOut]


class VersionOut(Out):
    """A published version, without its text."""

    version: int
    published_by: str | None
    published_at: OutInstant
    rules: int


class PublishedOut(VersionOut):
    """A version that decides from now on."""

    compiled: int = Field(description="How many rules are compiled; the others are left to the interpreter.")


class RulesetOut(PublishedOut):
    """The published ruleset that decides."""

    text: str


class VersionsOut(Out):
    """Published versions, newest first."""

    data: list[VersionOut]
    next: str | None = None


class VersionPath(Query):
    """The number of a version in the address."""

    number: int = Field(ge=1, le=2**31)


class RulesetTextIn(In):
    """A ruleset to use once."""

    text: str


class RouteIn(In):
    """Facts to decide about; nothing is stored."""

    facts: dict[str, Any] = Field(description="Fact names to values; a missing or null fact is unknown.")
    on: Literal["created", "message", "facts_changed"] = "created"
    at: Instant | None = Field(default=None, description="The evaluation time; now if left out.")
    ruleset: Literal["published", "draft"] | RulesetTextIn = "published"


class ExplainIn(RouteIn):
    """Facts to explain a decision about; nothing is stored."""

    rule: str | None = Field(default=None, description="Only this rule; all of them if left out.")


class ExplainOut(DecisionLineOut):
    """A decision, and how it came about."""

    sentences: list[str] = Field(description="Why, in short.")
    rules: list[dict[str, Any]] = Field(
        description="Each rule with its outcome and its condition part by part; for one that did not match the nearest "
        "change that would make it match (`nearest`), for an unknown one the facts it lacks (`lacking`)."
    )
    left_out: int = Field(description="How many rules without a say are left out of a long ruleset.")
