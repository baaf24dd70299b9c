"""What must every bus do? One exam, taken by each adapter against the real thing.

An adapter's test module subclasses ``BusExam`` and provides the fixture ``place``: somewhere that keeps its
messages while buses come, crash and go.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

import pytest

from stationmaster.contracts import topology as topologies
from stationmaster.contracts.topology import Binding, Exchange, Queue, Topology, dead_queue, with_ladder
from stationmaster.infra.bus.port import REASON_HEADER, Bus, Delivery, Message, Unroutable
from stationmaster.kernel.errors import Invalid, Unavailable

RETRY_DELAYS_S = (0.1, 0.2)


class Place(Protocol):
    """Where the adapter under exam keeps its messages."""

    is_shared: bool
    """May two processes use it at once?"""

    async def open(self) -> Bus:
        """A bus of its own, started."""
        ...

    async def crash(self, bus: Bus) -> None:
        """It is gone in the middle of whatever it was doing; nothing is finished."""
        ...


class Names:
    """Unlike any other test's."""

    def __init__(self) -> None:
        prefix = f"exam.{secrets.token_hex(4)}"
        self.exchange, self.alias = f"{prefix}.in", f"{prefix}.alias"
        self.work, self.log, self.losable = f"{prefix}.work", f"{prefix}.log", f"{prefix}.losable"
        self.mailbox = f"{prefix}.mailbox"

    def topology(self) -> Topology:
        ladders = [with_ladder(name, retry_delays_s=RETRY_DELAYS_S) for name in (self.work, self.log)]
        losable = Queue(self.losable, {"x-queue-type": "quorum", "x-message-ttl": 60_000}, ladder=False)
        return Topology(
            exchanges=(Exchange(self.exchange), Exchange(self.alias)),
            queues=(*ladders[0], *ladders[1], losable),
            bindings=(
                Binding(self.alias, "ocpp.message.#", self.exchange, to_exchange=True),
                Binding(self.exchange, "ocpp.#", self.work),
                Binding(self.exchange, "both.#", self.work),
                Binding(self.exchange, "both.#", self.log),
                Binding(self.exchange, "hint.#", self.losable),
            ),
            retry_delays_s=RETRY_DELAYS_S,
        )

    def message(self, number: int = 1, *, key: str = "ocpp.metervalues", group: str | None = None) -> Message:
        return Message(self.exchange, key, document(number), message_id=f"m{number}", group=group)


def document(number: int) -> bytes:
    """Different lengths, spaces, non-ASCII, brackets within strings: nothing of it may change on the way."""
    return f'{{"n": {number},  "text": "é],[\\"{"x" * (number % 97)}"}}'.encode()


class Collected:
    """A handler that keeps what it got and does what it is told."""

    def __init__(self, then: Callable[[Sequence[Delivery]], None] | None = None) -> None:
        self.batches: list[list[Delivery]] = []
        self.attempts: list[int] = []
        self._then = then
        self._news = asyncio.Event()

    async def __call__(self, batch: Sequence[Delivery]) -> None:
        self.batches.append(list(batch))
        self.attempts.extend(delivery.attempts for delivery in batch)
        self._news.set()
        if self._then is not None:
            self._then(batch)

    @property
    def deliveries(self) -> list[Delivery]:
        return [delivery for batch in self.batches for delivery in batch]

    @property
    def documents(self) -> list[bytes]:
        return [item for delivery in self.deliveries for item in delivery.items]

    async def wait(self, true: Callable[["Collected"], bool], *, within_s: float = 15) -> None:
        async with asyncio.timeout(within_s):
            while not true(self):
                self._news.clear()
                await self._news.wait()

    async def wait_for_documents(self, count: int) -> None:
        await self.wait(lambda collected: len(collected.documents) >= count)


async def until(true: Callable[[], Awaitable[bool]], *, within_s: float = 15) -> None:
    async with asyncio.timeout(within_s):
        while not await true():
            await asyncio.sleep(0.02)


def never(_batch: Sequence[Delivery]) -> None:
    raise ValueError("cannot be applied")


