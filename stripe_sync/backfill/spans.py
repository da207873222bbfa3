"""Which part of a list a lane reads, and where a part is cut in two. Pure.

Stripe's lists go backwards in time and can't say how long they are, so parts are spans of `created`, cut while they
are read: a lane with nothing to do takes the older part of what another has before it. How far away the cut is
follows from how dense the list was so far; where nobody knows how old the account is, it is some pages away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from stripe_sync.kinds import Kind, StripeJson

PAGES_AHEAD = 8
"""How many pages a lane keeps when the older part is cut off and nobody knows where the list ends."""
LEAST_SPAN_S = 2
"""Spans shorter than this are not cut."""
PAGES_WORTH = 4
"""Spans with fewer pages left than this are not cut: half of each last page of a part is a request for nothing."""
ASSUMED_SPAN_S = 3600
"""How much time a page counts as covering at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of a kind's list, and how far it was read."""

    position: int
    """Of the step that keeps it."""
    kind: Kind
    created_from: int | None = None
    """In epoch seconds, inclusive; None where the list may go back for ever."""
    created_before: int | None = None
    """Exclusive; None for the newest part."""
    cursor: str | None = None
    pages: int = 0
    newest: int | None = None
    """`created` of the first object that was read since the span was taken up."""
    oldest: int | None = None
    """`created` of the last one."""

    @property
    def params(self) -> dict[str, object]:
        """Return the filters of a request for this part."""
        created = {"gte": self.created_from, "lt": self.created_before}
        given = {name: value for name, value in created.items() if value is not None}
        return {"created": given} if given else {}

    def after(self, objects: Sequence[StripeJson]) -> "Span":
        """Return the span after one more page."""
        if not objects:
            return replace(self, pages=self.pages + 1)
        times = [created for created in (payload.get("created") for payload in objects) if isinstance(created, int)]
        return replace(
            self,
            cursor=objects[-1]["id"],
            pages=self.pages + 1,
            newest=max(times, default=None) if self.newest is None else self.newest,
            oldest=min(times, default=self.oldest),
        )

    @property
    def is_passed(self) -> bool:
        """Return whether everything from here on belongs to somebody else."""
        return self.created_from is not None and self.oldest is not None and self.oldest < self.created_from


def cut(span: Span) -> int | None:
    """Return where to cut what is left of a span: the older part ends before it; None if it is not worth it."""
    if span.newest is None or span.oldest is None or not span.pages:
        return None
    if span.created_from is not None:
        left = span.oldest - span.created_from
        return None if left < LEAST_SPAN_S else span.created_from + left // 2
    covered = max(ASSUMED_SPAN_S, span.newest - span.oldest)
    at = span.oldest - PAGES_AHEAD * covered // span.pages
    return at if at > 0 else None


def pages_left(span: Span) -> float:
    """Return a guess of how many pages are left of a span, as dense as it was so far; for choosing whose to cut."""
    if span.newest is None or span.oldest is None or not span.pages:
        return 0.0
    if span.created_from is None:
        return float("inf")
    covered = max(1, span.newest - span.oldest)
    return span.pages * (span.oldest - span.created_from) / covered


def thickest(spans: Mapping[int, Span]) -> Span | None:
    """Return the span most worth cutting: the one with the most pages left; None if there is none."""
    worth = [span for span in spans.values() if cut(span) is not None and pages_left(span) >= PAGES_WORTH]
    return max(worth, key=lambda span: (pages_left(span), span.position), default=None)
