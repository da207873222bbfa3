"""Drafts and versions of rulesets as plain data."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from engine.ids import MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The text being worked on; nobody saved it yet if `updated_at` is None."""

    text: str
    etag: str
    updated_by: MemberId | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionInfo:
    """A published version without its text."""

    number: int
    rules: int
    published_by: MemberId
    published_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedVersion:
    """A published version: immutable, numbered from 1 in each workspace."""

    number: int
    rules: int
    text: str
    language: str
    published_by: MemberId
    published_at: datetime


class VersionKey(NamedTuple):
    """What names a version's text beyond doubt: a number alone could be that of a transaction that failed."""

    number: int
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Indicate that the draft was changed by somebody else meanwhile; `current` is what it is now."""

    current: Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSuchVersion:
    """Indicate that a version of that number was never published."""

    number: int


def etag_of(text: str) -> str:
    """Return the tag that names a draft's text, for If-Match."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
