"""The one place where the real parts are chosen and put together."""

from dataclasses import dataclass

from engine.ports import Clock, Waker
from engine.router import Router
from engine.storage import Database
from engine.workspace.service import references
from rules.service import RulesetService
from stripe_sync.fact_service import FactService
from stripe_sync.rates import PublishedRates
from stripe_sync.service import StripeService
from web.auth.members import MemberService
from web.auth.service import AuthService
from web.auth.throttle import Throttle
from web.clock import SystemClock
from web.drafter.service import DrafterService
from web.facts import CATALOG
from web.metrics import Metrics
from web.outbox import OutboxDrain
from web.privacy import PrivacyService
from web.settings import Settings
from web.traces import Traces
from web.waker import new_waker


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
    rulesets: RulesetService
    traces: Traces
    stripe: StripeService
    facts: FactService
    router: Router
    outbox: OutboxDrain
    privacy: PrivacyService
    drafter: DrafterService


def build(settings: Settings, clock: Clock | None = None) -> Services:
    """Put the parts together for `settings`; nothing connects anywhere until it is used."""
    clock = clock or SystemClock()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database_url)
    metrics = Metrics()
    waker = new_waker(settings.redis_url, clock, metrics)
    auth = AuthService(database, clock, Throttle(settings.redis_url))
    rulesets = RulesetService(clock, CATALOG, references)
    facts = FactService(PublishedRates())
    stripe = StripeService(
        database, clock, settings.stripe, waker, encryption_keys=settings.encryption_keys, facts=facts
    )
    router = Router(database, clock, rulesets, stripe, waker)
    privacy = PrivacyService(database, clock)
    return Services(
        settings=settings,
        database=database,
        clock=clock,
        waker=waker,
        metrics=metrics,
        auth=auth,
        members=MemberService(database, clock, auth),
        rulesets=rulesets,
        traces=Traces(rulesets, CATALOG),
        stripe=stripe,
        facts=facts,
        router=router,
        outbox=OutboxDrain(database, clock, router, stripe, privacy),
        privacy=privacy,
        drafter=DrafterService(stripe, CATALOG, clock),
    )
