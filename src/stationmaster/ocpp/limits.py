"""How much will we take from a station before we stop reading? (reliability 8.2)"""

from typing import Final

FRAME_BYTES_MAX: Final = 64 * 1024
"""The largest real 1.6 frames (a local list, a composite schedule) stay below half of this."""

DEPTH_MAX: Final = 32
"""OCPP 1.6 nests six deep; a recursive reader dies at about a thousand."""

TOKENS_MAX: Final = 5000
"""Commas, colons and opening brackets outside strings: what a reader spends time on."""

DIGITS_MAX: Final = 40
"""Of one number. Beyond, a number is an attack on whoever converts it."""

MESSAGE_ID_LENGTH_MAX: Final = 36
"""OCPP-J 1.6, 4.1.4."""

ACTION_LENGTH_MAX: Final = 64
"""The standard's longest name has 32 characters."""

INCOMING_WINDOW: Final = 4
"""A station may have one unanswered CALL (OCPP-J 1.6, 4.1.1); sloppy ones have a few."""

INCOMING_BACKLOG_MAX: Final = 64
"""What may already lie in the socket's buffer when we ask it to stop reading."""

CALLS_WAITING_MAX: Final = 32
"""CALLs of ours behind the outstanding one, per station."""

ANSWER_WITHIN_S: Final = 30.0
"""How long a station may take to answer a CALL of ours."""

REMEMBERED_CALLS: Final = 32
"""Finished CALLs of ours kept by id, to tell a late answer from an unknown one."""
