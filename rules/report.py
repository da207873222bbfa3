"""Collects the diagnostics of one ruleset while it is read and checked."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from rules.diagnostics import Diagnostic, Finding, Severity
from rules.source import Source
from rules.tree import Span
from rules.yaml_nodes import Scalar


@dataclass(frozen=True, kw_only=True)
class Report:
    """Diagnostics so far; views about different rules share one list."""

    source: Source
    rule: str | None = None
    _diagnostics: list[Diagnostic] = field(default_factory=list)

    def about(self, rule: str | None) -> "Report":
        """Return a view whose diagnostics name `rule`."""
        return Report(source=self.source, rule=rule, _diagnostics=self._diagnostics)

    def within(self, source: Source, rule: str | None) -> "Report":
        """Return a view about `rule`, a part of the file with a source of its own."""
        return Report(source=source, rule=rule, _diagnostics=self._diagnostics)

    def include(self, diagnostics: Iterable[Diagnostic], lines_before: int) -> None:
        """Add what was found in a part of the file that begins after so many lines."""
        self._diagnostics.extend(
            replace(one, line=one.line + lines_before, end_line=one.end_line + lines_before) for one in diagnostics
        )

    def add(
        self, code: str, message: str, span: Span, *, hint: str | None = None, severity: Severity = Severity.ERROR
    ) -> None:
        """Add a diagnostic about a stretch of the file."""
        line, column = self.source.position(span.start)
        end_line, end_column = self.source.position(max(span.end, span.start))
        self._diagnostics.append(
            Diagnostic(
                code=code,
                severity=severity,
                message=message,
                rule=self.rule,
                line=line,
                column=column,
                end_line=end_line,
                end_column=end_column,
                hint=hint,
            )
        )

    def add_finding(self, finding: Finding, within: Scalar) -> None:
        """Add what was found about a stretch of a condition, the decoded text of the scalar `within`."""
        span = self.source.place_in(within, finding.span)
        self.add(finding.code, finding.message, span, hint=finding.hint, severity=finding.severity)

    @property
    def count(self) -> int:
        """Return how many diagnostics there are so far."""
        return len(self._diagnostics)

    def sorted(self) -> tuple[Diagnostic, ...]:
        """Return the diagnostics in the order of the file, each once."""
        return tuple(sorted(dict.fromkeys(self._diagnostics), key=lambda diagnostic: diagnostic.position))
