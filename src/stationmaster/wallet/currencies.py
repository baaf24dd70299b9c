"""Can a charge be booked in this currency?

An account keeps the currency of its first posting, and some are shared by the whole platform: who starts a
charge asks here first, because at its end it is too late to refuse.
"""

from stationmaster.infra.db.database import Reader
from stationmaster.wallet import accounts
from stationmaster.wallet.rules import accounts as codes


async def fits(
    reader: Reader, currency: str, *, driver_id: str | None = None, organisation_ids: tuple[str, ...] = ()
) -> bool:
    """Whether every account that a charge touches is kept in it, or not there yet. ``driver_id``: whose
    wallet pays."""
    touched = {codes.PLATFORM_FEE, codes.TAX, *(codes.organisation(one) for one in organisation_ids)}
    if driver_id is not None:
        touched |= {codes.wallet(driver_id), codes.hold(driver_id), codes.receivable(driver_id)}
    found = await accounts.find(reader, touched)
    return all(account.currency == currency for account in found.values())
