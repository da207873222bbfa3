"""Shapes of money moving: payment intents, charges, refunds, disputes."""

from stripe_sync.simulator.records import Record
from stripe_sync.simulator.shapes.customers import NO_ADDRESS, charged_card
from stripe_sync.simulator.world import World

_NETWORK_CODE = "10.4"
_DISPUTE_EVIDENCE: Record = {
    **dict.fromkeys(
        (
            "access_activity_log",
            "billing_address",
            "cancellation_policy",
            "cancellation_policy_disclosure",
            "cancellation_rebuttal",
            "customer_communication",
            "customer_email_address",
            "customer_name",
            "customer_purchase_ip",
            "customer_signature",
            "duplicate_charge_documentation",
            "duplicate_charge_explanation",
            "duplicate_charge_id",
            "product_description",
            "receipt",
            "refund_policy",
            "refund_policy_disclosure",
            "refund_refusal_explanation",
            "service_date",
            "service_documentation",
            "shipping_address",
            "shipping_carrier",
            "shipping_date",
            "shipping_documentation",
            "shipping_tracking_number",
            "uncategorized_file",
            "uncategorized_text",
        )
    ),
    "enhanced_evidence": {},
}


def charge(world: World, record: Record) -> Record:
    """Return a charge; its refunds only come by expand, and no field leads to an invoice."""
    succeeded = record["status"] == "succeeded"
    return {
        "id": record["id"],
        "object": "charge",
        "amount": record["amount"],
        "amount_captured": record["amount_captured"],
        "amount_refunded": record["amount_refunded"],
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": "txn_" + record["id"][3:] if succeeded and record["captured"] else None,
        "billing_details": {
            "address": NO_ADDRESS,
            "email": record["email"],
            "name": record["name"],
            "phone": None,
            "tax_id": None,
        },
        "calculated_statement_descriptor": "SIMULATED",
        "captured": record["captured"],
        "created": record["created"],
        "currency": record["currency"],
        "customer": record["customer"],
        "description": record["description"],
        "disputed": record["disputed"],
        "failure_balance_transaction": None,
        "failure_code": record["failure_code"],
        "failure_message": record["failure_message"],
        "fraud_details": {},
        "livemode": world.livemode,
        "metadata": record["metadata"],
        "on_behalf_of": None,
        "outcome": _outcome(record),
        "paid": record["paid"],
        "payment_intent": record["payment_intent"],
        "payment_method": record["payment_method"],
        "payment_method_details": _method_details(record),
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": record["refunded"],
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": record["status"],
        "transfer_data": None,
        "transfer_group": None,
    }


def _method_details(record: Record) -> Record:
    card = record["card"]
    if card is None:
        return {record["method_type"]: {}, "type": record["method_type"]}
    return {"card": charged_card(card, record["amount"]), "type": "card"}


def _outcome(record: Record) -> Record | None:
    if record["status"] == "pending":
        return None
    failed = record["status"] == "failed"
    return {
        "advice_code": "try_again_later" if failed else None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network" if failed else "approved_by_network",
        "reason": record["failure_code"],
        "risk_level": "normal",
        "seller_message": "The bank declined this payment." if failed else "Payment complete.",
        "type": "issuer_declined" if failed else "authorized",
    }


def payment_intent(world: World, record: Record) -> Record:
    """Return a payment intent; its charges are reached through `latest_charge`."""
    return {
        "id": record["id"],
        "object": "payment_intent",
        "amount": record["amount"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": record["amount_received"],
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": record["canceled_at"],
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": None,
        "confirmation_method": "automatic",
        "created": record["created"],
        "currency": record["currency"],
        "customer": record["customer"],
        "customer_account": None,
        "description": record["description"],
        "excluded_payment_method_types": None,
        "last_payment_error": _payment_error(record),
        "latest_charge": record["latest_charge"],
        "livemode": world.livemode,
        "managed_payments": {"enabled": False},
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": record["payment_method"],
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": "off_session",
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": record["status"],
        "transfer_data": None,
        "transfer_group": None,
    }


def _payment_error(record: Record) -> Record | None:
    if record["failure_code"] is None:
        return None
    return {
        "charge": record["latest_charge"],
        "code": record["failure_code"],
        "message": "Your card was declined.",
        "type": "card_error",
    }


def associated_payment(record: Record) -> Record:
    """Return what an invoice payment was made with."""
    kind = "payment_intent" if record["payment_intent"] else "payment_record"
    return {kind: record[kind], "type": kind}


def refund(_world: World, record: Record) -> Record:
    """Return a refund; a failed one says why."""
    shape = {
        "id": record["id"],
        "object": "refund",
        "amount": record["amount"],
        "balance_transaction": "txn_" + record["id"][3:],
        "charge": record["charge"],
        "created": record["created"],
        "currency": record["currency"],
        "customer": record["customer"],
        "customer_account": None,
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": record["metadata"],
        "payment_intent": record["payment_intent"],
        "payment_method": record["payment_method"],
        "reason": record["reason"],
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": record["status"],
        "transfer_reversal": None,
    }
    if record["failure_reason"]:
        shape["failure_reason"] = record["failure_reason"]
    return shape


def dispute(world: World, record: Record) -> Record:
    """Return a dispute; statuses that start with `warning_` are inquiries."""
    inquiry = record["status"].startswith("warning_")
    return {
        "id": record["id"],
        "object": "dispute",
        "amount": record["amount"],
        "balance_transactions": [],
        "charge": record["charge"],
        "created": record["created"],
        "currency": record["currency"],
        "enhanced_eligibility_types": [],
        "evidence": _DISPUTE_EVIDENCE,
        "evidence_details": {
            "due_by": record["created"] + 14 * 86_400,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": world.livemode,
        "metadata": record["metadata"],
        "payment_intent": record["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": record["card_brand"],
                "case_type": "inquiry" if inquiry else "chargeback",
                "network": record["card_brand"],
                "network_reason_code": _NETWORK_CODE,
            },
            "type": "card",
        },
        "reason": record["reason"],
        "status": record["status"],
    }
