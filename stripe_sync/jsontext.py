"""Reading JSON from outside so that any database can keep it.

NUL characters and lone surrogates are legal in JSON and in neither PostgreSQL's text nor UTF-8; they become U+FFFD.
Bytes that are no UTF-8 do too. What is no JSON at all is a ValueError.
"""

import json
import re
from typing import Any

import orjson

REPLACEMENT = "\ufffd"
_SUSPECT = re.compile(rb"\\u0000|\\u[dD][89a-fA-F]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def parse(body: bytes) -> Any:
    """Return what `body` says, with characters that cannot be stored replaced; raise ValueError if it is no JSON."""
    if _SUSPECT.search(body) is None:
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass  # perhaps only the encoding is broken, or a number is too large: the slow way below decides
    try:
        return _clean(json.loads(body.decode("utf-8", errors="replace")))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def dump(value: Any) -> str:
    """Return `value` as compact JSON text."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value, separators=(",", ":"))  # integers beyond 64 bits


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub(REPLACEMENT, value)
    if isinstance(value, dict):
        return {_clean(key): _clean(element) for key, element in value.items()}
    if isinstance(value, list):
        return [_clean(element) for element in value]
    return value
