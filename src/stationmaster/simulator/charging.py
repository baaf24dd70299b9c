"""How does one charge run at a connector, from the plug to the meter's last word?"""

from stationmaster.simulator import messages
from stationmaster.simulator.cabinet import Cabinet
from stationmaster.simulator.model import CHARGING, FINISHING, PREPARING, SUSPENDED_EV, Connector, Transaction
from stationmaster.simulator.power import Flow, PowerCurve, some_battery
from stationmaster.simulator.talk import NoAnswer


async def plug_and_start(
    cabinet: Cabinet, connector: Connector, id_token: str, *, is_remote: bool
) -> Transaction | None:
    """The plug goes in, the token is checked where it has to be, the transaction begins. None: it did not.

    The connector is claimed already.
    """
    cabinet.show(connector, PREPARING)
    await cabinet.runtime.sleep(cabinet.pace.plug_in_s)
    must_ask = not is_remote or cabinet.configuration.is_on("AuthorizeRemoteTxRequests")
    if must_ask and not await _is_authorized(cabinet, id_token):
        await unplug(cabinet, connector)
        return None
    transaction = begin(cabinet, connector, id_token, is_remote=is_remote)
    cabinet.spawn(_sample(cabinet, connector, transaction), "meter")
    return transaction


async def _is_authorized(cabinet: Cabinet, id_token: str) -> bool:
    """Offline, a station may take anybody (OCPP 1.6, 4.1: AllowOfflineTxForUnknownId), and ours does."""
    if not cabinet.talk.is_registered or not cabinet.talk.is_connected:
        return True
    try:
        answer = await cabinet.talk.ask("Authorize", {"idTag": id_token})
    except NoAnswer as error:
        return error.code in {"offline", "timed_out"}
    return bool(answer.get("idTagInfo", {}).get("status") == "Accepted")


def begin(cabinet: Cabinet, connector: Connector, id_token: str, *, is_remote: bool) -> Transaction:
    """StartTransaction into the queue, and power on."""
    transaction = Transaction(
        station_id=cabinet.station_id,
        connector_id=connector.id,
        id_token=id_token,
        meter_start=connector.meter.shown_wh,
        started_at=cabinet.runtime.clock.now(),
        is_remote=is_remote,
    )
    pace = cabinet.pace
    curve = PowerCurve(cabinet.spec.rated_w * pace.time_scale, pace.ramp_s, cabinet.rng)
    battery = some_battery(cabinet.rng)
    connector.transaction = transaction
    connector.flow = Flow(connector.meter, battery, curve, cabinet.runtime.clock.monotonic())
    cabinet.journal.transactions.append(transaction)
    cabinet.queue("StartTransaction", messages.start(transaction), transaction, needs_transaction_id=False)
    cabinet.show(connector, CHARGING)
    return transaction


async def _sample(cabinet: Cabinet, connector: Connector, transaction: Transaction) -> None:
    """MeterValues at the configured interval for as long as the transaction runs."""
    while True:
        await cabinet.runtime.sleep(cabinet.meter_interval_s)
        if connector.transaction is not transaction or connector.flow is None:
            return
        report_meter(cabinet, connector, transaction)
        if connector.flow.battery.is_full and connector.status == CHARGING:
            cabinet.show(connector, SUSPENDED_EV)


def report_meter(
    cabinet: Cabinet, connector: Connector, transaction: Transaction, *, context: str = "Sample.Periodic"
) -> None:
    """One MeterValues of a transaction, now."""
    if connector.flow is not None:
        connector.flow.advance(cabinet.runtime.clock.monotonic())
    transaction.samples += 1
    cabinet.queue(
        "MeterValues",
        messages.meter_values(connector, cabinet.runtime.clock.now(), context=context),
        transaction,
    )


def stop(cabinet: Cabinet, connector: Connector, reason: str) -> Transaction | None:
    """Power off and StopTransaction into the queue; None when nothing runs there. The plug stays in."""
    transaction, flow = connector.transaction, connector.flow
    if transaction is None or flow is None:
        return None
    flow.advance(cabinet.runtime.clock.monotonic())
    transaction.meter_stop = connector.meter.shown_wh
    transaction.stopped_at = cabinet.runtime.clock.now()
    transaction.reason = reason
    connector.transaction = connector.flow = None
    cabinet.queue("StopTransaction", messages.stop(transaction), transaction)
    return transaction


def stop_and_unplug(cabinet: Cabinet, connector: Connector, reason: str) -> Transaction | None:
    """As ``stop``; the driver takes the plug out a little later."""
    transaction = stop(cabinet, connector, reason)
    if transaction is not None:
        cabinet.spawn(unplug(cabinet, connector), "unplug")
    return transaction


async def unplug(cabinet: Cabinet, connector: Connector) -> None:
    """Finishing, then free for the next one."""
    cabinet.show(connector, FINISHING)
    await cabinet.runtime.sleep(cabinet.pace.unplug_s)
    connector.is_claimed = False
    cabinet.show(connector, connector.idle_status)
