"""How meter values become rows, with or without a session."""

from collections.abc import Iterable
from typing import Any

from stationmaster.charging.model import MeterValue
from stationmaster.charging.rules.fingerprints import sample_digest


def rows_of(
    values: Iterable[MeterValue],
    *,
    station_id: str,
    connector_id: int,
    transaction_id: int | None,
    session_id: str | None,
    epoch: int,
    seq: int,
) -> list[dict[str, Any]]:
    return [
        {
            "station_id": station_id,
            "connector_id": connector_id,
            "sampled_at": value.reading.at,
            "digest": sample_digest(value.samples),
            "transaction_id": transaction_id,
            "session_id": session_id,
            "epoch": epoch,
            "seq": seq,
            "energy_wh": value.reading.energy_wh,
            "power_w": value.reading.power_w,
            "soc_percent": value.reading.soc_percent,
            "samples": value.samples,
        }
        for value in values
    ]
