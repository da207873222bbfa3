"""Typical faults of a sync, to be planted one at a time: a proof that can't fail proves nothing.

Each is a change of one place in the product's source, such as somebody might make by mistake.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """A change of the source that must make histories differ."""

    name: str
    file: str
    right: str
    """What stands there, exactly once."""
    wrong: str
    besides: tuple[tuple[str, str, str], ...] = ()
    """Other places, where one alone is made good by another: file, right, wrong."""

    def changes(self) -> tuple[tuple[str, str, str], ...]:
        """Return every change: file, right, wrong."""
        return ((self.file, self.right, self.wrong), *self.besides)


_LATE_EVENT = "return Verdict(write=known.stamp <= news.stamp, refetch=known.stamp <= news.stamp + TIE)"

FAULTS = (
    Fault(
        "an older event replaces what a fetch brought",
        "stripe_sync/apply.py",
        _LATE_EVENT,
        "return Verdict(write=True, refetch=False)",
        (
            (
                "stripe_sync/mirror_write_repository.py",
                "and_(~from_event, table.c.stamp <= stamp)",
                "~from_event",
            ),
        ),
    ),
    Fault(
        "an event of the second of a fetch is not confirmed",
        "stripe_sync/apply.py",
        _LATE_EVENT,
        "return Verdict(write=known.stamp <= news.stamp, refetch=False)",
    ),
    Fault(
        "a tie between a page and an event is not seen as one",
        "stripe_sync/apply.py",
        "TIE = timedelta(seconds=5)",
        "TIE = timedelta(0)",
    ),
    Fault(
        "an event brings a deleted object back",
        "stripe_sync/apply.py",
        "return Verdict(write=False, refetch=not news.is_deleted and known.stamp <= news.stamp + TIE)",
        "return Verdict(write=not news.is_deleted, refetch=False)",
        (
            (
                "stripe_sync/mirror_write_repository.py",
                """            return and_(
                alive,
                or_(and_(from_event, table.c.stamp < stamp)""",
                """            return and_(
                table.c.id.is_not(None),
                or_(~alive, and_(from_event, table.c.stamp < stamp)""",
            ),
        ),
    ),
    Fault(
        "a page beats an event that came while it was under way",
        "stripe_sync/mirror_write_repository.py",
        "or_(is_clearly_older, and_(from_page,",
        "or_(~from_page, and_(from_page,",
    ),
    Fault(
        "a fetch answers all wishes of its kind",
        "stripe_sync/queue_repository.py",
        '    _REFETCHES.c.object_id == bindparam("object"),\n    _REFETCHES.c.version == bindparam("version"),\n',
        "",
    ),
    Fault(
        "the cursor of the event log is set to where reading ended",
        "stripe_sync/events/catching_up.py",
        "connection.id, began, now)",
        "connection.id, now + timedelta(minutes=3), now)",
    ),
    Fault(
        "a list counts as read after its first page",
        "stripe_sync/backfill/running.py",
        "is_done = not page.has_more or after.is_passed",
        "is_done = True",
    ),
    Fault(
        "events are marked as done before they are applied",
        "stripe_sync/events/draining.py",
        "                if connection is not None:\n                    self._work(",
        "                if connection is not None:\n"
        "                    repository.mark_done(\n"
        "                        workspace_id, session, [each.row_id for each in events], self.clock.now()\n"
        "                    )\n"
        "            with self.database.workspace(workspace_id) as session:\n"
        "                if connection is not None:\n"
        "                    self._work(",
    ),
    Fault(
        "an event that was seen is not tried again when it failed",
        "stripe_sync/events/draining.py",
        "            raise  # the database itself is in trouble",
        "            return None  # the database itself is in trouble",
    ),
    Fault(
        "an event goes to whichever connection is there",
        "stripe_sync/connect/repository.py",
        'select(_TABLE).where(_TABLE.c.account_id == bindparam("account"))',
        'select(_TABLE).where(_TABLE.c.account_id != bindparam("account"))',
    ),
    Fault(
        "a changed product reaches nobody's facts",
        "stripe_sync/mirroring.py",
        "            queue_repository.mark_dirty(",
        "            (lambda *_: None)(",
    ),
    Fault(
        "what a sweep no longer finds is left",
        "stripe_sync/backfill/running.py",
        'self._want(session, [(step.kind, object_id) for object_id in gone], "sweep")',
        "pass",
    ),
)
