"""What happened, told to whoever listens on `events_exchange` (architecture 4, mission R131-R135)."""

import msgspec


class Fact(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """One thing that happened.

    ``type`` is the routing key and, for browsers, the event name. ``sequence`` grows per entity (its row's
    version), so a client ignores what is older than what it has. The ids say whom it concerns: the realtime
    room turns them into Socket.IO rooms. ``data`` is the event's own content (camelCase JSON).
    """

    version: int = 1
    id: str
    type: str
    at: str
    sequence: int = 0
    organisation_id: str | None = None
    station_id: str | None = None
    connector_id: int | None = None
    session_id: str | None = None
    driver_id: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"{}")


CHARGER_BOOTED = "charger.booted"
CHARGER_STATUS_CHANGED = "charger.status.changed"
REMOTE_START_ACCEPTED = "charging.remote.start.accepted"
REMOTE_STOP_ACCEPTED = "charging.remote.stop.accepted"
CHARGING_STARTED = "charging.started"
CHARGING_STOPPED = "charging.stopped"
METER_VALUES_UPDATED = "meter.values.updated"
TRANSACTION_COMPLETED = "transaction.completed"
ERROR_OCCURRED = "error.occurred"
COMMAND_UPDATED = "command.updated"
SESSION_UPDATED = "session.updated"
WALLET_UPDATED = "wallet.updated"
OCPP_LOG_CREATED = "ocpp.log.created"

ALL_TYPES = frozenset(
    {
        CHARGER_BOOTED,
        CHARGER_STATUS_CHANGED,
        REMOTE_START_ACCEPTED,
        REMOTE_STOP_ACCEPTED,
        CHARGING_STARTED,
        CHARGING_STOPPED,
        METER_VALUES_UPDATED,
        TRANSACTION_COMPLETED,
        ERROR_OCCURRED,
        COMMAND_UPDATED,
        SESSION_UPDATED,
        WALLET_UPDATED,
        OCPP_LOG_CREATED,
    }
)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Fact)


def encode(fact: Fact) -> bytes:
    return _encoder.encode(fact)


def decode(body: bytes) -> Fact:
    return _decoder.decode(body)
