import type { LogRow } from "@shared/api/types";
import { describe, expect, test } from "vitest";
import { logQuery, mergeHead } from "./logQuery";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const row = (id: string, pair: LogRow["pair"] = null) => ({ id, pair }) as LogRow;
const ids = (rows: LogRow[]) => rows.map((one) => one.id);

describe("mergeHead", () => {
  test("puts new rows in front", () => {
    const { rows, isGap } = mergeHead([row("2"), row("1")], [row("4"), row("3"), row("2")]);
    expect(ids(rows)).toEqual(["4", "3", "2", "1"]);
    expect(isGap).toBe(false);
  });
  test("brings the answer to a call that waited for it", () => {
    const pair = { id: "9", kind: "answer", data: {}, timestamp: "" };
    expect(mergeHead([row("1")], [row("1", pair)]).rows[0]?.pair).toBe(pair);
  });
  test("keeps the same list when nothing is new", () => {
    const known = [row("2"), row("1")];
    expect(mergeHead(known, [row("2"), row("1")]).rows).toBe(known);
  });
  test("sees that rows between are missing", () => {
    expect(mergeHead([row("1")], [row("9"), row("8")]).isGap).toBe(true);
  });
});

describe("logQuery", () => {
  test("turns a preset into a moment", () => {
    expect(logQuery({ logRange: "1h" }, "PUN-001", NOW)).toMatchObject({
      ...{ deviceId: "PUN-001", from: "2026-11-20T11:00:00.000Z", to: undefined },
    });
  });
  test("leaves out what is not a time", () => {
    expect(logQuery({ logRange: "custom", logFrom: "tomorrow" }, undefined, NOW).from).toBeUndefined();
  });
});
