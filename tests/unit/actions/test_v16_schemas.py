"""Our structs and the standard's schemas say the same: every field by its wire name; what we send is as
strict as the schema, what we read is never stricter."""

import json
from importlib import resources
from typing import Any

import jsonschema
import msgspec
import pytest

from stationmaster.actions.catalog import CommandCatalog
from stationmaster.actions.dispatch import Registry
from stationmaster.actions.v16 import start_transaction
from stationmaster.actions.v16.authorize import AuthorizeResponse, IdTagInfo
from stationmaster.charging.model import Verdict
from stationmaster.kernel.errors import Invalid
from stationmaster.ocpp.actions16 import CSMS_ACTIONS, STATION_ACTIONS

REGISTRY = Registry()
IN = [
    "BootNotification", "Heartbeat", "StatusNotification", "Authorize", "StartTransaction", "MeterValues",
    "StopTransaction", "DataTransfer",
]  # fmt: skip
OUT = [
    "RemoteStartTransaction", "RemoteStopTransaction", "Reset", "ChangeConfiguration", "GetConfiguration",
    "TriggerMessage", "UnlockConnector", "ChangeAvailability", "DataTransfer",
]  # fmt: skip


def standard(name: str) -> dict[str, Any]:
    file = resources.files("ocpp") / "v16" / "schemas" / f"{name}.json"
    return dict(json.loads(file.read_text(encoding="utf-8-sig")))


def ours(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """The struct's own schema, references resolved."""
    schema = msgspec.json.schema(struct)
    return dict(_resolved(schema, schema.get("$defs", {})))


def _resolved(node: Any, defs: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_resolved(item, defs) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _resolved(defs[node["$ref"].rpartition("/")[2]], defs)
    if "anyOf" in node:
        real = [item for item in node["anyOf"] if item != {"type": "null"}]
        if len(real) == 1:
            return _resolved(real[0], defs)
    return {key: _resolved(value, defs) for key, value in node.items() if key != "$defs"}


def compare(mine: dict[str, Any], theirs: dict[str, Any], *, strict: bool, where: str) -> None:
    """``strict``: what we send. Names always agree."""
    fields = mine.get("properties", {})
    assert fields.keys() == theirs.get("properties", {}).keys(), where
    required, asked = set(mine.get("required", [])), set(theirs.get("required", []))
    assert required <= asked, f"{where}: we ask for more than the standard"
    if strict:
        assert required == asked, where
    for name, rule in theirs.get("properties", {}).items():
        here = f"{where}.{name}"
        found = fields[name]
        if rule.get("type") == "array":
            rule, found = rule["items"], found["items"]
        if rule.get("type") == "object":
            compare(found, rule, strict=strict, where=here)
        elif strict:
            assert sorted(found.get("enum", [])) == sorted(rule.get("enum", [])), here
            assert found.get("maxLength") == rule.get("maxLength"), here
            assert found.get("type") == rule.get("type") or "enum" in rule, here


def test_the_two_directions_are_all_there_is() -> None:
    assert REGISTRY.actions.keys() == {*IN, *OUT}
    assert set(IN) <= STATION_ACTIONS
    assert set(OUT) <= CSMS_ACTIONS
    assert {name for name in IN if REGISTRY.handles(name)} == set(IN)
    assert CommandCatalog(REGISTRY).names() == sorted(OUT)


@pytest.mark.parametrize("name", IN)
def test_what_stations_send_is_read_by_its_names(name: str) -> None:
    action = REGISTRY.actions[name]
    compare(ours(action.request), standard(name), strict=False, where=name)
    compare(ours(action.response), standard(f"{name}Response"), strict=False, where=f"{name}Response")


@pytest.mark.parametrize("name", OUT)
def test_what_we_send_is_exactly_the_standards(name: str) -> None:
    action = REGISTRY.actions[name]
    compare(ours(action.request), standard(name), strict=True, where=name)
    compare(ours(action.response), standard(f"{name}Response"), strict=False, where=f"{name}Response")


@pytest.mark.parametrize("verdict", list(Verdict))
def test_our_answers_are_valid(verdict: Verdict) -> None:
    answer = json.loads(start_transaction.encode(2**31 - 1, verdict))
    jsonschema.validate(answer, standard("StartTransactionResponse"))
    told = AuthorizeResponse(id_tag_info=IdTagInfo(status=verdict.value))
    jsonschema.validate(json.loads(msgspec.json.encode(told)), standard("AuthorizeResponse"))


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("RemoteStartTransaction", {"connectorId": 1, "idTag": "A" * 21}),
        ("RemoteStartTransaction", {"connectorId": 1}),
        ("RemoteStopTransaction", {"transactionId": "1"}),
        ("Reset", {"type": "soft"}),
        ("ChangeConfiguration", {"key": "k" * 51, "value": ""}),
        ("ChangeConfiguration", {"key": "k"}),
        ("TriggerMessage", {"requestedMessage": "StartTransaction"}),
        ("UnlockConnector", {"connectorId": 0}),
        ("ChangeAvailability", {"connectorId": -1, "type": "Operative"}),
        ("ChangeAvailability", {"connectorId": 0, "type": "Off"}),
        ("Reset", {"type": "Soft", "why": "x"}),
    ],
)
def test_what_is_off_the_schema_is_not_sent(action: str, payload: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        CommandCatalog(REGISTRY).encode(action, payload)


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("RemoteStartTransaction", {"connectorId": 1, "idTag": "A" * 20}),
        ("RemoteStopTransaction", {"transactionId": 1}),
        ("Reset", {"type": "Hard"}),
        ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"}),
        ("GetConfiguration", {}),
        ("GetConfiguration", {"key": ["a", "b"]}),
        ("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1}),
        ("UnlockConnector", {"connectorId": 1}),
        ("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}),
        ("DataTransfer", {"vendorId": "acme", "data": "x"}),
    ],
)
def test_what_we_send_is_valid(action: str, payload: dict[str, Any]) -> None:
    sent = json.loads(CommandCatalog(REGISTRY).encode(action, payload))
    assert sent == payload
    jsonschema.validate(sent, standard(action))
