"""Has this one had enough for now? Small counters with bounded memory."""

from collections import OrderedDict

from stationmaster.gateway.limits import TRACKED_KEYS_MAX


class Bucket:
    """So many at once, so many per second afterwards."""

    __slots__ = ("_at", "_burst", "_left", "_per_s")

    def __init__(self, per_s: float, burst: float, now: float):
        self._per_s, self._burst, self._left, self._at = per_s, burst, burst, now

    def take(self, now: float) -> float:
        """Take one. How many seconds to wait before the next: 0 while there are some left.

        Never refuses: what has arrived is served, and the debt is waited off.
        """
        left = self._left + (now - self._at) * self._per_s
        self._left = (min(self._burst, left)) - 1.0
        self._at = now
        return 0.0 if self._left >= 0.0 else -self._left / self._per_s


class Window:
    """How often did each key occur in the running window of ``span_s``? Forgets the oldest keys beyond a
    bound.
    """

    def __init__(self, limit: int, span_s: float, keys_max: int = TRACKED_KEYS_MAX):
        self._limit, self._span_s, self._keys_max = limit, span_s, keys_max
        self._seen: OrderedDict[object, list[float]] = OrderedDict()

    def add(self, key: object, now: float) -> None:
        times = self._recent(key, now)
        times.append(now)
        self._seen[key] = times[-self._limit :]
        self._seen.move_to_end(key)
        if len(self._seen) > self._keys_max:
            self._seen.popitem(last=False)

    def is_full(self, key: object, now: float) -> bool:
        return len(self._recent(key, now)) >= self._limit

    def forget(self, key: object) -> None:
        self._seen.pop(key, None)

    def _recent(self, key: object, now: float) -> list[float]:
        return [at for at in self._seen.get(key, ()) if now - at < self._span_s]
