"""What have the three servers in common? A private folder, free ports, a tree of processes to kill."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from tests.support.guardian import kill_tree

START_WITHIN_S = 90.0


def say(text: str) -> None:
    """Progress for the person waiting."""
    print(f"[services] {text}", file=sys.stderr, flush=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Guardian:
    """Ends what we started even when we are killed (see guardian.py)."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("guardian.py"))],
            stdin=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def watch(self, kind: str, value: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{kind} {value}\n")
        self._process.stdin.flush()

    def dismiss(self) -> None:
        """Everything named and still there is cleared away now."""
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate(timeout=30)


class Server:
    """One server of ours. ``start`` returns when it answers; ``kill`` is SIGKILL for the whole tree."""

    name = "server"

    def __init__(self, guardian: Guardian) -> None:
        self._guardian = guardian
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"stationmaster-{self.name}-"))
        self.folder.chmod(0o755)
        guardian.watch("dir", self.folder)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Idempotent."""
        if self._process is not None and self._process.poll() is None:
            return
        began = time.monotonic()
        self._launch()
        self._wait_until(self._answers, "answer")
        say(f"{self.name} answers on 127.0.0.1:{self.port} after {time.monotonic() - began:.1f} s")

    def _launch(self) -> None:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    def _spawn(self, command: list[str], *, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        with (self.folder / "output.log").open("ab") as output:
            process = subprocess.Popen(
                command, env=env, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        self._guardian.watch("pid", process.pid)
        return process

    def _wait_until(self, true: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + START_WITHIN_S
        while not true():
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"{self.name} ended while starting:\n{self.output()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not {what}:\n{self.output()}")
            time.sleep(0.05)

    def output(self) -> str:
        """The end of what it printed."""
        with contextlib.suppress(OSError):
            return (self.folder / "output.log").read_text(errors="replace")[-4000:]
        return ""

    def pids(self) -> list[int]:
        """Of the server's whole tree: for CPU accounting and for killing."""
        if self._process is None or self._process.poll() is not None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(self._process.pid)
            return [root.pid, *(child.pid for child in root.children(recursive=True))]
        return []

    def kill(self) -> None:
        """The power goes: SIGKILL. Data stays; ``restart`` brings it back on the same port."""
        if self._process is not None:
            psutil.wait_procs(kill_tree(self._process.pid), timeout=10)
            self._process.wait(timeout=10)
            self._process = None

    def restart(self) -> None:
        """On the same port with the same data, after a kill or instead of one."""
        self._terminate()
        self.start()

    def stop(self) -> None:
        """Politely, then surely; the data go too."""
        self._terminate()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _terminate(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=10)
        self.kill()


def connects(port: int) -> socket.socket | None:
    with contextlib.suppress(OSError):
        return socket.create_connection(("127.0.0.1", port), timeout=1)
    return None


def program(*patterns: str) -> Path | None:
    """The newest installed file matching one of the patterns (absolute globs), or a name on the PATH."""
    for pattern in patterns:
        if "/" not in pattern:
            if found := shutil.which(pattern):
                return Path(found)
        elif matches := sorted(Path("/").glob(pattern.lstrip("/"))):
            return matches[-1]
    return None


def is_root() -> bool:
    return os.geteuid() == 0
