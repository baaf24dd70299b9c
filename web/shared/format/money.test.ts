import { describe, expect, test } from "vitest";
import { currencySymbol, decimalsOf, money, parseMinor } from "./money";

describe("money", () => {
  test("writes paise with the country's grouping", () => {
    expect(money(12_345_650, "INR")).toBe("₹1,23,456.50");
    expect(money(5, "INR")).toBe("₹0.05");
    expect(money(0, "INR")).toBe("₹0.00");
  });
  test("keeps the sign", () => expect(money(-23_754, "INR")).toBe("-₹237.54"));
  test("knows currencies without or with three decimals", () => {
    expect(money(1500, "JPY")).toContain("1,500");
    expect(decimalsOf("KWD")).toBe(3);
    expect(money(1234, "KWD")).toContain("1.234");
  });
  test("is exact where a float would not be", () =>
    expect(money(900_719_925_474_099, "INR").replace(/\D/g, "")).toBe("900719925474099"));
  test("says that it does not know", () => {
    expect(money(null)).toBe("—");
    expect(money(1.5)).toBe("—");
  });
});

describe("parseMinor", () => {
  test.each([
    ["500", 50_000],
    ["237.5", 23_750],
    ["1,200.05", 120_005],
    ["0.01", 1],
  ])("reads %s", (typed, minor) => expect(parseMinor(typed, "INR")).toBe(minor));
  test.each(["", "0", "-5", "1.234", "ten", "1e5", "1.", ".5", "99999999999999"])("refuses %s", (typed) =>
    expect(parseMinor(typed, "INR")).toBeNull(),
  );
  test("has no decimals where the currency has none", () => expect(parseMinor("15.5", "JPY")).toBeNull());
});

test("the symbol stands in front of amount fields", () => expect(currencySymbol("INR")).toBe("₹"));
