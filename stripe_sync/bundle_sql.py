"""The questions that gather what facts are made of, as statements that are built once for each kind of database.

Building a statement of this size takes longer than asking it about one customer, so what changes from one time to the
next are parameters: the workspace, the connection, and lists of ids, each one parameter however long.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    ScalarSelect,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects import postgresql

from stripe_sync.kinds import SHARED_KINDS
from stripe_sync.mirror_tables import MIRROR
from stripe_sync.portable_sql import Epoch, JsonRow
from stripe_sync.summing import STANDINGS

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
_NO_TEXT, _NO_NUMBER = cast(null(), Text), cast(null(), BigInteger)
_PARTS = ("payment_intent_id", "standing", "currency", "captured", "refunded")
_NO_PARTS = (_NO_TEXT, _NO_TEXT, _NO_TEXT, _NO_NUMBER, _NO_NUMBER)


def listed(ids: Collection[str], *, is_postgresql: bool) -> list[str] | str:
    """Return ids as the parameter that a statement here takes for them."""
    ordered = sorted(ids)
    return ordered if is_postgresql else orjson.dumps(ordered).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """All questions; each takes `workspace_id`, `connection_id`, and the lists of ids its name is followed by."""

    customers: Select[Any]
    """`ids`: the customers, each with what facts need of their latest charges and invoices, and their latest refund."""
    lists: CompoundSelect[Any]
    """`ids`, `charges`, `refunds`: of customers, what is read whole, and of the others those named by id."""
    sums: CompoundSelect[Any]
    """`ids`: of customers, the sums over charges, invoices and disputes."""
    charges: CompoundSelect[Any]
    """`charges`, `intents`: charges named by id or by their payment intent."""
    made_with: Select[Any]
    """`ids`, `methods`: the charges of customers made with payment methods, the latest of each."""
    refunds: CompoundSelect[Any]
    """`ids`, `charges`, `intents`: refunds of customers of charges, or of payment intents where they name no charge."""
    payments: Select[Any]
    """`invoices`: the payments of invoices."""
    shared: CompoundSelect[Any]
    """`products`, `prices`, `coupons`: by id; deleted ones too, since they go on working where they are."""


@cache
def statements(*, is_postgresql: bool) -> Statements:
    """Return the statements for a kind of database."""
    return _Building(is_postgresql).all()


@dataclass(frozen=True, slots=True)
class _Building:
    is_postgresql: bool

    def all(self) -> Statements:
        of_charge = self._is_one_of(_REFUNDS.c.charge_id, "charges")
        of_intent = _REFUNDS.c.charge_id.is_(None) & self._is_one_of(_REFUNDS.c.payment_intent_id, "intents")
        return Statements(
            customers=self._customers(),
            lists=union_all(*self._lists()),
            sums=union_all(*self._sums()),
            charges=union_all(
                _listed("charges", self._is_one_of(_CHARGES.c.id, "charges")),
                _listed("charges", self._is_one_of(_CHARGES.c.payment_intent_id, "intents")),
            ),
            made_with=self._made_with(),
            refunds=union_all(*(_listed("refunds", self._of(_REFUNDS) & which) for which in (of_charge, of_intent))),
            payments=select(_PAYMENTS.c.invoice_id, _PAYMENTS.c.id, _PAYMENTS.c.payload).where(
                *_scope(_PAYMENTS), self._is_one_of(_PAYMENTS.c.invoice_id, "invoices")
            ),
            shared=union_all(*map(self._shared, sorted(SHARED_KINDS))),
        )

    def _is_one_of(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        if self.is_postgresql:
            return column == any_(bindparam(name, type_=postgresql.ARRAY(Text)))
        return column.in_(select(func.json_each(bindparam(name, type_=Text)).table_valued("value").c.value))

    def _of(self, table: Table) -> ColumnElement[bool]:
        return self._is_one_of(table.c.customer_id, "ids")

    def _customers(self) -> Select[Any]:
        charge, invoice = _CHARGES.c, _INVOICES.c
        of_charge = (Epoch(charge.created), charge.id, charge.currency, charge.captured, charge.refunded)
        of_invoice = (Epoch(invoice.created), invoice.id, invoice.standing)
        return select(
            _CUSTOMERS.c.id,
            _CUSTOMERS.c.payload,
            *(_latest(JsonRow(*of_charge), _CHARGES, charge.standing == each).label(each) for each in STANDINGS),
            _latest(JsonRow(*of_invoice), _INVOICES).label("made"),
            _sent().label("sent"),
            _latest(_REFUNDS.c.id, _REFUNDS, _GONE_BACK).label("refund"),
        ).where(*_scope(_CUSTOMERS), self._is_one_of(_CUSTOMERS.c.id, "ids"))

    def _lists(self) -> tuple[Select[Any], ...]:
        told_back = _NOTES.c.payload["out_of_band_amount"].as_string().is_not(None)
        return (
            _listed("subscriptions", self._of(_SUBSCRIPTIONS)),
            _listed("payment_methods", self._of(_METHODS)),
            _listed("credit_notes", self._of(_NOTES) & told_back),
            _listed("disputes", self._of(_DISPUTES) & (_DISPUTES.c.status == LOST)),
            _listed("refunds", self._of(_REFUNDS) & self._is_one_of(_REFUNDS.c.id, "refunds")),
            _listed("charges", _CHARGES.c.standing.is_(None) & self._of(_CHARGES)),
            _listed("charges", self._is_one_of(_CHARGES.c.id, "charges")),
            _listed("invoices", _INVOICES.c.standing.is_(None) & self._of(_INVOICES)),
        )

    def _sums(self) -> tuple[Select[Any], ...]:
        charges, invoices, disputes = _CHARGES.c, _INVOICES.c, _DISPUTES.c
        status = func.coalesce(disputes.status, "")
        return (
            select(
                literal("charges").label("kind"),
                charges.customer_id,
                charges.standing.label("what"),
                charges.currency,
                func.count().label("count"),
                _total(charges.captured).label("first"),
                _total(charges.refunded).label("second"),
            )
            .where(*_scope(_CHARGES), self._of(_CHARGES))
            .where(charges.standing.is_not(None), charges.currency.is_not(None))
            .group_by(charges.customer_id, charges.standing, charges.currency),
            select(
                literal("invoices"),
                invoices.customer_id,
                _NO_TEXT,
                invoices.currency,
                func.count(),
                _total(invoices.off_stripe),
                _total(invoices.untold),
            )
            .where(*_scope(_INVOICES), self._of(_INVOICES), invoices.standing.is_not(None))
            .group_by(invoices.customer_id, invoices.currency),
            select(literal("disputes"), disputes.customer_id, status, _NO_TEXT, func.count(), _NO_NUMBER, _NO_NUMBER)
            .where(*_scope(_DISPUTES), self._of(_DISPUTES), status != LOST)
            .group_by(disputes.customer_id, disputes.status),
        )

    def _made_with(self) -> Select[Any]:
        keys = (_CHARGES.c.customer_id, _CHARGES.c.method_id)
        latest = (
            select(*keys, func.max(_CHARGES.c.created).label("created"))
            .where(*_scope(_CHARGES), self._of(_CHARGES), self._is_one_of(_CHARGES.c.method_id, "methods"))
            .group_by(*keys)
            .subquery()
        )
        same = [_CHARGES.c[name] == latest.c[name] for name in ("customer_id", "method_id", "created")]
        return select(_CHARGES.c.id).where(*_scope(_CHARGES), *same)

    def _shared(self, kind: str) -> Select[Any]:
        table = MIRROR[kind]
        # Deleted ones too, so not `_scope`.
        return select(literal(kind), table.c.id, table.c.payload).where(
            table.c.workspace_id == bindparam("workspace_id"),
            table.c.connection_id == bindparam("connection_id"),
            self._is_one_of(table.c.id, kind),
        )


def _scope(table: Table) -> tuple[ColumnElement[bool], ...]:
    return (
        table.c.workspace_id == bindparam("workspace_id"),
        table.c.connection_id == bindparam("connection_id"),
        table.c.deleted_at.is_(None),
    )


def _listed(kind: str, which: ColumnElement[bool]) -> Select[Any]:
    """Return the objects of a kind; what the sums have of charges stands beside each."""
    table = MIRROR[kind]
    parts: Sequence[ColumnElement[Any]] = _NO_PARTS
    if kind == "charges":
        parts = [_CHARGES.c[name] for name in _PARTS]
    return select(
        literal(kind).label("kind"),
        table.c.customer_id,
        table.c.id,
        *(part.label(name) for part, name in zip(parts, _PARTS, strict=True)),
        table.c.payload,
    ).where(*_scope(table), which)


def _latest(told: ColumnElement[Any], table: Table, *which: ColumnElement[bool]) -> ScalarSelect[Any]:
    """Return what is told of a customer's latest object, by when it was made."""
    return _greatest(told, table, (table.c.created, table.c.id), *which, table.c.created.is_not(None))


