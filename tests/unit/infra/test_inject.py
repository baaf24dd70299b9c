"""A function gets what its signature names."""

import pytest

from stationmaster.infra import discovery, inject
from stationmaster.kernel.errors import Invalid


def wants(first: int, *, clock: str, extra: int = 5) -> tuple[int, str, int]:
    return first, clock, extra


def takes_all(**rest: int) -> dict[str, int]:
    return rest


def test_what_is_named_is_passed_and_nothing_else() -> None:
    assert inject.call(wants, 1, clock="c", moon="m") == (1, "c", 5)
    assert inject.call(wants, 1, clock="c", extra=7) == (1, "c", 7)
    assert inject.call(takes_all, a=1, b=2) == {"a": 1, "b": 2}


def test_a_given_argument_is_not_offered_again() -> None:
    assert inject.call(wants, 1, first=2, clock="c") == (1, "c", 5)


def test_what_is_missing_is_known_before_the_call() -> None:
    assert inject.missing(wants, {"extra"}, given=1) == ["clock"]
    assert inject.missing(wants, {"clock"}) == ["first"]
    assert inject.names(wants, "clock")
    assert not inject.names(wants, "uow")


def test_modules_of_a_package_are_found_in_order_without_helpers() -> None:
    names = [module.__name__.rpartition(".")[2] for module in discovery.modules("stationmaster.actions.v16")]
    assert "boot_notification" in names
    assert names == sorted(names)
    assert not any(name.startswith("_") for name in names)


def test_a_module_is_no_package() -> None:
    with pytest.raises(Invalid):
        discovery.modules("stationmaster.kernel.ids")


def test_the_furniture_of_every_room_is_found() -> None:
    assert {"stationmaster.frames.consumers", "stationmaster.stations.consumers"} <= set(
        discovery.rooms("consumers")
    )
