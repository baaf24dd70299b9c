"""How a frame that could not be applied lies among the dead letters.

The wrapper keeps the reason with the frame, is valid JSON even when the frame is not, and is how a replay
is told from a mere redelivery: replaying a dead letter puts the wrapper back into the queue.
"""

import msgspec


class SetAside(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """One set-aside document: ``envelope`` when it could be read as one, else ``body`` (base 64 on the
    wire).
    """

    version: int = 1
    set_aside: str  # the reason
    at: str
    envelope: msgspec.Raw = msgspec.Raw(b"null")
    body: bytes | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(SetAside)


def encode(letter: SetAside) -> bytes:
    return _encoder.encode(letter)


def decode(body: bytes) -> SetAside:
    """Raises msgspec.MsgspecError on anything else, an envelope included."""
    return _decoder.decode(body)
