"""Loading what a panel shows, and searching customers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from engine.core.facts import Facts
from engine.ids import EndUserId, WorkspaceId
from engine.workspace.models import WorkspaceSettings
from engine.workspace.repository import get_workspace
from stripe_sync import bundle_repository, candidate_repository, history_repository, mirror_repository
from stripe_sync.connect.repository import connections
from stripe_sync.dashboard import Dashboard
from stripe_sync.derive import at, combine, derive
from stripe_sync.explain_service import dashboard_of, derive_settings
from stripe_sync.fact_service import FactService
from stripe_sync.kinds import KINDS
from stripe_sync.links import LinkedCustomer, Subject, subjects
from stripe_sync.matching import CustomerKey, best_first
from stripe_sync.panel import CandidateCard, PanelData, PanelJson, Record, build
from stripe_sync.rates import rates_of
from stripe_sync.settings import StripeConfig

RECENT = 30
"""How many objects of a kind the panel looks at."""


@dataclass(frozen=True, slots=True)
class PanelService:
    """Makes panels."""

    config: StripeConfig
    facts: FactService

    def panel(self, workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, now: datetime) -> PanelJson:
        """Return an end user's panel."""
        subject = subjects(workspace_id, session, [end_user_id])[end_user_id]
        settings = get_workspace(workspace_id, session).settings
        readable = [customer for customer in subject.customers if customer.connection.is_active]
        candidates = self._candidates(workspace_id, session, subject)
        if readable:
            facts = self.facts.read(workspace_id, session, end_user_id, now)
            shown: Sequence[LinkedCustomer] = readable
        else:
            shown = [card.customer for card in candidates[:1]]
            facts = self._preview(workspace_id, session, shown, settings, now)
        best = _named_by(facts, shown)
        data = PanelData(
            subject=subject,
            facts=facts,
            currency=settings.reporting_currency,
            dashboard=None if best is None else self.dashboard(best),
            customer_id=None if best is None else best.customer_id,
            name=None if best is None else _name(workspace_id, session, best),
            invoices=self._recent(workspace_id, session, shown, "invoices"),
            charges=self._recent(workspace_id, session, shown, "charges"),
            refunds=self._recent(workspace_id, session, shown, "refunds"),
            subscriptions=self._recent(workspace_id, session, shown, "subscriptions"),
            candidates=candidates,
            connections=connections(workspace_id, session) if not shown else (),
            history=history_repository.newest(workspace_id, session, end_user_id, RECENT) if readable else (),
        )
        return build(data, now)

    def dashboard(self, customer: LinkedCustomer) -> Dashboard:
        """Return the Dashboard a customer's records open in."""
        return dashboard_of(self.config, customer)

    def _recent(
        self, workspace_id: WorkspaceId, session: Session, customers: Sequence[LinkedCustomer], kind: str
    ) -> list[Record]:
        found = [
            (created, Record(payload=payload, dashboard=self.dashboard(customer)))
            for customer in customers
            for created, payload in mirror_repository.recent(
                workspace_id, session, customer.connection.id, customer.customer_id, KINDS[kind], RECENT
            )
        ]
        newest = sorted(found, key=lambda pair: pair[0].timestamp() if pair[0] else 0.0, reverse=True)
        return [record for _, record in newest[:RECENT]]

    def _preview(
        self,
        workspace_id: WorkspaceId,
        session: Session,
        customers: Sequence[LinkedCustomer],
        settings: WorkspaceSettings,
        now: datetime,
    ) -> Facts:
        """Return the facts of a candidate for people to look at; rules never see them."""
        if not customers:
            return Facts(as_of=now)
        (customer,) = customers
        bundles = bundle_repository.bundles(workspace_id, session, customer.connection.id, [customer.customer_id])
        derived = derive(
            bundles[customer.customer_id],
            now,
            derive_settings(settings, rates_of(settings, self.facts.rates), customer),
        )
        return at(combine([derived], now), now)

    def _candidates(self, workspace_id: WorkspaceId, session: Session, subject: Subject) -> list[CandidateCard]:
        """Return the customers to choose from, best first; for a linked end user the empty duplicates."""
        offered = subject.candidates or subject.duplicates
        if not offered:
            return []
        by_key = {_key(customer): customer for customer in offered}
        cards = candidate_repository.cards(workspace_id, session, by_key)
        emails = {card.email_normalized for card in cards.values() if card.email_normalized}
        by_id = {connection.id: connection for connection in connections(workspace_id, session)}
        known = candidate_repository.candidates(workspace_id, session, emails, by_id)
        ranked = best_first(each for fitting in known.values() for each in fitting if each.key in by_key)
        return [
            CandidateCard(
                customer=by_key[candidate.key],
                email=cards[candidate.key].email,
                name=cards[candidate.key].name,
                created=candidate.created,
                dashboard=self.dashboard(by_key[candidate.key]),
                is_best=number == 0 and bool(subject.candidates),
            )
            for number, candidate in enumerate(ranked)
        ]


def _named_by(facts: Facts, customers: Sequence[LinkedCustomer]) -> LinkedCustomer | None:
    """Return the customer the facts are mostly about; the first while nothing is derived."""
    customer_id = facts.get("customer_id")
    named = [customer for customer in customers if customer.customer_id == customer_id]
    return next(iter(named or customers), None)


def _name(workspace_id: WorkspaceId, session: Session, customer: LinkedCustomer) -> str | None:
    key = _key(customer)
    card = candidate_repository.cards(workspace_id, session, [key]).get(key)
    return None if card is None else card.name


def _key(customer: LinkedCustomer) -> CustomerKey:
    return CustomerKey(connection_id=customer.connection.id, customer_id=customer.customer_id)