@pytest.mark.anyio
@pytest.mark.services
class BusExam:
    """Subclass it; see the module's docstring."""

    @pytest.fixture
    def names(self) -> Names:
        return Names()

    @asynccontextmanager
    async def bus(self, place: Place, names: Names) -> AsyncIterator[Bus]:
        bus = await place.open()
        await bus.apply(names.topology())
        try:
            yield bus
        finally:
            await bus.stop()

    # Durable, at least once.

    async def test_a_published_message_survives_a_crash(self, place: Place, names: Names) -> None:
        first = await place.open()
        await first.apply(names.topology())
        await first.publish(names.message(1))
        await place.crash(first)
        async with self.bus(place, names) as bus:
            collected = Collected()
            await bus.consume(names.work, collected)
            await collected.wait_for_documents(1)
            assert collected.documents == [document(1)]

    async def test_what_was_in_hand_at_a_crash_is_delivered_again_as_it_was(
        self, place: Place, names: Names
    ) -> None:
        first = await place.open()
        await first.apply(names.topology())
        in_hand = asyncio.Event()

        async def hang(_batch: Sequence[Delivery]) -> None:
            in_hand.set()
            await asyncio.Event().wait()

        await first.consume(names.work, hang, batch_max=10)
        await first.publish(names.message(1))
        await asyncio.wait_for(in_hand.wait(), 10)
        await place.crash(first)
        async with self.bus(place, names) as bus:
            collected = Collected()
            await bus.consume(names.work, collected)
            await collected.wait_for_documents(1)
            [delivery] = collected.deliveries
            assert (delivery.items, delivery.routing_key) == ([document(1)], "ocpp.metervalues")
            assert delivery.redelivered
            assert delivery.attempts == 1

    async def test_what_was_acknowledged_does_not_come_back(self, place: Place, names: Names) -> None:
        async with self.bus(place, names) as bus:
            collected = Collected()
            await bus.consume(names.work, collected)
            await bus.publish(names.message(1))
            await collected.wait_for_documents(1)
        async with self.bus(place, names) as bus:
            again = Collected()
            await bus.consume(names.work, again)
            await bus.publish(names.message(2))
            await again.wait_for_documents(1)
            assert again.documents == [document(2)]

    # Order, packing, numbers.

    async def test_one_publishers_messages_come_in_order(self, place: Place, names: Names) -> None:
        async with self.bus(place, names) as bus:
            collected = Collected()
            await bus.consume(names.work, collected, batch_max=50)
            for number in range(200):
                await bus.publish(names.message(number, group="frames" if number % 2 else None))
            await collected.wait_for_documents(200)
            assert collected.documents == [document(number) for number in range(200)]

    async def test_two_thousand_documents_of_fifty_tasks_all_arrive_unaltered_and_packed(
        self, place: Place, names: Names
    ) -> None:
        async with self.bus(place, names) as bus:
            collected = Collected()
            await bus.consume(names.work, collected, batch_max=500, prefetch=100)

            async def publish(task: int) -> None:
                for number in range(task * 40, task * 40 + 40):
                    await bus.publish(names.message(number, group="frames"))

            await asyncio.gather(*(publish(task) for task in range(50)))
            await collected.wait_for_documents(2000)
            assert Counter(collected.documents) == Counter(document(number) for number in range(2000))
            assert len(collected.deliveries) < 1000

    async def test_submitted_documents_are_there_when_their_futures_are_done(
        self, place: Place, names: Names
    ) -> None:
        async with self.bus(place, names) as bus:
            await asyncio.gather(*(bus.submit(names.message(number, group="g")) for number in range(500)))
            lost = bus.submit(Message("", "no.such.queue", b"{}", message_id="lost"))
            with pytest.raises(Unroutable):
                await lost
            collected = Collected()
            await bus.consume(names.work, collected, batch_max=500)
            await collected.wait_for_documents(500)
            assert collected.documents == [document(number) for number in range(500)]

    async def test_a_message_without_a_group_travels_alone(self, place: Place, names: Names) -> None:
        async with self.bus(place, names) as bus:
            await asyncio.gather(*(bus.publish(names.message(number)) for number in range(20)))
            collected = Collected()
            await bus.consume(names.work, collected, batch_max=20)
            await collected.wait_for_documents(20)
            assert [len(delivery.items) for delivery in collected.deliveries] == [1] * 20
            assert {delivery.message_id for delivery in collected.deliveries} == {f"m{n}" for n in range(20)}

    async def test_a_document_larger_than_a_pack_passes(self, place: Place, names: Names) -> None:
        async with self.bus(place, names) as bus:
            large = b'{"text":"' + b"y" * 700_000 + b'"}'
            collected = Collected()
            await bus.consume(names.work, collected, batch_max=10)
            await asyncio.gather(
                *(
                    bus.publish(Message(names.exchange, "ocpp.x", body, "i", group="g"))
                    for body in (b"{}", large)
                )
            )
            await collected.wait_for_documents(2)
            assert sorted(map(len, collected.documents)) == [2, len(large)]

    async def test_what_is_no_json_is_refused_before_it_spoils_a_pack(
        self, place: Place, names: Names
    ) -> None:
        async with self.bus(place, names) as bus:
            for body in (b"", b"{", b"{} {}", b"[" * 100_000):
                with pytest.raises(Invalid):
                    await bus.publish(Message(names.exchange, "ocpp.x", body, message_id="bad"))

    # Routes.

    async def test_a_topic_reaches_every_bound_queue_also_through_another_exchange(
        self, place: Place, names: Names
    ) -> None:
        async with self.bus(place, names) as bus:
            work, log = Collected(), Collected()
            await bus.consume(names.work, work)
            await bus.consume(names.log, log)
            await bus.publish(names.message(1, key="both.of.them"))
            await bus.publish(Message(names.alias, "ocpp.message.Boot", document(2), message_id="m2"))
            await work.wait_for_documents(2)
            await log.wait_for_documents(1)
            assert (work.documents, log.documents) == ([document(1), document(2)], [document(1)])

    async def test_nowhere_to_go_is_certain_and_hurts_no_neighbour(self, place: Place, names: Names) -> None:
        async with self.bus(place, names) as bus:
            good = [bus.publish(names.message(number)) for number in range(20)]
            lost = [
                bus.publish(Message(names.exchange, "nobody.listens", b"{}", message_id="a")),
                bus.publish(Message("", "no.such.queue", b"{}", message_id="b")),
                bus.publish(Message(f"{names.exchange}.not", "ocpp.x", b"{}", message_id="c")),
            ]
            outcomes = await asyncio.gather(*good, *lost, return_exceptions=True)
            assert outcomes[:20] == [None] * 20
            assert [type(outcome) for outcome in outcomes[20:]] == [Unroutable] * 3

    async def test_headers_and_priority_travel(self, place: Place, names: Names) -> None:
        async with self.bus(place, names) as bus:
            collected = Collected()
            await bus.consume(names.work, collected)
            traced = Message(
                names.exchange, "ocpp.x", b"{}", "m1", priority=9, group="g", headers={"traceparent": "00-1"}
            )
            plain = Message(names.exchange, "ocpp.x", b"{}", "m2", priority=9, group="g")
            await asyncio.gather(bus.publish(traced), bus.publish(plain))
            await collected.wait_for_documents(2)
            assert sorted(str(delivery.headers) for delivery in collected.deliveries) == [
                "{'traceparent': '00-1'}",
                "{}",
            ]

    # Trouble: the ladder, dead letters, absence, expiry.

    async def test_a_failed_delivery_climbs_the_ladder_and_is_then_a_dead_letter(
        self, place: Place, names: Names
    ) -> None:
        async with self.bus(place, names) as bus:
            collected = Collected(never)
            await bus.consume(names.work, collected)
            await bus.publish(names.message(1))
            await collected.wait(lambda one: len(one.attempts) == 3)
            await until(lambda: self._has_dead(bus, names.work, 1))
            assert collected.attempts == [1, 2, 3]
            assert {delivery.routing_key for delivery in collected.deliveries} == {"ocpp.metervalues"}
            [letter] = await bus.dead_letters(names.work)
            assert (letter.items, letter.attempts) == ([document(1)], 3)
            assert (letter.queue, letter.routing_key) == (names.work, "ocpp.metervalues")
            assert "cannot be applied" in letter.reason

    async def test_the_ladder_takes_its_time(self, place: Place, names: Names) -> None:
        async with self.bus(place, names) as bus:
            loop, at = asyncio.get_running_loop(), list[float]()
            collected = Collected(lambda batch: (at.append(loop.time()), never(batch))[1])
            await bus.consume(names.work, collected)
            await bus.publish(names.message(1))
            await collected.wait(lambda one: len(one.attempts) == 3)
            assert at[1] - at[0] >= RETRY_DELAYS_S[0] * 0.9
            assert at[2] - at[1] >= RETRY_DELAYS_S[1] * 0.9

    async def test_a_document_may_be_published_straight_to_the_dead_letters(
        self, place: Place, names: Names
    ) -> None:
        async with self.bus(place, names) as bus:
            why = {REASON_HEADER: "it alone was bad"}
            await bus.publish(Message("", dead_queue(names.work), document(1), "m1", headers=why))
            await until(lambda: self._has_dead(bus, names.work, 1))
            [letter] = await bus.dead_letters(names.work)
            assert (letter.items, letter.reason) == ([document(1)], "it alone was bad")
            collected = Collected()
            await bus.consume(names.work, collected)
            assert await bus.replay_dead(names.work) == 1
            await collected.wait_for_documents(1)
            assert collected.documents == [document(1)]

    async def test_dead_letters_can_be_looked_at_replayed_and_discarded(
        self, place: Place, names: Names
    ) -> None:
        async with self.bus(place, names) as bus:
            deadly = Collected(
                lambda batch: [delivery.dead("no such station") for delivery in batch] and None
            )
            subscription = await bus.consume(names.work, deadly)
            for number in range(3):
                await bus.publish(names.message(number))
            await until(lambda: self._has_dead(bus, names.work, 3))
            await subscription.cancel()
            assert deadly.attempts == [1, 1, 1]
            assert {letter.reason for letter in await bus.dead_letters(names.work)} == {"no such station"}
            assert len(await bus.dead_letters(names.work, limit=2)) == 2

            assert await bus.discard_dead(names.work, limit=1) == 1
            assert await bus.replay_dead(names.work) == 2
            assert await bus.dead_letters(names.work) == []
            collected = Collected()
            await bus.consume(names.work, collected)
            await collected.wait_for_documents(2)
            # Which one was discarded is not promised: looking may change a broker's order.
            everything = Counter(document(number) for number in range(3))
            assert (everything - Counter(collected.documents)).total() == 1
            assert collected.attempts == [1, 1]

    async def test_one_that_cannot_be_applied_takes_no_neighbour_with_it(
        self, place: Place, names: Names
    ) -> None:
        def refuse_the_third(batch: Sequence[Delivery]) -> None:
            if any(delivery.items == [document(3)] for delivery in batch):
                never(batch)

        async with self.bus(place, names) as bus:
            await asyncio.gather(*(bus.publish(names.message(number)) for number in range(6)))
            await bus.consume(names.work, Collected(refuse_the_third), batch_max=100)
            await until(lambda: self._has_dead(bus, names.work, 1))
            await until(lambda: self._is_empty(bus, names.work))
            assert [letter.items for letter in await bus.dead_letters(names.work)] == [[document(3)]]

    async def test_a_dependency_that_is_away_is_waited_for_in_place(self, place: Place, names: Names) -> None:
        away = [True, True, False]

        def unavailable(_batch: Sequence[Delivery]) -> None:
            if away.pop(0):
                raise Unavailable("database_away")

        async with self.bus(place, names) as bus:
            collected = Collected(unavailable)
            await bus.consume(names.work, collected)
            await bus.publish(names.message(1))
            await collected.wait(lambda one: len(one.attempts) == 3)
            await until(lambda: self._is_empty(bus, names.work))
            assert collected.attempts == [1, 1, 1]
            assert await bus.dead_letters(names.work) == []

    async def test_a_losable_queue_tries_a_little_and_forgets(self, place: Place, names: Names) -> None:
        async with self.bus(place, names) as bus:
            collected = Collected(never)
            await bus.consume(names.losable, collected)
            await bus.publish(names.message(1, key="hint.x"))
            await collected.wait(lambda one: len(one.attempts) == 3)
            await until(lambda: self._is_empty(bus, names.losable))
            assert collected.attempts == [1, 2, 3]

    async def test_what_was_not_taken_in_time_is_a_dead_letter_of_its_own_kind(
        self, place: Place, names: Names
    ) -> None:
        async with self.bus(place, names) as bus:
            message = Message(names.exchange, "ocpp.x", b'{"late":1}', "late", expires_in_s=0.1, group="g")
            await bus.publish(message)
            await until(lambda: self._has_dead(bus, names.work, 1))
            [letter] = await bus.dead_letters(names.work)
            assert (letter.items, letter.reason) == ([b'{"late":1}'], "expired")
            collected = Collected()
            await bus.consume(names.work, collected)
            await bus.publish(Message(names.exchange, "ocpp.x", b'{"late":0}', "in-time", expires_in_s=30))
            await collected.wait_for_documents(1)
            assert collected.documents == [b'{"late":0}']

    # Batches and consumers.

    async def test_a_batch_is_what_is_there_up_to_its_maximum(self, place: Place, names: Names) -> None:
        async with self.bus(place, names) as bus:
            await asyncio.gather(*(bus.publish(names.message(number)) for number in range(10)))
            collected = Collected()
            await bus.consume(names.work, collected, batch_max=4, linger_s=0.3)
            await collected.wait_for_documents(10)
            assert [len(batch) for batch in collected.batches] == [4, 4, 2]

    async def test_a_lingering_consumer_gathers_what_comes_meanwhile(
        self, place: Place, names: Names
    ) -> None:
        async with self.bus(place, names) as bus:
            collected = Collected()
            await bus.consume(names.work, collected, batch_max=100, linger_s=1.0)
            for number in range(5):
                await bus.publish(names.message(number))
            await collected.wait_for_documents(5)
            assert [len(batch) for batch in collected.batches] == [5]

    async def test_an_urgent_document_ends_the_lingering(self, place: Place, names: Names) -> None:
        async with self.bus(place, names) as bus:
            collected = Collected()
            await bus.consume(
                names.work,
                collected,
                batch_max=100,
                linger_s=20,
                urgent=lambda one: one.routing_key == "ocpp.now",
            )
            await bus.publish(names.message(1))
            await bus.publish(names.message(2, key="ocpp.now"))
            await collected.wait_for_documents(2)  # well within the 20 s
            assert [len(batch) for batch in collected.batches] == [2]

    async def test_competing_consumers_share_a_queue(self, place: Place, names: Names) -> None:
        async with AsyncExitStack() as buses:
            first = await buses.enter_async_context(self.bus(place, names))
            second = await buses.enter_async_context(self.bus(place, names)) if place.is_shared else first
            one, two = Collected(), Collected()
            await first.consume(names.work, one, prefetch=5)
            await second.consume(names.work, two, prefetch=5)
            await asyncio.gather(*(first.publish(names.message(number)) for number in range(200)))
            everything = Counter(document(number) for number in range(200))

            async def all_there() -> bool:
                return len(one.documents) + len(two.documents) >= 200

            await until(all_there)
            assert Counter(one.documents) + Counter(two.documents) == everything
            assert one.documents
            assert two.documents

    async def test_a_cancelled_consumer_finishes_its_batch_and_takes_no_more(
        self, place: Place, names: Names
    ) -> None:
        async with self.bus(place, names) as bus:
            in_hand, go_on = asyncio.Event(), asyncio.Event()

            async def slowly(_batch: Sequence[Delivery]) -> None:
                in_hand.set()
                await go_on.wait()

            subscription = await bus.consume(names.work, slowly)
            await bus.publish(names.message(1))
            await asyncio.wait_for(in_hand.wait(), 10)
            await bus.publish(names.message(2))
            cancelling = asyncio.ensure_future(subscription.cancel())
            go_on.set()
            await asyncio.wait_for(cancelling, 10)
            collected = Collected()
            await bus.consume(names.work, collected)
            await collected.wait_for_documents(1)
            assert collected.documents == [document(2)]

    # Mailboxes.

    async def test_a_mailbox_is_there_as_long_as_its_owner(self, place: Place, names: Names) -> None:
        letter = Message("", names.mailbox, b'{"hello":1}', message_id="letter", group="answers")
        async with self.bus(place, names) as bus:
            with pytest.raises(Unroutable):
                await bus.publish(letter)
        owner = await place.open()
        await owner.open_mailbox(names.mailbox)
        collected = Collected()
        await owner.consume(names.mailbox, collected, batch_max=10)
        if place.is_shared:
            async with self.bus(place, names) as bus:
                await bus.publish(letter)
        else:
            await owner.publish(letter)
        await collected.wait_for_documents(1)
        assert collected.documents == [b'{"hello":1}']
        await place.crash(owner)
        async with self.bus(place, names) as bus:

            async def is_gone() -> bool:
                try:
                    await bus.publish(letter)
                except Unroutable:
                    return True
                return False

            await until(is_gone)

    # Topology.

    async def test_check_names_what_is_missing(self, place: Place, names: Names) -> None:
        async with self.bus(place, names) as bus:
            topology = names.topology()
            assert await bus.check(topology) == []
            larger = Topology(
                (*topology.exchanges, Exchange(f"{names.exchange}.more")),
                (*topology.queues, Queue(f"{names.work}.more")),
                (),
            )
            assert await bus.check(larger) == [
                f"exchange {names.exchange}.more is missing",
                f"queue {names.work}.more is missing",
            ]

    async def test_the_whole_topology_can_be_applied_twice_and_checked(
        self, place: Place, names: Names
    ) -> None:
        async with self.bus(place, names) as bus:
            whole = topologies.topology()
            await bus.apply(whole)
            await bus.apply(whole)
            assert await bus.check(whole) == []
            states = {state.name for state in await bus.state()}
            assert {queue.name for queue in whole.queues} <= states

    async def test_state_counts_what_waits(self, place: Place, names: Names) -> None:
        async with self.bus(place, names) as bus:
            for number in range(3):
                await bus.publish(names.message(number))

            async def are_counted() -> bool:
                return await self._ready(bus, names.work) == 3

            await until(are_counted)
            collected = Collected()
            await bus.consume(names.work, collected)
            await collected.wait_for_documents(3)
            await until(lambda: self._is_empty(bus, names.work))
            [state] = [state for state in await bus.state() if state.name == names.work]
            assert state.consumers == 1

    async def test_a_bus_that_stopped_takes_nothing_more(self, place: Place, names: Names) -> None:
        async with self.bus(place, names) as bus:
            assert bus.ready
            submitted = [bus.submit(names.message(number, group="g")) for number in range(50)]
        assert [future.exception() for future in submitted] == [None] * 50
        assert not bus.ready
        with pytest.raises(Unavailable):
            await bus.publish(names.message(1))

    async def _has_dead(self, bus: Bus, queue: str, count: int) -> bool:
        return len(await bus.dead_letters(queue)) == count

    async def _is_empty(self, bus: Bus, queue: str) -> bool:
        rungs = [state for state in await bus.state() if state.name.startswith(f"{queue}.retry")]
        return await self._ready(bus, queue) == 0 and not any(state.ready for state in rungs)

    async def _ready(self, bus: Bus, queue: str) -> int:
        [state] = [state for state in await bus.state() if state.name == queue]
        return state.ready + state.unacknowledged
