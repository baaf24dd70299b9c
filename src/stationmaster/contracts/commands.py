"""A command's way to a station and its outcome's way back (architecture 3)."""

import msgspec


class StationCommand(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """What the API's commit asks for; the dispatcher adds gateway and epoch. Queue by action:
    `charging.remote.start`, `charging.remote.stop`, `charging.command`; then `charging.gateway.<id>`."""

    version: int = 1
    kind: str = "command"
    command_id: str
    device_id: str
    command: str  # the OCPP action
    payload: msgspec.Raw
    timestamp: str
    deadline_at: str
    session_id: str | None = None
    gateway_id: str = ""
    epoch: int = 0


class CommandOutcome(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """Exactly one per command: accepted, rejected, failed, timed_out, offline, expired.

    ``answer`` is the station's payload; ``status`` its `status` field where there is one.
    ``state`` may also be `sent` (not an outcome): the CALL was written to the socket.
    """

    version: int = 1
    command_id: str
    device_id: str
    command: str
    state: str
    status: str = ""
    answer: msgspec.Raw = msgspec.Raw(b"null")
    error: str = ""
    session_id: str | None = None
    epoch: int = 0
    timestamp: str = ""


class DecidedAnswer(
    msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True, tag_field="kind", tag="answer"
):
    """The worker's answer to a CALL that needed a decision; sent to the gateway's queue after the commit."""

    version: int = 1
    device_id: str
    epoch: int
    seq: int
    message_id: str
    payload: msgspec.Raw
    error_code: str = ""  # set: answer CALLERROR with this code
    # What the gateway should remember for its offline policy, e.g. an idToken's info.
    remember_id_token: str = ""


class OneTimeToken(
    msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True, tag_field="kind", tag="token"
):
    """Told to a gateway with a remote start, so that it can accept the token while the backend is away."""

    version: int = 1
    device_id: str
    id_token: str
    connector_id: int
    expires_at: str


class ClosedLink(
    msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True, tag_field="kind", tag="probe"
):
    """Gateway to gateway: does this old link of yours still live? If it fails a ping, drop it. (takeover)"""

    version: int = 1
    device_id: str
    epoch: int
    ask_gateway: str
    reply_to: str
    remote_address: str = ""  # where the new connection comes from: the same address replaces without a ping
    newest_wins: bool = False  # the asking gateway's setting: end the old link even when it lives


class ProbeAnswer(
    msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True, tag_field="kind", tag="probed"
):
    """The old gateway's answer to a probe."""

    version: int = 1
    device_id: str
    epoch: int
    alive: bool


_decoder = msgspec.json.Decoder(msgspec.Raw)


class _Kind(msgspec.Struct):
    kind: str = "command"


_TYPES = {
    "command": StationCommand,
    "answer": DecidedAnswer,
    "token": OneTimeToken,
    "probe": ClosedLink,
    "probed": ProbeAnswer,
}

GatewayMail = StationCommand | DecidedAnswer | OneTimeToken | ClosedLink | ProbeAnswer


def decode_gateway_mail(body: bytes) -> GatewayMail:
    """Anything that may lie in a gateway's queue, told apart by ``kind``."""
    kind = msgspec.json.decode(body, type=_Kind).kind
    if kind not in _TYPES:
        raise msgspec.ValidationError(f"unknown kind of gateway mail: {kind!r}")
    mail: GatewayMail = msgspec.json.decode(body, type=_TYPES[kind])
    return mail


def outcome_queue(command: str) -> str:
    """Which response queue a command's outcome belongs to (mission R30, R32)."""
    return {
        "RemoteStartTransaction": "charging.remote.response",
        "RemoteStopTransaction": "charging.remote.stop.response",
    }.get(command, "charging.command.response")


def request_queue(command: str) -> str:
    """Which queue a command is asked on (mission R29, R31)."""
    return {
        "RemoteStartTransaction": "charging.remote.start",
        "RemoteStopTransaction": "charging.remote.stop",
    }.get(command, "charging.command")
