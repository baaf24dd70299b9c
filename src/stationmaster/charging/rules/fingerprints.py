"""Is this the same message again? A station that retries may do so with a new message id (reliability
5.4)."""

import hashlib
from datetime import datetime


def start_fingerprint(
    *,
    station_id: str,
    connector_id: int,
    id_token: str,
    meter_start: object,
    device_time: object,
    reservation_id: object = None,
) -> str:
    """``meter_start`` and ``device_time`` as the station wrote them: two illegible times may still differ."""
    return _digest("start", station_id, connector_id, id_token, meter_start, device_time, reservation_id)


def stop_fingerprint(
    *, station_id: str, transaction_id: int, meter_stop: object, device_time: object, reason: str
) -> str:
    return _digest("stop", station_id, transaction_id, meter_stop, device_time, reason)


def sample_digest(samples: str) -> str:
    """The same reading twice is one row."""
    return hashlib.blake2b(samples.encode(), digest_size=12).hexdigest()


def _digest(*parts: object) -> str:
    text = "\x1f".join(part.isoformat() if isinstance(part, datetime) else str(part) for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
