import { expect, test } from "vitest";
import { age, duration, span } from "./time";

const NOW = Date.parse("2026-11-20T12:00:00Z");

test("ages in words", () => {
  expect(age("2026-11-20T11:59:58Z", NOW)).toBe("2 s");
  expect(age("2026-11-20T11:56:00Z", NOW)).toBe("4 min");
  expect(age("2026-11-18T11:56:00Z", NOW)).toBe("2 d");
  expect(age("not a time", NOW)).toBe("—");
});

test("a clock ahead of ours is not a negative age", () =>
  expect(age("2026-11-20T12:00:09Z", NOW)).toBe("0 s"));

test("a day and a half is told in hours", () => expect(span(36 * 3_600_000)).toBe("36 h"));

test("durations as h:mm:ss, open ones up to now", () => {
  expect(duration("2026-11-20T10:58:57Z", null, NOW)).toBe("1:01:03");
  expect(duration("2026-11-20T10:00:00Z", "2026-11-20T10:00:09Z", NOW)).toBe("0:00:09");
  expect(duration(null, null, NOW)).toBe("—");
});
