"""A trickle of conversations, so that the screens of the demonstration live."""

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import requests

from web.demo.content import MESSAGES

PAUSE_SECONDS = (6.0, 14.0)
CHANNELS = ("email", "chat", "form")
STRANGERS = ("visitor", "newsletter", "press", "student")


class Trickle:
    """Sends a conversation every few seconds until stopped; a failure is skipped, the next one may work."""

    def __init__(self, url: str, token: str, emails: Sequence[str], start: int) -> None:
        """Send to the service at `url`, from `emails` and now and then from a stranger; ids count up from `start`."""
        self._endpoint = f"{url}/api/v1/conversations"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._emails = emails
        self._number = start
        self._chance = random.Random(start)  # noqa: S311 - sample data, not secrets
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trickle", daemon=True)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send in the background while the block runs."""
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.wait(self._chance.uniform(*PAUSE_SECONDS)):
            self.send_one()

    def send_one(self) -> None:
        """Send one conversation."""
        self._number += 1
        subject, body = self._chance.choice(MESSAGES)
        is_stranger = not self._emails or self._chance.random() < 0.15  # noqa: PLR2004 - about one in seven
        email = (
            f"{self._chance.choice(STRANGERS)}{self._number}@elsewhere.example"
            if is_stranger
            else self._chance.choice(self._emails)
        )
        conversation = {
            "external_id": f"trickle-{self._number}",
            "channel": self._chance.choice(CHANNELS),
            "sender": {"email": email, "name": email.partition("@")[0].replace(".", " ").title()},
            "subject": subject,
            "body": body,
        }
        try:
            requests.post(self._endpoint, json=conversation, headers=self._headers, timeout=10).close()
        except requests.RequestException:
            return
