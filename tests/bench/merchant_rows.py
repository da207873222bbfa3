"""A million people with facts, made by the databases themselves: the same rows in both, in seconds rather than minutes.

Every value hangs on the row's number alone, through whole-number arithmetic that both databases do alike. Values are
spread as a merchant's are: most plans are small, few invoices are overdue, one person in eight is no customer.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import text

from engine.storage import Database
from stripe_sync.fact_sql import FACTS

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WORKSPACE = "ws_bench"
_FIRST, _LAST = "-30610224000", "253402214400"
_STATUSES = ("active", "active", "active", "trialing")
_PLANS = ("Starter", "Starter", "Growth", "Growth", "Scale", "Enterprise", "Enterprise Plus", "Free")
_DAY, _NOW = 86_400, int(NOW.timestamp())


def fill(database: Database, size: int) -> None:
    """Put `size` people into an empty database."""
    values = _Rows(is_postgresql=database.is_postgresql).values()
    names = [column.name for column in FACTS.c if column.name in values]
    cells = ", ".join(values[name] for name in names)
    numbers = "SELECT i FROM generate_series(1, :size) AS n(i)"
    if not database.is_postgresql:
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :size) SELECT i FROM n"
    with database.system() as session:
        statement = f"INSERT INTO end_user_facts ({', '.join(names)}) SELECT {cells} FROM ({numbers}) AS numbered"
        session.execute(text(statement.replace("':", "'\\:")), {"size": size})
    _settle(database)


def _settle(database: Database) -> None:
    """Let the database see what it has: statistics, and on PostgreSQL which pages everybody may see."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE end_user_facts" if database.is_postgresql else "ANALYZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """The cells of row `i` as SQL, by column."""

    is_postgresql: bool

    def values(self) -> dict[str, str]:
        """Return the expression of each column; those left out have no value."""
        overdue = f"{_random(1, 10)} < 2"
        discounted = f"CASE WHEN {_random(22, 12)} < 1 THEN {_LAST} ELSE {_FIRST} END"
        mrr = f"({_random(2, 900)} * {_random(3, 900)} / 5 + 900) * 10000"
        of_customers = {
            "account": "'acct_1Mq8ZaKq2'",
            "customer_id": self._id("cus_", 14),
            "email": "'person' || i || '@example.com'",
            "country": _one_of(4, "US", "US", "DE", "GB", "FR", "JP", "BR", "AU", "NL", "SE"),
            "currency": "'usd'",
            "customer_since": self._ago(5, 1500),
            "livemode": _flag("1 = 1"),
            "plan": _one_of(
                6, "Starter", "Starter", "Growth", "Growth", "Scale", "Enterprise", "Enterprise Plus", "Free"
            ),
            "product_id": "'prod_0000000000' || " + _random(7, 40),
            "price_id": "'price_00000000000000000000' || " + _random(8, 80),
            "plan_interval": _one_of(9, "month", "month", "month", "year"),
            "plan_interval_count": "1",
            "quantity": f"1 + {_random(10, 50)}",
            **dict.fromkeys(("plan_price", "mrr", "last_invoice_amount", "last_payment_amount"), mrr),
            "arr": f"{mrr} * 12",
            "ltv": f"{mrr} * {_random(11, 40)}",
            "ltv_off_stripe": "0",
            "status": f"CASE WHEN {overdue} THEN 'past_due' ELSE {_one_of(12, *_STATUSES)} END",
            "subscription_status": f"CASE WHEN {overdue} THEN 'past_due' ELSE 'active' END",
            "subscription_id": self._id("sub_", 24),
            "subscriptions": "1",
            "trial_ends_at": f"CASE WHEN {_random(13, 5)} < 2 THEN {self._ago(5, 1500)} END",
            **dict.fromkeys(("period_start", "last_invoice_at", "last_payment_at"), self._ago(14, 60)),
            "period_end": self._ago(14, 60, later=30),
            "cancels": _flag(f"{_random(15, 100)} < 3"),
            "delinquent": _flag(f"{_random(1, 10)} < 1"),
            "balance": f"CASE WHEN {_random(16, 20)} < 1 THEN -5000000 ELSE 0 END",
            "open_invoices": f"CASE WHEN {overdue} THEN 1 ELSE 0 END",
            "amount_due": f"CASE WHEN {overdue} THEN {mrr} ELSE 0 END",
            "last_invoice_status": f"CASE WHEN {overdue} THEN 'open' ELSE 'paid' END",
            "charge_failed": _flag(overdue),
            "charge_failed_at": f"CASE WHEN {overdue} THEN {self._ago(17, 90)} END",
            "failure_code": f"CASE WHEN {overdue} THEN 'card_declined' END",
            "payments": _random(18, 40),
            **dict.fromkeys(("refunded", "disputes", "open_disputes"), "0"),
            "card_brand": _one_of(19, "visa", "visa", "mastercard", "amex"),
            "card_last4": f"CAST(1000 + {_random(20, 9000)} AS TEXT)",
            **dict.fromkeys(("card_expires_at", "card_good_until"), self._ago(5, 1500, later=1400)),
            "synced_at": self._instant(f"{_NOW} - {_random(21, 600)}"),
            **dict.fromkeys(("on_trial_until", "collection_paused_until"), self._instant(_FIRST)),
            "discounted_until": self._instant(discounted),
            "invoice_due_dates": self._json(f"CASE WHEN {overdue} THEN '[\"2026-10-01T00:00:00Z\"]' ELSE '[]' END"),
            "overdue_since": f"CASE WHEN {overdue} THEN {self._ago(17, 90)} ELSE {self._instant(_LAST)} END",
            "invoice_created_at": self._ago(14, 60),
            "subscription_created_at": self._ago(5, 1500),
            "charged_at": self._ago(23, 100),
        }
        is_customer = f"{_random(24, 8)} > 0"
        return {
            "workspace_id": f"'{WORKSPACE}'",
            "end_user_id": self._id("usr_", 26),
            "customer": _flag(is_customer),
            "match": f"CASE WHEN {is_customer} THEN 'email' ELSE 'none' END",
            **{name: f"CASE WHEN {is_customer} THEN {value} END" for name, value in of_customers.items()},
            "reasons": self._json("'{}'"),
            "notes": self._json("'[]'"),
            "customers": self._json('\'[["con_01", "cus_01"]]\''),
            "reporting_currency": "'usd'",
            "rates": self._json("'{}'"),
            "as_of": self._instant(str(_NOW)),
        }

    def _id(self, prefix: str, digits: int) -> str:
        if self.is_postgresql:
            return f"'{prefix}' || lpad(CAST(i AS TEXT), {digits}, '0')"
        return f"printf('{prefix}%0{digits}d', i)"

    def _json(self, value: str) -> str:
        return f"CAST({value} AS JSONB)" if self.is_postgresql else value

    def _ago(self, salt: int, days: int, *, later: int = 0) -> str:
        return self._instant(f"{_NOW + later * _DAY} - {_random(salt, days)} * {_DAY} - {_random(salt + 100, _DAY)}")

    def _instant(self, seconds: str) -> str:
        if self.is_postgresql:
            return f"to_timestamp({seconds})"
        return f"strftime('%Y-%m-%d %H:%M:%S.000000', {seconds}, 'unixepoch')"


def _random(salt: int, below: int) -> str:
    """Return a number below `below` that looks random and hangs on the row's number `i`."""
    return f"((CAST(i AS BIGINT) * {48_271 + 2 * salt} + {salt * 104_729}) % 2147483647 / 11 % {below})"


def _flag(condition: str) -> str:
    return f"({condition})"


def _one_of(salt: int, *options: str) -> str:
    whens = " ".join(f"WHEN {number} THEN '{option}'" for number, option in enumerate(options))
    return f"CASE {_random(salt, len(options))} {whens} END"
