"""Answers of the simulated API, and Stripe's errors in Stripe's words."""

from dataclasses import dataclass, field
from http import HTTPStatus

from stripe_sync.simulator.records import Record

_DOCS = "https://stripe.com/docs/error-codes/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One HTTP answer: a status, a JSON body, and headers beyond the usual ones."""

    status: int
    body: Record
    headers: dict[str, str] = field(default_factory=dict)


class StripeError(Exception):
    """A refusal in Stripe's form; becomes an `Answer`."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.kind = kind

    def answer(self) -> Answer:
        """Return the error as Stripe sends it."""
        error: Record = {"message": self.message, "type": self.kind}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = _DOCS + self.code.replace("_", "-")
        if self.param:
            error["param"] = self.param
        return Answer(status=self.status, body={"error": error})


class OAuthError(Exception):
    """A refusal of the OAuth endpoints, in their own form."""

    def __init__(self, status: int, code: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.code = code
        self.description = description

    def answer(self) -> Answer:
        """Return the error as the OAuth endpoints send it."""
        return Answer(status=self.status, body={"error": self.code, "error_description": self.description})


def missing(kind: str, record_id: str, param: str = "id") -> StripeError:
    """Return the 404 for an object that is not there."""
    return StripeError(404, f"No such {kind}: '{record_id}'", code="resource_missing", param=param)


def invalid(param: str, message: str, code: str | None = None) -> StripeError:
    """Return the 400 for a bad parameter."""
    return StripeError(400, message, code=code, param=param)


def rate_limited(reason: str) -> Answer:
    """Return a 429 with the header that says which limiter spoke."""
    error = StripeError(
        429,
        "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
        code="rate_limit",
    )
    answer = error.answer()
    return Answer(status=429, body=answer.body, headers={"Stripe-Rate-Limited-Reason": reason})


def forced(status: int) -> Answer:
    """Return the answer of a fault: any status Stripe might give, with a body that fits."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return rate_limited("global-rate")
    if status == HTTPStatus.UNAUTHORIZED:
        return invalid_key("sk_*********").answer()
    kind = "api_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    return StripeError(status, "An error was forced by the simulator's faults.", kind=kind).answer()


def invalid_key(shown: str) -> StripeError:
    """Return the 401 for a key nobody issued."""
    return StripeError(401, f"Invalid API Key provided: {shown}")
