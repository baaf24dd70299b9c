"""What every database adapter must do: the exam both engines take."""

# ruff: noqa: PT012 - some refusals come with the COMMIT, when the block ends

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, text, update

from stationmaster.contracts import facts
from stationmaster.contracts.facts import Fact
from stationmaster.frames.tables import charger_data
from stationmaster.infra.bus.port import Message
from stationmaster.infra.db.again import with_retries
from stationmaster.infra.db.among import among
from stationmaster.infra.db.database import Database
from stationmaster.infra.db.errors import Duplicate, UnitFailed, Violation
from stationmaster.infra.db.tables import counter, link_mark, outbox, parked_frame
from stationmaster.infra.runtime import Runtime
from stationmaster.kernel.errors import Unavailable
from stationmaster.wallet.tables import ledger_account, ledger_transaction, ledger_transfer

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


def a_fact(number: int = 1) -> Fact:
    return Fact(
        id=f"fact_{number}", type=facts.CHARGER_BOOTED, at="2026-03-01T12:30:15.123Z", station_id="S1"
    )


def a_mark(station: str, **changed: Any) -> dict[str, Any]:
    return {"station_id": station, "epoch": 1, "last_seq": 0, "created_at": NOW, **changed}


def a_frame_row(seq: int) -> dict[str, Any]:
    return {"timestamp": NOW, "device_id": "S1", "epoch": 1, "kind": "call", "seq": seq,
            "message": "Heartbeat", "direction": "Incoming"}  # fmt: skip


async def marks(database: Database) -> dict[str, int]:
    async with database.reading() as reader:
        rows = await reader.execute(select(link_mark.c.station_id, link_mark.c.last_seq))
        return {row.station_id: row.last_seq for row in rows}


async def waiting_messages(database: Database) -> list[Any]:
    async with database.reading() as reader:
        return list((await reader.execute(select(outbox).order_by(outbox.c.id))).all())


async def a_ledger(database: Database) -> dict[str, int]:
    """Three accounts (two guarded, one not), 500 in the wallet; ids by name."""
    rows = [
        {"code": code, "kind": "test", "normal_side": side, "currency": "INR", "guarded": guarded}
        for code, side, guarded in (("bank", "D", False), ("wallet", "C", True), ("hold", "C", True))
    ]
    async with database.transaction() as uow:
        await uow.bulk_insert(ledger_account, rows)
        found = await uow.execute(select(ledger_account.c.code, ledger_account.c.id))
        ids = {row.code: row.id for row in found}
        await transfer(uow, ids["bank"], ids["wallet"], 500, key="credit")
    return ids


async def transfer(
    uow: Any, debit: int, credit: int, amount: int, *, key: str, currency: str = "INR"
) -> None:
    values = {"public_id": key, "kind": "test", "idempotency_key": key, "request_hash": "", "actor": "test",
              "effective_at": NOW, "created_at": NOW}  # fmt: skip
    posted = await uow.execute(insert(ledger_transaction).values(values).returning(ledger_transaction.c.id))
    await uow.bulk_insert(
        ledger_transfer,
        [{"transaction_id": posted.scalar(), "leg": 1, "debit_account_id": debit, "credit_account_id": credit,
          "amount": amount, "currency": currency}],
    )  # fmt: skip


