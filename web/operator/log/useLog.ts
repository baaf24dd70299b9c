// The log, page by page into the past, and growing at its head while it is followed.
import { api, ask } from "@shared/api/client";
import type { LogRow, Page } from "@shared/api/types";
import { useLive } from "@shared/live/useLive";
import { type InfiniteData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef } from "react";
import type { LogSearch } from "../search";
import { logQuery, mergeHead } from "./logQuery";

const PAGE = 50;
const FOLLOW_MS = 3_000;
const FOLLOW_SOON_MS = 400;
const ROWS_MAX = 1_000; // Of a followed log; what is older comes back with "older".

type Pages = InfiniteData<Page<LogRow>, string | undefined>;

export function useLog(search: LogSearch, deviceId: string | undefined, isFollowing: boolean) {
  const queries = useQueryClient();
  const live = useLive();
  const { log: _, logDevice: __, ...filter } = search;
  const key = JSON.stringify({ ...filter, deviceId });
  const askPage = (cursor: string | undefined) =>
    ask(
      api.GET("/api/cms/ocpp-log", {
        params: { query: { ...logQuery(filter, deviceId, Date.now()), cursor, limit: PAGE } },
      }),
    );
  const asked = useRef(askPage);
  asked.current = askPage;
  const log = useInfiniteQuery({
    queryKey: ["log", key],
    initialPageParam: undefined as string | undefined,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 30_000,
    refetchOnWindowFocus: false,
    queryFn: ({ pageParam }) => asked.current(pageParam),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });

  const isReady = log.isSuccess;
  const refetch = log.refetch;
  const grow = useCallback(async () => {
    const head = await asked.current(undefined);
    let isGap = false;
    queries.setQueryData<Pages>(["log", key], (data) => {
      const merged = data && withHead(data, head.items);
      isGap = merged?.isGap ?? false;
      return merged?.data ?? data;
    });
    if (isGap) await refetch();
  }, [queries, key, refetch]);
  useFollow(grow, isFollowing && isReady, deviceId);

  const rows = log.data?.pages.flatMap((page) => page.items) ?? [];
  return { ...log, rows, mode: live.mode };
}

function withHead(data: Pages, head: LogRow[]): { data: Pages; isGap: boolean } {
  const [first, ...rest] = data.pages;
  if (!first) return { data, isGap: false };
  const { rows, isGap } = mergeHead(first.items, head);
  if (rows === first.items) return { data, isGap };
  const items = rest.length === 0 && rows.length > ROWS_MAX ? rows.slice(0, ROWS_MAX) : rows;
  return { data: { ...data, pages: [{ ...first, items }, ...rest] }, isGap };
}

/** Looks at the head every few seconds, and soon after the server says that something was written. */
function useFollow(grow: () => Promise<void>, isOn: boolean, deviceId: string | undefined): void {
  const { subscribe } = useLive();
  useEffect(() => {
    if (!isOn) return;
    let timer: ReturnType<typeof setTimeout>;
    let isClosed = false;
    const again = (wait: number) => {
      clearTimeout(timer);
      if (!isClosed) timer = setTimeout(look, wait);
    };
    const look = () => {
      grow()
        .catch(() => {}) // The page shows the trouble of its own query; following simply goes on.
        .finally(() => again(document.hidden ? 10 * FOLLOW_MS : FOLLOW_MS));
    };
    again(FOLLOW_MS);
    const unsubscribe = subscribe((events) => {
      const isOurs = events.some((event) => !deviceId || !event.stationId || event.stationId === deviceId);
      if (isOurs) again(FOLLOW_SOON_MS);
    });
    return () => {
      isClosed = true;
      clearTimeout(timer);
      unsubscribe();
    };
  }, [grow, isOn, deviceId, subscribe]);
}
