"""Reading single settings from the environment or from files, collecting faults instead of stopping at the first."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PREFIX = "OCHRE_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with one variable, and how to mend it."""

    variable: str
    message: str


class SettingsReader:
    """Reads variables by their name without the prefix, and remembers what was wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.faults: list[Fault] = []

    def fault(self, name: str, message: str) -> None:
        """Remember that the variable `name` is wrong."""
        self.faults.append(Fault(variable=PREFIX + name, message=message))

    def is_given(self, name: str) -> bool:
        """Return whether the variable or its `_FILE` form is set to something."""
        return bool(self._environ.get(PREFIX + name) or self._environ.get(f"{PREFIX}{name}_FILE"))

    def optional(self, name: str) -> str | None:
        """Return the value of `name`, stripped, or None if it is not set or empty."""
        value = self._environ.get(PREFIX + name, "").strip()
        path = self._environ.get(f"{PREFIX}{name}_FILE", "").strip()
        if value and path:
            self.fault(name, f"is set twice: remove either it or {PREFIX}{name}_FILE")
        if value or not path:
            return value or None
        return self._from_file(name, Path(path))

    def text(self, name: str, *, default: str) -> str:
        """Return the value of `name`, or `default` if it is not set."""
        return self.optional(name) or default

    def choice(self, name: str, choices: tuple[str, ...], *, default: str) -> str:
        """Return the value of `name`, which must be one of `choices`, in lower case."""
        value = self.text(name, default=default).lower()
        if value not in choices:
            self.fault(name, f"must be one of {', '.join(choices)}, not {value!r}")
            return default
        return value

    def items(self, name: str) -> tuple[str, ...]:
        """Return the items of the list `name`, separated by commas or white space."""
        return tuple((self.optional(name) or "").replace(",", " ").split())

    def _from_file(self, name: str, path: Path) -> str | None:
        try:
            value = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            self.fault(f"{name}_FILE", f"cannot read {path}: {reason}")
            return None
        return value or None


def keep_secret(path: Path) -> str:
    """Return the secret kept in the file `path`, making both on first use; only its owner may read it.

    Two processes that start together agree: the file appears whole, and whoever comes second reads it. Raises
    OSError if the folder cannot be written.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()
