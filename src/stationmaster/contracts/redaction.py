"""What must never be written into the log or shown? Keys and passwords that commands carry.

A ChangeConfiguration may set AuthorizationKey (security whitepaper, 2.2), a GetConfiguration's answer may
tell it, and the URLs of GetDiagnostics, UpdateFirmware and their like may hold a password. Found by shape and
not by action: an answer that comes too late belongs to no action that we know.
"""

import re
from typing import Any, Final

import msgspec

HIDDEN: Final = "***"
SECRET_KEYS: Final = frozenset({"authorizationkey", "basicauthpassword", "password"})
_IN_URL: Final = re.compile(r"(?<=://)[^/?#\s\"\\@]+@")
_TELLTALES: Final = tuple(key for key in SECRET_KEYS if not any(key != k and k in key for k in SECRET_KEYS))
"""Who mentions a secret key mentions one of these; looked for in every frame."""
_ESCAPE: Final = "\\u"
"""A letter of a secret's name may be written as an escape."""


def redact(text: str) -> str:
    """JSON without the secrets in it; the very same text when there are none."""
    if _mentions_secret(text) or _ESCAPE in text:
        text = _by_structure(text)
    return _IN_URL.sub(f"{HIDDEN}@", text) if "://" in text else text


def _mentions_secret(text: str) -> bool:
    folded = text.casefold()
    return any(key in folded for key in _TELLTALES)


def _by_structure(text: str) -> str:
    """Wherever an object names a secret ``key``, its ``value`` is hidden; text that is no JSON and mentions
    one is hidden as a whole.
    """
    try:
        said = msgspec.json.decode(text)
        clean = _walk(said)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return f'"{HIDDEN}"' if _mentions_secret(text) else text
    return text if clean == said else msgspec.json.encode(clean).decode()


def _walk(value: Any) -> Any:
    if isinstance(value, dict):
        return _hide({key: _walk(inner) for key, inner in value.items()})
    return [_walk(inner) for inner in value] if isinstance(value, list) else value


def _hide(value: dict[str, Any]) -> dict[str, Any]:
    is_secret = str(value.get("key", "")).strip().lower() in SECRET_KEYS
    return {**value, "value": HIDDEN} if is_secret and "value" in value else value
