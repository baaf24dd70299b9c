// What the operator's pages do with an event.

import { patchSessions } from "@shared/live/pages";
import { patchPoints } from "@shared/live/patch";
import type { Patch } from "@shared/live/useLive";
import { POINTS, type Point } from "./points/usePoints";

export const SESSIONS = ["sessions"] as const;
export const SESSION = ["session"] as const;
export const DRIVERS = ["drivers"] as const;

const ENDS = new Set(["session.updated", "transaction.completed"]);

export const patchOperator: Patch = (queries, events) => {
  let isStale = false;
  const points = queries.getQueryData<Point[]>(POINTS);
  if (points) {
    const patched = patchPoints(points, events);
    if (patched.next !== points) queries.setQueryData(POINTS, patched.next);
    isStale = patched.isStale;
  }
  patchSessions(queries, SESSIONS, SESSION, events);
  if (events.some((event) => ENDS.has(event.type))) queries.invalidateQueries({ queryKey: SESSIONS });
  if (events.some((event) => event.type === "wallet.updated"))
    queries.invalidateQueries({ queryKey: DRIVERS });
  return isStale;
};
