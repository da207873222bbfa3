"""Pages of a list, newest first, and the opaque cursor that leads from one to the next."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

MAX_LIMIT = 200
DEFAULT_LIMIT = 50

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place after one row of a list ordered by instant and id."""

    at: datetime
    id: str

    def encode(self) -> str:
        """Return the cursor as it travels."""
        return base64.urlsafe_b64encode(f"{self.at.isoformat()}|{self.id}".encode()).decode().rstrip("=")

    @staticmethod
    def decode(text: str) -> "Cursor | None":
        """Return the cursor that was encoded as `text`, or None if `text` is none of ours."""
        try:
            at, _, id_ = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True).decode().partition("|")
            instant = datetime.fromisoformat(at)
            cursor = Cursor(instant.astimezone(UTC), id_)
        except (ValueError, OverflowError, binascii.Error):
            return None
        return cursor if id_ and "\x00" not in id_ and instant.tzinfo is not None else None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list, and where to go on."""

    rows: Sequence[T]
    next: str | None
    """The cursor of the next page; None on the last."""
