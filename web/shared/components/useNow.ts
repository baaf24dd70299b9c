// One clock for everything on the page that shows an age, instead of a timer per row.
import { useSyncExternalStore } from "react";

const TICK_MS = 1000;
const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const one of listeners) one();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The time, a second fine. Nothing repaints between two ticks of `every`. */
export function useNow(every = TICK_MS): number {
  const ticks = useSyncExternalStore(subscribe, () => Math.floor(now / every));
  return every <= TICK_MS ? now : ticks * every;
}
