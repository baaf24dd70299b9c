"""Who pays for a charge that was begun at the station, and is the money there?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from stationmaster.charging import store, terms
from stationmaster.charging.model import ChargingPolicy, Payer, PayerKind, Verdict
from stationmaster.charging.rules.authorise import KnownToken, authorise
from stationmaster.charging.terms import Frozen
from stationmaster.identity import id_tokens
from stationmaster.identity.model import IdToken
from stationmaster.infra.db.database import Reader, UnitOfWork
from stationmaster.kernel.errors import InsufficientFunds
from stationmaster.kernel.ids import IdSource
from stationmaster.stations.model import Station
from stationmaster.wallet import currencies, holds, wallets

SYSTEM = "system:transactions"


@dataclass(frozen=True, slots=True)
class Found:
    """``payer`` of kind nobody: the token is unknown, blocked or out of date, and no driver is guessed.
    ``frozen``: what the charge costs this payer, where that was asked already."""

    verdict: Verdict
    payer: Payer
    spendable_minor: int = 0
    frozen: Frozen | None = None


async def of_token(
    reader: Reader,
    id_token: str,
    *,
    station: Station,
    connector_id: int,
    at: datetime,
    now: datetime,
    policy: ChargingPolicy,
) -> Found:
    """The payer behind a card, for a charge that began then. Blocked with a payer: only the money is
    missing."""
    token = await id_tokens.find(reader, id_token)
    if token is None:
        return Found(Verdict.INVALID, Payer.nobody("unknown_token"))
    spendable = await spendable_minor(reader, token)
    verdict = authorise(
        known(token, station),
        now=now,
        spendable_minor=spendable,
        needed_minor=policy.min_hold_minor,
        is_charging_elsewhere=not policy.allow_concurrent_tokens
        and await store.is_token_charging(
            reader,
            id_token=token.token,
            except_station_id=station.station_id,
            except_connector_id=connector_id,
        ),
    )
    if verdict is Verdict.ACCEPTED:
        payer = _payer(token)
        frozen = await terms.of_start(reader, station, payer=payer, at=at, now=now)
        if why := await _unpayable(reader, payer, station, frozen):
            return Found(Verdict.BLOCKED, Payer.nobody(why))
        return Found(verdict, payer, spendable, frozen)
    is_broke = verdict is Verdict.BLOCKED and token.status == Verdict.ACCEPTED
    payer = _payer(token) if is_broke else Payer.nobody(f"token_{verdict.value}")
    return Found(verdict, payer, spendable)


async def unpayable(reader: Reader, token: IdToken, station: Station, *, at: datetime, now: datetime) -> str:
    """Why a charge of this card's payer could not be booked here. "": it could."""
    payer = _payer(token)
    frozen = await terms.of_start(reader, station, payer=payer, at=at, now=now)
    return await _unpayable(reader, payer, station, frozen)


async def _unpayable(reader: Reader, payer: Payer, station: Station, frozen: Frozen) -> str:
    if not frozen.has_tariff and payer.kind is not PayerKind.FREE:
        return "tariff_missing"
    return "" if await can_book(reader, payer, station, frozen.currency) else "currency_mismatch"


async def can_book(reader: Reader, payer: Payer, station: Station, currency: str) -> bool:
    """Whether what this charge will cost can be booked in its currency. Nothing is booked of a free one."""
    if payer.kind not in {PayerKind.WALLET, PayerKind.ORGANISATION}:
        return True
    organisations = (station.organisation_id, payer.organisation_id or station.organisation_id)
    driver_id = payer.driver_id if payer.kind is PayerKind.WALLET else None
    return await currencies.fits(reader, currency, driver_id=driver_id, organisation_ids=organisations)


def known(token: IdToken, station: Station) -> KnownToken:
    """A driver's wallet pays anywhere. What is free, or paid by an organisation, is so at its own stations:
    nobody gives away another one's energy."""
    is_wallet = token.payer_kind == PayerKind.WALLET
    is_roaming = is_wallet and not token.is_operator
    is_foreign = not is_roaming and token.organisation_id != station.organisation_id
    return KnownToken(token.status, token.expires_at, is_wallet, is_foreign)


async def spendable_minor(reader: Reader, token: IdToken) -> int:
    """What a driver owes blocks the next start, however much there is."""
    if token.payer_kind != PayerKind.WALLET or token.driver_id is None:
        return 0
    have = await wallets.balance(reader, token.driver_id)
    return 0 if have.owed_minor > 0 else have.available_minor


def _payer(token: IdToken) -> Payer:
    match PayerKind(token.payer_kind):
        case PayerKind.WALLET:
            assert token.driver_id is not None, "a wallet has a driver"
            return Payer.wallet(token.driver_id)
        case PayerKind.ORGANISATION:
            return Payer.organisation(token.organisation_id, token.driver_id)
        case PayerKind.FREE:
            return Payer.free(token.payer_reason or "card", token.driver_id)
        case PayerKind.NOBODY:
            return Payer.nobody("token_without_payer")


async def try_hold(
    uow: UnitOfWork,
    *,
    session_id: str,
    generation: int,
    driver_id: str,
    amount_minor: int,
    currency: str,
    now: datetime,
    ids: IdSource,
    policy: ChargingPolicy,
) -> bool:
    """False: the wallet cannot. The station has begun already, so that is no error here."""
    if amount_minor <= 0:
        return False
    try:
        await holds.place(
            uow,
            session_id=session_id,
            generation=generation,
            driver_id=driver_id,
            amount_minor=amount_minor,
            currency=currency,
            expires_at=now + timedelta(seconds=policy.hold_expires_s),
            actor=SYSTEM,
            now=now,
            ids=ids,
        )
    except InsufficientFunds:
        return False
    return True
