"""The whole of Ochre as `ochre demo` runs it, with a simulated Stripe, and a real browser before it.

The simulator is reached as `localhost` and Ochre as `127.0.0.1`, so that they are two sites, as the real ones are.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, sync_playwright

from tests.chromium import get_chromium
from web.processes.ports import free_port

ROOT = Path(__file__).parents[2]
CUSTOMERS = 120
READY_SECONDS = 120
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A running demonstration."""

    url: str
    api_token: str = field(repr=False)
    stripe_url: str
    stripe_control_token: str = field(repr=False)
    logins: list[dict[str, str]] = field(repr=False)
    customers: dict[str, str]

    def send(self, external_id: str, email: str, subject: str, body: str = "Can you help me?", name: str = "") -> str:
        """Hand in a conversation over the API and return its page's path."""
        sender = {"email": email, "name": name or email.split("@", maxsplit=1)[0].title()}
        draft = {"external_id": external_id, "channel": "email", "sender": sender, "subject": subject, "body": body}
        answer = requests.post(
            f"{self.url}/api/v1/conversations",
            json=draft,
            headers={"Authorization": f"Bearer {self.api_token}"},
            timeout=10,
        )
        answer.raise_for_status()
        return f"/conversations/{answer.json()['conversation']['id']}"

    def control(self, operation: str, **arguments: object) -> Any:
        """Make something happen at the simulated Stripe."""
        answer = requests.post(
            f"{self.stripe_url}/_control/{operation}",
            json=arguments,
            headers={"Authorization": f"Bearer {self.stripe_control_token}"},
            timeout=10,
        )
        answer.raise_for_status()
        return answer.json()

    def password(self, role: str) -> tuple[str, str]:
        """Return address and password of the first member with a role."""
        login = next(login for login in self.logins if login["role"] == role)
        return login["email"], login["password"]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Run the demonstration for the session, without its trickle of life."""
    folder = tmp_path_factory.mktemp("demo")
    process = _start(folder)
    try:
        yield Demo(**_ready(folder, process))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Run a Chromium for the session."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=get_chromium(), args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


@dataclass  # no slots: Playwright hangs its wrappers on the methods' owner
class Watch:
    """What the browser complained about."""

    complaints: list[str] = field(default_factory=list)

    def console(self, message: ConsoleMessage) -> None:
        """Note an error or a warning of the console, such as a violation of the content security policy."""
        # That a page answered 4xx is told here too, and is for the test to judge; see `answer` for all else.
        if message.type in {"error", "warning"} and "the server responded with a status of 4" not in message.text:
            self.complaints.append(f"{message.type}: {message.text}")

    def page_error(self, error: object) -> None:
        """Note an uncaught exception of a script."""
        self.complaints.append(f"exception: {error}")

    def answer(self, response: Response) -> None:
        """Note an answer that says we failed, and anything below a page that is missing or refused."""
        is_page = response.request.resource_type == "document"
        least = requests.codes.server_error if is_page else requests.codes.bad_request
        if response.status >= least and not response.url.endswith("/favicon.ico"):
            self.complaints.append(f"{response.status}: {response.url}")


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Watch the browser of a test; it must have nothing to complain about at the end."""
    watch = Watch()
    yield watch
    assert watch.complaints == []


OpenBrowser = Callable[..., BrowserContext]


@pytest.fixture
def open_browser(chromium: Browser, demo: Demo, watch: Watch) -> Iterator[OpenBrowser]:
    """Return a function that opens a fresh browser profile, for one person."""
    contexts: list[BrowserContext] = []

    def open_one(**options: Any) -> BrowserContext:
        context = chromium.new_context(base_url=demo.url, **{"viewport": {"width": 1280, "height": 900}, **options})
        context.set_default_timeout(10_000)
        context.on("console", watch.console)
        context.on("weberror", lambda error: watch.page_error(error.error))
        context.on("response", watch.answer)
        contexts.append(context)
        return context

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def cookies(demo: Demo) -> Callable[[str], list[Any]]:
    """Return a function that gives the cookies of a signed-in member, signing in once for each role."""
    known: dict[str, list[Any]] = {}

    def cookies_of(role: str) -> list[Any]:
        if role not in known:
            email, password = demo.password(role)
            with requests.Session() as session:
                session.post(
                    f"{demo.url}/sign-in",
                    data={"email": email, "password": password, "next": "/"},
                    headers={"Origin": demo.url},
                    timeout=10,
                )
                known[role] = [
                    {"name": cookie.name, "value": cookie.value, "url": demo.url} for cookie in session.cookies
                ]
        return known[role]

    return cookies_of


@pytest.fixture
def tab_of(open_browser: OpenBrowser, cookies: Callable[[str], list[Any]]) -> Callable[..., Page]:
    """Return a function that opens a tab in which a member with a role is signed in."""

    def tab(role: str, **options: Any) -> Page:
        context = open_browser(**options)
        context.add_cookies(cookies(role))
        return context.new_page()

    return tab


def _start(folder: Path) -> subprocess.Popen[bytes]:
    """Start the demonstration on a port of its own, since another one may start at the same moment."""
    options = ("--customers", str(CUSTOMERS), "--quiet-life", "--port", str(free_port()))
    command = [sys.executable, "-m", "web.cli.main", "demo", *options]
    environment = {**os.environ, "OCHRE_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    with (folder / "output.txt").open("wb") as output:
        return subprocess.Popen(command, env=environment, stdout=output, stderr=output)


def _ready(folder: Path, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    deadline = time.monotonic() + READY_SECONDS
    while not (folder / "demo.json").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail((folder / "output.txt").read_text())
        time.sleep(0.1)
    ready: dict[str, Any] = json.loads((folder / "demo.json").read_text())
    return ready
