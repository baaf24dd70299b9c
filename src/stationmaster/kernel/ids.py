"""Where names for new things come from.

Ids are text ``<prefix>_<26 characters>``: 48 bits of milliseconds, then 80 random bits, Crockford base 32, so
they sort by birth and cannot be guessed.
"""

import random
import secrets
from typing import NewType, Protocol

from stationmaster.kernel.clock import Clock, SystemClock, epoch_ms

StationId = NewType("StationId", str)
SessionId = NewType("SessionId", str)

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MAX_TRANSACTION_ID = 2**31 - 1
_HALF_BITS = 16
_ROUND_KEYS = (0x9E37, 0x79B9, 0x7F4A, 0x7C15)


class IdSource(Protocol):
    """Makes ids and secrets."""

    def new(self, prefix: str) -> str:
        """A new sortable, unguessable id."""
        ...

    def token(self, length: int = 16) -> str:
        """Random text of ``length`` base-32 characters (5 bits each)."""
        ...

    def random(self) -> float:
        """0 <= x < 1, for jitter."""
        ...


def _base32(number: int, length: int) -> str:
    return "".join(_ALPHABET[(number >> (5 * i)) & 31] for i in reversed(range(length)))


class SystemIds:
    """Ids from the machine's entropy."""

    def __init__(self, clock: Clock | None = None):
        self._clock = clock or SystemClock()

    def new(self, prefix: str) -> str:
        return f"{prefix}_{_base32((epoch_ms(self._clock.now()) << 80) | secrets.randbits(80), 26)}"

    def token(self, length: int = 16) -> str:
        return _base32(secrets.randbits(5 * length), length)

    def random(self) -> float:
        return secrets.randbits(53) / (1 << 53)


class SeededIds:
    """The same ids every time: tests and simulations."""

    def __init__(self, seed: int, clock: Clock):
        self._random = random.Random(seed)  # noqa: S311 - reproducibility is the point
        self._clock = clock

    def new(self, prefix: str) -> str:
        return f"{prefix}_{_base32((epoch_ms(self._clock.now()) << 80) | self._random.getrandbits(80), 26)}"

    def token(self, length: int = 16) -> str:
        return _base32(self._random.getrandbits(5 * length), length)

    def random(self) -> float:
        return self._random.random()


def _feistel(value: int, *, keys: tuple[int, ...]) -> int:
    left, right = value >> _HALF_BITS, value & 0xFFFF
    for key in keys:
        left, right = right, left ^ (((right * 0x2C1B) ^ (right >> 5) ^ key) & 0xFFFF)
    return (right << _HALF_BITS) | left


def transaction_id_of(sequence: int) -> int:
    """The wire's transactionId of a sequence number: a bijection on 1 .. 2^31-1 (reliability 5.3).

    A 32-bit Feistel network, walked until the value falls into range (cycle walking), so ids are unique as long
    as the sequence is, and do not tell how many there were.
    """
    if not 0 < sequence <= MAX_TRANSACTION_ID:
        raise ValueError(f"transaction sequence out of range: {sequence}")
    value = _feistel(sequence, keys=_ROUND_KEYS)
    while not 0 < value <= MAX_TRANSACTION_ID:
        value = _feistel(value, keys=_ROUND_KEYS)
    return value
