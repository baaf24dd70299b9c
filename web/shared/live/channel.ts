// The socket of a page: what arrives is gathered for a moment and handed on in one go, and remembered for a
// minute, so that a list that was asked for before an event can be brought up to it.
import { io, type Socket } from "socket.io-client";
import type { LiveEvent } from "../api/types";

const GATHER_MS = 250; // At most four repaints a second, however many chargers talk.
const REMEMBER_MS = 60_000;
const REMEMBER_MAX = 5_000;
const REFUSED_RETRY_MS = 10_000;

export type Listener = {
  events: (events: LiveEvent[]) => void;
  connected: (isAgain: boolean) => void;
  /** `isFresh`: it was there a moment ago; else another attempt failed. */
  disconnected: (isFresh: boolean) => void;
  heard: () => void;
};

type Remembered = { arrived: number; event: LiveEvent };

export class LiveChannel {
  private readonly socket: Socket;
  private readonly watched = new Set<string>();
  private gathered: LiveEvent[] = [];
  private remembered: Remembered[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private wasConnected = false;

  constructor(private readonly listener: Listener) {
    // The default order of transports: with WebSocket first, the client never falls back to polling.
    this.socket = io({ path: "/socket.io", withCredentials: true, auth: { generic: false } });
    this.socket.on("connect", () => this.connected());
    this.socket.on("disconnect", () => listener.disconnected(true));
    this.socket.on("connect_error", () => this.refused());
    this.socket.onAny((_name, body: unknown) => this.arrived(body));
  }

  close(): void {
    clearTimeout(this.timer);
    clearTimeout(this.retry);
    this.socket.close();
  }

  /** Hear these stations' public status, which a driver is not sent unasked. */
  watch(stationIds: string[]): void {
    for (const id of stationIds) {
      if (this.watched.has(id)) continue;
      this.watched.add(id);
      if (this.socket.connected) this.socket.emit("watch", id);
    }
  }

  /** What arrived since a moment of `Date.now()`. */
  since(moment: number): LiveEvent[] {
    return this.remembered.filter((one) => one.arrived >= moment).map((one) => one.event);
  }

  private connected(): void {
    for (const id of this.watched) this.socket.emit("watch", id);
    this.socket.io.engine.on("packet", () => this.listener.heard());
    this.listener.connected(this.wasConnected);
    this.wasConnected = true;
  }

  private refused(): void {
    this.listener.disconnected(false);
    // The client tries again by itself, except when the server said no.
    if (!this.socket.active) this.retry = setTimeout(() => this.socket.connect(), REFUSED_RETRY_MS);
  }

  private arrived(body: unknown): void {
    if (!isEvent(body)) return;
    this.remember(body);
    this.gathered.push(body);
    this.timer ??= setTimeout(() => this.handOn(), GATHER_MS);
  }

  private handOn(): void {
    this.timer = undefined;
    const events = this.gathered;
    this.gathered = [];
    this.listener.events(events);
  }

  private remember(event: LiveEvent): void {
    const arrived = Date.now();
    this.remembered.push({ arrived, event });
    const oldest = this.remembered[0];
    if (this.remembered.length > REMEMBER_MAX || (oldest && oldest.arrived < arrived - 2 * REMEMBER_MS))
      this.remembered = this.remembered
        .filter((one) => one.arrived >= arrived - REMEMBER_MS)
        .slice(-REMEMBER_MAX / 2);
  }
}

function isEvent(body: unknown): body is LiveEvent {
  const event = body as LiveEvent | null;
  return (
    typeof event === "object" &&
    event !== null &&
    typeof event.type === "string" &&
    typeof event.id === "string" &&
    typeof event.data === "object" &&
    event.data !== null
  );
}
