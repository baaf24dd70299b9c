"""Rows of every table, by the revision that makes the table; parents first. Frozen like the revision."""

from datetime import UTC, datetime
from typing import Any

AT = datetime(2026, 2, 28, 23, 59, 59, 999999, tzinfo=UTC)

Samples = dict[str, list[dict[str, Any]]]

SAMPLES: dict[str, Samples] = {
    "0001": {
        "organisation": [{"id": "org_1", "name": "One", "created_at": AT}],
        "person": [
            {
                "id": "per_1",
                "kind": "driver",
                "role": "driver",
                "organisation_id": None,
                "email": "d@example.org",
                "name": "अर्जुन",
                "created_at": AT,
            },
        ],
        "login": [
            {
                "id": "log_1",
                "person_id": "per_1",
                "secret_hash": "h",
                "csrf_token": "c",
                "kind": "cookie",
                "created_at": AT,
                "expires_at": AT,
            },
        ],
        "id_token": [
            {
                "id": "tok_1",
                "token": "04AABB",
                "organisation_id": "org_1",
                "driver_id": "per_1",
                "payer_kind": "wallet",
                "is_operator": True,
                "created_at": AT,
            },
        ],
        "tariff": [{"id": "tar_1", "organisation_id": "org_1", "name": "Day", "created_at": AT}],
        "tariff_version": [
            {
                "id": "tav_1",
                "tariff_id": "tar_1",
                "version": 1,
                "currency": "INR",
                "price_minor_per_kwh": 1800,
                "valid_from": AT,
                "created_at": AT,
            },
        ],
        "station": [
            {"station_id": "S1", "charger_id": "chg_1", "organisation_id": "org_1", "created_at": AT}
        ],
        "connector": [{"station_id": "S1", "connector_id": 1, "power_w": 7.5, "status_epoch": 2**52}],
        "command": [
            {
                "id": "cmd_1",
                "station_id": "S1",
                "organisation_id": "org_1",
                "action": "Reset",
                "payload": "{}",
                "actor": "per_1",
                "created_at": AT,
                "deadline_at": AT,
            },
        ],
        "refused_handshake": [
            {
                "id": 1,
                "station_id": "S?",
                "remote_address": "192.0.2.1",
                "reason": "unknown_station",
                "at": AT,
            },
        ],
        "gateway": [{"number": 1, "gateway_id": "gw_1", "registered_at": AT, "seen_at": AT}],
        "charger_data": [
            {
                "timestamp": AT,
                "device_id": "S1",
                "epoch": 2**52,
                "kind": "call",
                "seq": 1,
                "message": "Heartbeat",
                "direction": "Incoming",
                "raw": '[2,"1","Heartbeat",{}]',
            },
        ],
        "heartbeat_minute": [{"device_id": "S1", "minute": AT, "count": 2}],
        "charging_session": [
            {
                "id": "ses_1",
                "organisation_id": "org_1",
                "station_id": "S1",
                "connector_id": 1,
                "payer_kind": "wallet",
                "started_by": "app",
                "actor": "per_1",
                "id_token": "04AABB",
                "state": "COMPLETED",
                "created_at": AT,
                "settled_at": AT,
                "energy_wh": 12345,
                "is_suspect": True,
            },
        ],
        "ocpp_transaction": [
            {
                "transaction_id": 2**31 - 1,
                "station_id": "S1",
                "connector_id": 1,
                "session_id": "ses_1",
                "id_token": "04AABB",
                "started_at": AT,
                "received_at": AT,
                "fingerprint": "f",
                "answer": "{}",
            },
        ],
        "transaction_alias": [{"transaction_id": 5, "means_transaction_id": 2**31 - 1, "station_id": "S1"}],
        "meter_sample": [
            {
                "station_id": "S1",
                "connector_id": 1,
                "sampled_at": AT,
                "digest": "d",
                "epoch": 2**52,
                "seq": 2,
                "energy_wh": 12345,
                "samples": "[]",
            },
        ],
        "unmatched_stop": [
            {"id": 1, "station_id": "S1", "payload": "{}", "epoch": 2**52, "seq": 3, "received_at": AT},
        ],
        "ledger_account": [
            {
                "id": 1,
                "code": "asset:bank",
                "kind": "asset",
                "normal_side": "D",
                "currency": "INR",
                "guarded": False,
            },
            {
                "id": 2,
                "code": "liability:wallet:per_1",
                "kind": "wallet",
                "normal_side": "C",
                "currency": "INR",
                "guarded": True,
                "credits": 500,
                "version": 1,
            },
        ],
        "ledger_transaction": [
            {
                "id": 1,
                "public_id": "txn_1",
                "kind": "credit",
                "idempotency_key": "k",
                "request_hash": "h",
                "actor": "per_1",
                "effective_at": AT,
                "created_at": AT,
            },
        ],
        "ledger_transfer": [],  # its trigger would count: written by _fill_transfer
        "wallet_hold": [
            {
                "id": "hld_1",
                "session_id": "ses_1",
                "generation": 1,
                "driver_id": "per_1",
                "amount": 100,
                "captured": 60,
                "released": 40,
                "state": "SETTLED",
                "expires_at": AT,
                "created_at": AT,
            },
        ],
        "session_hour": [{"station_id": "S1", "hour": AT, "organisation_id": "org_1", "sessions": 1}],
        "counted_session": [{"session_id": "ses_1", "counted_at": AT}],
        "link_mark": [{"station_id": "S1", "epoch": 2**52, "last_seq": 7, "created_at": AT}],
        "parked_frame": [
            {"station_id": "S1", "epoch": 2**52, "seq": 9, "envelope": b"\x00{}\xff", "parked_at": AT},
        ],
        "set_aside_frame": [
            {
                "id": 1,
                "station_id": "S1",
                "epoch": 2**52,
                "seq": 4,
                "reason": "r",
                "envelope": b"{}",
                "created_at": AT,
            },
        ],
        "stored_answer": [
            {
                "station_id": "S1",
                "epoch": 2**52,
                "seq": 5,
                "message_id": "m",
                "payload": "{}",
                "created_at": AT,
            },
        ],
        "outbox": [
            {
                "id": 1,
                "exchange": "events_exchange",
                "routing_key": "charging.started",
                "message_id": "f1",
                "body": b"{}",
                "created_at": AT,
            },
        ],
        "idempotency_key": [
            {
                "scope": "s",
                "key": "k",
                "request_hash": "h",
                "status": 202,
                "response": "{}",
                "created_at": AT,
            },
        ],
        "counter": [{"name": "transaction_id", "value": 2**40}],
    },
}
