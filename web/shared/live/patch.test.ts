import { describe, expect, test } from "vitest";
import type { LiveEvent, LiveSession } from "../api/types";
import { carryOver, type PointLike, patchPoints, patchSession } from "./patch";

const AT = "2026-11-20T12:00:00Z";

function liveSession(over: Partial<LiveSession> = {}): LiveSession {
  return {
    ...{ sessionId: "ses_1", state: "ONGOING", subReason: "", startedAt: AT, createdAt: AT, energyWh: 1000 },
    ...{
      costMinor: 1800,
      currency: "INR",
      powerW: 7000,
      socPercent: 40,
      driverName: "Asha",
      payerKind: "wallet",
    },
    ...{ startedBy: "app", version: 5 },
    ...over,
  } as LiveSession;
}

function point(over: Partial<PointLike> = {}): PointLike {
  const connectors = [{ connectorId: 1, status: "Available", version: 3, session: null }];
  return { stationId: "PUN-001", isOnline: true, lastSeenAt: null, version: 10, connectors, ...over };
}

function charging(over: Partial<LiveSession> = {}): PointLike {
  return point({
    connectors: [{ connectorId: 1, status: "Charging", version: 3, session: liveSession(over) }],
  });
}

function event(type: string, over: Partial<LiveEvent>): LiveEvent {
  return {
    version: 1,
    id: "x",
    type,
    at: AT,
    sequence: 1,
    stationId: "PUN-001",
    connectorId: 1,
    data: {},
    ...over,
  };
}

const status = (sequence: number, word: string) =>
  event("charger.status.changed", { id: `status:PUN-001:1:${sequence}`, sequence, data: { status: word } });
const meter = (sequence: number, data: object) =>
  event("meter.values.updated", { sequence, sessionId: "ses_1", data: { ...data } });
const state = (sequence: number, word: string, sessionId = "ses_1", subReason = "") =>
  event("session.updated", { sequence, sessionId, data: { state: word, subReason } });
const command = (state: string, over: Partial<LiveEvent> = {}) =>
  event("command.updated", { data: { commandId: "cmd_1", action: "RemoteStopTransaction", state }, ...over });

const first = (points: PointLike[]) => points[0] as PointLike;
const plug = (points: PointLike[]) => first(points).connectors[0];

describe("a connector's status", () => {
  test("moves forward", () => {
    const { next, isStale } = patchPoints([point()], [status(4, "Preparing")]);
    expect(plug(next)).toMatchObject({ status: "Preparing", version: 4 });
    expect(isStale).toBe(false);
  });
  test("does not move back when an older event comes late", () => {
    const { next } = patchPoints([point()], [status(5, "Charging"), status(4, "Preparing")]);
    expect(plug(next)).toMatchObject({ status: "Charging", version: 5 });
  });
  test("twice the same event changes nothing", () => {
    const once = patchPoints([point()], [status(4, "Preparing")]).next;
    expect(plug(patchPoints(once, [status(4, "Preparing")]).next)).toBe(plug(once));
  });
  test("a gap is applied, and asks for the whole again", () => {
    const { next, isStale } = patchPoints([point()], [status(7, "Faulted")]);
    expect(plug(next)?.status).toBe("Faulted");
    expect(isStale).toBe(true);
  });
});

describe("a station's presence", () => {
  const gone = (sequence: number, isOnline: boolean) =>
    event("charger.status.changed", {
      id: `presence:PUN-001:${sequence}`,
      sequence,
      connectorId: 0,
      data: { isOnline },
    });
  test("goes offline with the time", () => {
    const { next } = patchPoints([point()], [gone(11, false)]);
    expect(first(next)).toMatchObject({ isOnline: false, disconnectedAt: AT, version: 11 });
  });
  test("an older message does not bring it back", () => {
    const { next } = patchPoints([point()], [gone(12, false), gone(11, true)]);
    expect(first(next).isOnline).toBe(false);
  });
  test("the station's own StatusNotification is not its presence", () => {
    const own = event("charger.status.changed", {
      ...{ id: "status:PUN-001:0:99", sequence: 99, connectorId: 0, data: { isOnline: false } },
    });
    expect(first(patchPoints([point()], [own]).next)).toMatchObject({ isOnline: true, version: 10 });
  });
});

