"""Which documents travel together?"""

import asyncio

import pytest

from stationmaster.infra.bus.packing import PACK_BYTES_MAX, PACK_DOCUMENTS_MAX, Packer, pack, unpack
from stationmaster.infra.bus.port import Message, PublishUnknown
from stationmaster.kernel.clock import VirtualClock
from stationmaster.kernel.errors import Invalid

pytestmark = pytest.mark.anyio


def a_message(
    body: bytes = b"{}",
    *,
    key: str = "k",
    group: str | None = "g",
    priority: int = 1,
    expires_in_s: float | None = None,
) -> Message:
    return Message("x", key, body, "id", priority=priority, group=group, expires_in_s=expires_in_s)


def a_packer(clock: VirtualClock | None = None) -> Packer:
    return Packer((clock or VirtualClock()).monotonic, confirm_within_s=2)


def sizes(packer: Packer) -> list[int]:
    found = []
    while (taken := packer.take()) is not None:
        found.append(len(taken.waiting))
    return found


def test_what_was_packed_comes_out_untouched() -> None:
    bodies = [b'{"a": [1,  2]}', b'"],["', b"1.50", b'{"text":"\xc3\xa9\\u0041"}']
    assert unpack(pack(bodies)) == bodies


@pytest.mark.parametrize("body", [b"", b"{}", b"[1,", b"[1] 2", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_array_of_documents_is_invalid(body: bytes) -> None:
    with pytest.raises(Invalid):
        unpack(body)


async def test_only_the_same_place_priority_and_group_travel_together() -> None:
    packer = a_packer()
    for message in (
        a_message(), a_message(), a_message(key="other"), a_message(group="h"),
        a_message(priority=9), a_message(),
    ):  # fmt: skip
        packer.add(message)
    assert sizes(packer) == [3, 1, 1, 1]


async def test_without_a_group_or_with_an_end_it_travels_alone() -> None:
    packer = a_packer()
    for message in (
        a_message(group=None),
        a_message(group=None),
        a_message(expires_in_s=1),
        a_message(expires_in_s=1),
    ):
        packer.add(message)
    assert sizes(packer) == [1, 1, 1, 1]


async def test_a_pack_ends_at_its_limits() -> None:
    packer = a_packer()
    for _ in range(PACK_DOCUMENTS_MAX + 1):
        packer.add(a_message())
    assert sizes(packer) == [PACK_DOCUMENTS_MAX, 1]
    half = b'"' + b"x" * (PACK_BYTES_MAX // 2) + b'"'
    for _ in range(3):
        packer.add(a_message(half))
    assert sizes(packer) == [1, 1, 1]


async def test_places_take_turns() -> None:
    packer = a_packer()
    for _ in range(PACK_DOCUMENTS_MAX * 2):
        packer.add(a_message(key="busy"))
    packer.add(a_message(key="quiet"))
    first, second = packer.take(), packer.take()
    assert first is not None
    assert second is not None
    assert [first.message.routing_key, second.message.routing_key] == ["busy", "quiet"]


async def test_a_publisher_who_waited_too_long_is_told_and_its_document_does_not_leave() -> None:
    clock = VirtualClock()
    packer = a_packer(clock)
    early = packer.add(a_message(b'"early"'))
    clock.advance(1.5)
    late = packer.add(a_message(b'"late"'))
    clock.advance(0.6)
    packer.expire()
    assert isinstance(early.exception(), PublishUnknown)
    assert not late.done()
    assert packer.documents == 1
    taken = packer.take()
    assert taken is not None
    assert taken.body == b'["late"]'


async def test_a_publisher_is_told_of_a_document_that_left_long_ago_too() -> None:
    clock = VirtualClock()
    packer = a_packer(clock)
    done = packer.add(a_message())
    taken = packer.take()
    clock.advance(2.1)
    packer.expire()
    assert isinstance(done.exception(), PublishUnknown)
    assert taken is not None
    taken.confirm()  # the late confirm hurts nobody


async def test_each_publisher_gets_an_error_of_its_own() -> None:
    packer = a_packer()
    futures = [packer.add(a_message()), packer.add(a_message())]
    taken = packer.take()
    assert taken is not None
    taken.fail(lambda: PublishUnknown("publish_unknown"))
    outcomes = await asyncio.gather(*futures, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [PublishUnknown, PublishUnknown]
    assert outcomes[0] is not outcomes[1]
