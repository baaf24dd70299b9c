// What the drivers' pages ask for.
import { api, ask } from "@shared/api/client";
import type { UserStation } from "@shared/api/types";
import { everyPage, PAGE } from "@shared/live/pages";
import { isTerminal, patchPoints } from "@shared/live/patch";
import { useLive } from "@shared/live/useLive";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { SESSION, SESSIONS, STATIONS, WALLET } from "./live";

const WATCHED_MAX = 100;

export function useStations() {
  const live = useLive();
  const stations = useQuery({
    queryKey: STATIONS,
    refetchInterval: live.interval,
    queryFn: async () => {
      const asked = Date.now();
      const items = await everyPage<UserStation>((cursor) =>
        ask(api.GET("/api/user/stations", { params: { query: { cursor, limit: PAGE } } })),
      );
      return patchPoints(items, live.since(asked)).next;
    },
  });
  const { data } = stations;
  const { watch, mode } = live;
  useEffect(() => {
    if (data && mode === "live") watch(data.slice(0, WATCHED_MAX).map((station) => station.stationId));
  }, [data, mode, watch]);
  return stations;
}

export function useSessions() {
  const live = useLive();
  return useInfiniteQuery({
    queryKey: SESSIONS,
    refetchInterval: live.interval,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      ask(api.GET("/api/user/sessions", { params: { query: { cursor: pageParam, limit: 20 } } })),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
}

/** Mine, unless it is over. The newest, should there be several. */
export function useLiveSession() {
  const sessions = useSessions();
  const all = sessions.data?.pages.flatMap((page) => page.items) ?? [];
  return {
    sessions,
    current: all.find((one) => !isTerminal(one.state)),
    past: all.filter((one) => isTerminal(one.state)),
  };
}

export function useSession(sessionId: string) {
  const live = useLive();
  return useQuery({
    queryKey: [...SESSION, sessionId],
    queryFn: () =>
      ask(api.GET("/api/user/sessions/{session_id}", { params: { path: { session_id: sessionId } } })),
    refetchInterval: (query) =>
      query.state.data && isTerminal(query.state.data.state) ? false : live.interval(),
  });
}

export function useWallet() {
  const live = useLive();
  return useQuery({
    queryKey: [...WALLET, "balance"],
    refetchInterval: live.interval,
    queryFn: () => ask(api.GET("/api/user/wallet")),
  });
}

export function useStatement() {
  return useInfiniteQuery({
    queryKey: [...WALLET, "statement"],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      ask(api.GET("/api/user/wallet/statement", { params: { query: { cursor: pageParam, limit: 30 } } })),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
}
