"""A Stripe of any size that costs next to nothing: it makes each page from numbers, and holds no object at all.

Objects have every field that Stripe sends; only ids, amounts, customers and times differ. Times are spread as a
merchant's are: denser lately, and a quarter of the customers came within one hour, when they were imported. It runs
as a process of its own: `python -m tests.bench.light_stripe '{"customers": 2000, …}'` prints its address.
"""

import json
import subprocess
import sys
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import requests
from typing_extensions import override

from stripe_sync.simulator.limits import Limiter
from tests.bench import merchant
from web.clock import SystemClock

ACCOUNT = "acct_light"
KEY = "rk_live_light"
DAY = 86_400
OLDEST = 1300 * DAY
PAGE = 100
_ID, _CUSTOMER, _METHOD, _AMOUNT, _CREATED = "@id@", "@customer@", "@method@", 987_654_321, 987_654_322
_STEADY = ((0.0, 0.0), (0.1, 0.4), (0.3, 0.69), (0.6, 0.9), (1.0, 1.0))
_IMPORTED = ((0.0, 0.0), (0.1, 0.4), (0.25, 0.69), (0.5, 0.69 + 3600 / OLDEST), (0.7, 0.86), (1.0, 1.0))
"""From the share of objects that are older to the share of the account's life that had passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How much the account holds, and how it answers."""

    customers: int
    invoices: int
    charges: int
    latency_ms: int = 0
    rate: float | None = None
    """Requests a second before a 429 that gives no reason; None for no limit."""

    @property
    def objects(self) -> int:
        """Return how many objects there are; each customer has a subscription."""
        return 2 * self.customers + self.invoices + self.charges


@dataclass(frozen=True)
class Listed:
    """The objects of one kind, numbered from the oldest."""

    prefix: str
    count: int
    customers: int
    template: str
    spread: Sequence[tuple[float, float]]
    began: int

    def created(self, number: int) -> int:
        """Return when an object was made."""
        share = (number + 1) / (self.count + 1)
        for (low, from_), (high, to) in zip(self.spread, self.spread[1:], strict=False):
            if share <= high:
                return self.began + int(OLDEST * (from_ + (to - from_) * (share - low) / (high - low)))
        return self.began + OLDEST

    def page(self, query: dict[str, list[str]]) -> bytes:
        """Return one page as Stripe writes it."""
        low, high = self._bounds(query)
        first = max(low, high - int(query.get("limit", ["10"])[0]))
        data = ", ".join(self._object(number) for number in range(high - 1, first - 1, -1))
        more = "true" if first > low else "false"
        return f'{{"object": "list", "url": "/v1", "has_more": {more}, "data": [{data}]}}'.encode()

    def _bounds(self, query: dict[str, list[str]]) -> tuple[int, int]:
        low, high = 0, 0 if "email" in query else self.count  # nobody is looked for whom it has
        if "created[gte]" in query:
            low = bisect_left(range(self.count), int(query["created[gte]"][0]), key=self.created)
        if "created[lt]" in query:
            high = bisect_left(range(self.count), int(query["created[lt]"][0]), key=self.created)
        if "starting_after" in query:
            high = min(high, int(query["starting_after"][0].rpartition("_")[2]))
        return low, max(low, high)

    def _object(self, number: int) -> str:
        values = {
            "id": f"{self.prefix}_{number:09}",
            "customer": f"cus_{number % self.customers:09}",
            "method": f"pm_{number:09}",
            "amount": 900 + number % 50 * 100,
            "created": self.created(number),
        }
        return self.template % values


