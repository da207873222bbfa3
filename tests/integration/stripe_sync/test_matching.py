"""Who is who: links by address and by hand, duplicates, changes of address, deletions, and the panel's states."""

from datetime import timedelta

from engine.faults import NotFound
from engine.ids import EndUserId
from engine.inbox import end_user_repository
from stripe_sync import links
from stripe_sync.matching import CustomerKey
from tests.integration.stripe_sync.office import AGENT, Office


def test_exact_duplicate_with_a_history_is_linked(synced: Office) -> None:
    """Of two customers with one address the one that ever paid is linked; the empty one is listed."""
    paying, email = synced.new_customer()
    empty, _ = synced.new_customer(email=email.upper())
    synced.simulator.control("create_subscription", id=paying)
    _deliver(synced, paying, empty)

    panel = synced.panel(email)

    assert panel["state"] == "linked"
    assert panel["customer"]["id"] == paying
    assert [each["customer_id"] for each in panel["candidates"]] == [empty]
    assert panel["preview"] is False


def test_two_that_paid_are_ambiguous_until_somebody_chooses(synced: Office) -> None:
    """Rules see nothing, the panel previews the best and offers both; a choice is final, and so is undoing it."""
    first, email = synced.new_customer()
    second, _ = synced.new_customer(email=email)
    for customer_id in (first, second):
        synced.simulator.control("create_subscription", id=customer_id)
    synced.simulator.control("cancel", id=first)
    _deliver(synced, first, second)
    facts = synced.facts(email)
    before = synced.panel(email)

    assert facts.get("match") == "ambiguous"
    assert facts.get("customer") is False
    assert facts.reasons["mrr"] == "ambiguous"
    assert before["state"] == "ambiguous"
    assert before["preview"] is True
    assert before["customer"]["id"] == second
    assert [(each["customer_id"], each["best"]) for each in before["candidates"]] == [(second, True), (first, False)]

    _link(synced, email, first)
    assert synced.facts(email).get("match") == "manual"
    assert synced.panel(email)["customer"]["id"] == first

    assert _unlink(synced, email) == 1
    assert synced.panel(email)["customer"]["id"] == second  # the only one left


def test_manual_link_survives_a_resync(synced: Office) -> None:
    """What a person decided is remembered by every run."""
    _, email = synced.new_customer()
    other, _ = synced.new_customer()
    _deliver(synced, *[each["id"] for each in synced.simulator.objects("customer") if each["email"] == email], other)
    _link(synced, email, other)

    synced.service.resync(synced.workspace_id, member_id=AGENT, connection_id=synced.connection.id)
    synced.service.run_backfills()

    assert synced.panel(email)["customer"]["id"] == other


def test_address_that_changes_in_stripe(synced: Office) -> None:
    """The old address loses the customer, the new one gains it; both people stay."""
    customer_id, old = synced.new_customer()
    _deliver(synced, customer_id)
    synced.simulator.control("clock", advance_s=10)
    new = f"moved.{old}"
    synced.simulator.control("update_customer", id=customer_id, new_email=new)
    _deliver(synced, customer_id)

    assert synced.panel(old)["state"] == "not_found"
    assert synced.panel(new)["customer"]["id"] == customer_id


def test_deleted_customer_is_unlinked(synced: Office) -> None:
    """Links to a customer that is gone are undone, also those made by hand."""
    customer_id, email = synced.new_customer()
    _deliver(synced, customer_id)
    _link(synced, "somebody.else@example.org", customer_id)
    synced.simulator.control("clock", advance_s=10)
    synced.simulator.control("delete_customer", id=customer_id)
    _deliver(synced, customer_id)

    assert synced.panel(email)["state"] == "not_found"
    assert synced.panel("somebody.else@example.org")["state"] == "not_found"
    assert synced.facts(email).get("match") == "none"


def test_nobody_in_stripe(synced: Office) -> None:
    """A stranger has no customer; while the first backfill runs that may still change."""
    stranger = "stranger@example.org"

    assert synced.panel(stranger)["state"] == "not_found"
    assert synced.facts(stranger).reasons["mrr"] == "no_customer"
    assert _is_pending(synced, stranger) is False


def test_match_is_pending_while_customers_are_being_read(office: Office) -> None:
    """Before the list of customers is complete, nobody can be said to have none."""
    before = _is_pending(office, "stranger@example.org")
    office.connect()

    assert before is False
    assert _is_pending(office, "stranger@example.org") is True


def test_panel_of_a_silent_connection_is_stale(synced: Office) -> None:
    """Without contact for fifteen minutes the values stay and the panel says so."""
    customer_id, email = synced.new_customer()
    _deliver(synced, customer_id)
    synced.clock.advance(timedelta(minutes=16))

    panel = synced.panel(email)

    assert panel["state"] == "stale"
    assert panel["customer"]["id"] == customer_id
    assert synced.facts(email).get("customer") is True


