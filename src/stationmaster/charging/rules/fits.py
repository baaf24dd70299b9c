"""Which open transaction can a stop without a known id belong to?

A transaction that began offline may end before its station learned an id: it then stops 0, -1 or an id of
its own making. We bind only when exactly one open transaction of that station fits (reliability 5.4); else
a person decides.
"""

from collections.abc import Sequence
from datetime import datetime

from stationmaster.charging.model import Transaction


def which_fits(
    open_transactions: Sequence[Transaction],
    *,
    transaction_id: int,
    id_token: str | None,
    stopped_at: datetime,
    meter_stop_wh: int | None,
) -> Transaction | None:
    fitting = [
        t
        for t in open_transactions
        if _same_token(t, transaction_id=transaction_id, id_token=id_token)
        and stopped_at >= t.started_at
        and (meter_stop_wh is None or t.meter_start_wh is None or meter_stop_wh >= t.meter_start_wh)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _same_token(transaction: Transaction, *, transaction_id: int, id_token: str | None) -> bool:
    """A made-up id must at least come with the right token: its own start may still be on its way."""
    if id_token:
        return id_token.strip().upper() == transaction.id_token
    return transaction_id <= 0
