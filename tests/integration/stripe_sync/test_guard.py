"""The mirror's guard in SQL decides as the one in Python does, for every pair of known and news."""

import itertools
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from engine.ids import ConnectionId, WorkspaceId
from engine.storage import Database
from stripe_sync import mirror_repository, mirror_write_repository
from stripe_sync.apply import Known, News, Source, judge
from stripe_sync.kinds import KINDS

WORKSPACE = WorkspaceId("ws_1")
CONNECTION = ConnectionId("con_1")
T = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
OFFSETS = (-60.0, -5.5, -5.0, -1.0, 0.0, 0.5, 5.0, 60.0)
KIND = KINDS["products"]


def test_guard_in_sql_agrees_with_the_one_in_python(database: Database) -> None:
    """All sources, living and deleted, at, near and far from each other."""
    knowns = [Known(stamp=T, source=source, is_deleted=is_deleted) for source in Source for is_deleted in (False, True)]
    news = [
        News(stamp=T + timedelta(seconds=offset), source=source, is_deleted=is_deleted, confirms=confirms)
        for source, is_deleted, offset in itertools.product(Source, (False, True), OFFSETS)
        if not (source is Source.PAGE and is_deleted)
        for confirms in (
            None,
            Known(stamp=T, source=Source.EVENT),
            Known(stamp=T, source=Source.FETCH, is_deleted=True),
        )
        if source is Source.FETCH or confirms is None
    ]
    for number, (known, new) in enumerate(itertools.product(knowns, news)):
        with database.workspace(WORKSPACE) as session:
            _put(session, number, known)
            written = mirror_write_repository.write(
                WORKSPACE, session, CONNECTION, KIND, [{"id": f"prod_{number}", "name": "new"}], new
            )

        assert bool(written) is judge(known, new).write, (known, new)


def test_payload_and_columns_follow_the_guard(database: Database) -> None:
    """What is refused leaves the row as it was, what a run saw is marked, and a tombstone keeps its payload."""
    with database.workspace(WORKSPACE) as session:
        _put(session, 1, Known(stamp=T, source=Source.EVENT))
        page = News(stamp=T - timedelta(minutes=1), source=Source.PAGE)
        mirror_write_repository.write(
            WORKSPACE, session, CONNECTION, KIND, [{"id": "prod_1", "name": "x"}], page, run_id="run_1"
        )
        later = T + timedelta(minutes=1)
        unseen = mirror_write_repository.unseen(WORKSPACE, session, CONNECTION, KIND, "run_1", later, None, 10)
        gone = News(stamp=later, source=Source.EVENT, is_deleted=True)
        mirror_write_repository.write(WORKSPACE, session, CONNECTION, KIND, [{"id": "prod_1"}], gone)
        row = mirror_repository.find_rows(WORKSPACE, session, CONNECTION, KIND, ["prod_1"])["prod_1"]

    assert unseen == []
    assert row.payload["name"] == "known"
    assert row.known == Known(stamp=later, source=Source.EVENT, is_deleted=True)


def _put(session: Session, number: int, known: Known) -> None:
    news = News(stamp=known.stamp, source=known.source, is_deleted=known.is_deleted)
    mirror_write_repository.write(
        WORKSPACE, session, CONNECTION, KIND, [{"id": f"prod_{number}", "name": "known"}], news
    )
