"""What did the directory say of a station, lately or before the backend went away?

Everything is in memory and on disk, so that known stations reconnect while the backend is down. A record that
is no longer fresh still admits, and is asked for again in the background.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from stationmaster.gateway.ports import StationDirectory, StationRecord
from stationmaster.infra.records import RecordFile
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import Unavailable

SPACE = "station"
ASKING_AT_ONCE = 16
"""Lookups under way together: a storm of reconnects must not become a storm on the backend."""

_decode = msgspec.json.Decoder(StationRecord).decode
_encode = msgspec.json.Encoder().encode


class DirectoryCache:
    """The directory, remembered."""

    def __init__(self, directory: StationDirectory, file: RecordFile, runtime: Runtime):
        self._directory, self._file, self._runtime = directory, file, runtime
        self._records: dict[str, StationRecord] = {}
        self._asked_at: dict[str, float] = {}
        self._asking: dict[str, asyncio.Task[StationRecord | Unavailable | None]] = {}
        self._turn = asyncio.Semaphore(ASKING_AT_ONCE)

    async def load(self) -> None:
        """What the disk has; an unreadable record is as good as none."""
        for identity, body in (await self._file.load(SPACE)).items():
            try:
                self._records[identity] = _decode(body)
            except msgspec.MsgspecError:
                continue

    def known(self, identity: str) -> StationRecord | None:
        return self._records.get(identity)

    def is_fresh(self, identity: str, within_s: float) -> bool:
        asked_at = self._asked_at.get(identity)
        return asked_at is not None and self._runtime.clock.monotonic() - asked_at < within_s

    def stale(self, identities: Sequence[str], within_s: float) -> list[str]:
        return [identity for identity in identities if not self.is_fresh(identity, within_s)]

    async def ask(self, identity: str) -> StationRecord | None:
        """The directory's word now, kept; asked once however many wait for it. Raises Unavailable."""
        task = self._asking.get(identity)
        if task is None:
            task = self._runtime.spawn(self._ask(identity), name=f"directory:{identity}")
            self._asking[identity] = task
            task.add_done_callback(lambda _: self._asking.pop(identity, None))
        found = await asyncio.shield(task)
        if isinstance(found, Unavailable):
            raise found
        return found

    async def _ask(self, identity: str) -> StationRecord | Unavailable | None:
        """An expected failure is a value here: several may wait for it, or nobody any more."""
        try:
            async with self._turn:
                found = await self._directory.lookup(identity)
        except Unavailable as error:
            return error
        if found is not None:
            self._asked_at[identity] = self._runtime.clock.monotonic()
        await self._keep(identity, found)
        return found

    async def _keep(self, identity: str, found: StationRecord | None) -> None:
        if found == self._records.get(identity):
            return
        try:
            if found is None:
                del self._records[identity]
                self._asked_at.pop(identity, None)
                await self._file.delete(SPACE, [identity])
            else:
                self._records[identity] = found
                await self._file.put(SPACE, {identity: _encode(found)})
        except Unavailable:
            return  # The memory has it; the disk is only for the next start.
