"""How roles are named on the command line."""

import pytest

from stationmaster.compose.supervisor import parse
from stationmaster.kernel.errors import Refused


def test_roles_may_be_multiplied() -> None:
    assert parse("gateway, ocpp-worker*2,api") == ["gateway", "ocpp-worker", "ocpp-worker", "api"]


@pytest.mark.parametrize("text", ["", "gate", "api*0", "api*x", "api*1000", "api,,gateway"])
def test_anything_else_is_refused_with_the_choice(text: str) -> None:
    with pytest.raises(Refused, match="is no role"):
        parse(text)
