"""Record pages: what a link into Stripe's Dashboard opens, at `/<account>/[test/]<page>/<id>`.

A page shows the object as it is, with buttons for what a merchant would do there.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from stripe_sync.simulator.answers import StripeError
from stripe_sync.simulator.records import Record
from stripe_sync.simulator.shapes import render as shape_of
from stripe_sync.simulator.stripe import SimulatedStripe
from stripe_sync.simulator.world import World
from web.simulator import money
from web.simulator.host import Host
from web.simulator.page import Page, is_foreign_form, problem, redirect, render, style_sheet

__all__ = ["Page", "answer"]

_KINDS = {
    "customers": "customer",
    "subscriptions": "subscription",
    "invoices": "invoice",
    "payments": "charge",
    "products": "product",
    "prices": "price",
    "coupons": "coupon",
    "disputes": "dispute",
    "events": "event",
}
_PAGES = {kind: page for page, kind in _KINDS.items()}
_MOST_ROWS = 50
_BUTTONS: dict[str, tuple[tuple[str, str, Callable[[Record], bool]], ...]] = {
    # Operation, words on its button, and when it can be done.
    "invoice": (
        ("pay_invoice", "Pay invoice", lambda record: record["status"] in {"open", "uncollectible"}),
        ("fail_payment", "Fail a payment attempt", lambda record: record["status"] == "open"),
        ("void_invoice", "Void", lambda record: record["status"] == "open"),
    ),
    "subscription": (
        ("renew", "Bill the next period", lambda record: record["status"] == "active"),
        ("fail_payment", "Fail the next payment", lambda record: record["status"] in {"active", "past_due"}),
        ("change_plan", "Change plan", lambda record: record["status"] in {"active", "trialing"}),
        ("end_trial", "End trial", lambda record: record["status"] == "trialing"),
        ("cancel", "Cancel", lambda record: record["status"] not in {"canceled", "incomplete_expired"}),
    ),
    "charge": (
        ("refund", "Refund", lambda record: record["amount_refunded"] < record["amount_captured"]),
        ("dispute", "Dispute", lambda record: record["captured"] and not record["disputed"]),
    ),
    "dispute": (("close_dispute", "Win", lambda record: record["status"] not in {"won", "lost"}),),
    "customer": (("delete_customer", "Delete customer", lambda _: True),),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where a page stands: an account and a mode."""

    world: World

    def link(self, page: str, record_id: str) -> str:
        """Return the address of a record's page."""
        mode = "" if self.world.livemode else "/test"
        return f"/{self.world.account}{mode}/{page}/{quote(record_id, safe='')}"


