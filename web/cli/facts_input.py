"""What `ochre facts derive` is given: files and options, read strictly, each fault in a line that says how to mend it.

Wrong options end with status 2, as all wrong usage does; files that do not hold what they should end with 1.
"""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal, DecimalException
from fractions import Fraction
from typing import Any, BinaryIO, NoReturn

import click

from engine.faults import Fault
from engine.workspace.settings import parse_currency
from stripe_sync.objects import KINDS, Bundle, bundle_from_json

MAX_BYTES = 256 * 1024 * 1024
"""A customer with a hundred thousand charges takes about as much."""
MAX_RATE_LENGTH = 40
FIRST_YEAR, LAST_YEAR = 1970, 9990
STANDARD_INPUT = "standard input"
_RATE = re.compile(r"\d{1,20}(?:\.\d{1,20})?", re.ASCII)


def read_bundle(file: BinaryIO) -> Bundle:
    """Return the bundle in `file`; what is no object inside its lists is left out with a warning."""
    document = read_object(file)
    customer = document.get("customer")
    if customer is not None and not isinstance(customer, dict):
        _refuse(file, f"has a customer that is {_kind(customer)}; give the object or null")
    for name in sorted(KINDS - {"customers"}):
        _check_list(file, name, document.get(name))
    return bundle_from_json(document)


def read_object(file: BinaryIO) -> dict[str, Any]:
    """Return the JSON object in `file`; decimals stay as they are written."""
    try:
        body = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise click.ClickException(f"{name_of(file)} cannot be read: {error.strerror}") from error
    if len(body) > MAX_BYTES:
        _refuse(file, f"is larger than {MAX_BYTES // 2**20} MiB")
    try:
        document = json.loads(body.decode("utf-8-sig"), parse_float=_decimal, parse_constant=_constant)
    except UnicodeDecodeError as error:
        _refuse(file, f"is not UTF-8: byte {error.start} is wrong")
    except RecursionError:
        _refuse(file, "is not JSON that can be read: nested too deeply")
    except ValueError as error:
        _refuse(file, f"is not JSON: {error}")
    if not isinstance(document, dict):
        _refuse(file, f"does not hold a JSON object, but {_kind(document)}")
    return document


def name_of(file: BinaryIO) -> str:
    """Return what to call a file."""
    name = getattr(file, "name", STANDARD_INPUT)
    return STANDARD_INPUT if name == "<stdin>" else str(name)


def instant(written: str) -> datetime:
    """Return the instant of `--at`; without an offset it is UTC."""
    try:
        found = datetime.fromisoformat(written.strip())
        at = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.UsageError(f"--at {written!r}: write an instant as 2026-11-20T12:00:00Z") from None
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise click.UsageError(f"--at {written!r}: Stripe counts from {FIRST_YEAR}; the last year is {LAST_YEAR}")
    return at


def currency(written: str, option: str) -> str:
    """Return a currency in lower case."""
    found = parse_currency(written)
    if isinstance(found, Fault):
        raise click.UsageError(f"{option} {written!r}: {found.message}")
    return found


def rates(written: Sequence[str]) -> dict[str, Fraction]:
    """Return the rates of `--rate`, exactly, by currency."""
    found: dict[str, Fraction] = {}
    for each in written:
        code, _, value = each.partition("=")
        option = f"--rate {each[:MAX_RATE_LENGTH]!r}"
        if not _RATE.fullmatch(value.strip()) or not Decimal(value.strip()):
            raise click.UsageError(f"{option}: write it as eur=1.10, what one unit is worth, a positive decimal")
        known = currency(code, "--rate")
        if known in found:
            raise click.UsageError(f"{option}: {known} has a rate already; give each currency once")
        found[known] = Fraction(value.strip())
    return found


def _check_list(file: BinaryIO, name: str, value: Any) -> None:
    found = value.get("data") if isinstance(value, dict) else value
    if found is None and not isinstance(value, dict):
        return
    if not isinstance(found, list):
        _refuse(file, f"has {name} that are {_kind(value)}; give a list of objects")
    wrong = [position for position, element in enumerate(found) if not isinstance(element, dict)]
    if wrong:
        click.echo(
            f"Warning: {name_of(file)}: {name}[{wrong[0]}] is {_kind(found[wrong[0]])} and no object; left out"
            + (f", and {len(wrong) - 1} more like it" if len(wrong) > 1 else ""),
            err=True,
        )


def _kind(value: Any) -> str:
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (type(None), "null"),
        (bool, "true or false"),
        ((int, Decimal), "a number"),
        (str, "a text"),
        (list, "a list"),
    )
    return next((name for types, name in kinds if isinstance(value, types)), "an object of another kind")


def _decimal(written: str) -> Decimal:
    try:
        return Decimal(written)
    except DecimalException:
        raise ValueError(f"the number {written[:MAX_RATE_LENGTH]} is out of all bounds") from None


def _constant(written: str) -> NoReturn:
    raise ValueError(f"{written} is no number in JSON")


def _refuse(file: BinaryIO, what: str) -> NoReturn:
    raise click.ClickException(f"{name_of(file)} {what}")
