"""Each frame has its effect exactly once and in order, whatever comes in whatever pieces."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select
from tests.unit.worker.kit import (
    EPOCH,
    AuthorizeRequest,
    AuthorizeResponse,
    MeterValuesRequest,
    MeterValuesResponse,
    a_kit,
    action_file,
)

from stationmaster.actions.dispatch import Call, Registry
from stationmaster.contracts import set_aside
from stationmaster.infra.bus.port import PublishUnknown
from stationmaster.infra.db.tables import link_mark, outbox, parked_frame, set_aside_frame, stored_answer
from stationmaster.kernel.errors import Unavailable

pytestmark = pytest.mark.anyio


async def test_frames_are_applied_in_order_and_once(tmp_path: Path) -> None:
    async with a_kit(tmp_path) as kit:
        await kit.take(kit.frame(2), kit.frame(1), kit.frame(2))
        await kit.take(kit.frame(3), kit.frame(1))
        assert await kit.seqs() == [1, 2, 3]


async def test_what_follows_a_gap_waits_for_its_filler(tmp_path: Path) -> None:
    async with a_kit(tmp_path) as kit:
        await kit.take(kit.frame(1), kit.frame(3), kit.frame(5))
        await kit.take(kit.frame(3))
        assert await kit.seqs() == [1]
        [mark] = await kit.rows(select(link_mark.c.last_seq, link_mark.c.gap_since, link_mark.c.gateway_id))
        assert tuple(mark) == (1, kit.clock.now(), "gw1")
        await kit.take(kit.frame(2))
        assert await kit.seqs() == [1, 2, 3]
        await kit.take(kit.frame(4))
        assert await kit.seqs() == [1, 2, 3, 4, 5]
        [mark] = await kit.rows(select(link_mark.c.last_seq, link_mark.c.parked, link_mark.c.gap_since))
        assert tuple(mark) == (5, 0, None)
        assert await kit.rows(select(parked_frame)) == []


async def test_a_decided_call_is_answered_again_when_it_comes_again(tmp_path: Path) -> None:
    async with a_kit(tmp_path) as kit:
        await kit.take(kit.frame(1, "Authorize", {"idTag": "A"}))
        await kit.take(kit.frame(1, "Authorize", {"idTag": "other"}), kit.frame(2))
        assert kit.bus.answers() == [(1, "yes A 1", ""), (1, "yes A 1", "")]
        assert kit.bus.sent[0].routing_key == "charging.gateway.gw1"
        assert await kit.seqs() == [1, 2]


async def test_a_gateway_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    async with a_kit(tmp_path) as kit:
        kit.bus.gone.add("charging.gateway.gw1")
        await kit.take(kit.frame(1, "Authorize", {"idTag": "A"}))
        assert await kit.seqs() == [1]


async def test_an_answer_of_unknown_fate_is_sent_again_by_the_redelivery(tmp_path: Path) -> None:
    async with a_kit(tmp_path) as kit:
        kit.bus.failure = PublishUnknown("no_confirm")
        with pytest.raises(Unavailable):
            await kit.take(kit.frame(1, "Authorize", {"idTag": "A"}))
        kit.bus.failure = None
        await kit.take(kit.frame(1, "Authorize", {"idTag": "A"}))
        assert kit.bus.answers() == [(1, "yes A 1", "")]
        assert await kit.seqs() == [1]


async def test_the_culprit_is_set_aside_and_delays_nobody(tmp_path: Path) -> None:
    async with a_kit(tmp_path) as kit:
        poison = kit.frame(2, payload={"connectorId": 1, "poison": True})
        good = [kit.frame(seq, station=station) for station in ("ST2", "ST3") for seq in (1, 2, 3)]
        await kit.take(kit.frame(1), poison, kit.frame(3), kit.frame(4), *good)
        assert await kit.seqs() == [1, 3, 4]
        assert await kit.seqs("ST2") == await kit.seqs("ST3") == [1, 2, 3]
        t = set_aside_frame.c
        [row] = await kit.rows(select(t.seq, t.reason, t.envelope))
        assert (row.seq, row.envelope) == (2, poison)
        assert "RuntimeError: poison" in row.reason
        messages = await kit.rows(select(outbox.c.exchange, outbox.c.routing_key, outbox.c.body))
        assert [(m.exchange, m.routing_key) for m in messages] == [
            ("", "ocpp_messages.dead"), ("events_exchange", "error.occurred"),
        ]  # fmt: skip


async def test_a_culprit_behind_a_gap_is_found_when_the_gap_is_filled(tmp_path: Path) -> None:
    async with a_kit(tmp_path) as kit:
        await kit.take(kit.frame(2), kit.frame(3, payload={"connectorId": 1, "poison": True}), kit.frame(4))
        await kit.take(kit.frame(1))
        assert await kit.seqs() == [1, 2, 4]
        assert await kit.rows(select(parked_frame)) == []


async def test_a_replayed_dead_letter_is_applied_once_and_late(tmp_path: Path) -> None:
    async with a_kit(tmp_path) as kit:
        poison = kit.frame(1, payload={"connectorId": "no number"})
        await kit.take(poison, kit.frame(2))
        await kit.take(poison)
        assert await kit.seqs() == [2], "a mere redelivery is no replay"
        mended = kit.frame(1)
        letter = set_aside.SetAside(set_aside="mended by hand", at="", envelope=msgspec.Raw(mended))
        await kit.take(set_aside.encode(letter))
        await kit.take(set_aside.encode(letter))
        assert await kit.effects() == [(EPOCH, 2, "MeterValues"), (EPOCH, 1, "MeterValues late")]
        [row] = await kit.rows(select(set_aside_frame.c.resolution))
        assert row.resolution == "replayed"


async def test_an_unreadable_decided_call_is_answered_with_an_error(tmp_path: Path) -> None:
    async with a_kit(tmp_path) as kit:
        await kit.take(kit.frame(1, "Authorize", {}), kit.frame(2, "Authorize", {"idTag": [1]}))
        assert kit.bus.answers() == [(1, "", "FormationViolation"), (2, "", "TypeConstraintViolation")]
        [mark] = await kit.rows(select(link_mark.c.last_seq))
        assert mark.last_seq == 2
        assert len(await kit.rows(select(stored_answer))) == 2


async def test_a_culprit_that_needs_an_answer_is_left_to_the_gateway(tmp_path: Path) -> None:
    async def fails(calls: Sequence[Call[AuthorizeRequest]]) -> Sequence[None]:
        raise RuntimeError("no")

    broken = Registry(files=[action_file("authorize", AuthorizeRequest, AuthorizeResponse, fails)])
    async with a_kit(tmp_path, registry=broken) as kit:
        await kit.take(kit.frame(1, "Authorize", {"idTag": "A"}))
        assert kit.bus.answers() == []
        assert await kit.rows(select(stored_answer)) == []
        [row] = await kit.rows(select(set_aside_frame.c.reason))
        assert row.reason == "our_fault: RuntimeError: no"


async def test_documents_that_are_no_frames_become_dead_letters_alone(tmp_path: Path) -> None:
    async with a_kit(tmp_path) as kit:
        await kit.take(b"\xff{", b'{"seq":1}', kit.frame(1))
        assert await kit.seqs() == [1]
        letters = [set_aside.decode(row.body) for row in await kit.rows(select(outbox.c.body))]
        assert [letter.body for letter in letters] == [b"\xff{", b'{"seq":1}']


async def test_kinds_that_nobody_handles_move_the_mark(tmp_path: Path) -> None:
    async with a_kit(tmp_path) as kit:
        kinds = [("invalid", ""), ("result", "Reset"), ("error", "Reset"), ("call", "FooBar")]
        await kit.take(*(kit.frame(seq, action, kind=kind) for seq, (kind, action) in enumerate(kinds, 1)))
        await kit.take(kit.frame(5))
        assert await kit.seqs() == [5]
        assert kit.bus.sent == []


async def test_frames_of_an_older_link_are_late_once_a_newer_one_was_heard(tmp_path: Path) -> None:
    async with a_kit(tmp_path) as kit:
        await kit.take(kit.frame(1), kit.frame(1, epoch=2 * EPOCH))
        await kit.take(kit.frame(2))
        assert await kit.effects() == [
            (EPOCH, 1, "MeterValues"), (2 * EPOCH, 1, "MeterValues"), (EPOCH, 2, "MeterValues late"),
        ]  # fmt: skip


async def test_going_over_a_gap_applies_what_waited_and_its_filler_comes_late(tmp_path: Path) -> None:
    async with a_kit(tmp_path) as kit:
        await kit.take(kit.frame(1), kit.frame(4), kit.frame(5))
        await kit.worker.go_over({("ST1", EPOCH): (2, 3)})
        await kit.worker.go_over({("ST1", EPOCH): (2, 3)})
        assert await kit.seqs() == [1, 4, 5]
        await kit.take(kit.frame(2), kit.frame(6))
        await kit.take(kit.frame(2))
        assert [what for *_, what in await kit.effects()][3:] == ["MeterValues late", "MeterValues"]
        [mark] = await kit.rows(select(link_mark.c.last_seq, link_mark.c.kept_gaps))
        assert tuple(mark) == (6, "[[3,3]]")


async def test_a_batch_of_many_stations_is_one_call_per_kind(tmp_path: Path) -> None:
    sizes: list[int] = []

    async def counts(calls: Sequence[Call[MeterValuesRequest]]) -> Sequence[None]:
        sizes.append(len(calls))
        return [None] * len(calls)

    files = [action_file("meter_values", MeterValuesRequest, MeterValuesResponse, counts)]
    async with a_kit(tmp_path, registry=Registry(files=files)) as kit:
        await kit.take(*(kit.frame(seq, station=f"S{n}") for n in range(30) for seq in (1, 2)))
        assert sizes == [60]
