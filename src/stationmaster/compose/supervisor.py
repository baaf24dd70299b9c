"""Several roles, one process each, watched and restarted: `stationmaster up --roles gateway,ocpp-worker*2,api`."""

import asyncio
import os
import signal
import sys
from dataclasses import dataclass, field

import structlog

from stationmaster.compose.process import until_signalled
from stationmaster.compose.roles import ALL
from stationmaster.kernel.errors import Refused

log = structlog.get_logger()

BACK_OFF_S = (0.5, 1, 2, 5, 10, 30)
STEADY_AFTER_S = 60.0
STOP_WITHIN_S = 20.0


def parse(text: str) -> list[str]:
    """`a,b*2` -> [a, b, b]. Raises Refused for an unknown role or a silly number."""
    found: list[str] = []
    for part in text.split(","):
        name, _, times = part.strip().partition("*")
        count = int(times) if times.isdigit() else 0 if times else 1
        if name not in ALL or not 1 <= count <= 64:
            raise Refused(
                "unknown_role",
                f"{part.strip()!r} is no role.",
                hint=f"One of {', '.join(ALL)}, as NAME or NAME*N.",
            )
        found.extend([name] * count)
    return found


@dataclass(slots=True)
class Child:
    """A role's process, whichever it is by now."""

    role: str
    number: int
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0
    is_wanted: bool = field(default=True)

    async def keep(self, arguments: list[str]) -> None:
        """Start it, and again whenever it ends, until it is no longer wanted."""
        loop = asyncio.get_running_loop()
        while self.is_wanted:
            begun = loop.time()
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "stationmaster", self.role, *arguments, env=self._environment()
            )
            log.info("child.started", role=self.role, number=self.number, pid=self.process.pid)
            code = await self.process.wait()
            if not self.is_wanted:
                return
            self.restarts = 0 if loop.time() - begun > STEADY_AFTER_S else self.restarts + 1
            pause = BACK_OFF_S[min(self.restarts, len(BACK_OFF_S) - 1)]
            log.error("child.ended", role=self.role, number=self.number, code=code, again_in_s=pause)
            await asyncio.sleep(pause)

    def _environment(self) -> dict[str, str]:
        """Two gateways of one machine need two data directories and one shared port."""
        environment = dict(os.environ)
        if self.role == "gateway" and self.number > 1:
            base = environment.get("STATIONMASTER_DATA_DIR", "data")
            environment["STATIONMASTER_DATA_DIR"] = f"{base}/gateway-{self.number}"
        if self.role == "gateway":
            environment["STATIONMASTER_OCPP_REUSE_PORT"] = "1"
        return environment

    async def end(self) -> None:
        self.is_wanted = False
        if self.process is None or self.process.returncode is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await self.process.wait()
        except TimeoutError:
            log.error("child.killed", role=self.role, number=self.number)
            self.process.kill()
            await self.process.wait()


async def supervise(roles: list[str], arguments: list[str]) -> None:
    """Until a signal; then gateways stop first, so that nothing new comes in."""
    seen: dict[str, int] = {}
    children = []
    for role in roles:
        seen[role] = seen.get(role, 0) + 1
        children.append(Child(role, seen[role]))
    tasks = [asyncio.get_running_loop().create_task(child.keep(arguments)) for child in children]
    await until_signalled()
    await asyncio.gather(*(child.end() for child in children if child.role == "gateway"))
    await asyncio.gather(*(child.end() for child in children if child.role != "gateway"))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
