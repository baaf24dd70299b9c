"""kill -9 of a process with a bus: what was confirmed is there, what was in hand comes back."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.contract.bus import child
from tests.contract.bus.exam import Collected, Names

pytestmark = [pytest.mark.anyio, pytest.mark.services]
KINDS = ["journal", "amqp"]


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    if request.param == "journal":
        return "journal", str(tmp_path / "journal.db")
    return "amqp", request.getfixturevalue("rabbitmq_url")


def killed_after(lines: int, place: tuple[str, str], what: str, names: Names) -> list[bytes]:
    """Start a child, kill it after so many lines, return everything it said."""
    command = [sys.executable, child.__file__, *place, what, names.exchange, names.work]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    # Its standard output is for logs.
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = [process.stderr.readline().rstrip() for _ in range(lines)]
    process.kill()
    rest = process.stderr.read().splitlines(keepends=True)
    process.stderr.close()
    process.wait(timeout=10)
    return [*said, *(line.rstrip() for line in rest if line.endswith(b"\n"))]


async def test_what_was_confirmed_before_the_kill_is_there(place: tuple[str, str]) -> None:
    names = Names()
    confirmed = await asyncio.to_thread(killed_after, 500, place, "publish", names)
    bus = child.a_bus(*place, child.a_topology(names.exchange, names.work))
    await bus.start()
    collected = Collected()
    await bus.consume(names.work, collected, batch_max=500)
    await collected.wait(lambda one: set(confirmed) <= set(one.documents))
    await bus.stop()
    assert all(body.startswith(b'{"n":') for body in confirmed)


async def test_what_was_in_hand_at_the_kill_comes_back(place: tuple[str, str]) -> None:
    names = Names()
    confirmed = await asyncio.to_thread(killed_after, 200, place, "publish", names)
    in_hand = await asyncio.to_thread(killed_after, 1, place, "consume", names)
    bus = child.a_bus(*place, child.a_topology(names.exchange, names.work))
    await bus.start()
    collected = Collected()
    await bus.consume(names.work, collected, batch_max=500)
    await collected.wait(lambda one: {*confirmed, *in_hand} <= set(one.documents))
    await bus.stop()
