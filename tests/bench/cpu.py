"""How much CPU did each part use, children included?"""

import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping

import psutil

Roots = Callable[[], Iterable[int]]


class Meter:
    """``parts``: a name and a function that lists the root processes of that part; each counts with
    everything below it. ``without``: processes that only watch.
    """

    def __init__(self, parts: Mapping[str, Roots], without: Callable[[], Collection[int]] = tuple):
        self._parts, self._without = parts, without
        self._began: dict[str, float] = {}

    def start(self) -> None:
        self._began = self._now()

    def seconds(self) -> dict[str, float]:
        """User and system time since ``start``."""
        return {name: now - self._began[name] for name, now in self._now().items()}

    def _now(self) -> dict[str, float]:
        return {name: sum(map(self._tree, roots())) for name, roots in self._parts.items()}

    def _tree(self, pid: int) -> float:
        """What ended below it is in its parent's account already."""
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(pid)
            return sum(map(self._one, [root, *root.children(recursive=True)]))
        return 0.0

    def _one(self, process: psutil.Process) -> float:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.pid not in self._without():
                times = process.cpu_times()
                return times.user + times.system + times.children_user + times.children_system
        return 0.0
