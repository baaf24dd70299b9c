"""Who is the one that does a thing, when the database is a file? Holder of a lock on a file beside it.

The system lets go of the lock when the holder's process ends, however it ends, and it works between handles
of one process as well as between processes.
"""

import fcntl
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


class FileLeadership:
    """Locks in ``folder``, one file per name."""

    def __init__(self, folder: Path):
        self._folder = folder

    @asynccontextmanager
    async def tenure(self, name: str) -> AsyncIterator[bool]:
        """See the port."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / (re.sub(r"[^A-Za-z0-9_.-]", "_", name) + ".lock")
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                taken = False
            else:
                taken = True
            yield taken
