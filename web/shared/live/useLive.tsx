// One hook keeps a page live: events patch what TanStack Query holds; a reconnect or a gap asks again; without a
// socket the queries poll.
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { setApiListeners } from "../api/client";
import { ME } from "../api/session";
import type { LiveEvent } from "../api/types";
import { LiveChannel } from "./channel";

const POLL_MS = 10_000;
const POLL_HIDDEN_MS = 30_000;
const SAFETY_MS = 60_000; // Even while live: hints may be lost.
const REFETCH_GAP_MS = 3_000; // However many gaps there are, not more often.

export type LiveMode = "live" | "polling" | "offline";

/** Brings the cached queries up to the events; true when something could not be placed. */
export type Patch = (queries: QueryClient, events: LiveEvent[]) => boolean;

export type Live = {
  mode: LiveMode;
  heardAt: number;
  /** For queries: how often to ask while this mode lasts. */
  interval: () => number;
  /** Events that arrived since `moment`, to bring an answer that was asked for before them up to date. */
  since: (moment: number) => LiveEvent[];
  watch: (stationIds: string[]) => void;
  subscribe: (heard: (events: LiveEvent[]) => void) => () => void;
};

const Context = createContext<Live | null>(null);

export function useLive(): Live {
  const live = useContext(Context);
  if (!live) throw new Error("useLive needs a LiveProvider above it");
  return live;
}

export function LiveProvider({ patch, children }: { patch: Patch; children: ReactNode }) {
  const queries = useQueryClient();
  const [isConnected, setConnected] = useState(false);
  const [isReached, setReached] = useState(true);
  const [heardAt, setHeardAt] = useState(() => Date.now());
  const channel = useRef<LiveChannel | null>(null);
  const subscribers = useRef(new Set<(events: LiveEvent[]) => void>());
  const refetch = useRefetch(queries);

  useEffect(() => {
    const heard = () => setHeardAt((before) => (Date.now() - before >= 1000 ? Date.now() : before));
    setApiListeners({
      signedOut: () => queries.setQueryData(ME, null),
      heard: (ok) => {
        setReached(ok);
        if (ok) heard();
      },
    });
    const opened = new LiveChannel({
      heard,
      events: (events) => {
        if (patch(queries, events)) refetch();
        for (const subscriber of subscribers.current) subscriber(events);
      },
      connected: (isAgain) => {
        setConnected(true);
        setReached(true);
        heard();
        if (isAgain) refetch();
      },
      disconnected: (isFresh) => {
        setConnected(false);
        if (isFresh) refetch(); // Is the server gone, or only the socket?
      },
    });
    channel.current = opened;
    return () => {
      channel.current = null;
      setConnected(false);
      opened.close();
    };
  }, [queries, patch, refetch]);

  const mode: LiveMode = isConnected ? "live" : isReached && navigator.onLine ? "polling" : "offline";
  const interval = useCallback(
    () => (mode === "live" ? SAFETY_MS : document.hidden ? POLL_HIDDEN_MS : POLL_MS),
    [mode],
  );
  const since = useCallback((moment: number) => channel.current?.since(moment) ?? [], []);
  const watch = useCallback((ids: string[]) => channel.current?.watch(ids), []);
  const subscribe = useCallback((hear: (events: LiveEvent[]) => void) => {
    subscribers.current.add(hear);
    return () => {
      subscribers.current.delete(hear);
    };
  }, []);
  const live = useMemo(
    () => ({ mode, heardAt, interval, since, watch, subscribe }),
    [mode, heardAt, interval, since, watch, subscribe],
  );
  return <Context value={live}>{children}</Context>;
}

/** Everything that is on the screen, again; bursts become one. */
function useRefetch(queries: QueryClient): () => void {
  const last = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  return useCallback(() => {
    if (timer.current) return;
    const wait = Math.max(100, last.current + REFETCH_GAP_MS - Date.now());
    timer.current = setTimeout(() => {
      timer.current = undefined;
      last.current = Date.now();
      queries.invalidateQueries({
        predicate: (query) => query.queryKey[0] !== ME[0] && query.queryKey[0] !== "log",
      });
    }, wait);
  }, [queries]);
}
