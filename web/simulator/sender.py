"""Delivers webhooks: a few threads that take what is due, sign it, send it, and report how it went."""

import http.client
import threading
from urllib.parse import urlsplit

import orjson

from stripe_sync.simulator.delivery import Attempt, signature
from web.simulator.host import Host

THREADS = 8
_TIMEOUT_S = 20
_IDLE_S = 5.0
_SUCCESS = range(200, 300)


class Sender:
    """The threads that deliver webhooks."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name=f"webhooks-{number}", daemon=True) for number in range(THREADS)
        ]

    def start(self) -> None:
        """Begin delivering."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop after the deliveries under way."""
        self._stopping.set()
        with self._host.wake:
            self._host.wake.notify_all()
        for thread in self._threads:
            thread.join(timeout=2)

    def _run(self) -> None:
        connections = _Connections()
        while not self._stopping.is_set():
            due, pause = self._host.due_webhooks(1)
            for attempt in due:
                acknowledged = connections.send(attempt, int(self._host.now()))
                self._host.report_webhook(attempt, acknowledged=acknowledged)
            if not due:
                with self._host.wake:
                    self._host.wake.wait(min(_IDLE_S, _IDLE_S if pause is None else max(pause, 0.001)))
        connections.close()


class _Connections:
    """One thread's open connections, by scheme and place."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], http.client.HTTPConnection] = {}

    def send(self, attempt: Attempt, timestamp: int) -> bool:
        """Send one webhook; tells whether it was acknowledged with a 2xx."""
        url = urlsplit(attempt.endpoint.url)
        body = orjson.dumps(attempt.payload())
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(attempt.endpoint.secret, body, timestamp),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        target = url._replace(scheme="", netloc="", fragment="").geturl() or "/"
        place = (url.scheme, url.netloc)
        for fresh in (False, True):  # a kept connection may have been closed meanwhile: then once more
            known = self._open.pop(place, None)
            if fresh or known is None:
                known = _connect(*place)
            try:
                known.request("POST", target, body, headers)
                answer = known.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                known.close()
                continue
            self._open[place] = known
            return answer.status in _SUCCESS
        return False

    def close(self) -> None:
        """Close all connections."""
        for connection in self._open.values():
            connection.close()


def _connect(scheme: str, place: str) -> http.client.HTTPConnection:
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    return kind(place, timeout=_TIMEOUT_S)
