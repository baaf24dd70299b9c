"""What does a driver read beside an amount?"""

from typing import Final

_TEXTS: Final = {
    "credit": "Credit",
    "topup": "Top-up",
    "hold": "Set apart for charging",
    "release": "Returned: the charge did not happen",
    "reverse": "Correction",
    "opening": "Opening balance",
}


def text_of(kind: str, *, amount_minor: int) -> str:
    """A settlement gives the unused part back, or takes what the hold did not cover."""
    if kind == "settle":
        return "Unused part returned" if amount_minor >= 0 else "Charging beyond the amount set apart"
    return _TEXTS.get(kind, kind)
