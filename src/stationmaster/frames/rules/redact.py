"""What must never be written into the log? Keys and passwords that commands carry.

A ChangeConfiguration may set AuthorizationKey (security whitepaper, 2.2), a GetConfiguration's answer may
tell it, and the URLs of GetDiagnostics, UpdateFirmware and their like may hold a password.
"""

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

HIDDEN: Final = "***"
SECRET_KEYS: Final = frozenset({"authorizationkey", "basicauthpassword", "password"})
_IN_URL: Final = re.compile(r"(?<=://)[^/?#\s\"\\@]+@")
_WITH_SECRETS: Final = frozenset({"ChangeConfiguration", "GetConfiguration"})


def redact(action: str, payload: str, raw: str | None) -> tuple[str, str | None, bool]:
    """The payload and the frame without secrets, and whether there was one."""
    if action in _WITH_SECRETS and _mentions_secret(payload, raw):
        return _by_structure(payload), None if raw is None else _by_structure(raw), True
    if "://" in payload or (raw is not None and "://" in raw):
        clean = _IN_URL.sub(f"{HIDDEN}@", payload)
        clean_raw = None if raw is None else _IN_URL.sub(f"{HIDDEN}@", raw)
        return clean, clean_raw, (clean, clean_raw) != (payload, raw)
    return payload, raw, False


def _mentions_secret(payload: str, raw: str | None) -> bool:
    text = f"{payload}{raw or ''}".lower()
    return any(key in text for key in SECRET_KEYS) or "\\u" in text


def _by_structure(text: str) -> str:
    """Wherever an object names a secret ``key``, its ``value`` is hidden; text that is no JSON is hidden
    as a whole.
    """
    try:
        return msgspec.json.encode(_walk(msgspec.json.decode(text), _hide)).decode()
    except (msgspec.MsgspecError, RecursionError):
        return f'"{HIDDEN}"'


def _walk(value: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    if isinstance(value, dict):
        return change({key: _walk(inner, change) for key, inner in value.items()})
    return [_walk(inner, change) for inner in value] if isinstance(value, list) else value


def _hide(value: dict[str, Any]) -> dict[str, Any]:
    is_secret = str(value.get("key", "")).strip().lower() in SECRET_KEYS
    return {**value, "value": HIDDEN} if is_secret and "value" in value else value
