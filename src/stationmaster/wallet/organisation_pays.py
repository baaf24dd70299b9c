"""A charge that an organisation pays: from what we owe it, without a hold."""

from datetime import datetime

from stationmaster.infra.db.database import UnitOfWork
from stationmaster.kernel.ids import IdSource
from stationmaster.wallet import ledger
from stationmaster.wallet.holds import settle_key
from stationmaster.wallet.model import Posted, Posting, Split, Transfer
from stationmaster.wallet.rules import accounts
from stationmaster.wallet.rules.settlement import receivers


async def settle(
    uow: UnitOfWork,
    *,
    session_id: str,
    payer_organisation_id: str,
    organisation_id: str,
    currency: str,
    split: Split,
    actor: str,
    now: datetime,
    ids: IdSource,
) -> Posted | None:
    """None: nothing to pay. At its own stations an organisation owes itself nothing, only fee and tax."""
    payer = accounts.organisation(payer_organisation_id)
    transfers = [
        Transfer(payer, receiver, amount, currency)
        for receiver, amount in receivers(split, organisation_id=organisation_id)
        if receiver != payer
    ]
    if not transfers:
        return None
    posting = Posting(
        kind="organisation_pays",
        key=settle_key(session_id),
        transfers=transfers,
        actor=actor,
        session_id=session_id,
        reference_id=session_id,
    )
    return await ledger.post(uow, posting, now=now, ids=ids)
