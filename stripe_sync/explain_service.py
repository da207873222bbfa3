"""Loading what explains a number of an end user, and telling how it was made."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from engine.faults import NotFound
from engine.ids import ConnectionId, EndUserId, WorkspaceId
from engine.workspace.models import WorkspaceSettings
from engine.workspace.repository import get_workspace
from stripe_sync import bundle_repository, fact_repository, mirror_repository
from stripe_sync.dashboard import Dashboard
from stripe_sync.derive import DeriveSettings, FirstRate, RateTable, best_of, derive, explain
from stripe_sync.explanation import EXPLAINED, MAX_PAYMENTS, ExplainedCustomer, ExplanationJson, explanation
from stripe_sync.fact_changes import StoredFacts
from stripe_sync.fact_service import FactService
from stripe_sync.kinds import KINDS
from stripe_sync.links import LinkedCustomer, Subject, subjects
from stripe_sync.objects import NO_REST, Bundle
from stripe_sync.rates import KeptRates, rates_of
from stripe_sync.settings import StripeConfig

MAX_CHARGES_READ = 4 * MAX_PAYMENTS
"""Failed attempts among them; a customer with more has their payments summed."""


@dataclass(frozen=True, slots=True)
class ExplainService:
    """Tells how numbers were made, from the mirror and the rates kept with the facts."""

    config: StripeConfig
    facts: FactService

    def explain(
        self, workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, fact: str, now: datetime
    ) -> ExplanationJson | NotFound:
        """Return how a fact of an end user was made; one of `EXPLAINED`.

        The customers are looked at as of the instant the facts were worked out, with the rates kept from then, so
        that the lines add up to the number people see.
        """
        if fact not in EXPLAINED:
            return NotFound(kind="explanation", id=fact)
        shown = self.facts.read(workspace_id, session, end_user_id, now)
        stored = fact_repository.read_many(workspace_id, session, [end_user_id])[end_user_id]
        subject = subjects(workspace_id, session, [end_user_id])[end_user_id]
        settings = get_workspace(workspace_id, session).settings
        customers = _made_of(stored, subject)
        rates = FirstRate((KeptRates(stored.reporting_currency, stored.rates), rates_of(settings, self.facts.rates)))
        bundles = _load(workspace_id, session, customers)
        if fact == "ltv":
            bundles = {key: _with_charges(workspace_id, session, *key, bundle) for key, bundle in bundles.items()}
        explained = [
            self._explained(customer, bundles[customer.connection.id, customer.customer_id], stored, settings, rates)
            for customer in customers
        ]
        counted = _counted(explained, is_linked=bool(subject.customers))
        left_out = [each for each in explained if not any(each is other for other in counted)]
        if fact == "plan":
            counted = _best(counted)
        return explanation(fact, replace(shown, as_of=stored.facts.as_of), counted, left_out)

    def _explained(
        self,
        customer: LinkedCustomer,
        bundle: Bundle,
        stored: StoredFacts,
        settings: WorkspaceSettings,
        rates: RateTable,
    ) -> ExplainedCustomer:
        chosen = derive_settings(settings, rates, customer)
        as_of = stored.facts.as_of
        return ExplainedCustomer(
            customer_id=customer.customer_id,
            dashboard=dashboard_of(self.config, customer),
            bundle=bundle,
            facts=derive(bundle, as_of, chosen),
            explanations=explain(bundle, as_of, chosen),
            settings=chosen,
        )


def derive_settings(settings: WorkspaceSettings, rates: RateTable, customer: LinkedCustomer) -> DeriveSettings:
    """Return what the facts of a customer depend on in this workspace."""
    return DeriveSettings(
        reporting_currency=settings.reporting_currency,
        timezone=settings.timezone,
        subtract_repeating=settings.subtract_repeating,
        subtract_once=settings.subtract_once,
        churn_at=settings.churn_at,
        rates=rates,
        complete=customer.synced_kinds,
    )


def dashboard_of(config: StripeConfig, customer: LinkedCustomer) -> Dashboard:
    """Return the Dashboard a customer's records open in."""
    connection = customer.connection
    return Dashboard(base=config.dashboard_base, account_id=connection.account_id, livemode=connection.livemode)


def _made_of(stored: StoredFacts, subject: Subject) -> Sequence[LinkedCustomer]:
    """Return the customers the stored facts are made of, as far as they can still be read."""
    wanted = set(stored.customers)
    return [
        each
        for each in (*subject.customers, *subject.candidates)
        if (each.connection.id, each.customer_id) in wanted and each.connection.is_active
    ]


def _counted(explained: Sequence[ExplainedCustomer], *, is_linked: bool) -> list[ExplainedCustomer]:
    """Return those that count: live ones if there is one; of mere candidates the best."""
    live = [each for each in explained if each.facts.values.get("livemode") is True] or list(explained)
    return live if is_linked else _best(live)


def _best(explained: Sequence[ExplainedCustomer]) -> list[ExplainedCustomer]:
    best = best_of([each.facts for each in explained])
    return [each for each in explained if each.facts is best]


def _load(
    workspace_id: WorkspaceId, session: Session, customers: Sequence[LinkedCustomer]
) -> Mapping[tuple[ConnectionId, str], Bundle]:
    by_connection = defaultdict(set)
    for customer in customers:
        by_connection[customer.connection.id].add(customer.customer_id)
    return {
        (connection_id, customer_id): bundle
        for connection_id, customer_ids in by_connection.items()
        for customer_id, bundle in bundle_repository.bundles(workspace_id, session, connection_id, customer_ids).items()
    }


def _with_charges(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, customer_id: str, bundle: Bundle
) -> Bundle:
    """Return the bundle with every charge listed whole where they are few, not summed; the total is the same.

    A charge that was summed says itself what was captured and refunded, and lost no dispute.
    """
    rest = bundle.rest or NO_REST
    if not bundle.charges or sum(each.payments for each in rest.charges) > MAX_PAYMENTS:
        return bundle
    found = mirror_repository.recent(
        workspace_id, session, connection_id, customer_id, KINDS["charges"], MAX_CHARGES_READ + 1
    )
    if len(found) > MAX_CHARGES_READ:
        return bundle
    return replace(bundle, charges=tuple(charge for _, charge in found), rest=replace(rest, charges=()))
