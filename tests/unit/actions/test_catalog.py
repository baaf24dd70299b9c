"""Commands are checked strictly before they are sent."""

from types import ModuleType

import msgspec
import pytest

from stationmaster.actions.catalog import CommandCatalog
from stationmaster.actions.dispatch import Registry
from stationmaster.kernel.errors import Invalid, NotFound


class Period(msgspec.Struct, kw_only=True):
    startPeriod: int  # noqa: N815 - the wire's name
    limit: float


class SetChargingProfileRequest(msgspec.Struct, omit_defaults=True, kw_only=True):
    connectorId: int  # noqa: N815 - the wire's name
    periods: list[Period] = []
    stackLevel: int | None = None  # noqa: N815 - the wire's name


class SetChargingProfileResponse(msgspec.Struct):
    status: str


class HeartbeatRequest(msgspec.Struct):
    pass


class HeartbeatResponse(msgspec.Struct):
    pass


def a_file(name: str, *parts: type) -> ModuleType:
    module = ModuleType(f"x.{name}")
    for part in parts:
        setattr(module, part.__name__, part)
    return module


@pytest.fixture
def catalog() -> CommandCatalog:
    files = [
        a_file("set_charging_profile", SetChargingProfileRequest, SetChargingProfileResponse),
        a_file("heartbeat", HeartbeatRequest, HeartbeatResponse),
    ]
    return CommandCatalog(Registry(files=files))


def test_only_what_we_may_send_is_a_command(catalog: CommandCatalog) -> None:
    assert catalog.names() == ["SetChargingProfile"]
    with pytest.raises(NotFound):
        catalog.encode("Heartbeat", {})


def test_a_good_payload_is_sent_as_said_without_nulls(catalog: CommandCatalog) -> None:
    payload = {"connectorId": 0, "periods": [{"startPeriod": 0, "limit": 16}], "stackLevel": None}
    assert catalog.encode("SetChargingProfile", payload) == (
        b'{"connectorId":0,"periods":[{"startPeriod":0,"limit":16}]}'
    )


@pytest.mark.parametrize(
    ("payload", "where", "why"),
    [
        ({}, "", "Object missing required field `connectorId`"),
        ({"connectorId": "1"}, "connectorId", "Expected `int`, got `str`"),
        ({"connectorId": 1, "conectorId": 1}, "conectorId", "There is no such field."),
        (
            {"connectorId": 1, "periods": [{"startPeriod": 0, "limit": 1, "x": 1}]},
            "periods[0].x",
            "There is no such field.",
        ),
        (
            {"connectorId": 1, "periods": [{"startPeriod": 0}]},
            "periods[0]",
            "Object missing required field `limit`",
        ),
    ],
)
def test_a_bad_payload_is_told_where_and_why(
    catalog: CommandCatalog, payload: dict[str, object], where: str, why: str
) -> None:
    with pytest.raises(Invalid) as caught:
        catalog.encode("SetChargingProfile", payload)
    assert (caught.value.params["where"], caught.value.params["why"]) == (where, why)


def test_a_file_that_disagrees_with_its_name_refuses_to_load() -> None:
    with pytest.raises(Invalid, match="must define the struct ResetRequest"):
        Registry(files=[a_file("reset", HeartbeatRequest, HeartbeatResponse)])


def test_a_handler_of_another_request_refuses_to_load() -> None:
    module = a_file("heartbeat", HeartbeatRequest, HeartbeatResponse)

    async def handle(calls: list[int]) -> list[None]:
        return [None] * len(calls)

    module.handle = handle  # type: ignore[attr-defined]
    with pytest.raises(Invalid, match="Sequence"):
        Registry(files=[module])
