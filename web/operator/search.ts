// What stands in the address of an operator's page: filters, the open drawer. Everything is optional, and what
// somebody mistyped is left out.
import type { SessionStateName } from "@shared/api/types";
import { CLASSES, type ConnectorClass } from "@shared/words";

export const RANGES = ["15m", "1h", "24h", "7d", "all", "custom"] as const;
export type Range = (typeof RANGES)[number];

export const STATES: SessionStateName[] = [
  ...(["PENDING", "STARTING", "ONGOING", "STOPPING", "GHOST", "ORPHANED"] as const),
  ...(["COMPLETED", "TERMINATED", "FAILED"] as const),
];

/** Of every page: the log drawer and what the log shows. */
export type LogSearch = {
  log?: string;
  logType?: string;
  logDirection?: "Incoming" | "Outgoing";
  logRange?: Range;
  logFrom?: string;
  logTo?: string;
  logText?: string;
  logDevice?: string;
};

export type PointsSearch = { tile?: ConnectorClass; q?: string; page?: number };
export type SessionsSearch = { state?: SessionStateName; station?: string };
export type DriversSearch = { q?: string };

type Raw = Record<string, unknown>;

function text(value: unknown, max = 100): string | undefined {
  const written = typeof value === "string" || typeof value === "number" ? String(value) : "";
  return written ? written.slice(0, max) : undefined;
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[]): T | undefined {
  return allowed.find((one) => one === value);
}

export function logSearch(raw: Raw): LogSearch {
  return {
    log: text(raw.log),
    logType: text(raw.logType),
    logDirection: oneOf(raw.logDirection, ["Incoming", "Outgoing"] as const),
    logRange: oneOf(raw.logRange, RANGES),
    logFrom: text(raw.logFrom),
    logTo: text(raw.logTo),
    logText: text(raw.logText),
    logDevice: text(raw.logDevice),
  };
}

export function pointsSearch(raw: Raw): PointsSearch {
  const page = Number(raw.page);
  return {
    tile: oneOf(raw.tile, CLASSES),
    q: text(raw.q),
    page: Number.isInteger(page) && page > 1 ? page : undefined,
  };
}

export function sessionsSearch(raw: Raw): SessionsSearch {
  return { state: oneOf(raw.state, STATES), station: text(raw.station) };
}

export function driversSearch(raw: Raw): DriversSearch {
  return { q: text(raw.q) };
}
