"""Authorize: may the holder of this idTag charge? (OCPP 1.6, 4.1 and 6.1)"""

from collections.abc import Sequence

import msgspec

from stationmaster.actions.dispatch import Call
from stationmaster.charging import authorisation
from stationmaster.charging.authorisation import Asked
from stationmaster.charging.model import DEFAULT_POLICY, ChargingPolicy
from stationmaster.infra.db.database import UnitOfWork
from stationmaster.kernel.clock import Clock


class IdTagInfo(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """OCPP 1.6, 7.29."""

    status: str
    expiry_date: str | None = None
    parent_id_tag: str | None = None


class AuthorizeRequest(msgspec.Struct, rename="camel", kw_only=True):
    id_tag: str = ""


class AuthorizeResponse(msgspec.Struct, rename="camel", kw_only=True):
    id_tag_info: IdTagInfo


async def handle(
    calls: Sequence[Call[AuthorizeRequest]],
    *,
    uow: UnitOfWork,
    clock: Clock,
    policy: ChargingPolicy = DEFAULT_POLICY,
) -> list[AuthorizeResponse]:
    asked = [Asked(call.station_id, call.request.id_tag) for call in calls]
    decided = await authorisation.decide_all(uow, asked, now=clock.now(), policy=policy)
    for call, one in zip(calls, decided, strict=True):
        call.remember_id_token = call.request.id_tag if one.may_be_remembered else ""
    return [AuthorizeResponse(id_tag_info=IdTagInfo(status=one.verdict.value)) for one in decided]
