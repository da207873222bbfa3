"""The simulator as a command: starting, stopping, keeping its data, its pages and control API."""

import socket
import subprocess
import sys
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from tests.integration.simulator.conftest import Simulator, Start


def test_the_ready_line_says_everything(simulator: Simulator) -> None:
    """The one line on standard output has an address and every key."""
    names = {"url", "account", "api_key", "client_id", "secret_key", "webhook_secret", "control_token"}

    assert names <= simulator.ready.keys()
    assert simulator.url.startswith("http://127.0.0.1:")


def test_a_seed_gives_the_same_keys_and_customers(start: Start) -> None:
    """Two starts with one seed differ in nothing but the port."""
    first, second = start("--seed", "same", "--customers", "5"), start("--seed", "same", "--customers", "5")

    assert {**first.ready, "url": ""} == {**second.ready, "url": ""}
    ids = [[c.id for c in one.client().v1.customers.list().data] for one in (first, second)]
    assert ids[0] == ids[1]


def test_it_stops_when_asked(start: Start) -> None:
    """SIGTERM ends it with status 0."""
    assert start("--customers", "1").stop() == 0


def _run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "web.cli.stripe_simulator", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_a_taken_port_is_one_clear_line() -> None:
    """A port that somebody has is said in one line, with what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = _run("--port", str(port), "--customers", "1")

    assert result.returncode == 1
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1
    assert str(port) in result.stderr


def test_its_state_is_kept(start: Start, tmp_path: Path) -> None:
    """With a state file the next start has everything that happened, also after a kill."""
    options = ("--customers", "8", "--state", str(tmp_path / "simulator.journal"))
    first = start(*options)
    first.control("create_customer", id="cus_kept", name="Kept")
    first.control("create_subscription", id="cus_kept")
    first.control("clock", advance_s=3600)
    before = [shape["id"] for shape in first.look("objects/event")["data"]]
    first.process.kill()
    first.process.wait()
    with (tmp_path / "simulator.journal").open("ab") as journal:
        journal.write(b'{"action": "cut sho')
    second = start(*options)

    assert second.client().v1.customers.retrieve("cus_kept").name == "Kept"
    assert [shape["id"] for shape in second.look("objects/event")["data"]] == before
    assert second.look("stats")["webhooks"]["waiting"] == 0


@pytest.mark.parametrize("content", [b"nonsense\n", b'{"seed": "other"}\n'])
def test_a_state_file_of_something_else_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    """A state file that does not fit is refused, and left as it was."""
    path = tmp_path / "simulator.journal"
    path.write_bytes(content)
    result = _run("--customers", "1", "--state", str(path))

    assert result.returncode == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert path.read_bytes() == content


def test_the_control_api_needs_its_token(simulator: Simulator) -> None:
    """Without the token nothing can be controlled."""
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {simulator.ready['api_key']}"}):
        response = requests.post(f"{simulator.url}/_control/clock", json={"advance_s": 1}, headers=headers, timeout=10)
        assert response.status_code == 401


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"id": 5}', b'{"id": "cus_none"}'])
def test_bad_control_requests_are_refused(simulator: Simulator, body: bytes) -> None:
    """A bad body or an unknown id is a client error that says what is wrong."""
    response = requests.post(
        f"{simulator.url}/_control/pay_invoice",
        data=body,
        headers={"Authorization": f"Bearer {simulator.ready['control_token']}"},
        timeout=10,
    )

    assert response.status_code in {400, 404}
    assert response.json()["error"]["message"]


def test_objects_and_stats_tell_the_truth(simulator: Simulator) -> None:
    """The control API counts what there is and shows all of it."""
    stats = simulator.look("stats")

    for kind in ("customer", "invoice", "discount", "payment_intent"):
        assert len(simulator.look(f"objects/{kind}")["data"]) == stats["objects"][kind]


def test_the_clock_moves(simulator: Simulator) -> None:
    """Moving the clock moves the time of what happens after."""
    before = simulator.control("clock", advance_s=0)["now"]
    after = simulator.control("clock", advance_s=5000)["now"]
    created = simulator.control("create_customer")["objects"]["customer"][0]["created"]

    assert after - before >= 5000
    assert created >= int(after)


def test_record_pages_open_and_pay(start: Start) -> None:
    """From the list of customers one gets to an open invoice and pays it with a button."""
    simulator = start("--customers", "12")
    account, email = simulator.ready["account"], simulator.look("examples")["past_due"]
    listed = requests.get(f"{simulator.url}/", params={"q": email}, timeout=10)
    (customer,) = [c for c in simulator.look("objects/customer")["data"] if c["email"] == email]
    address = f"/{account}/customers/{customer['id']}"
    assert address in listed.text

    (invoice,) = [
        shape
        for shape in simulator.look("objects/invoice")["data"]
        if shape["customer"] == customer["id"] and shape["status"] == "open"
    ]
    page = f"{simulator.url}/{account}/invoices/{invoice['id']}"
    assert f"/{account}/invoices/{invoice['id']}" in requests.get(simulator.url + address, timeout=10).text
    assert "Pay invoice" in requests.get(page, timeout=10).text
    foreign = requests.post(
        page, data={"operation": "pay_invoice"}, headers={"Sec-Fetch-Site": "cross-site"}, timeout=10
    )
    assert foreign.status_code == 403
    paid = requests.post(page, data={"operation": "pay_invoice"}, timeout=10)
    assert paid.status_code == 200
    assert "Pay invoice" not in paid.text
    assert simulator.client().v1.invoices.retrieve(invoice["id"]).status == "paid"


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        ("subscription", "subscriptions"),
        ("charge", "payments"),
        ("product", "products"),
        ("price", "prices"),
        ("coupon", "coupons"),
        ("dispute", "disputes"),
    ],
)
def test_every_kind_of_record_has_a_page(simulator: Simulator, kind: str, page: str) -> None:
    """Links to records open, ids percent-encoded, without any script."""
    for shape in simulator.look(f"objects/{kind}")["data"][:5]:
        address = f"{simulator.url}/{simulator.ready['account']}/{page}/{quote(shape['id'], safe='')}"
        response = requests.get(address, timeout=10)
        assert response.status_code == 200
        assert shape["id"] in response.text
        assert "<script" not in response.text
        assert "script" not in response.headers["Content-Security-Policy"]


def test_hostile_names_are_escaped(simulator: Simulator) -> None:
    """What customers write is shown, never run."""
    simulator.control("create_customer", id="cus_evil", name="<script>alert(1)</script>")
    page = requests.get(f"{simulator.url}/{simulator.ready['account']}/customers/cus_evil", timeout=10)

    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text


@pytest.mark.parametrize(
    "path", ["/acct_none/customers", "/nonsense", "/{account}/customers/cus_none", "/{account}/test/customers/x"]
)
def test_unknown_pages_are_404(simulator: Simulator, path: str) -> None:
    """What is not there is a page that says so."""
    response = requests.get(simulator.url + path.format(account=simulator.ready["account"]), timeout=10)

    assert response.status_code == 404
    assert "did not work" in response.text


@pytest.mark.parametrize(
    "change",
    [{"redirect_uri": "javascript:alert(1)"}, {"client_id": "ca_none"}, {"scope": "everything"}, {"redirect_uri": ""}],
)
def test_bad_authorize_links_redirect_nowhere(simulator: Simulator, change: dict[str, str]) -> None:
    """A bad link shows what is wrong with it and goes nowhere."""
    fields = {
        "client_id": simulator.ready["client_id"],
        "redirect_uri": "http://127.0.0.1:1/cb",
        "response_type": "code",
    }
    response = requests.post(
        f"{simulator.url}/oauth/authorize",
        params={**fields, **change},
        data={"decision": "authorize"},
        allow_redirects=False,
        timeout=10,
    )

    assert response.status_code == 400
    assert "location" not in response.headers


def test_answers_are_dated_by_the_moved_clock(simulator: Simulator) -> None:
    """Whoever reads the `Date` header of an answer sees the simulator's time, not the machine's."""

    def dated() -> datetime:
        return parsedate_to_datetime(requests.get(simulator.url, timeout=10).headers["Date"])

    before = dated()
    simulator.control("clock", advance_s=3600)

    assert timedelta(minutes=59) < dated() - before < timedelta(minutes=61)
