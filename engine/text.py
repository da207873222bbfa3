"""Text that may be stored: no NUL byte, no lone surrogate, not too long.

PostgreSQL can keep neither, and a lone surrogate can't even be encoded; on the API both are faults of the sender.
"""

import unicodedata

from engine.faults import Fault


def text_fault(pointer: str, text: str, *, longest: int, shortest: int = 0) -> Fault | None:
    """Return what makes `text` unfit to be stored, or None."""
    if len(text) > longest:
        return Fault(pointer=pointer, message=f"At most {longest:,} characters are allowed; these are {len(text):,}.")
    if len(text.strip()) < shortest:
        return Fault(pointer=pointer, message="This must not be empty.")
    if "\x00" in text:
        return Fault(pointer=pointer, message="A NUL byte (U+0000) is not allowed in text; remove it.")
    if not _is_encodable(text):
        return Fault(
            pointer=pointer, message="A lone surrogate (U+D800 to U+DFFF) is not a character; send valid Unicode."
        )
    return None


def name_fault(pointer: str, text: str, *, longest: int = 100) -> Fault | None:
    """Return what makes `text` unfit as a name (of a team, a tag, …), or None."""
    fault = text_fault(pointer, text, longest=longest, shortest=1)
    if fault is None and any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in text):
        return Fault(pointer=pointer, message="Control characters and line breaks are not allowed here.")
    return fault


def is_storable(text: str) -> bool:
    """Return whether `text` can be in the database at all; what can't is in no row, and need not be asked for."""
    return "\x00" not in text and _is_encodable(text)


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
