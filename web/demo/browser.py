"""As much of a browser as signing in and connecting an account needs: pages, forms, cookies, redirects."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import requests
from typing_extensions import override

TIMEOUT = 20


class PageError(Exception):
    """A page answered with an error or lacks what was looked for; the message says which page and what."""


@dataclass(slots=True)
class Form:
    """A form of a page: where it goes, and what it sends by itself."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Browser:
    """Opens pages and sends their forms."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.headers["Accept"] = "text/html"

    def open(self, url: str) -> requests.Response:
        """Open a page, following redirects; raise PageError where it fails."""
        return self._checked("get", url)

    def submit(self, page: requests.Response, action: str, **values: str) -> requests.Response:
        """Send the page's first form whose action contains `action`; raise PageError if there is none."""
        parser = _Forms()
        parser.feed(page.text)
        for form in parser.forms:
            target = urljoin(page.url, form.action)
            if action in target:
                parts = urlsplit(page.url)
                headers = {"Origin": f"{parts.scheme}://{parts.netloc}", "Referer": page.url}
                return self._checked("post", target, data={**form.fields, **values}, headers=headers)
        raise PageError(f"{_bare(page.url)} has no form for {action}")

    def _checked(self, method: str, url: str, **options: object) -> requests.Response:
        try:
            response = self._session.request(method, url, timeout=TIMEOUT, **options)  # type: ignore[arg-type] # passed through
        except requests.RequestException as error:
            raise PageError(f"{_bare(url)} can't be reached: {type(error).__name__}") from error
        if response.status_code >= requests.codes.bad_request:
            raise PageError(f"{_bare(response.url)} answered {response.status_code}")
        return response


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
        elif tag == "input" and given.get("type") == "hidden" and self.forms:
            self.forms[-1].fields[given.get("name", "")] = given.get("value", "")


def _bare(url: str) -> str:
    # Queries may carry codes and states.
    return url.partition("?")[0]
