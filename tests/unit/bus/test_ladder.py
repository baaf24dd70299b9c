"""Where does a failed delivery go next?"""

import pytest

from stationmaster.contracts.topology import Queue, Topology, with_ladder
from stationmaster.infra.bus.ladder import Again, Dead, Forget, Ladder
from stationmaster.infra.bus.port import Delivery

LADDER = Ladder(
    Topology((), (*with_ladder("work", retry_delays_s=(1, 10)), Queue("hints", ladder=False)), (), (1, 10))
)


def a_failure(queue: str, *, attempts: int, verdict: str = "retry") -> Delivery:
    return Delivery(queue=queue, routing_key="k", items=[], attempts=attempts, verdict=verdict)


@pytest.mark.parametrize(
    ("attempts", "next_stop"),
    [
        (1, Again("work.retry.1s", 1)),
        (2, Again("work.retry.10s", 10)),
        (3, Dead("work.dead")),
        (50, Dead("work.dead")),
    ],
)
def test_each_attempt_climbs_one_rung(attempts: int, next_stop: object) -> None:
    assert LADDER.after(a_failure("work", attempts=attempts)) == next_stop


def test_dead_is_at_once() -> None:
    assert LADDER.after(a_failure("work", attempts=1, verdict="dead")) == Dead("work.dead")


@pytest.mark.parametrize("queue", ["hints", "charging.gateway.g1"])
def test_without_a_ladder_it_is_tried_a_little_and_forgotten(queue: str) -> None:
    assert isinstance(LADDER.after(a_failure(queue, attempts=2)), Again)
    assert LADDER.after(a_failure(queue, attempts=3)) == Forget()
    assert LADDER.after(a_failure(queue, attempts=1, verdict="dead")) == Forget()
