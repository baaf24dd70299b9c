"""Whose servers are left when a test run dies? Nobody's: this process outlives its parent just to end them.

Standard input names one thing per line: ``pid <n>`` (end it and all below it) or ``dir <path>`` (remove it).
When the pipe closes, however the parent ended, everything named is cleared away.
"""

import contextlib
import os
import shutil
import signal
import sys

import psutil


def kill_tree(pid: int, *, created_at: float | None = None) -> list[psutil.Process]:
    """SIGKILL a process and all below it; nothing when it is gone or the pid means somebody else now."""
    try:
        root = psutil.Process(pid)
        if created_at is not None and abs(root.create_time() - created_at) > 1:
            return []
        victims = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
    for victim in victims:
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()
    return victims


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    processes: dict[int, float] = {}
    folders: list[str] = []
    for line in sys.stdin:
        kind, _, value = line.strip().partition(" ")
        if kind == "pid" and psutil.pid_exists(int(value)):
            processes[int(value)] = psutil.Process(int(value)).create_time()
        elif kind == "dir":
            folders.append(value)
    victims = [victim for pid, born in processes.items() for victim in kill_tree(pid, created_at=born)]
    psutil.wait_procs(victims, timeout=10)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    main()
