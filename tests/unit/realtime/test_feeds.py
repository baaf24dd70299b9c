"""Who hears a fact."""

import msgspec

from stationmaster.contracts import facts
from stationmaster.contracts.facts import Fact
from stationmaster.realtime.feeds import body_of, rooms_of

AT = "2026-01-01T00:00:00.000Z"


def a_fact(**values: object) -> Fact:
    base = {"id": "fact_1", "type": facts.SESSION_UPDATED, "at": AT, "organisation_id": "org_1"}
    return Fact(**{**base, **values})  # type: ignore[arg-type]


def test_a_session_is_heard_by_its_organisation_its_driver_and_the_platform() -> None:
    rooms = rooms_of(a_fact(driver_id="drv_1", station_id="CP1"))
    assert sorted(rooms) == ["all", "driver:drv_1", "org:org_1"]


def test_only_a_status_goes_to_the_watchers_of_a_station() -> None:
    """A session's figures are its driver's; that a connector is taken anybody may see."""
    assert "station:CP1" in rooms_of(a_fact(type=facts.CHARGER_STATUS_CHANGED, station_id="CP1"))
    for kind in facts.ALL_TYPES - {facts.CHARGER_STATUS_CHANGED}:
        assert "station:CP1" not in rooms_of(a_fact(type=kind, station_id="CP1"))


def test_a_fact_without_an_organisation_goes_to_the_platform_only() -> None:
    assert rooms_of(a_fact(organisation_id=None)) == ["all"]


def test_the_body_carries_version_sequence_and_time() -> None:
    body = body_of(a_fact(sequence=7, session_id="ses_1", data=msgspec.Raw(b'{"state":"ONGOING"}')))
    assert (body["version"], body["sequence"], body["at"]) == (1, 7, AT)
    assert body["data"] == {"state": "ONGOING"}
    assert not {"organisationId", "driverId"} & set(body)
