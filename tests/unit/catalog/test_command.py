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
        ("{}", ["--rate", "eur=1_0"], 2, "--rate"),
        ("{}", ["--rate", "eur=0.0"], 2, "positive"),
        ("{}", ["--rate", "eur=1e999999999"], 2, "--rate"),
        ("{}", ["--rate", "=1.1"], 2, "three letters"),
        ("{}", ["--rate", "xyz=1.1"], 2, "three letters"),
        ("{}", ["--rate", "eur=1.1", "--rate", "EUR=1.2"], 2, "once"),
        ("{}", ["--currency", "dollars"], 2, "--currency"),
        ("{}", ["--currency", "xyz"], 2, "--currency"),
        ("{}", ["--at", "0001-01-01T00:00:00+14:00"], 2, "--at"),
        ("{}", ["--at", "0001-01-01"], 2, "1970"),
        ("{}", ["--settings", "-"], 2, "both"),
        ("{}", ["--settings", "/nowhere/settings.json"], 2, "No such file"),
        ("{}", ["--format", "xml"], 2, "--format"),
        ("{}", ["--colour", "red"], 2, "No such option"),
        ('{"customer": "cus_1"}', [], 1, "a customer that is a text"),
        ('{"invoices": 3}', [], 1, "invoices that are a number"),
        ('{"charges": {"a": 1}}', [], 1, "charges that are an object of another kind"),
        ('{"customer": {"balance": NaN}}', [], 1, "NaN is no number"),
        ('{"customer": {"balance": 1e99999999999999999999}}', [], 1, "out of all bounds"),
        ("", [], 1, "is not JSON"),
    ],
)
def test_wrong_input_is_named(stdin: str, options: Sequence[str], status: int, says: str) -> None:
    """What can't be read is said in a line, without a traceback."""
    result = run("derive", "-", *options, stdin=stdin)

    assert result.exit_code == status
    assert says in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[]", "does not hold a JSON object, but a list"),
        (b'{"timezone": "Mars"}', "/timezone"),
        (b'{"reporting_currency": "xyz"}', "/reporting_currency"),
        (b'{"colour": "red", "churn_at": "never"}', "/churn_at"),
        (b'{"timezone": "\xff"}', "is not UTF-8: byte 14"),
    ],
)
def test_a_settings_file_is_checked(tmp_path: Path, content: bytes, says: str) -> None:
    """All faults of the file are named together with the file, and end with 1."""
    file = tmp_path / "settings.json"
    file.write_bytes(content)
    result = run("derive", "-", "--settings", str(file), stdin="{}")

    assert result.exit_code == 1
    assert says in result.stderr
    assert "settings.json" in result.stderr


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file, a folder, and a file beyond all measure are told apart."""
    monkeypatch.setattr("web.cli.facts_input.MAX_BYTES", 2**20)
    huge = tmp_path / "huge.json"
    huge.write_bytes(b'{"customer": null' + b" " * 2**20 + b"}")
    missing, folder = run("derive", str(tmp_path / "none.json")), run("derive", str(tmp_path))
    too_large = run("derive", str(huge))

    assert (missing.exit_code, folder.exit_code, too_large.exit_code) == (2, 2, 1)
    assert "No such file" in missing.stderr
    assert "irectory" in folder.stderr
    assert "huge.json is larger than 1 MiB" in too_large.stderr


def test_what_is_no_object_in_a_list_is_left_out_with_a_warning() -> None:
    """The facts are those of the rest, and the warning goes to standard error."""
    bundle = {"customer": customer(), "charges": ["ch_1", charge(1000), None], "invoices": None}
    result = run("derive", "-", *NOON, stdin=json.dumps(bundle))

    assert json.loads(result.stdout)["facts"]["ltv"] == "10.00"
    assert "charges[0] is a text and no object; left out, and 1 more" in result.stderr


def test_extremes_are_printed() -> None:
    """Integers beyond 64 bits, lone surrogates, a byte order mark and the ends of time do no harm."""
    odd = {**customer(email="\ud800"), "name": "\ud800"}
    made = {"customer": odd, "subscriptions": [subscription(item_of(price(), 10**30))]}
    for at_time in ("9990-12-31T23:59:59Z", "1970-01-01"):
        result = run("derive", "-", "--at", at_time, "--explain", stdin="\ufeff" + json.dumps(made))
        assert result.exit_code == 0, result.output
        json.loads(result.stdout)


def test_a_rate_is_exact_and_its_currency_in_any_case() -> None:
    """A third of a cent is not lost, and lines say where the rate came from."""
    made = {"customer": customer(), "charges": [charge(300, currency="eur")]}
    found = derive(made, "--rate", "EUR=1.123456789012345678", "--explain")["explain"]["ltv"]

    assert (found["exact"], found["value"]) == ("3.370370367037037034", "3.37")
    assert found["lines"][0]["rate_source"] == "given"


def test_rates_in_the_settings_are_not_used(tmp_path: Path) -> None:
    """Only the rates given are used, also with the settings of a workspace that has its own."""
    file = tmp_path / "settings.json"
    own = [{"currency": "eur", "into": "usd", "rate": "9", "date": "2026-11-01"}]
    file.write_text(json.dumps({"rate_overrides": own}))
    made = {"customer": customer(), "charges": [charge(300, currency="eur")]}

    assert derive(made, "--settings", str(file))["facts"]["ltv"] is None


def test_text_is_for_people() -> None:
    """With `--format text` facts, notes and explanations are lines, and the last one is the sum."""
    made = {"customer": customer(), "subscriptions": [subscription(discounts=[percent(10)])]}
    result = run("derive", "-", *NOON, "--explain", "--format", "text", stdin=json.dumps(made))

    assert "mrr                  9.00" in result.stdout
    assert "discounts=coupon_a:1" in result.stdout
    assert "9 = 9.00 usd" in result.stdout
    no_rate = {"customer": customer(), "charges": [charge(300, currency="eur")]}
    told = run("derive", "-", *NOON, "--explain", "--format", "text", stdin=json.dumps(no_rate)).stdout
    assert "note  ltv: there is no rate from eur to usd" in told
    assert "no value, because there is no rate from eur to usd" in told


def test_catalog_as_table_and_json() -> None:
    """Every fact is listed, for people and for scripts."""
    printed = json.loads(run("catalog", "--format", "json").stdout)

    assert [each["name"] for each in printed] == [spec.name for spec in CATALOG]
    assert all(spec.name in run("catalog").stdout for spec in CATALOG)
