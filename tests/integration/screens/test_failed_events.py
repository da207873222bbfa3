"""The page of the Stripe integration: events that failed, and the button that tries them again."""

from engine.ids import ConnectionId
from stripe_sync.events import repository
from stripe_sync.events.repository import NewEvent
from tests.clock import FrozenClock
from tests.integration.screens.conftest import Browser, text_of
from tests.integration.web.conftest import Tenant

PAGE = "/settings/integrations/stripe"


def test_parked_event_is_shown_and_tried_again(
    admin: Browser, agent: Browser, ours: Tenant, clock: FrozenClock
) -> None:
    """An admin sees what was parked and why, and puts it back; an agent may not; nothing shows where nothing failed."""
    before = admin.read(PAGE)
    _park(ours, clock)

    shown = text_of(admin.read(PAGE))
    refused = agent.get(f"{PAGE}/failed-events").status_code
    answer = admin.post(f"{PAGE}/replay", page=PAGE, event="evt_poison")

    assert "could not be applied" not in before
    assert "customer.updated evt_poison cus_1 Parked 8 attempts: ValueError" in shown
    assert refused == 403
    assert answer.status_code == 303
    assert "could not be applied" not in admin.read(PAGE)


def test_page_says_which_events_to_send_and_which_not(admin: Browser) -> None:
    """The list is there, without `invoice.created`, and with the reason."""
    shown = text_of(admin.read(PAGE))

    assert "customer.subscription.updated" in shown
    assert "Leave invoice.created out." in shown
    assert "72 hours" in shown


# helpers


def _park(tenant: Tenant, clock: FrozenClock) -> None:
    now, connection_id = clock.now(), ConnectionId("con_1")
    event = NewEvent(
        event_id="evt_poison", type="customer.updated", object_id="cus_1", created=now, payload="{", origin="webhook"
    )
    with tenant.services.database.workspace(tenant.workspace_id) as session:
        repository.add(tenant.workspace_id, session, connection_id, [event], now)
        for attempt in range(repository.MAX_ATTEMPTS):
            later = now.replace(year=now.year + 1 + attempt)
            (stored,) = repository.take(tenant.workspace_id, session, connection_id, later, 10)
            repository.mark_failed(tenant.workspace_id, session, stored, "ValueError", now)
            session.expire_all()
