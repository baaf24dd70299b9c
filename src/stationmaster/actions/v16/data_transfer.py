"""DataTransfer: a vendor's own messages, in both directions (OCPP 1.6, 4.3, 5.6 and 6.20).

No vendor's extension is known here yet; the frame is in the log. A person may send one.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from stationmaster.actions.dispatch import Call


class DataTransferRequest(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    vendor_id: Annotated[str, msgspec.Meta(max_length=255)]
    message_id: Annotated[str, msgspec.Meta(max_length=50)] | None = None
    data: str | None = None


class DataTransferResponse(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    status: str
    data: str | None = None


async def handle(calls: Sequence[Call[DataTransferRequest]]) -> list[DataTransferResponse]:
    return [DataTransferResponse(status="UnknownVendorId") for _ in calls]
