// What the drivers' pages do with an event.
import type { UserStation } from "@shared/api/types";
import { patchSessions } from "@shared/live/pages";
import { patchPoints } from "@shared/live/patch";
import type { Patch } from "@shared/live/useLive";

export const STATIONS = ["stations"] as const;
export const SESSIONS = ["sessions"] as const;
export const SESSION = ["session"] as const;
export const WALLET = ["wallet"] as const;

const STATUS = "charger.status.changed";
const ENDS = new Set(["session.updated", "transaction.completed"]);

export const patchDriver: Patch = (queries, events) => {
  const stations = queries.getQueryData<UserStation[]>(STATIONS);
  const told = events.filter((event) => event.type === STATUS);
  if (stations && told.length > 0) {
    const { next } = patchPoints(stations, told);
    if (next !== stations) queries.setQueryData(STATIONS, next);
  }
  patchSessions(queries, SESSIONS, SESSION, events);
  if (events.some((event) => ENDS.has(event.type))) {
    queries.invalidateQueries({ queryKey: SESSIONS });
    queries.invalidateQueries({ queryKey: SESSION });
  }
  if (events.some((event) => event.type === "wallet.updated"))
    queries.invalidateQueries({ queryKey: WALLET });
  return false;
};