class Light:
    """The account, and what was asked of it."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.requests: Counter[str] = Counter()
        self.refused = 0
        self._limiter = Limiter()
        self._lock = threading.Lock()
        self._began = int(SystemClock().now().timestamp()) - OLDEST

    def answer(self, target: str) -> tuple[int, bytes]:
        """Return the status and the body for a GET."""
        parts = urlsplit(target)
        if parts.path == "/_stats":
            return 200, orjson.dumps({"requests": dict(self.requests), "refused": self.refused})
        with self._lock:
            allowed = self._limiter.allows((ACCOUNT, True), time.monotonic(), self.account.rate)
            self.requests[parts.path] += 1
            self.refused += not allowed
        if not allowed:
            return 429, b'{"error": {"type": "invalid_request_error", "message": "Too many requests"}}'
        if parts.path == "/v1/account":
            return 200, orjson.dumps({"id": ACCOUNT, "object": "account", "livemode": True})
        name = parts.path.removeprefix("/v1/")
        listed = self.lists.get(name)
        if listed is not None:
            return 200, listed.page(parse_qs(parts.query))
        data = self._shared.get(name, [])
        return 200, orjson.dumps({"object": "list", "url": parts.path, "has_more": False, "data": data})

    @cached_property
    def _shared(self) -> dict[str, list[dict[str, Any]]]:
        return merchant.shared()

    @cached_property
    def lists(self) -> dict[str, Listed]:
        """Return what is listed, by the end of its path."""
        one = _one()
        counts = {"customers": self.account.customers, "subscriptions": self.account.customers}
        counts |= {"invoices": self.account.invoices, "charges": self.account.charges}
        prefixes = {"customers": "cus", "subscriptions": "sub", "invoices": "in", "charges": "ch"}
        return {
            name: Listed(
                prefix=prefixes[name],
                count=count,
                customers=self.account.customers,
                template=_template(one[name]),
                spread=_IMPORTED if name in {"customers", "subscriptions"} else _STEADY,
                began=self._began,
            )
            for name, count in counts.items()
        }


def _one() -> dict[str, dict[str, Any]]:
    """Return one object of each kind with marks where objects differ."""
    made = {name: objects[0] for name, objects in merchant.customer(7, 1).items()}
    method = {**made["payment_methods"], "id": _METHOD, "customer": _ID, "created": _CREATED}
    settings = {**made["customers"]["invoice_settings"], "default_payment_method": method}
    owned = {"id": _ID, "customer": _CUSTOMER, "created": _CREATED}
    paid = {"amount": _AMOUNT, "amount_captured": _AMOUNT, "amount_refunded": 0, "payment_intent": f"pi_{_ID}"}
    total = dict.fromkeys(("total", "amount_due", "amount_paid"), _AMOUNT)
    moved = {**made["invoices"]["status_transitions"], "finalized_at": _CREATED, "paid_at": _CREATED}
    customer = {"id": _ID, "created": _CREATED, "email": f"{_ID}@example.com", "invoice_settings": settings}
    return {
        "customers": {**made["customers"], **customer},
        "subscriptions": {**made["subscriptions"], **owned},
        "charges": {**made["charges"], **owned, **paid},
        "invoices": {**made["invoices"], **owned, **total, "status_transitions": moved},
    }


def _template(payload: dict[str, Any]) -> str:
    text = orjson.dumps(payload).decode().replace("%", "%%")
    for mark, name in ((_ID, "id"), (_CUSTOMER, "customer"), (_METHOD, "method")):
        text = text.replace(mark, f"%({name})s")
    return text.replace(str(_AMOUNT), "%(amount)d").replace(str(_CREATED), "%(created)d")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, light: Light) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.light = light

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of workers that are killed in the middle; all else is a fault, and is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        status, body = self.server.light.answer(self.path)
        if self.path != "/_stats" and status == 200:
            time.sleep(self.server.light.account.latency_ms / 1000)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A running server."""

    url: str
    account: Account

    def stats(self) -> dict[str, Any]:
        """Return how often each path was asked for, and how many requests were refused."""
        found: dict[str, Any] = requests.get(f"{self.url}/_stats", timeout=30).json()
        return found


@contextmanager
def start(account: Account) -> Iterator[Running]:
    """Run the server in a process of its own until the block ends."""
    command = [sys.executable, "-m", "tests.bench.light_stripe", json.dumps(asdict(account))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Running(url=process.stdout.readline().strip(), account=account)
        finally:
            process.kill()


def main(arguments: Sequence[str], say: Callable[[str], None]) -> None:
    """Serve until killed."""
    light = Light(Account(**json.loads(arguments[0])))
    assert light.lists
    server = _Server(light)
    say(f"http://127.0.0.1:{server.server_address[1]}")
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:], lambda line: print(line, flush=True))
