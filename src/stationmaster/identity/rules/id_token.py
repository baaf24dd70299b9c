"""May this idToken start a charge, and how is one written?"""

from datetime import datetime

from stationmaster.identity.model import IdToken
from stationmaster.kernel.errors import Invalid

LENGTH_MAX = 36
"""OCPP 1.6 allows 20 characters (IdToken, 7.28), 2.0.1 allows 36."""


def normal(token: str) -> str:
    """OCPP compares idTokens without regard to case."""
    return token.strip().upper()


def check_token(token: str) -> str:
    """In its normal form. Raises Invalid."""
    written = normal(token)
    if not 1 <= len(written) <= LENGTH_MAX or not written.isprintable():
        raise Invalid("bad_id_token", f"An idToken has 1 to {LENGTH_MAX} printable characters.")
    return written


def status_at(token: IdToken, now: datetime) -> str:
    """The word of OCPP 1.6 (AuthorizationStatus, 7.2): Accepted, Blocked or Expired."""
    if token.status != "Accepted":
        return "Blocked"
    if token.expires_at is not None and token.expires_at <= now:
        return "Expired"
    return "Accepted"
