// Which part of the log is asked for, and how do new rows join those on the screen? Pure.
import type { LogRow } from "@shared/api/types";
import type { LogSearch, Range } from "../search";

const MINUTE = 60_000;
const SPAN_MS: Partial<Record<Range, number>> = {
  "15m": 15 * MINUTE,
  "1h": 60 * MINUTE,
  "24h": 24 * 60 * MINUTE,
  "7d": 7 * 24 * 60 * MINUTE,
};
export const DEFAULT_RANGE: Range = "24h";

export type LogQuery = {
  deviceId?: string;
  type?: string[];
  direction?: "Incoming" | "Outgoing";
  from?: string;
  to?: string;
  search?: string;
};

export function logQuery(search: LogSearch, deviceId: string | undefined, now: number): LogQuery {
  const range = search.logRange ?? DEFAULT_RANGE;
  const span = SPAN_MS[range];
  const isCustom = range === "custom";
  return {
    deviceId,
    type: search.logType ? [search.logType] : undefined,
    direction: search.logDirection,
    from: span ? new Date(now - span).toISOString() : isCustom ? utc(search.logFrom) : undefined,
    to: isCustom ? utc(search.logTo) : undefined,
    search: search.logText,
  };
}

/** A `datetime-local` field speaks of the viewer's zone; the wire of UTC. */
function utc(local: string | undefined): string | undefined {
  const at = local ? new Date(local) : null;
  return at && !Number.isNaN(at.getTime()) ? at.toISOString() : undefined;
}

export type Merged = { rows: LogRow[]; isGap: boolean };

/** The newest page over what we have: new rows in front, known ones brought up to date (their pair may have come). */
export function mergeHead(known: LogRow[], head: LogRow[]): Merged {
  const fresh = new Map(head.map((row) => [row.id, row]));
  const isTouching = known.length === 0 || known.some((row) => fresh.has(row.id));
  const knownIds = new Set(known.map((row) => row.id));
  const added = head.filter((row) => !knownIds.has(row.id));
  const rows = [...added, ...known.map((row) => newerOf(row, fresh.get(row.id)))];
  const isSame = added.length === 0 && rows.every((row, index) => row === known[index]);
  return { rows: isSame ? known : rows, isGap: !isTouching && head.length > 0 };
}

function newerOf(row: LogRow, fresh: LogRow | undefined): LogRow {
  return fresh && !row.pair && fresh.pair ? fresh : row;
}