describe("meter values", () => {
  test("move the session's figures", () => {
    const { next } = patchPoints([charging()], [meter(6, { energyWh: 1200, powerW: 7100, costMinor: 2160 })]);
    expect(plug(next)?.session).toMatchObject({ energyWh: 1200, powerW: 7100, costMinor: 2160, version: 6 });
    expect(plug(next)?.powerW).toBe(7100);
  });
  test("older ones are ignored", () => {
    const { next } = patchPoints([charging()], [meter(4, { energyWh: 900 })]);
    expect(plug(next)?.session?.energyWh).toBe(1000);
  });
  test("lost ones in between do not matter", () => {
    expect(patchPoints([charging()], [meter(50, { energyWh: 5000 })]).isStale).toBe(false);
  });
  test("of a session that we do not know make us ask", () => {
    expect(patchPoints([point()], [meter(1, { energyWh: 1 })]).isStale).toBe(true);
  });
  test("only the touched station is a new object", () => {
    const other = point({ stationId: "PUN-002" });
    const { next } = patchPoints([charging(), other], [meter(6, { energyWh: 1200 })]);
    expect(next[1]).toBe(other);
  });
});

describe("a session", () => {
  test("moves from state to state", () => {
    const { next } = patchPoints([charging({ state: "STARTING" })], [state(6, "ONGOING")]);
    expect(plug(next)?.session?.state).toBe("ONGOING");
  });
  test("leaves its connector when it is settled", () => {
    expect(plug(patchPoints([charging()], [state(6, "COMPLETED")]).next)?.session).toBeNull();
  });
  test("an old state does not put it back", () => {
    const ended = patchPoints([charging()], [state(9, "STOPPING"), state(8, "ONGOING")]).next;
    expect(plug(ended)?.session?.state).toBe("STOPPING");
  });
  test("that is new makes us ask; one that is over does not", () => {
    expect(patchPoints([point()], [state(1, "PENDING", "ses_2")]).isStale).toBe(true);
    expect(patchPoints([point()], [state(9, "COMPLETED", "ses_2")]).isStale).toBe(false);
  });
  test("that failed leaves its reason", () => {
    const { next } = patchPoints([charging({ state: "PENDING" })], [state(6, "FAILED", "ses_1", "rejected")]);
    expect(first(next).outcome).toMatchObject({ action: "start", code: "rejected", connectorId: 1 });
  });
});

describe("a command", () => {
  test("is pending from the server's word until its outcome", () => {
    const asked = patchPoints([charging()], [command("queued")]).next;
    expect(first(asked).pendingCommand).toMatchObject({
      commandId: "cmd_1",
      state: "queued",
      connectorId: 1,
    });
    const done = patchPoints(asked, [command("sent"), command("accepted")]).next;
    expect(first(done).pendingCommand).toBeNull();
    expect(first(done).outcome).toBeUndefined();
  });
  test("does not become pending again by a late word", () => {
    const done = patchPoints([charging()], [command("queued"), command("timed_out"), command("sent")]).next;
    expect(first(done).pendingCommand).toBeNull();
    expect(first(done).outcome?.code).toBe("timed_out");
  });
  test("its outcome survives a fresh list", () => {
    const done = patchPoints([charging()], [command("rejected")]).next;
    expect(first(carryOver(done, [charging()])).outcome?.code).toBe("rejected");
  });
});

test("an event of a station that we do not have makes us ask", () => {
  expect(patchPoints([point()], [event("session.updated", { stationId: "NEW-1" })]).isStale).toBe(true);
});

describe("a session of a list", () => {
  const known = { sessionId: "ses_1", version: 5, state: "ONGOING", energyWh: 1000, feeMinor: 0 };
  test("takes newer figures only", () => {
    expect(patchSession(known, meter(6, { energyWh: 1100 }))).toMatchObject({ energyWh: 1100, version: 6 });
    expect(patchSession(known, meter(4, { energyWh: 900 }))).toBe(known);
  });
  test("takes the receipt that comes with the same version as the last state", () => {
    const over = patchSession(known, state(7, "COMPLETED"));
    const receipt = event("transaction.completed", {
      sequence: 7,
      sessionId: "ses_1",
      data: { feeMinor: 180 },
    });
    expect(patchSession(over, receipt)).toMatchObject({ state: "COMPLETED", feeMinor: 180 });
  });
  test("leaves others alone", () => expect(patchSession(known, state(9, "COMPLETED", "ses_2"))).toBe(known));
});
