"""Is a statement that goes around the engine the same statement, with the same values?"""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Dialect, Numeric, bindparam, cast, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.dialects.sqlite import pysqlite

from stationmaster.charging.tables import charging_session
from stationmaster.infra.db.among import among
from stationmaster.infra.db.statements import Plan, Statements
from stationmaster.stations.tables import station

C = charging_session.c
POSTGRESQL, SQLITE = asyncpg.dialect(), pysqlite.dialect()  # type: ignore[no-untyped-call]
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def planned(statement: object, *, on: Dialect = POSTGRESQL) -> Plan:
    plan = Statements(on).plan_of(statement, None)  # type: ignore[arg-type]
    assert plan is not None
    return plan


def test_values_come_in_the_order_of_their_places() -> None:
    plan = planned(select(C.id).where(C.station_id == "s", C.connector_id == 2, C.created_at < AT))
    assert "$3" in plan.sql
    assert plan.arguments == ["s", 2, AT]


def test_named_values_are_those_given_at_the_time() -> None:
    statements = Statements(POSTGRESQL)
    query = select(C.id).where(C.id == bindparam("wanted"))
    plans = [statements.plan_of(query, {"wanted": wanted}) for wanted in ("a", "b")]
    assert [plan.arguments for plan in plans if plan is not None] == [["a"], ["b"]]


def test_the_same_form_is_compiled_once_and_keeps_no_values() -> None:
    statements = Statements(POSTGRESQL)
    plans = [statements.plan_of(select(C.id).where(C.id == wanted), None) for wanted in ("a", "b")]
    assert [plan.arguments for plan in plans if plan is not None] == [["a"], ["b"]]
    assert len(statements._forms) == 1


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_list_of_any_length(count: int) -> None:
    wanted = [f"id{n}" for n in range(count)]
    plan = planned(select(C.id).where(C.id.in_(wanted), C.connector_id == 1))
    assert plan.arguments == [1, *wanted], "the list's places are counted last"
    assert plan.sql.count("$") == count + 1
    one = planned(select(C.id).where(among(C.id, wanted)))
    assert one.arguments == [wanted]


def test_on_sqlite_places_come_in_the_order_of_the_text() -> None:
    where = C.id.in_(["a", "b"]), C.connector_id == 1, among(C.station_id, ["s"]), C.created_at < AT
    plan = planned(select(C.id).where(*where), on=SQLITE)
    assert plan.arguments == ["a", "b", 1, '["s"]', "2026-01-02T03:04:05.000000+00:00"]
    assert plan.sql.count("?") == 5


def test_what_is_written_is_converted_too() -> None:
    plan = planned(update(station).where(station.c.station_id == "s").values(last_seen_at=AT, name="n"))
    assert plan.metadata is None
    assert set(map(str, plan.arguments)) == {str(AT), "n", "s"}
    with pytest.raises(ValueError, match="naive"):
        planned(select(C.id).where(C.created_at < AT.replace(tzinfo=None)))


def test_rows_are_named_as_in_the_statement() -> None:
    plan = planned(select(C.id, func.count().label("many")).group_by(C.id))
    assert plan.metadata is not None
    assert list(plan.metadata.keys) == ["id", "many"]


def test_the_text_is_what_the_engine_would_send() -> None:
    query = select(C.id, C.state).where(C.id == "a").with_for_update(key_share=True)
    wanted = query.compile(dialect=POSTGRESQL)
    assert planned(query).sql == str(wanted)


@pytest.mark.parametrize(
    "statement",
    [
        text("SELECT 1"),
        insert(station).values(station_id="s"),
        select(cast(C.cost_minor, Numeric(10, 2))),
        delete(station).returning(cast(station.c.max_power_w, Numeric(10, 2))),
    ],
    ids=["text", "insert", "decimal", "decimal returned"],
)
def test_the_unusual_is_left_to_the_engine(statement: object) -> None:
    assert Statements(POSTGRESQL).plan_of(statement, None) is None  # type: ignore[arg-type]
