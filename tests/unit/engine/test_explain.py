"""Why a conversation is where it is, in sentences."""

from engine.core.actions import Actions, Priority
from engine.core.decision import Decision, Owner, RuleError
from engine.core.explain import REASONS, Kind, sentences, unknown_in_words, why
from engine.core.facts import Reason
from engine.core.outcome import AppliedEffect, Outcome
from engine.core.slots import attribute_slot, tag_slot


def test_a_matched_rule_says_what_it_did() -> None:
    """Each rule is named with the slots it decided."""
    rule = Owner(rule="Past due to billing")
    decision = Decision(
        matched=("Past due to billing", "Also"),
        stopped_by="Also",
        actions=Actions(
            assign_team="billing", priority=Priority.HIGH, add_tags=("billing",), set_attributes={"tier": "gold"}
        ),
        owners={
            "assign_team": rule,
            "priority": rule,
            tag_slot("billing"): rule,
            attribute_slot("tier"): rule,
        },
    )

    assert sentences(why(decision, {}, ruleset_version=1)) == (
        (
            "“Past due to billing” matched and assigned it to team billing, set its priority to high, "
            "added tag billing and set attribute tier."
        ),
        "“Also” matched, without deciding anything alone.",
        "“Also” ended the check; rules below it were not asked.",
    )


def test_an_unknown_rule_says_which_fact_and_why() -> None:
    """The reason stands in words behind the fact."""
    decision = Decision(
        unknown={"VIP": ("mrr", "trial_days_left")},
        fallback=True,
        actions=Actions(assign_team="support"),
        owners={"assign_team": Owner(rule=None)},
    )
    lines = why(decision, {"mrr": "no_customer", "trial_days_left": "not_applicable"}, ruleset_version=3)

    assert sentences(lines) == (
        "No rule matched, so the fallback assigned it to team support.",
        "“VIP” could not be judged: MRR is unknown: no Stripe customer, trial days left is unknown: there is none.",
    )
    assert lines[1].facts == ("mrr", "trial_days_left")
    assert lines[1].to_json()["kind"] == "unknown"


def test_nothing_published_says_so() -> None:
    """Version 0 is not silence."""
    (line,) = why(Decision(), {}, ruleset_version=0)

    assert line.kind is Kind.NO_RULES


def test_nothing_matched_and_no_fallback() -> None:
    """Later messages have no fallback; that is said too."""
    (line,) = why(Decision(), {}, ruleset_version=1)

    assert line.text == "No rule matched, so nothing was changed."


def test_failures_human_choices_errors_and_shadows_are_told() -> None:
    """What was not done is as visible as what was."""
    effects = (
        AppliedEffect(action="assign_team", value="gone", outcome=Outcome.FAILED, message="There is no team gone."),
        AppliedEffect(action="priority", value="low", outcome=Outcome.KEPT, message="A person chose otherwise."),
        AppliedEffect(action="add_tag", value="vip", outcome=Outcome.APPLIED),
    )
    decision = Decision(
        matched=("A",),
        unknown={"B": ()},
        errors=(RuleError(rule="B", code="division_by_zero", message="division by zero"),),
        shadow=("C",),
    )

    assert sentences(why(decision, {}, effects, ruleset_version=1))[1:] == (
        "Assigning it to team gone was not done: There is no team gone.",
        "Setting its priority to low was not done: A person chose otherwise.",
        "“B” could not be judged: division by zero.",
        "“C” matched too, but only runs in shadow.",
    )


def test_many_of_a_kind_are_counted() -> None:
    """A thousand unknown rules are five sentences and a number."""
    decision = Decision(matched=("A",), unknown={f"R{n}": ("mrr",) for n in range(1_000)})
    lines = why(decision, {"mrr": "not_connected"}, ruleset_version=1)

    assert len(lines) == 1_001
    assert sentences(lines)[-1] == "And 995 more are like this (unknown)."
    assert len(sentences(lines)) == 7


def test_every_reason_has_words() -> None:
    """No reason shows as its code; a fact without reason is said to be not given."""
    assert set(REASONS) == set(Reason)
    assert unknown_in_words("ltv", {}) == "LTV is unknown: no value was given"
