// The charging points of the organisation: asked for whole, then kept up to date by events.

import { api, ask } from "@shared/api/client";
import type { ChargingPoint } from "@shared/api/types";
import { everyPage, PAGE } from "@shared/live/pages";
import { carryOver, type Outcome, patchPoints } from "@shared/live/patch";
import { useLive } from "@shared/live/useLive";
import { useQuery, useQueryClient } from "@tanstack/react-query";

export type Point = ChargingPoint & { outcome?: Outcome; closedCommands?: string[] };

export const POINTS = ["points"] as const;

export function usePoints() {
  const queries = useQueryClient();
  const live = useLive();
  return useQuery({
    queryKey: POINTS,
    refetchInterval: live.interval,
    queryFn: async () => {
      const asked = Date.now();
      const items = await everyPage<Point>((cursor) =>
        ask(api.GET("/api/cms/charging-points", { params: { query: { cursor, limit: PAGE } } })),
      );
      const known = carryOver(queries.getQueryData<Point[]>(POINTS), items);
      // What happened while the answer was on its way is newer than the answer.
      return patchPoints(known, live.since(asked)).next;
    },
  });
}
