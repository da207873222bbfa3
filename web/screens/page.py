"""How a view answers: whole pages, live fragments with an ETag, and redirects that carry a notice by its code."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from flask import Response, current_app, g, redirect, render_template, request
from markupsafe import Markup

from engine.workspace.models import Role
from engine.workspace.repository import get_workspace
from web.auth.gate import find_principal, principal
from web.auth.models import includes
from web.current import services
from web.screens import format as fmt

NO_NOTICE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pill:
    """A state as a word with an icon; the tone only underlines it."""

    text: str
    icon: str = "dot"
    tone: str = ""
    """`good`, `warn`, `bad`, `info`, `accent`, `line`, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A sentence at the top of a page."""

    tone: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who looks at the page."""

    name: str
    role: str
    is_admin: bool


NOTICES = {
    "sent": Notice(tone="good", text="Your reply is in the conversation."),
    "noted": Notice(tone="good", text="Your note is in the conversation; the customer does not see it."),
    "changed": Notice(tone="good", text="Saved."),
    "rate_set": Notice(tone="good", text="Set. Facts in this currency are worked out again."),
    "rate_removed": Notice(tone="good", text="Removed. The published rate counts again, if there is one."),
    "linked": Notice(tone="good", text="Linked. This choice is remembered and wins over the e-mail address."),
    "unlinked": Notice(tone="good", text="Unlinked. Nothing will link this customer again but you."),
    "member_changed": Notice(tone="good", text="Saved. It counts from their next click on."),
    "resyncing": Notice(tone="info", text="Asking Stripe for the newest; the panel turns as soon as it answers."),
    "connected": Notice(tone="good", text="Connected. Ochre now reads the account in the background."),
    "disconnected": Notice(tone="good", text="Disconnected. The token is cleared."),
    "resync": Notice(tone="info", text="A re-sync is queued; its progress shows below."),
    "replayed": Notice(tone="info", text="The events are tried again now; those that fail again show below."),
    "draft": Notice(tone="good", text="The draft is saved. It decides nothing before it is published."),
    "published": Notice(tone="good", text="Published. The next conversation is decided by it."),
    "restored": Notice(tone="good", text="That version is the draft now. Publish it to let it decide."),
    "empty": Notice(tone="bad", text="There was nothing to send. Write something first."),
}


def page(template: str, *, area: str, status: int = HTTPStatus.OK, **context: Any) -> Response:
    """Return the whole page `template` for the present member."""
    caller = principal()
    viewer = Viewer(name=caller.name, role=caller.role.value, is_admin=includes(caller.role, Role.ADMIN))
    notices = [*context.pop("notices", ()), *_asked_notice()]
    html = render_template(template, area=area, viewer=viewer, notices=notices, **context)
    return Response(html, status, mimetype="text/html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A part of a page that the browser asks for again and again."""

    id: str
    url: str
    every: str
    """As htmx writes it: `1s`, `2s`."""
    inner: Markup

    @property
    def etag(self) -> str:
        """Return what changes exactly when the part does."""
        return hashlib.sha256(self.inner.encode()).hexdigest()[:20]

    def __html__(self) -> str:
        """Return the part with what makes htmx ask again."""
        return render_template("live.html", live=self)

    def answer(self) -> Response:
        """Return the part alone, or 304 if the browser has it as it is."""
        if request.if_none_match.contains(self.etag):
            response = Response(status=HTTPStatus.NOT_MODIFIED)
        else:
            response = Response(self.__html__(), mimetype="text/html")
        response.set_etag(self.etag)
        return response


def live(id_: str, url: str, every: str, template: str, **context: Any) -> Live:
    """Render `template` as a live part that is found again at `url`."""
    return Live(id=id_, url=url, every=every, inner=Markup(render_template(template, **context)))  # noqa: S704 - escaped by the template


def see_other(path: str, notice: str = NO_NOTICE, **query: str) -> Response:
    """Return the redirect that follows a form; `notice` is a code of `NOTICES`."""
    wanted = {**query, **({"notice": notice} if notice else {})}
    target = f"{path}?{urlencode(wanted)}" if wanted else path
    return redirect(target, HTTPStatus.SEE_OTHER)  # type: ignore[return-value]  # Flask's own response


def now() -> datetime:
    """Return the instant of the present request."""
    return services().clock.now()


def local_now() -> datetime:
    """Return it in the zone in which the page shows times: the workspace's."""
    return now().astimezone(zone())


def zone() -> tzinfo:
    """Return the zone in which the page shows times."""
    found: tzinfo = g.get("zone", UTC)
    return found


def find_zone() -> None:
    """Look up the zone of whoever is signed in, before a view opens its own transaction."""
    caller = find_principal()
    if caller is not None and caller.session_digest is not None:
        with services().database.workspace(caller.workspace_id, readonly=True) as session:
            g.zone = get_workspace(caller.workspace_id, session).settings.zone


def full_time(instant: datetime) -> str:
    """Return day and time as the page shows them, and in which zone that is."""
    return fmt.full_time(instant, zone())


def asset(name: str) -> str:
    """Return the address of a file under `web/static`, changing with its content."""
    static = current_app.static_folder
    assert static is not None
    return f"/static/{name}?v={_fingerprint(f'{static}/{name}')}"


_fingerprints: dict[str, str] = {}


def _fingerprint(path: str) -> str:
    if path not in _fingerprints:
        with open(path, "rb") as file:  # noqa: PTH123 - a path joined as text
            _fingerprints[path] = hashlib.sha256(file.read()).hexdigest()[:10]
    return _fingerprints[path]


def _asked_notice() -> list[Notice]:
    notice = NOTICES.get(request.args.get("notice", NO_NOTICE))
    return [] if notice is None else [notice]