def answer(host: Host, method: str, path: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Page:
    """Show the page of a path, or act on its form."""
    if path == "/simulator.css":
        return style_sheet()
    segments = [segment for segment in path.split("/") if segment]
    if not segments:
        mode = [] if host.stripe.livemode else ["test"]
        segments = [host.stripe.default_account.id, *mode, "customers"]
    account, *rest = segments
    livemode = rest[:1] != ["test"]
    try:
        place = _Place(world=host.stripe.world(account, livemode=livemode))
    except StripeError as error:
        return problem(404, error.message)
    return _at(host, place, method, rest if livemode else rest[1:], form, headers)


def _at(
    host: Host, place: _Place, method: str, rest: list[str], form: Mapping[str, str], headers: Mapping[str, str]
) -> Page:
    match method, rest:
        case "GET", [] | ["customers"]:
            page: Page = host.read(lambda stripe: _customers(stripe, place, form.get("q", "")))
            return page
        case "GET", [name, record_id] if name in _KINDS:
            found: Page | None = host.read(lambda _: _record(place, name, record_id))
            return found or problem(404, f"There is no {_KINDS[name]} {record_id} here.")
        case "POST", [name, record_id] if name in _KINDS:
            return _act(host, place, name, record_id, form, headers)
        case _:
            return problem(404, "There is no such page.")


def _act(
    host: Host, place: _Place, name: str, record_id: str, form: Mapping[str, str], headers: Mapping[str, str]
) -> Page:
    operation = form.get("operation", "")
    if is_foreign_form(headers):
        return problem(403, "This form was sent from another site.")
    if operation not in {button[0] for button in _BUTTONS.get(_KINDS[name], ())}:
        return problem(400, f"There is nothing called {operation!r} to do here.")
    world = place.world
    try:
        host.perform(operation, {"id": record_id, "account": world.account, "livemode": world.livemode})
    except StripeError as error:
        return problem(error.status, error.message)
    return redirect(place.link(name, record_id))


def _customers(stripe: SimulatedStripe, place: _Place, wanted: str) -> Page:
    needle = wanted.strip().lower()
    rows: list[Record] = []
    for record in place.world.collections["customer"].newest():
        text = f"{record['email'] or ''} {record['name'] or ''} {record['id']}".lower()
        if needle in text:
            rows.append(_row(place, "customer", record))
        if len(rows) == _MOST_ROWS:
            break
    accounts = [{"id": account.id, "name": account.name} for account in stripe.accounts.values()]
    return render(
        "customers.html",
        rows=rows,
        wanted=wanted,
        total=len(place.world.collections["customer"]),
        accounts=accounts,
        world=place.world,
    )


def _record(place: _Place, name: str, record_id: str) -> Page | None:
    kind, world = _KINDS[name], place.world
    if kind == "charge" and record_id.startswith("pi_"):
        intent = world.get("payment_intent", record_id)
        record_id = (intent or {}).get("latest_charge") or record_id
    record = world.get(kind, record_id)
    if record is None:
        return None
    buttons = [button[:2] for button in _BUTTONS.get(kind, ()) if button[2](record)]
    return render(
        "record.html",
        world=world,
        kind=kind,
        title=_title(kind, record),
        state=record.get("status"),
        buttons=buttons,
        related=_related(place, kind, record),
        text=json.dumps(shape_of(world, kind, record), indent=2, ensure_ascii=False),
        action=place.link(name, record_id),
        home=place.link("customers", "").rstrip("/"),
    )


def _title(kind: str, record: Record) -> str:
    match kind:
        case "customer":
            return str(record["name"] or record["email"] or record["id"])
        case "invoice":
            return f"{record['number']}: {money.text(record['total'], record['currency'])}"
        case "charge" | "dispute":
            return money.text(record["amount"], record["currency"])
        case "product" | "coupon":
            return str(record["name"] or record["id"])
        case _:
            return str(record["id"])


def _related(place: _Place, kind: str, record: Record) -> list[tuple[str, list[Record]]]:
    """Return what a record's page links to, in groups."""
    world = place.world
    if kind == "customer":
        groups = [
            (title, world.find(other, "customer", record["id"]), other)
            for title, other in (("Subscriptions", "subscription"), ("Invoices", "invoice"), ("Payments", "charge"))
        ]
    else:
        groups = [
            (title, [found] if (found := world.get(other, record.get(field))) else [], other)
            for title, other, field in (
                ("Customer", "customer", "customer"),
                ("Subscription", "subscription", "subscription"),
                ("Latest invoice", "invoice", "latest_invoice"),
                ("Payment", "charge", "charge"),
                ("Product", "product", "product"),
            )
        ]
        if kind == "subscription":
            groups.append(("Prices", _prices(world, record), "price"))
            groups.append(("Invoices", world.find("invoice", "subscription", record["id"]), "invoice"))
    return [
        (title, [_row(place, other, found) for found in records[:_MOST_ROWS]])
        for title, records, other in groups
        if records
    ]


def _prices(world: World, subscription: Record) -> list[Record]:
    items = [world.get("subscription_item", item_id) for item_id in subscription["items"]]
    prices = [world.get("price", item["price"]) for item in items if item]
    return [price for price in prices if price]


def _row(place: _Place, kind: str, record: Record) -> Record:
    return {
        "url": place.link(_PAGES[kind], record["id"]),
        "title": _title(kind, record),
        "note": record.get("email") or record.get("nickname") or record["id"],
        "status": record.get("status") or ("delinquent" if record.get("delinquent") else ""),
    }
