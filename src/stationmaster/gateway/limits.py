"""How much does the gateway take, from whom, before it says stop? Numbers with their reasons (reliability
8.2).

Bounds of a frame's content (depth, tokens, digits, ids) are the protocol's: ``ocpp.limits``.
"""

from typing import Final

from stationmaster.ocpp import limits as ocpp_limits

IDENTITY_LENGTH_MAX: Final = 48
"""OCPP 2.0.1 identifierString; 1.6 gives no bound, so ours is its successor's."""

HANDSHAKE_WITHIN_S: Final = 5.0
"""From the TCP connection to the end of the HTTP request: one byte a second gets nowhere."""

HEADER_BYTES_MAX: Final = 8 * 1024
"""A station's upgrade request has a few hundred bytes."""

PASSWORD_BYTES_MAX: Final = 256
"""OCPP 1.6 security whitepaper: at most 40 characters; generous, and far from a megabyte."""

FRAME_BYTES_MAX: Final = ocpp_limits.FRAME_BYTES_MAX
"""Of a whole message, counted over its fragments too."""

FRAGMENTS_MAX: Final = 256
"""Of one message: empty fragments cost us too."""

READ_BUFFER_BYTES: Final = 2 * 1024
"""Per connection at first; grows when a frame needs it. Most stations never send more than 1 KiB at once."""

IN_FLIGHT_MAX: Final = 16
"""Frames of one link on their way to being durable. A station in order has one; above this we stop
reading.
"""

FRAMES_PER_S: Final = 20.0
"""Sustained, per station. Beyond it we read more slowly; nothing is dropped."""

FRAMES_BURST: Final = 100
"""What a station may send at once: its start-up notifications, or a replay of an offline hour."""

EARLY_BYTES_MAX: Final = 256 * 1024
"""What is kept of a connection that was accepted but not yet admitted."""

HANDSHAKES_PER_MIN_IDENTITY: Final = 10
"""Per identity and address: a station that reconnects every 6 s is broken, or not a station."""

HANDSHAKES_PER_MIN_ADDRESS: Final = 60
"""Per address, counting only those that the memory could not admit: a depot behind one address may storm
back.
"""

FAILURES_BEFORE_DELAY: Final = 10
FAILURE_DELAY_S: Final = 15 * 60.0
"""Ten wrong passwords from one address for one identity: that pair waits; the genuine station elsewhere does
not.
"""

TRACKED_KEYS_MAX: Final = 20_000
"""Rate limits remember so many identities or addresses; the oldest are forgotten first."""

CONNECTIONS_MAX: Final = 50_000
CONNECTIONS_PER_ADDRESS_MAX: Final = 2_000
"""Sockets, half-open handshakes included."""

PING_IDLE_S: Final = 30.0
"""Silence after which we ping; a second silence of this length ends the link (two misses)."""

SLOW_READER_S: Final = 30.0
"""How long a station may leave our answers unread before it is dropped."""

CLOSE_WITHIN_S: Final = 2.0
"""How long we wait for the other side's half of the closing handshake."""

REFUSALS_KEPT: Final = 1_000
"""Refused handshakes waiting to be told to the directory; beyond, the oldest are forgotten."""

UNDECIDABLE_WITHIN_S: Final = 30.0
"""A StartTransaction that nobody can decide (backend away, no leased id left): then close, so the station
keeps it.
"""

TAKEOVERS_MAX: Final = 3
TAKEOVER_WINDOW_S: Final = 600.0
"""More takeovers from other addresses than this in ten minutes: two machines fight for one identity; hold."""
