import { describe, expect, test } from "vitest";
import type { LiveSession } from "./api/types";
import type { PointLike } from "./live/patch";
import { classOf, countClasses, offersStart, pendingOf, sentenceOf } from "./words";

const NOW = Date.parse("2026-11-20T12:00:00Z");

function point(
  status: string,
  over: Partial<PointLike> = {},
  session: Partial<LiveSession> | null = null,
): PointLike {
  const connectors = [{ connectorId: 1, status, version: 1, session: session as LiveSession | null }];
  return { stationId: "PUN-001", isOnline: true, version: 1, connectors, ...over };
}

const plug = (one: PointLike) => one.connectors[0] as PointLike["connectors"][number];

describe("an offline station", () => {
  const away = point("Charging", { isOnline: false }, { state: "ONGOING" });
  test("is offline whatever it said last", () => expect(classOf(away, plug(away))).toBe("offline"));
  test("never offers a start", () =>
    expect(offersStart(point("Available", { isOnline: false }), plug(away))).toBe(false));
  test("says what becomes of its charge", () =>
    expect(sentenceOf(away, plug(away), NOW).key).toBe("offlineCharging"));
});

test("every connector is counted once", () => {
  const fleet = ["Available", "Charging", "SuspendedEV", "Faulted", "Reserved", "Unknown"].map((word) =>
    point(word),
  );
  expect(countClasses([...fleet, point("Available", { isOnline: false })])).toEqual({
    ...{ available: 1, inUse: 2, faulted: 1, offline: 1, other: 2 },
  });
});

describe("pending", () => {
  test("lasts from our request until the car charges", () => {
    const starting = point("Preparing", {}, { state: "STARTING", createdAt: "2026-11-20T11:59:50Z" });
    expect(pendingOf(starting, plug(starting))).toEqual({ key: "STARTING", since: "2026-11-20T11:59:50Z" });
    expect(offersStart(starting, plug(starting))).toBe(false);
    const ongoing = point("Charging", {}, { state: "ONGOING" });
    expect(pendingOf(ongoing, plug(ongoing))).toBeNull();
  });
  test("of another connector is not ours", () => {
    const command = {
      commandId: "c",
      action: "UnlockConnector",
      state: "sent",
      createdAt: "",
      connectorId: 2,
    };
    const one = point("Available", { pendingCommand: command });
    expect(pendingOf(one, plug(one))).toBeNull();
  });
});

test("a fault is named, a failed start is told while it is news", () => {
  const broken = point("Faulted");
  plug(broken).errorCode = "GroundFailure";
  expect(sentenceOf(broken, plug(broken), NOW)).toMatchObject({
    key: "Faulted",
    values: { code: "GroundFailure" },
  });
  const outcome = {
    commandId: "c",
    action: "start",
    code: "rejected",
    at: "2026-11-20T11:59:30Z",
    connectorId: 1,
  };
  const refused = point("Available", { outcome });
  expect(sentenceOf(refused, plug(refused), NOW).key).toBe("outcome");
  expect(sentenceOf(refused, plug(refused), NOW + 600_000).key).toBe("Available");
});
