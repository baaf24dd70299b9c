"""What does a gateway tell Prometheus? Every label is bounded: stations and their texts are never labels."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from stationmaster.ocpp.actions16 import CSMS_ACTIONS, STATION_ACTIONS

FRAMES_IN: Final = Counter("stationmaster_gateway_frames_in", "Frames from stations", ["kind", "action"])
FRAMES_OUT: Final = Counter("stationmaster_gateway_frames_out", "Frames to stations", ["kind"])
IGNORED: Final = Counter("stationmaster_gateway_frames_ignored", "Frames that changed nothing", ["reason"])
REFUSED: Final = Counter("stationmaster_gateway_handshakes_refused", "Stations not let in", ["reason"])
CONNECTIONS: Final = Gauge("stationmaster_gateway_connections", "Open links")
TAKEOVERS: Final = Counter("stationmaster_gateway_takeovers", "Second connections of a station", ["outcome"])
CONFIRM_S: Final = Histogram(
    "stationmaster_gateway_confirm_seconds",
    "From a frame's arrival to its being durable",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0),
)
SPOOL_DEPTH: Final = Gauge("stationmaster_gateway_spool_messages", "Messages in the spool")
SPOOLED: Final = Counter("stationmaster_gateway_spooled", "Messages that went to the spool")
UNDURABLE: Final = Counter("stationmaster_gateway_undurable", "Messages that could be made durable nowhere")
DECISIONS: Final = Counter("stationmaster_gateway_decisions", "Answers that needed a decision", ["by"])
COMMANDS: Final = Counter("stationmaster_gateway_commands", "Commands of ours", ["outcome"])
LEASED_IDS: Final = Gauge("stationmaster_gateway_leased_transaction_ids", "Transaction ids in hand")

_KNOWN: Final = STATION_ACTIONS | CSMS_ACTIONS

# One lookup per frame instead of one label resolution.
_frames_in: Final = {("call", action): FRAMES_IN.labels("call", action) for action in STATION_ACTIONS}


def count_in(kind: str, action: str) -> None:
    counter = _frames_in.get((kind, action))
    if counter is None:
        counter = FRAMES_IN.labels(kind, action if action in _KNOWN else "unknown")
    counter.inc()


OUT_RESULT: Final = FRAMES_OUT.labels("result")
OUT_CALL: Final = FRAMES_OUT.labels("call")
