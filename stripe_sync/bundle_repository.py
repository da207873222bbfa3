"""The SQL that gathers what facts are made of: for each customer what decides a fact alone, and sums over the rest.

Laws of this module
- A fixed number of queries for a batch of customers, however many these are and however long their histories.
- A charge or an invoice is read only where something hangs on it: it is open or pending, lost a dispute, tells of the
  card or of a failure, or cannot be added up by its columns (`stripe_sync.summing`). All others are summed by the
  database; of the latest ones their columns are read.
- What is derived from such a bundle equals what would be derived from every object there is.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.ids import ConnectionId, WorkspaceId
from stripe_sync.bundle_sql import Statements, listed, statements
from stripe_sync.kinds import KINDS, SHARED_KINDS, StripeJson, items, reference, uses
from stripe_sync.objects import Bundle, ChargeSum, Rest
from stripe_sync.summing import STANDINGS, plain_charge, plain_invoice

CHUNK = 1000
FEW = 4
"""For so few customers planning the questions takes PostgreSQL longer than answering them."""
_PLAN_ONCE = text("SET LOCAL plan_cache_mode = force_generic_plan")


def bundles(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, customer_ids: Collection[str]
) -> dict[str, Bundle]:
    """Return what facts are made of for these customers; one that does not exist (any more) has no `customer`."""
    ordered, found = sorted(set(customer_ids)), dict[str, Bundle]()
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    if is_postgresql and len(ordered) <= FEW:
        session.execute(_PLAN_ONCE)
    for start in range(0, len(ordered), CHUNK):
        chunk = ordered[start : start + CHUNK]
        gathered = _Gathering(workspace_id, session, connection_id, is_postgresql).gather(chunk)
        found.update({each: gathered[each].bundle() if each in gathered else Bundle() for each in chunk})
    return found


@dataclass(slots=True)
class _Tally:
    """Charges of one currency so far; the fields are those of `ChargeSum`."""

    payments: int = 0
    captured: int = 0
    refunded: int = 0
    refunded_otherwise: int = 0

    def __bool__(self) -> bool:
        return bool(self.payments or self.captured or self.refunded or self.refunded_otherwise)

    def add(self, standing: str, count: int, captured: int | None, refunded: int) -> None:
        """Add charges of one standing."""
        if standing == "paid":
            self.payments += count
            self.captured += captured or 0
            self.refunded += refunded
        else:
            self.refunded_otherwise += refunded


@dataclass(slots=True)
class _Gathered:
    """What was found of one customer so far."""

    customer: StripeJson
    latest: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """By standing, what is told of the latest charge that has it."""
    invoices: Sequence[StripeJson] = ()
    """Closed ones that are the latest."""
    lists: dict[str, dict[str, StripeJson]] = field(default_factory=partial(defaultdict, dict))
    """By kind and id, so that what is chosen for two reasons stands once."""
    sums: dict[str, _Tally] = field(default_factory=partial(defaultdict, _Tally))
    """Of charges, by currency."""
    off_stripe: dict[str, int] = field(default_factory=dict)
    untold: int = 0
    disputes: dict[str, int] = field(default_factory=partial(defaultdict, int))

    @property
    def deciding(self) -> str | None:
        """Return the standing of the latest charge that succeeded or failed."""
        return max(self.latest, key=self._made_at, default=None)

    def charges_to_read(self) -> Iterator[str]:
        """Yield the ids of the latest charges whose columns do not tell enough."""
        if not _names_default(self.customer):
            yield from (told[1] for told in self.latest.values())  # the card is the one they were made with
        elif self.deciding == "failed":
            yield self.latest["failed"][1]

    def bundle(self) -> Bundle:
        """Return it as derivation reads it."""
        self._list_latest()
        lists: dict[str, Any] = {kind: tuple(objects.values()) for kind, objects in self.lists.items()}
        rest = Rest(
            charges=tuple(
                ChargeSum(
                    currency=each,
                    payments=tally.payments,
                    captured=tally.captured,
                    refunded=tally.refunded,
                    refunded_otherwise=tally.refunded_otherwise,
                )
                for each, tally in self.sums.items()
                if tally
            ),
            off_stripe={each: minor for each, minor in self.off_stripe.items() if minor},
            untold_off_stripe=self.untold,
            disputes=dict(self.disputes),
        )
        return Bundle(customer=self.customer, rest=rest, **lists)

    def list_one(self, row: Any) -> None:
        """List an object by itself; what the sums have of a charge is taken out of them."""
        kind, _, object_id, _, standing, currency, captured, refunded, payload = row
        objects = self.lists[kind]
        if object_id in objects:
            return
        objects[object_id] = payload
        if standing is not None and currency is not None:
            self.sums[currency].add(standing, -1, -(captured or 0), -refunded)

    def _list_latest(self) -> None:
        """List the latest charges and invoices that were not read whole."""
        for standing in {"paid", self.deciding or "paid"} & self.latest.keys():
            told = self.latest[standing]
            _, charge_id, currency, captured, refunded = told
            row = ("charges", None, charge_id, None, standing, currency, captured, refunded)
            self.list_one((*row, plain_charge(standing, told)))
        for invoice in self.invoices:
            self.lists["invoices"].setdefault(invoice["id"], invoice)

    def _made_at(self, standing: str) -> tuple[int, str]:
        created, charge_id, *_ = self.latest[standing]
        return created, charge_id

    def has_pending(self) -> bool:
        """Return whether a payment is still under way."""
        return any(charge.get("status") == "pending" for charge in self.lists["charges"].values())


@dataclass(frozen=True, slots=True)
class _Gathering:
    """Gathers one batch of customers of one connection."""

    workspace_id: WorkspaceId
    session: Session
    connection_id: ConnectionId
    is_postgresql: bool

    @property
    def _statements(self) -> Statements:
        return statements(is_postgresql=self.is_postgresql)

    def gather(self, customer_ids: list[str]) -> dict[str, _Gathered]:
        """Return what was found, by customer."""
        found = {row.id: _begun(row) for row in self._ask(self._statements.customers, ids=customer_ids)}
        if not found:
            return {}
        charges = [each for one, _ in found.values() for each in one.charges_to_read()]
        refunds = [refund for _, refund in found.values() if refund]
        return self._fill({each: one for each, (one, _) in found.items()}, charges, refunds)

    def _fill(
        self, found: dict[str, _Gathered], charges: Collection[str], refunds: Collection[str]
    ) -> dict[str, _Gathered]:
        rows = self._ask(self._statements.lists, ids=found, charges=charges, refunds=refunds)
        whole = self._list(found, rows)
        self._sum(found)
        whole += self._named_charges(found)
        whole += self._made_with(found)
        self._refunds(found, whole)
        self._payments(found)
        self._shared(found)
        return found

    def _ask(self, statement: Any, **ids: Collection[str]) -> Sequence[Any]:
        given = {name: listed(each, is_postgresql=self.is_postgresql) for name, each in ids.items()}
        named = {"workspace_id": self.workspace_id, "connection_id": self.connection_id}
        return self.session.execute(statement, {**named, **given}).all()

    def _list(self, found: Mapping[str, _Gathered], rows: Iterable[Any]) -> list[Any]:
        """List objects; return the charges that had to be read whole."""
        whole = []
        for row in rows:
            customer_id = row[1]
            if customer_id in found:
                found[customer_id].list_one(row)
            if row[0] == "charges" and row.standing is None:
                whole.append(row)
        return whole

    def _sum(self, found: Mapping[str, _Gathered]) -> None:
        for kind, customer_id, what, currency, count, first, second in self._ask(self._statements.sums, ids=found):
            one = found[customer_id]
            if kind == "charges":
                one.sums[currency].add(what, count, first, second)
            elif kind == "disputes":
                one.disputes[what] += count
            else:
                one.untold += second
                if currency is not None:
                    one.off_stripe[currency] = first

    def _named_charges(self, found: Mapping[str, _Gathered]) -> list[Any]:
        """List the charges that refunds and disputes name, by their id or by their payment intent."""
        by_id, by_intent = set[str](), set[str]()
        for one in found.values():
            for each in (*one.lists["refunds"].values(), *one.lists["disputes"].values()):
                charge, intent = reference(each, "charge"), reference(each, "payment_intent")
                if charge:
                    by_id.add(charge)
                elif intent:
                    by_intent.add(intent)
        if not by_id and not by_intent:
            return []
        return self._list(found, self._ask(self._statements.charges, charges=by_id, intents=by_intent))

    def _made_with(self, found: Mapping[str, _Gathered]) -> list[Any]:
        """List the latest charge made with a payment method that is named, and not known itself."""
        wanted = {customer_id: methods for customer_id, one in found.items() if (methods := set(_unknown_methods(one)))}
        if not wanted:
            return []
        methods = {method for each in wanted.values() for method in each}
        rows = self._ask(self._statements.made_with, ids=wanted, methods=methods)
        return self._list(found, self._ask(self._statements.charges, charges=[row.id for row in rows], intents=()))

    def _refunds(self, found: Mapping[str, _Gathered], whole: Sequence[Any]) -> None:
        """List the refunds of charges that had to be read whole."""
        if whole:
            ids, intents = {row.id for row in whole}, {row.payment_intent_id for row in whole if row.payment_intent_id}
            self._list(found, self._ask(self._statements.refunds, ids=found, charges=ids, intents=intents))

    def _payments(self, found: Mapping[str, _Gathered]) -> None:
        """List the payments of invoices that may still be settled."""
        waiting = {each: one for one in found.values() if one.has_pending() for each in one.lists["invoices"]}
        for row in self._ask(self._statements.payments, invoices=waiting) if waiting else ():
            waiting[row.invoice_id].lists["invoice_payments"][row.id] = row.payload

    def _shared(self, found: Mapping[str, _Gathered]) -> None:
        """List the products, prices and coupons in use."""
        used = {customer_id: sorted(set(_uses(one))) for customer_id, one in found.items()}
        wanted: dict[str, set[str]] = {kind: set() for kind in SHARED_KINDS}
        for kind, object_id in (use for each in used.values() for use in each):
            wanted[kind].add(object_id)
        rows = self._ask(self._statements.shared, **wanted) if any(wanted.values()) else ()
        payloads = {(kind, object_id): payload for kind, object_id, payload in rows}
        for customer_id, each in used.items():
            for use in each:
                if use in payloads:
                    found[customer_id].lists[use[0]][use[1]] = payloads[use]


def _begun(row: Any) -> tuple[_Gathered, str | None]:
    """Return what the first question tells of a customer, and the id of their latest refund."""
    _, payload, *latest, made, sent, refund = row
    invoices = [plain_invoice(told) for told in (sent, made) if told is not None and told[2] is not None]
    charges = {standing: told for standing, told in zip(STANDINGS, latest, strict=True) if told is not None}
    return _Gathered(payload, charges, invoices), refund


def _names_default(customer: StripeJson) -> bool:
    named = reference(customer, "invoice_settings", "default_payment_method") or reference(customer, "default_source")
    return named is not None


def _uses(one: _Gathered) -> Iterator[tuple[str, str]]:
    for use in uses(KINDS["customers"], one.customer):
        yield use.kind, use.id
    for subscription in one.lists["subscriptions"].values():
        for use in uses(KINDS["subscriptions"], subscription):
            yield use.kind, use.id


def _unknown_methods(one: _Gathered) -> Iterator[str]:
    """Yield the ids of default payment methods that are named, and listed nowhere."""
    holders = (one.customer, *one.lists["subscriptions"].values())
    known = {*one.lists["payment_methods"], *(reference(each, "id") for each in items(one.customer, "sources"))}
    for holder in holders:
        for path in (("invoice_settings", "default_payment_method"), ("default_payment_method",), ("default_source",)):
            named = reference(holder, *path)
            if named is not None and named not in known:
                yield named
