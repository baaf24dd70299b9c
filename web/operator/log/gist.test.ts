import { describe, expect, test } from "vitest";
import { gist } from "./gist";

describe("gist", () => {
  test.each([
    [
      "StatusNotification",
      { connectorId: 1, status: "Charging", errorCode: "NoError" },
      "connector 1 → Charging",
    ],
    [
      "StatusNotification",
      { connectorId: 1, status: "Faulted", errorCode: "GroundFailure" },
      "connector 1 → Faulted · GroundFailure",
    ],
    ["BootNotification", { chargePointVendor: "Acme", chargePointModel: "One" }, "Acme One"],
    ["Authorize", { idTag: "0123456789ABCDEF" }, "tag 012345…"],
    [
      "StopTransaction",
      { transactionId: 7, meterStop: 12000, reason: "Remote" },
      "transaction 7 · meter 12000 Wh · Remote",
    ],
    ["Reset", { type: "Soft" }, "type Soft"],
    ["Heartbeat", {}, ""],
  ])("of %s", (message, data, line) => expect(gist(message, "call", data)).toBe(line));

  test("of meter values: the last ones, without phases", () => {
    const sampledValue = [
      { value: "12345", measurand: "Energy.Active.Import.Register", unit: "Wh" },
      { value: "7.2", measurand: "Power.Active.Import", unit: "kW" },
      { value: "54", measurand: "SoC", unit: "Percent" },
      { value: "231", measurand: "Voltage", phase: "L1", unit: "V" },
    ];
    const data = { connectorId: 2, meterValue: [{ sampledValue: [] }, { sampledValue }] };
    expect(gist("MeterValues", "call", data)).toBe("connector 2 · 12345 Wh · 7.2 kW · SoC 54 %");
  });

  test("of answers: the station's or our word", () => {
    expect(gist("RemoteStartTransaction", "result", { status: "Accepted" })).toBe("Accepted");
    expect(gist("StartTransaction", "answer", { transactionId: 9, idTagInfo: { status: "Invalid" } })).toBe(
      "Invalid · transaction 9",
    );
  });

  test.each([
    null,
    5,
    "text",
    [],
    { meterValue: "no list" },
    { meterValue: [null] },
    { meterValue: [{ sampledValue: {} }] },
  ])("never fails: %j", (data) => expect(typeof gist("MeterValues", "call", data)).toBe("string"));
});
