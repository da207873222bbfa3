"""The SQL that gathers what facts are made of: for each customer what decides a fact alone, and sums over the rest.

Laws of this module
- A fixed number of queries for a batch of customers, however many these are and however long their histories.
- A charge or an invoice is read only where something hangs on it: it is a latest one, is open or pending, lost a
  dispute, or cannot be added up by its columns (`stripe_sync.summing`). All others are summed by the database.
- What is derived from such a bundle equals what would be derived from every object there is.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    ScalarSelect,
    Select,
    Table,
    cast,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from engine.ids import ConnectionId, WorkspaceId
from engine.storage import among
from stripe_sync.kinds import KINDS, StripeJson, items, reference, uses
from stripe_sync.mirror_tables import MIRROR
from stripe_sync.objects import Bundle, ChargeSum, Rest

CHUNK = 1000
LOST = "lost"
_CUSTOMERS, _SUBSCRIPTIONS, _METHODS = MIRROR["customers"], MIRROR["subscriptions"], MIRROR["payment_methods"]
_CHARGES, _INVOICES, _REFUNDS, _DISPUTES = (
    MIRROR["charges"],
    MIRROR["invoices"],
    MIRROR["refunds"],
    MIRROR["disputes"],
)
_NOTES, _PAYMENTS = MIRROR["credit_notes"], MIRROR["invoice_payments"]
_GONE_BACK = _REFUNDS.c.status.is_(None) | _REFUNDS.c.status.not_in(("failed", "canceled"))


def bundles(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, customer_ids: Collection[str]
) -> dict[str, Bundle]:
    """Return what facts are made of for these customers; one that does not exist (any more) has no `customer`."""
    ordered, found = sorted(set(customer_ids)), dict[str, Bundle]()
    for start in range(0, len(ordered), CHUNK):
        chunk = ordered[start : start + CHUNK]
        gathered = _Gathering(workspace_id, session, connection_id).gather(chunk)
        found.update({each: gathered[each].bundle() if each in gathered else Bundle() for each in chunk})
    return found


@dataclass(slots=True)
class _Gathered:
    """What was found of one customer so far."""

    customer: StripeJson
    lists: dict[str, dict[str, StripeJson]] = field(default_factory=lambda: defaultdict(dict))
    """By kind and id, so that what is chosen for two reasons stands once."""
    sums: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Of charges, by currency."""
    off_stripe: Counter[str] = field(default_factory=Counter)
    untold: int = 0
    disputes: Counter[str] = field(default_factory=Counter)

    def bundle(self) -> Bundle:
        """Return it as derivation reads it."""
        lists: dict[str, Any] = {kind: tuple(objects.values()) for kind, objects in self.lists.items()}
        rest = Rest(
            charges=tuple(ChargeSum(currency=each, **sums) for each, sums in self.sums.items() if any(sums.values())),
            off_stripe={each: minor for each, minor in self.off_stripe.items() if minor},
            untold_off_stripe=self.untold,
            disputes={status: count for status, count in self.disputes.items() if count},
        )
        return Bundle(customer=self.customer, rest=rest, **lists)

    def list_charge(self, row: Row[Any]) -> None:
        """List a charge by itself; what the sums have of it is taken out of them."""
        if row.id in self.lists["charges"]:
            return
        self.lists["charges"][row.id] = row.payload
        if row.standing is not None and row.currency is not None:
            self.add_charges(row.standing, row.currency, -1, -(row.captured or 0), -row.refunded)

    def add_charges(self, standing: str, currency: str, count: int, captured: int, refunded: int) -> None:
        """Add charges of one standing and currency to the sums."""
        sums = self.sums[currency]
        if standing == "paid":
            sums.update(payments=count, captured=captured, refunded=refunded)
        else:
            sums.update(refunded_otherwise=refunded)

    def list_invoice(self, row: Row[Any]) -> None:
        """List an invoice by itself; what the sums have of it is taken out of them."""
        if row.id in self.lists["invoices"]:
            return
        self.lists["invoices"][row.id] = row.payload
        if row.standing is not None:
            self.add_invoices(row.currency, -(row.off_stripe or 0), -row.untold)

    def add_invoices(self, currency: str | None, off_stripe: int, untold: int) -> None:
        """Add closed invoices of one currency to the sums."""
        self.untold += untold
        if currency is not None:
            self.off_stripe[currency] += off_stripe

    @property
    def has_pending(self) -> bool:
        """Return whether a payment is still under way."""
        return any(charge.get("status") == "pending" for charge in self.lists["charges"].values())


