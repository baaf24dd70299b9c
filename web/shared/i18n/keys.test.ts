import { expect, test } from "vitest";
import { en } from "./en";

const sources = import.meta.glob<string>(
  ["../../operator/**/*.tsx", "../../driver/**/*.tsx", "../**/*.tsx"],
  {
    eager: true,
    import: "default",
    query: "?raw",
  },
);

function has(key: string): boolean {
  const path = key.split(".");
  const last = path.pop() ?? "";
  const at = path.reduce<unknown>(
    (words, part) => (words as Record<string, unknown> | undefined)?.[part],
    en,
  );
  const group = at as Record<string, unknown> | undefined;
  return group !== undefined && (last in group || `${last}_other` in group);
}

test("every key that a page names is in the English words", () => {
  const used = Object.values(sources).flatMap((source) =>
    [...source.matchAll(/\bt\(\s*"([^"]+)"/g), ...source.matchAll(/words: "([^"]+)"/g)].map(
      (match) => match[1] ?? "",
    ),
  );
  expect(used.length).toBeGreaterThan(100);
  expect([...new Set(used)].filter((key) => !has(key))).toEqual([]);
});
