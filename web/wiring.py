"""The one place where the real parts are chosen and put together."""

from dataclasses import dataclass

from engine.ports import Clock, Waker
from engine.storage import Database
from web.auth.members import MemberService
from web.auth.service import AuthService
from web.auth.throttle import Throttle
from web.clock import SystemClock
from web.metrics import Metrics
from web.settings import Settings
from web.waker import QueueWaker, SilentWaker


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a process of Ochre works with."""

    settings: Settings
    database: Database
    clock: Clock
    waker: Waker
    metrics: Metrics
    auth: AuthService
    members: MemberService


def build(settings: Settings, clock: Clock | None = None) -> Services:
    """Put the parts together for `settings`; nothing connects anywhere until it is used."""
    clock = clock or SystemClock()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database_url)
    metrics = Metrics()
    waker: Waker = QueueWaker(settings.redis_url, clock, metrics) if settings.redis_url else SilentWaker()
    auth = AuthService(database, clock, Throttle(settings.redis_url))
    return Services(
        settings=settings,
        database=database,
        clock=clock,
        waker=waker,
        metrics=metrics,
        auth=auth,
        members=MemberService(database, clock, auth),
    )
