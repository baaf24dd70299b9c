"""Which number does a new link get, so that it is above every earlier link of its station?

epoch = milliseconds x 4096 + this gateway's number. The milliseconds never repeat or go back within its life,
restarts and a stepped clock included; links of the same station on other gateways are known from the presence
cache and the directory's record.
"""

import fcntl
from io import TextIOWrapper
from pathlib import Path
from typing import Final

from stationmaster.gateway.ports import StationDirectory
from stationmaster.infra.records import RecordFile
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.clock import epoch_ms
from stationmaster.kernel.errors import Refused, Unavailable

NUMBERS: Final = 4096
SPACE: Final = "gateway"
RETRY_S: Final = 1.0
RETRY_MAX_S: Final = 15.0


class DataDirLock:
    """Two gateways must never share a number: its home is locked for as long as the process lives."""

    def __init__(self, data_dir: Path):
        self._path = data_dir / "gateway.lock"
        self._held: TextIOWrapper | None = None

    def take(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        held = self._path.open("a")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held.close()
            raise Refused(
                "data_dir_in_use",
                f"Another gateway works in {self._path.parent}.",
                hint="Give each gateway a data directory of its own.",
            ) from None
        self._held = held

    def release(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None


class Epochs:
    """Mints; ready once the number is known."""

    def __init__(self, file: RecordFile, runtime: Runtime):
        self._file, self._runtime = file, runtime
        self._number: int | None = None
        self._last_ms = self._kept_ms = 0

    @property
    def is_ready(self) -> bool:
        return self._number is not None

    async def load(self, gateway_id: str) -> str:
        """The gateway's id: the given one, else the kept one, else a new one. Its number, if it is known
        already.
        """
        kept = await self._file.load(SPACE)
        self._last_ms = self._kept_ms = int(kept.get("last_ms", b"0"))
        known_id = kept.get("id", b"").decode()
        chosen = gateway_id or known_id or f"gw-{self._runtime.ids.token(8).lower()}"
        if chosen == known_id and "number" in kept:
            self._number = int(kept["number"])
        return chosen

    async def register(self, gateway_id: str, directory: StationDirectory) -> None:
        """Ask for the number until it is answered; the answer wins over what was kept."""
        wait_s, number = RETRY_S, 0
        while not number:
            try:
                number = await directory.register_gateway(gateway_id)
            except Unavailable:
                await self._runtime.sleep(wait_s)
                wait_s = min(2 * wait_s, RETRY_MAX_S)
        assert 0 < number < NUMBERS, number
        await self._file.put(SPACE, {"id": gateway_id.encode(), "number": str(number).encode()})
        self._number = number

    def mint(self, *, above: int = 0) -> int:
        """A new epoch, above all of ours and above the one given."""
        assert self._number is not None, "minting before the number is known"
        now_ms = epoch_ms(self._runtime.clock.now())
        self._last_ms = max(now_ms, self._last_ms + 1, above // NUMBERS + 1)
        return self._last_ms * NUMBERS + self._number

    async def keep(self) -> None:
        """Called now and then: the highest milliseconds, for a restart after the clock was set back."""
        if self._last_ms > self._kept_ms:
            last_ms = self._last_ms
            await self._file.put(SPACE, {"last_ms": str(last_ms).encode()})
            self._kept_ms = last_ms
