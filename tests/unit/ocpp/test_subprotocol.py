"""Which version is spoken."""

import pytest

from stationmaster.ocpp.subprotocol import choose


@pytest.mark.parametrize(
    ("offered", "path_version", "chosen"),
    [
        (["ocpp1.6"], None, "ocpp1.6"),
        (["ocpp1.6"], "16", "ocpp1.6"),
        (["ocpp2.0.1", "ocpp1.6"], None, "ocpp1.6"),
        (["ocpp2.0.1, ocpp1.6"], "16", "ocpp1.6"),
        (["ocpp2.0.1"], None, None),
        ([], "16", None),
        ([], None, None),
        (["ocpp1.6"], "201", None),
        (["OCPP1.6"], None, None),
        ([""], None, None),
    ],
)
def test_the_first_offer_that_we_accept_and_the_path_allows(
    offered: list[str], path_version: str | None, chosen: str | None
) -> None:
    assert choose(offered, path_version) == chosen


def test_the_stations_order_decides_between_accepted_ones() -> None:
    accepted = ("ocpp1.6", "ocpp2.0.1")
    assert choose(["ocpp2.0.1", "ocpp1.6"], None, accepted) == "ocpp2.0.1"
    assert choose(["ocpp2.0.1", "ocpp1.6"], "16", accepted) == "ocpp1.6"