@pytest.mark.anyio
class DatabaseExam:
    """Adapters give ``make`` and a migrated, empty ``url``."""

    def make(self, url: str) -> Database:
        raise NotImplementedError

    @pytest.fixture
    def url(self) -> str:
        raise NotImplementedError

    @pytest.fixture
    async def handles(self, url: str) -> AsyncIterator[list[Database]]:
        """Two handles on one database, as two processes would have."""
        async with AsyncExitStack() as stack:
            handles = [self.make(url), self.make(url)]
            for handle in handles:
                await handle.start()
                stack.push_async_callback(handle.stop)
            yield handles

    @pytest.fixture
    def database(self, handles: list[Database]) -> Database:
        return handles[0]

    # Units of work

    async def test_a_clean_exit_commits(self, handles: list[Database]) -> None:
        async with handles[0].transaction() as uow:
            await uow.execute(insert(link_mark).values(a_mark("S1")))
        assert await marks(handles[1]) == {"S1": 0}

    async def test_an_exception_rolls_back_and_passes_through(self, database: Database) -> None:
        with pytest.raises(LookupError):
            async with database.transaction() as uow:
                await uow.execute(insert(link_mark).values(a_mark("S1")))
                raise LookupError
        assert await marks(database) == {}

    async def test_a_cancelled_unit_leaves_nothing_and_blocks_nobody(self, handles: list[Database]) -> None:
        inside = asyncio.Event()

        async def work() -> None:
            async with handles[0].transaction() as uow:
                await uow.execute(insert(link_mark).values(a_mark("S1")))
                inside.set()
                await asyncio.Event().wait()

        task = asyncio.ensure_future(work())
        await inside.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with handles[1].transaction() as uow:
            await uow.execute(insert(link_mark).values(a_mark("S1", last_seq=7)))
        assert await marks(handles[0]) == {"S1": 7}

    async def test_reading_sees_one_snapshot(self, database: Database) -> None:
        async with database.reading() as reader:
            first = (await reader.execute(select(link_mark))).all()
            async with database.transaction() as uow:
                await uow.execute(insert(link_mark).values(a_mark("S1")))
            assert (await reader.execute(select(link_mark))).all() == first == []
        assert await marks(database) == {"S1": 0}

    async def test_readers_cannot_write(self, database: Database) -> None:
        with pytest.raises(Exception, match=r"read.?only"):
            async with database.reading() as reader:
                await reader.execute(insert(link_mark).values(a_mark("S1")))
        assert await marks(database) == {}

    async def test_before_start_it_is_unavailable(self, url: str) -> None:
        database = self.make(url)
        with pytest.raises(Unavailable):
            await database.ping()
        with pytest.raises(Unavailable):
            async with database.transaction():
                pass

    async def test_it_can_be_started_again(self, url: str) -> None:
        database = self.make(url)
        for _ in range(2):
            await database.start()
            await database.ping()
            await database.stop()

    # What a unit of work says

    async def test_facts_and_messages_become_true_with_the_commit(self, database: Database) -> None:
        async with database.transaction() as uow:
            uow.announce(a_fact())
            uow.send(
                Message("", "charging.command", b"{}", "m1", priority=3, expires_in_s=30, headers={"a": "b"})
            )
            assert await waiting_messages(database) == []
        fact, message = await waiting_messages(database)
        assert (fact.exchange, fact.routing_key, fact.message_id) == (
            "events_exchange",
            "charger.booted",
            "fact_1",
        )
        assert facts.decode(fact.body) == a_fact()
        assert fact.expires_at is None
        assert (message.exchange, message.routing_key, message.priority) == ("", "charging.command", 3)
        assert message.expires_at - message.created_at == timedelta(seconds=30)
        assert message.headers == '{"a":"b"}'

    async def test_nothing_is_said_after_a_rollback(self, database: Database) -> None:
        said: list[str] = []

        async def say() -> None:
            said.append("after commit")

        async def publish(hints: Any) -> None:
            said.extend(hint.id for hint in hints)

        database.on_commit(lambda: said.append("woken"))
        database.on_hints(publish)
        await asyncio.sleep(0.2)  # a new listener may wake once by itself
        said.clear()
        with pytest.raises(LookupError):
            async with database.transaction() as uow:
                uow.announce(a_fact())
                uow.hint(a_fact())
                uow.after_commit(say)
                raise LookupError
        assert said == []
        assert await waiting_messages(database) == []

    async def test_hints_and_calls_come_after_the_commit_in_order(self, database: Database) -> None:
        seen: list[Any] = []

        async def publish(hints: Any) -> None:
            seen.append([hint.id for hint in hints])

        async def look() -> None:
            seen.append(await marks(database))

        async def fail() -> None:
            raise LookupError

        database.on_hints(publish)
        async with database.transaction() as uow:
            await uow.execute(insert(link_mark).values(a_mark("S1")))
            uow.hint(a_fact(1))
            uow.hint(a_fact(2))
            uow.after_commit(fail)
            uow.after_commit(look)
            assert [hint.id for hint in uow.hints] == ["fact_1", "fact_2"]
        assert seen == [["fact_1", "fact_2"], {"S1": 0}]

    async def test_a_commit_with_something_said_wakes_the_relay(self, database: Database) -> None:
        woken = asyncio.Event()
        database.on_commit(woken.set)
        async with database.transaction() as uow:
            uow.announce(a_fact())
        async with asyncio.timeout(5):
            await woken.wait()

    # Bulk

    async def test_bulk_insert_writes_every_type(self, database: Database) -> None:
        rows = [
            {"station_id": f"S{i}", "epoch": 2**62 + i, "seq": i, "envelope": bytes([0, i % 256, 255]),
             "parked_at": NOW + timedelta(seconds=i)}
            for i in range(700)
        ]  # fmt: skip
        async with database.transaction() as uow:
            await uow.bulk_insert(parked_frame, rows)
            found = await uow.execute(select(parked_frame).order_by(parked_frame.c.seq))
        assert [dict(row) for row in found.mappings()] == rows

    async def test_bulk_insert_may_ignore_what_is_there(self, database: Database) -> None:
        async with database.transaction() as uow:
            await uow.bulk_insert(link_mark, [a_mark("S1", last_seq=1)])
            await uow.bulk_insert(link_mark, [a_mark("S2"), a_mark("S1", last_seq=9)], ignore_conflicts=True)
        assert await marks(database) == {"S1": 1, "S2": 0}

    async def test_bulk_insert_keeps_the_order_of_automatic_ids(self, database: Database) -> None:
        async with database.transaction() as uow:
            for i in range(50):
                uow.send(Message("", "q", b"", f"m{i}"))
        assert [row.message_id for row in await waiting_messages(database)] == [f"m{i}" for i in range(50)]

    async def test_bulk_update_sets_only_what_is_named(self, database: Database) -> None:
        async with database.transaction() as uow:
            await uow.bulk_insert(link_mark, [a_mark(f"S{i}", gateway_id="g") for i in range(5)])
            changes = [
                {"station_id": f"S{i}", "epoch": 1, "last_seq": i * 10, "closed_at": None}
                for i in range(1, 4)
            ]
            await uow.bulk_update(link_mark, changes, key=("station_id", "epoch"))
            gateways = (await uow.execute(select(link_mark.c.gateway_id).distinct())).scalars().all()
        assert await marks(database) == {"S0": 0, "S1": 10, "S2": 20, "S3": 30, "S4": 0}
        assert gateways == ["g"]

    async def test_bulk_upsert_inserts_or_updates(self, database: Database) -> None:
        async with database.transaction() as uow:
            await uow.bulk_insert(link_mark, [a_mark("S1", gateway_id="old")])
            rows = [a_mark("S2", last_seq=2, gateway_id="new"), a_mark("S1", last_seq=1, gateway_id="new")]
            await uow.bulk_upsert(link_mark, rows, key=("station_id", "epoch"), update=("last_seq",))
            found = await uow.execute(select(link_mark).order_by(link_mark.c.station_id))
        got = [(row.station_id, row.last_seq, row.gateway_id) for row in found]
        assert got == [("S1", 1, "old"), ("S2", 2, "new")]

    async def test_bulk_upsert_of_nothing_to_update_keeps_the_old(self, database: Database) -> None:
        async with database.transaction() as uow:
            await uow.bulk_insert(link_mark, [a_mark("S1", last_seq=5)])
            await uow.bulk_upsert(link_mark, [a_mark("S1")], key=("station_id", "epoch"), update=())
        assert await marks(database) == {"S1": 5}

    async def test_copy_appends_and_refuses_conflicts(self, database: Database) -> None:
        async with database.transaction() as uow:
            await uow.copy(charger_data, [a_frame_row(i) for i in range(600)])
        async with database.reading() as reader:
            rows = (await reader.execute(select(charger_data))).all()
        assert len(rows) == 600
        assert rows[0].timestamp == NOW
        with pytest.raises(Duplicate):
            async with database.transaction() as uow:
                await uow.copy(charger_data, [a_frame_row(600), a_frame_row(1)])

    async def test_bulk_operations_of_no_rows_do_nothing(self, database: Database) -> None:
        async with database.transaction() as uow:
            await uow.bulk_insert(link_mark, [])
            await uow.bulk_update(link_mark, [], key=("station_id",))
            await uow.bulk_upsert(link_mark, [], key=("station_id",), update=("last_seq",))
            await uow.copy(link_mark, [])
            await uow.execute_many(insert(link_mark), [])

    async def test_rows_of_different_keys_are_refused(self, database: Database) -> None:
        with pytest.raises(ValueError, match="same keys"):
            async with database.transaction() as uow:
                await uow.bulk_insert(link_mark, [a_mark("S1"), a_mark("S2", gateway_id="g")])

    async def test_execute_many(self, database: Database) -> None:
        async with database.transaction() as uow:
            await uow.execute_many(insert(link_mark), [a_mark("S1"), a_mark("S2")])
        assert await marks(database) == {"S1": 0, "S2": 0}

    async def test_among_finds_text_integers_and_times(self, database: Database) -> None:
        rows = [a_mark(f"S{i}", last_seq=i, created_at=NOW + timedelta(seconds=i)) for i in range(9)]
        async with database.transaction() as uow:
            await uow.bulk_insert(link_mark, rows)
            c = link_mark.c
            for condition in (
                among(c.station_id, {"S3", "S5", "nobody"}),
                among(c.last_seq, [3, 5]),
                among(c.created_at, (NOW + timedelta(seconds=3), NOW + timedelta(seconds=5))),
            ):
                found = await uow.execute(select(c.station_id).where(condition).order_by(c.station_id))
                assert found.scalars().all() == ["S3", "S5"]
            assert (await uow.execute(select(link_mark).where(among(c.station_id, [])))).all() == []
            assert (await uow.execute(delete(link_mark).where(among(c.last_seq, range(8))))).rowcount == 8

    # Values

    async def test_times_come_back_aware_utc_and_exact(self, database: Database) -> None:
        india = timezone(timedelta(hours=5, minutes=30))
        local = NOW.astimezone(india)
        whole = NOW.replace(microsecond=0)
        async with database.transaction() as uow:
            await uow.bulk_insert(link_mark, [a_mark("S1", created_at=local)])
            await uow.execute(insert(link_mark).values(a_mark("S2", created_at=whole)))
            c = link_mark.c
            got = (await uow.execute(select(c.created_at).order_by(c.station_id))).scalars().all()
            earlier = await uow.execute(select(c.station_id).where(c.created_at < local))
        assert got == [NOW, whole]
        assert all(at.utcoffset() == timedelta(0) for at in got)
        assert earlier.scalars().all() == ["S2"]

    async def test_naive_times_are_refused(self, database: Database) -> None:
        for write in ("execute", "bulk"):
            row = a_mark("S1", created_at=NOW.replace(tzinfo=None))
            with pytest.raises(Exception, match="naive"):
                async with database.transaction() as uow:
                    if write == "bulk":
                        await uow.bulk_insert(link_mark, [row])
                    else:
                        await uow.execute(insert(link_mark).values(row))

    async def test_integers_of_64_bits_and_any_text(self, database: Database) -> None:
        name = "चार्जर-⚡'\"\\%:x"
        async with database.transaction() as uow:
            await uow.bulk_insert(counter, [{"name": name, "value": 2**63 - 1}])
            await uow.execute(insert(counter).values(name="two", value=2**62))
        async with database.reading() as reader:
            rows = (await reader.execute(select(counter))).all()
        assert {row.name: row.value for row in rows} == {name: 2**63 - 1, "two": 2**62}

    # Refusals of the schema

    async def test_a_duplicate_names_its_constraint(self, database: Database) -> None:
        ids = await a_ledger(database)
        for attempt in ("bulk", "execute"):
            row = {"code": "bank", "kind": "", "normal_side": "D", "currency": "INR", "guarded": False}
            with pytest.raises(Duplicate) as caught:
                async with database.transaction() as uow:
                    if attempt == "bulk":
                        await uow.bulk_insert(ledger_account, [row])
                    else:
                        await uow.execute(insert(ledger_account).values(row))
            assert caught.value.constraint == "uq_ledger_account_code"
            assert caught.value.http_status == 409
        with pytest.raises(Duplicate) as caught:
            async with database.transaction() as uow:
                await uow.execute(insert(ledger_account).values({**row, "id": ids["bank"], "code": "other"}))
        assert caught.value.constraint == "pk_ledger_account"

    async def test_a_unit_that_failed_cannot_go_on(self, database: Database) -> None:
        with pytest.raises(UnitFailed):
            async with database.transaction() as uow:
                await uow.execute(insert(link_mark).values(a_mark("S1")))
                with pytest.raises(Duplicate):
                    await uow.execute(insert(link_mark).values(a_mark("S1")))
                await uow.execute(select(link_mark))
        with pytest.raises(UnitFailed):
            async with database.transaction() as uow:
                await uow.bulk_insert(link_mark, [a_mark("S1")])
                with pytest.raises(Duplicate):
                    await uow.bulk_insert(link_mark, [a_mark("S1")])
        assert await marks(database) == {}

    async def test_a_guarded_account_cannot_go_below_zero(self, database: Database) -> None:
        ids = await a_ledger(database)
        with pytest.raises(Violation) as caught:
            async with database.transaction() as uow:
                await transfer(uow, ids["wallet"], ids["hold"], 501, key="too much")
        assert caught.value.constraint == "ck_ledger_account_guarded_not_negative"
        async with database.transaction() as uow:
            await transfer(uow, ids["wallet"], ids["hold"], 500, key="all")

    async def test_transfers_count_guarded_accounts_only(self, database: Database) -> None:
        ids = await a_ledger(database)
        async with database.transaction() as uow:
            await transfer(uow, ids["wallet"], ids["hold"], 200, key="hold")
        async with database.reading() as reader:
            found = await reader.execute(select(ledger_account).order_by(ledger_account.c.id))
            counted = {row.code: (row.debits, row.credits, row.version) for row in found}
        assert counted == {"bank": (0, 0, 0), "wallet": (200, 500, 2), "hold": (0, 200, 1)}

    async def test_a_transfer_has_the_currency_of_its_accounts(self, database: Database) -> None:
        ids = await a_ledger(database)
        with pytest.raises(Violation) as caught:
            async with database.transaction() as uow:
                await transfer(uow, ids["wallet"], ids["hold"], 1, key="foreign", currency="EUR")
        assert caught.value.constraint == "ledger_transfer_currency"

    @pytest.mark.parametrize("table", [ledger_transaction, ledger_transfer], ids=lambda table: table.name)
    @pytest.mark.parametrize("change", ["update", "delete"])
    async def test_the_journal_is_only_appended_to(self, database: Database, table: Any, change: str) -> None:
        await a_ledger(database)
        statement = delete(table) if change == "delete" else update(table).values(id=table.c.id + 100)
        with pytest.raises(Violation) as caught:
            async with database.transaction() as uow:
                await uow.execute(statement)
        assert caught.value.constraint == f"{table.name}_append_only"

    async def test_other_rules_are_violations_too(self, database: Database) -> None:
        orphan = {"station_id": "nobody", "connector_id": 1}
        for statement in (
            text("INSERT INTO counter (name, value) VALUES ('n', -1)"),
            text("INSERT INTO counter (name) VALUES ('n')"),
            text("INSERT INTO connector (station_id, connector_id) VALUES (:station_id, :connector_id)"),
        ):
            with pytest.raises(Violation):
                async with database.transaction() as uow:
                    await uow.execute(statement, orphan if "connector" in str(statement) else {})

    # Competition

    async def test_locks_serialise_read_modify_write(self, handles: list[Database]) -> None:
        async with handles[0].transaction() as uow:
            await uow.bulk_insert(counter, [{"name": "n", "value": 0}])

        async def add_one(database: Database) -> None:
            async with database.transaction() as uow:
                value = (await uow.execute(uow.locked(select(counter.c.value)))).scalar()
                await asyncio.sleep(0)
                await uow.execute(update(counter).values(value=value + 1))

        await asyncio.gather(*(add_one(handles[i % 2]) for i in range(20)))
        async with handles[0].reading() as reader:
            assert (await reader.execute(select(counter.c.value))).scalar() == 20

    async def test_turns_serialise_what_has_no_row_yet(self, handles: list[Database]) -> None:
        async def add_one(number: int) -> None:
            names = ["a", "b"] if number % 2 else ["b", "a", "c"]
            async with handles[number % 2].transaction() as uow:
                await uow.take_turns(names)
                there = (await uow.execute(select(func.count()).select_from(counter))).scalar()
                await asyncio.sleep(0.001)
                await uow.bulk_insert(counter, [{"name": f"n{there}", "value": 0}])

        await asyncio.gather(*(add_one(number) for number in range(8)))
        async with handles[0].reading() as reader:
            assert (await reader.execute(select(func.count()).select_from(counter))).scalar() == 8

    async def test_a_turn_keeps_nobody_from_leading(self, handles: list[Database]) -> None:
        async with handles[0].transaction() as uow, handles[1].leader("a") as mine:
            await uow.take_turns(["a", "job:a"])
            assert mine

    async def test_one_leader_at_a_time(self, handles: list[Database]) -> None:
        first, second = handles
        async with first.leader("job:a") as mine:
            assert mine
            async with second.leader("job:a") as theirs:
                assert not theirs
            async with first.leader("job:a") as again:
                assert not again
            async with second.leader("job:b") as other:
                assert other
        async with second.leader("job:a") as theirs:
            assert theirs

    async def test_leadership_ends_with_its_stop(self, handles: list[Database]) -> None:
        first, second = handles
        with pytest.raises(LookupError):
            async with first.leader("job:a") as mine:
                assert mine
                raise LookupError
        async with second.leader("job:a") as theirs:
            assert theirs

    async def test_with_retries_passes_results_and_refusals(self, database: Database) -> None:
        runtime = Runtime()

        async def count(uow: Any) -> int:
            await uow.bulk_insert(counter, [{"name": "n", "value": 1}])
            return 42

        assert await with_retries(database, runtime, count) == 42
        with pytest.raises(Duplicate):
            await with_retries(database, runtime, count)
