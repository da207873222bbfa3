"""`ochre facts` on the command line."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.unit.derive.build import charge, customer, percent, price, subscription
from tests.unit.derive.build import item as item_of
from web.cli.facts import command
from web.facts import CATALOG

NOON = ("--at", "2026-11-20T12:00:00Z")


def run(*arguments: str, stdin: str | None = None) -> Result:
    """Run `ochre facts`."""
    return CliRunner().invoke(command, list(arguments), input=stdin)


def derive(bundle: object, *options: str) -> dict[str, Any]:
    """Return what `derive` prints for a bundle."""
    result = run("derive", "-", *NOON, *options, stdin=json.dumps(bundle))
    assert result.exit_code == 0, result.output
    printed: dict[str, Any] = json.loads(result.stdout)
    return printed


def test_prints_every_fact_of_a_bundle() -> None:
    """All facts but those of link, connection and timeline, with null where there is no value."""
    printed = derive({"customer": customer(), "subscriptions": [subscription()], "future_kind": [1]})

    assert printed["facts"]["mrr"] == "10.00"
    assert printed["facts"]["subscriptions"] == 1
    assert printed["facts"]["customer_since"] == "2026-05-04T12:00:00Z"
    assert printed["facts"]["card_brand"] is None
    assert printed["notes"] == []
    left_out = {"customer", "match", "account", "synced_at", "sync_age", "recent_events"}
    timeline = {spec.name for spec in CATALOG if spec.name.startswith("days_since_")}
    stripe = {spec.name for spec in CATALOG if spec.source.value == "stripe"}
    assert set(printed["facts"]) == stripe - left_out - timeline


def test_nobody_has_no_facts() -> None:
    """Without a customer every fact is null."""
    assert set(derive({"customer": None, "subscriptions": [subscription()]})["facts"].values()) == {None}


def test_time_currency_and_rates_are_options() -> None:
    """Amounts are converted with the rates given and no others; the trial is over or not by `--at`."""
    bundle = {"customer": customer(), "charges": [charge(1000, currency="eur")]}

    assert derive(bundle, "--rate", "eur=1.10")["facts"]["ltv"] == "11.00"
    assert derive(bundle, "--currency", "EUR")["facts"]["ltv"] == "10.00"
    assert derive(bundle, "--currency", "jpy", "--rate", "eur=162.345")["facts"]["ltv"] == "1623"
    without = derive(bundle)
    assert without["facts"]["ltv"] is None
    assert {(note["fact"], note["code"]) for note in without["notes"]} == {
        ("ltv", "no_rate"),
        ("last_payment_amount", "no_rate"),
    }


def test_settings_come_from_a_file(tmp_path: Path) -> None:
    """A workspace's settings decide what lowers MRR; the currency option beats theirs."""
    made = {"customer": customer(), "subscriptions": [subscription(discounts=[percent(50, "repeating")])]}
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"subtract_repeating": True, "reporting_currency": "eur"}))

    found = derive(made, "--settings", str(file), "--currency", "usd")

    assert (found["facts"]["mrr"], derive(made)["facts"]["mrr"]) == ("5.00", "10.00")
    assert derive(made, "--settings", str(file))["facts"]["mrr"] is None


def test_decimals_are_read_as_written() -> None:
    """A percentage of 33.3 is 333/10 and not the nearest binary number."""
    made = subscription(item_of(price(1_000_000_000_00)), discounts=[percent(33.3)])

    assert derive({"customer": customer(), "subscriptions": [made]})["facts"]["mrr"] == "667000000.00"


def test_explains_on_demand() -> None:
    """With `--explain` each number comes with the lines it is made of."""
    bundle = {"customer": customer(), "subscriptions": [subscription(item_of(price(9999, interval="year"), 2))]}
    found = derive(bundle, "--explain")["explain"]

    assert found["mrr"]["value"] == "16.67"
    assert found["mrr"]["lines"] == [
        {
            "subscription": "sub_a",
            "item": "si_a",
            "price": "price_a",
            "product": "prod_a",
            "quantity": 2,
            "interval": "year",
            "interval_count": 1,
            "gross": "199.98",
            "discounts": [],
            "without_tax": "1",
            "a_month": "1/12",
            "currency": "usd",
            "rate": "1",
            "rate_of": None,
            "rate_source": None,
            "amount": "16.665",
        }
    ]
    assert found["status"]["lines"] == [{"subscription": "sub_a", "status": "active"}]
    assert "explain" not in derive(bundle)


@pytest.mark.parametrize(
    ("stdin", "options", "status", "says"),
    [
        ("{", [], 1, "is not JSON"),
        ("[]", [], 1, "does not hold a JSON object"),
        ("[" * 100_000, [], 1, "is not JSON"),
        ("{}", ["--at", "noon"], 2, "--at"),
        ("{}", ["--rate", "eur"], 2, "--rate"),
        ("{}", ["--rate", "eur=-1"], 2, "--rate"),
        ("{}", ["--rate", "eur=NaN"], 2, "--rate"),
        ("{}", ["--currency", "dollars"], 2, "/reporting_currency"),
    ],
)
def test_wrong_input_is_named(stdin: str, options: Sequence[str], status: int, says: str) -> None:
    """What can't be read is said in a line, without a traceback."""
    result = run("derive", "-", *options, stdin=stdin)

    assert result.exit_code == status
    assert says in result.stderr
    assert "Traceback" not in result.output


def test_catalog_as_table_and_json() -> None:
    """Every fact is listed, for people and for scripts."""
    printed = json.loads(run("catalog", "--format", "json").stdout)

    assert [each["name"] for each in printed] == [spec.name for spec in CATALOG]
    assert all(spec.name in run("catalog").stdout for spec in CATALOG)