def test_customer_without_an_address_gets_one(synced: Office) -> None:
    """The nameless end user makes way for the one with the address: one person is linked, nobody is left over."""
    customer_id, _ = synced.new_customer(email=None, name="Nora")
    _deliver(synced, customer_id)
    (nameless,) = _people_of(synced, customer_id)

    synced.simulator.control("update_customer", id=customer_id, new_email=f"{customer_id}@nora.example")
    _deliver(synced, customer_id)

    (person,) = _people_of(synced, customer_id)
    assert person == synced.end_user(f"{customer_id}@nora.example")
    assert person != nameless
    assert nameless not in _everybody(synced)
    assert synced.facts(f"{customer_id}@nora.example").get("customer") is True


def test_nameless_person_who_is_known_otherwise_stays(synced: Office) -> None:
    """Whoever was given attributes only loses the customer when its address becomes known."""
    customer_id, _ = synced.new_customer(email=None, name="Nils")
    _deliver(synced, customer_id)
    (nameless,) = _people_of(synced, customer_id)
    with synced.database.workspace(synced.workspace_id) as session:
        end_user_repository.set_end_user_attributes(synced.workspace_id, session, nameless, {"seat": "window"})

    synced.simulator.control("update_customer", id=customer_id, new_email=f"{customer_id}@nils.example")
    _deliver(synced, customer_id)

    assert _people_of(synced, customer_id) == {synced.end_user(f"{customer_id}@nils.example")}
    assert nameless in _everybody(synced)


def test_customers_are_found_by_id_address_and_name(synced: Office) -> None:
    """The chooser finds parts of addresses and names; wildcards mean themselves."""
    customer_id, email = synced.new_customer()
    # The simulated merchant outlives this test's database, so what is looked for is this customer's own.
    synced.simulator.control("update_customer", id=customer_id, name=f"100%_Müller {customer_id}!")
    _deliver(synced, customer_id)

    named = f"0%_müller {customer_id}!", f"1%müller {customer_id}!"

    with synced.database.workspace(synced.workspace_id) as session:
        found = {
            query: [hit.customer_id for hit in synced.service.search_customers(synced.workspace_id, session, query)]
            for query in (customer_id, email[:-4].upper(), *named, "%", "", "no such person")
        }

    assert found[customer_id] == [customer_id]
    assert found[email[:-4].upper()] == [customer_id]
    assert [found[query] for query in named] == [[customer_id], []]
    assert customer_id in found["%"]
    assert len(found["%"]) < 10
    assert found[""] == []
    assert found["no such person"] == []


def test_another_workspace_sees_nothing(synced: Office) -> None:
    """Customers, panels, links and status of one workspace do not exist for another."""
    customer_id, email = synced.new_customer()
    _deliver(synced, customer_id)
    other = synced.in_other_workspace()

    with other.database.workspace(other.workspace_id) as session:
        hits = other.service.search_customers(other.workspace_id, session, customer_id)

    assert list(hits) == []
    assert other.panel(email)["state"] == "not_connected"
    assert other.service.status(other.workspace_id) == {"connections": []}
    assert isinstance(_try_link(other, email, customer_id), NotFound)


def test_price_that_changes_reaches_everybody_who_uses_it(synced: Office) -> None:
    """A renamed product shows on every panel, through one set-based queue."""
    customer_id, email = synced.new_customer()
    synced.simulator.control("create_subscription", id=customer_id)
    _deliver(synced, customer_id)
    product_id = synced.facts(email).get("product_id")
    synced.simulator.control("clock", advance_s=10)
    name = f"Renamed {customer_id}"
    synced.simulator.control("update_product", id=product_id, name=name)
    _deliver(synced, str(product_id))

    assert synced.facts(email).get("plan") == name
    assert synced.panel(email)["plan"]["name"] == name


# helpers


def _deliver(office: Office, *object_ids: str) -> None:
    for object_id in object_ids:
        office.deliver(*office.events(object_id))
    office.settle()


def _link(office: Office, email: str, customer_id: str) -> None:
    assert _try_link(office, email, customer_id) is None


def _try_link(office: Office, email: str, customer_id: str) -> NotFound | None:
    end_user_id = office.write_in(email)
    with office.database.workspace(office.workspace_id) as session:
        return office.service.link_customer(
            office.workspace_id, session, end_user_id, customer_id, member_id=AGENT, now=office.clock.now()
        )


def _unlink(office: Office, email: str) -> int:
    end_user_id: EndUserId = office.write_in(email)
    with office.database.workspace(office.workspace_id) as session:
        return office.service.unlink_customers(
            office.workspace_id, session, end_user_id, member_id=AGENT, now=office.clock.now()
        )


def _is_pending(office: Office, email: str) -> bool:
    end_user_id = office.write_in(email)
    with office.database.workspace(office.workspace_id) as session:
        found = office.service.match_and_read(office.workspace_id, session, end_user_id, office.clock.now())
    return found.match_pending


def _people_of(office: Office, customer_id: str) -> set[EndUserId]:
    key = CustomerKey(connection_id=office.connection.id, customer_id=customer_id)
    with office.database.workspace(office.workspace_id, readonly=True) as session:
        return links.end_users_of(office.workspace_id, session, [key]).get(key, set())


def _everybody(office: Office) -> set[EndUserId]:
    with office.database.workspace(office.workspace_id, readonly=True) as session:
        return {person.id for person in end_user_repository.end_users(office.workspace_id, session, limit=500).rows}