@dataclass(frozen=True, slots=True)
class _Gathering:
    """Gathers one batch of customers of one connection."""

    workspace_id: WorkspaceId
    session: Session
    connection_id: ConnectionId

    def gather(self, customer_ids: list[str]) -> dict[str, _Gathered]:
        """Return what was found, by customer."""
        rows = self._customers(customer_ids)
        found = {row.id: _Gathered(row.payload) for row in rows}
        ids = list(found)
        told_back = _NOTES.c.payload["out_of_band_amount"].as_string().is_not(None)
        latest_refunds = self._among(_REFUNDS.c.id, [row.refund for row in rows if row.refund])
        self._list(
            found,
            {
                "subscriptions": self._of(_SUBSCRIPTIONS, ids),
                "payment_methods": self._of(_METHODS, ids),
                "credit_notes": self._of(_NOTES, ids).where(told_back),
                "disputes": self._of(_DISPUTES, ids).where(_DISPUTES.c.status == LOST),
                "refunds": self._of(_REFUNDS, ids).where(latest_refunds),
            },
        )
        self._sum(found, ids)
        self._charges(found, ids, rows)
        self._invoices(found, ids, rows)
        self._shared(found)
        return found

    def _scope(self, table: Table) -> tuple[ColumnElement[bool], ...]:
        return (
            table.c.workspace_id == self.workspace_id,
            table.c.connection_id == self.connection_id,
            table.c.deleted_at.is_(None),
        )

    def _among(self, column: ColumnElement[Any], values: Iterable[str]) -> ColumnElement[bool]:
        return among(self.session, column, values)

    def _customers(self, customer_ids: list[str]) -> list[Row[Any]]:
        """Return the customers, each with the ids of what is their latest."""
        query = select(
            _CUSTOMERS.c.id,
            _CUSTOMERS.c.payload,
            self._latest(_CHARGES, _CHARGES.c.standing == "paid").label("paid"),
            self._latest(_CHARGES, _CHARGES.c.standing == "held").label("held"),
            self._latest(_CHARGES, _CHARGES.c.standing == "failed").label("failed"),
            self._latest(_INVOICES).label("made"),
            self._latest(_INVOICES, first=_INVOICES.c.ranked_at).label("finalized"),
            self._latest(_REFUNDS, _GONE_BACK).label("refund"),
        ).where(*self._scope(_CUSTOMERS), self._among(_CUSTOMERS.c.id, customer_ids))
        return list(self.session.execute(query))

    def _latest(
        self, table: Table, *which: ColumnElement[bool], first: ColumnElement[Any] | None = None
    ) -> ScalarSelect[str]:
        order = (table.c.created, table.c.id) if first is None else (first, table.c.created, table.c.id)
        return (
            select(table.c.id)
            .where(*self._scope(table), table.c.customer_id == _CUSTOMERS.c.id, *which)
            .where(*(column.is_not(None) for column in order[:-1]))
            .order_by(*(column.desc() for column in order))
            .limit(1)
            .scalar_subquery()
        )

    def _of(self, table: Table, customer_ids: list[str]) -> Select[Any]:
        query = select(table.c.customer_id, table.c.id, table.c.payload)
        return query.where(*self._scope(table), self._among(table.c.customer_id, customer_ids))

    def _list(self, found: Mapping[str, _Gathered], queries: Mapping[str, Select[Any]]) -> None:
        """List what queries by kind find, asking once."""
        asked = [query.add_columns(literal(kind)) for kind, query in queries.items()]
        for customer_id, object_id, payload, kind in self.session.execute(union_all(*asked)):
            found[customer_id].lists[kind][object_id] = payload

    def _sum(self, found: Mapping[str, _Gathered], customer_ids: list[str]) -> None:
        keys = (_CHARGES.c.customer_id, _CHARGES.c.standing, _CHARGES.c.currency)
        charges = (
            select(*keys, func.count(), _total(_CHARGES.c.captured), _total(_CHARGES.c.refunded))
            .where(*self._scope(_CHARGES), self._among(_CHARGES.c.customer_id, customer_ids))
            .where(_CHARGES.c.standing.is_not(None), _CHARGES.c.currency.is_not(None))
            .group_by(*keys)
        )
        for customer_id, standing, currency, count, captured, refunded in self.session.execute(charges):
            found[customer_id].add_charges(standing, currency, count, captured, refunded)
        closed = (
            select(
                _INVOICES.c.customer_id,
                _INVOICES.c.currency,
                _total(_INVOICES.c.off_stripe),
                _total(_INVOICES.c.untold),
            )
            .where(*self._scope(_INVOICES), self._among(_INVOICES.c.customer_id, customer_ids))
            .where(_INVOICES.c.standing.is_not(None))
            .group_by(_INVOICES.c.customer_id, _INVOICES.c.currency)
        )
        for customer_id, currency, off_stripe, untold in self.session.execute(closed):
            found[customer_id].add_invoices(currency, off_stripe, untold)
        disputes = (
            select(_DISPUTES.c.customer_id, func.coalesce(_DISPUTES.c.status, ""), func.count())
            .where(*self._scope(_DISPUTES), self._among(_DISPUTES.c.customer_id, customer_ids))
            .where(func.coalesce(_DISPUTES.c.status, "") != LOST)
            .group_by(_DISPUTES.c.customer_id, _DISPUTES.c.status)
        )
        for customer_id, status, count in self.session.execute(disputes):
            found[customer_id].disputes[status] += count

    def _charges(self, found: Mapping[str, _Gathered], ids: list[str], rows: Iterable[Row[Any]]) -> None:
        """List the charges something hangs on, with their refunds."""
        named = [
            each for one in found.values() for kind in ("refunds", "disputes") for each in one.lists[kind].values()
        ]
        latest = [each for row in rows for each in (row.paid, row.held, row.failed) if each]
        by_id = {*latest, *(charge for each in named if (charge := reference(each, "charge")))}
        unnamed = [each for each in named if not reference(each, "charge")]
        by_intent = {intent for each in unnamed if (intent := reference(each, "payment_intent"))}
        listed = self._list_charges(
            found,
            _CHARGES.c.standing.is_(None) & self._among(_CHARGES.c.customer_id, ids),
            self._among(_CHARGES.c.id, by_id),
            *([self._among(_CHARGES.c.payment_intent_id, by_intent)] if by_intent else []),
        )
        self._made_with(found)
        whole = [row for row in listed if row.standing is None]
        if whole:
            charge_ids, intents = {row.id for row in whole}, {row.payment_intent_id for row in whole} - {None}
            unnamed_too = _REFUNDS.c.charge_id.is_(None), self._among(_REFUNDS.c.payment_intent_id, intents)
            by_charge = self._among(_REFUNDS.c.charge_id, charge_ids)
            self._list(found, {"refunds": self._of(_REFUNDS, ids).where(by_charge)})
            self._list(found, {"refunds": self._of(_REFUNDS, ids).where(*unnamed_too)})

    def _list_charges(self, found: Mapping[str, _Gathered], *which: ColumnElement[bool]) -> list[Row[Any]]:
        """List charges that are wanted for one reason or another, asking once; return them."""
        columns = [_CHARGES.c[name] for name in _CHARGE_COLUMNS]
        asked = [select(*columns).where(*self._scope(_CHARGES), each) for each in which]
        rows = list(self.session.execute(union_all(*asked)))
        for row in rows:
            if row.customer_id in found:
                found[row.customer_id].list_charge(row)
        return rows

    def _made_with(self, found: Mapping[str, _Gathered]) -> None:
        """List the latest charge made with a payment method that is named, and not known itself."""
        wanted = {customer_id: methods for customer_id, one in found.items() if (methods := set(_unknown_methods(one)))}
        if not wanted:
            return
        methods = {method for each in wanted.values() for method in each}
        keys = (_CHARGES.c.customer_id, _CHARGES.c.method_id)
        latest = (
            select(*keys, func.max(_CHARGES.c.created).label("created"))
            .where(*self._scope(_CHARGES), self._among(keys[0], wanted), self._among(keys[1], methods))
            .group_by(*keys)
            .subquery()
        )
        same = [_CHARGES.c[name] == latest.c[name] for name in ("customer_id", "method_id", "created")]
        ids = set(self.session.scalars(select(_CHARGES.c.id).where(*self._scope(_CHARGES), *same)))
        self._list_charges(found, self._among(_CHARGES.c.id, ids))

    def _invoices(self, found: Mapping[str, _Gathered], ids: list[str], rows: Iterable[Row[Any]]) -> None:
        """List the invoices something hangs on, and the payments of those that may still be settled."""
        columns = [_INVOICES.c[name] for name in _INVOICE_COLUMNS]
        latest = {each for row in rows for each in (row.made, row.finalized) if each}
        whole = _INVOICES.c.standing.is_(None) & self._among(_INVOICES.c.customer_id, ids)
        chosen = (whole, self._among(_INVOICES.c.id, latest))
        asked = [select(*columns).where(*self._scope(_INVOICES), each) for each in chosen]
        for row in self.session.execute(union_all(*asked)):
            found[row.customer_id].list_invoice(row)
        waiting = {each: one for one in found.values() if one.has_pending for each in one.lists["invoices"]}
        if waiting:
            query = select(_PAYMENTS.c.invoice_id, _PAYMENTS.c.id, _PAYMENTS.c.payload)
            which = *self._scope(_PAYMENTS), self._among(_PAYMENTS.c.invoice_id, waiting)
            for row in self.session.execute(query.where(*which)):
                waiting[row.invoice_id].lists["invoice_payments"][row.id] = row.payload

    def _shared(self, found: Mapping[str, _Gathered]) -> None:
        """List the products, prices and coupons in use; deleted ones too, since they go on working where they are."""
        used = {customer_id: set(_uses(one)) for customer_id, one in found.items()}
        wanted: dict[str, set[str]] = defaultdict(set)
        for use in (use for each in used.values() for use in each):
            wanted[use.kind].add(use.id)
        asked = [self._shared_of(kind, ids) for kind, ids in wanted.items()]
        rows = self.session.execute(union_all(*asked)) if asked else ()
        payloads = {(kind, object_id): payload for kind, object_id, payload in rows}
        for customer_id, each in used.items():
            for use in sorted(each, key=lambda use: (use.kind, use.id)):
                if (use.kind, use.id) in payloads:
                    found[customer_id].lists[use.kind][use.id] = payloads[use.kind, use.id]

    def _shared_of(self, kind: str, ids: Collection[str]) -> Select[Any]:
        table = MIRROR[kind]
        return select(literal(kind), table.c.id, table.c.payload).where(
            table.c.workspace_id == self.workspace_id,
            table.c.connection_id == self.connection_id,
            self._among(table.c.id, ids),
        )


_CHARGE_COLUMNS = ("customer_id", "id", "payment_intent_id", "standing", "currency", "captured", "refunded", "payload")
_INVOICE_COLUMNS = ("customer_id", "id", "standing", "currency", "off_stripe", "untold", "payload")


def _total(column: ColumnElement[int]) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


def _uses(one: _Gathered) -> Iterator[Any]:
    yield from uses(KINDS["customers"], one.customer)
    for subscription in one.lists["subscriptions"].values():
        yield from uses(KINDS["subscriptions"], subscription)


def _unknown_methods(one: _Gathered) -> Iterator[str]:
    """Yield the ids of default payment methods that are named, and listed nowhere."""
    holders = (one.customer, *one.lists["subscriptions"].values())
    known = {*one.lists["payment_methods"], *(reference(each, "id") for each in items(one.customer, "sources"))}
    for holder in holders:
        for path in (("invoice_settings", "default_payment_method"), ("default_payment_method",), ("default_source",)):
            named = reference(holder, *path)
            if named is not None and named not in known:
                yield named