def _greatest(
    told: ColumnElement[Any], table: Table, order: Sequence[ColumnElement[Any]], *which: ColumnElement[bool]
) -> ScalarSelect[Any]:
    """Return what is told of the greatest of a customer's objects."""
    return (
        select(told)
        .where(*_scope(table), table.c.customer_id == _CUSTOMERS.c.id, *which)
        .order_by(*(column.desc() for column in order))
        .limit(1)
        .correlate(_CUSTOMERS)
        .scalar_subquery()
    )


def _sent() -> ScalarSelect[Any]:
    """Return what is told of a customer's invoice that was finalized last.

    Which one that is the index knows alone. Were the total, which only the object has, told by the same question,
    PostgreSQL would read the totals of all the customer's invoices, and sort those. It would do without that index,
    too, if it were asked plainly whether there is a standing. Who has one was made and ranked; the others are read
    whole.
    """
    sent = _INVOICES.alias("sent_invoice")
    order = (_INVOICES.c.ranked_at, _INVOICES.c.created, _INVOICES.c.id)
    last = _greatest(
        _INVOICES.c.id, _INVOICES, order, func.coalesce(_INVOICES.c.standing, "") != "", order[0].is_not(None)
    )
    made = (Epoch(sent.c.created), sent.c.id, sent.c.standing)
    told = JsonRow(*made, Epoch(sent.c.ranked_at), sent.c.currency, sent.c.status, sent.c.payload["total"])
    same = (sent.c.workspace_id == bindparam("workspace_id"), sent.c.connection_id == bindparam("connection_id"))
    return select(told).where(*same, sent.c.id == last).scalar_subquery()


def _total(column: ColumnElement[int]) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(column), 0), BigInteger)
