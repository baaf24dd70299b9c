"""RemoteStartTransaction: please start a transaction for this idTag (OCPP 1.6, 5.11 and 6.33)."""

from typing import Annotated, Literal

import msgspec


class ChargingSchedulePeriod(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """OCPP 1.6, 7.14."""

    start_period: int
    limit: float
    number_phases: int | None = None


class ChargingSchedule(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """OCPP 1.6, 7.13."""

    charging_rate_unit: Literal["A", "W"]
    charging_schedule_period: list[ChargingSchedulePeriod]
    duration: int | None = None
    start_schedule: str | None = None
    min_charging_rate: float | None = None


class ChargingProfile(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """OCPP 1.6, 7.8."""

    charging_profile_id: int
    stack_level: int
    charging_profile_purpose: Literal["ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"]
    charging_profile_kind: Literal["Absolute", "Recurring", "Relative"]
    charging_schedule: ChargingSchedule
    transaction_id: int | None = None
    recurrency_kind: Literal["Daily", "Weekly"] | None = None
    valid_from: str | None = None
    valid_to: str | None = None


class RemoteStartTransactionRequest(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    id_tag: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    connector_id: Annotated[int, msgspec.Meta(ge=1)] | None = None
    charging_profile: ChargingProfile | None = None


class RemoteStartTransactionResponse(msgspec.Struct, rename="camel", kw_only=True):
    status: str
