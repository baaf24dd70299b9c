"""RemoteStopTransaction: please end this transaction (OCPP 1.6, 5.12 and 6.35)."""

import msgspec


class RemoteStopTransactionRequest(msgspec.Struct, rename="camel", kw_only=True):
    transaction_id: int


class RemoteStopTransactionResponse(msgspec.Struct, rename="camel", kw_only=True):
    status: str
