// What does a page's copy of the world look like after these events? Pure: what is older than what we have is
// ignored, and what we cannot place makes the copy stale, so that it is asked for again.
import type { LiveEvent, LiveSession, PendingCommand, Session } from "../api/types";

export type ConnectorLike = {
  connectorId: number;
  status: string;
  errorCode?: string;
  info?: string;
  statusAt?: string | null;
  powerW?: number | null;
  socPercent?: number | null;
  version: number;
  session?: LiveSession | null;
};

/** How the last failed command at a station ended: told until it is old news. Kept by the browser only. */
export type Outcome = {
  commandId: string;
  action: string;
  code: string;
  at: string;
  connectorId: number | null;
};

export type PointLike = {
  stationId: string;
  isOnline: boolean;
  lastSeenAt?: string | null;
  connectedAt?: string | null;
  disconnectedAt?: string | null;
  version: number;
  connectors: ConnectorLike[];
  pendingCommand?: PendingCommand | null;
  outcome?: Outcome;
  closedCommands?: string[];
};

export type Patched<T> = { next: T; isStale: boolean };

const TERMINAL = new Set(["COMPLETED", "TERMINATED", "FAILED"]);
const OPEN_COMMAND = ["queued", "sent"];
const FROM_STATION = new Set(["charger.status.changed", "charger.booted", "meter.values.updated"]);
const CLOSED_MAX = 8;

export function isTerminal(state: string): boolean {
  return TERMINAL.has(state);
}

export function patchPoints<P extends PointLike>(points: P[], events: LiveEvent[]): Patched<P[]> {
  const place = new Map(points.map((point, index) => [point.stationId, index]));
  let next = points;
  let isStale = false;
  for (const event of events) {
    if (!event.stationId || !(event.type in POINT_RULES)) continue;
    const index = place.get(event.stationId);
    const before = index === undefined ? undefined : next[index];
    if (index === undefined || before === undefined) {
      isStale = true; // A station that we have not heard of: new, or of a page that we did not load.
      continue;
    }
    const after = patchPoint(before, event);
    isStale ||= after.isStale;
    if (after.next === before) continue;
    if (next === points) next = [...points];
    next[index] = after.next;
  }
  return { next, isStale };
}

function patchPoint<P extends PointLike>(point: P, event: LiveEvent): Patched<P> {
  const rule = POINT_RULES[event.type];
  if (!rule) return { next: point, isStale: false };
  const patched = rule(point, event) as Patched<P>;
  return FROM_STATION.has(event.type) ? { ...patched, next: seen(patched.next, event.at) } : patched;
}

function seen<P extends PointLike>(point: P, at: string): P {
  return point.lastSeenAt && point.lastSeenAt >= at ? point : { ...point, lastSeenAt: at };
}

type Rule = (point: PointLike, event: LiveEvent) => Patched<PointLike>;

const POINT_RULES: Record<string, Rule> = {
  "charger.status.changed": (point, event) => {
    if (event.connectorId) return status(point, event);
    // Connector 0 is the station: its presence, or its own StatusNotification (another row, other versions).
    return event.id.startsWith("status:") ? same(point) : presence(point, event);
  },
  "charger.booted": (point, event) => {
    const { vendor, model } = event.data as { vendor?: string; model?: string };
    return fresh({ ...point, ...(vendor && { vendor }), ...(model && { model }) });
  },
  "meter.values.updated": (point, event) => onConnector(point, event, (one) => meter(one, event)),
  "session.updated": session,
  "command.updated": command,
};

const same = (point: PointLike): Patched<PointLike> => ({ next: point, isStale: false });
const fresh = (point: PointLike): Patched<PointLike> => ({ next: point, isStale: false });

function presence(point: PointLike, event: LiveEvent): Patched<PointLike> {
  if (event.sequence <= point.version) return same(point);
  const isOnline = event.data.isOnline === true;
  const since = isOnline ? { connectedAt: event.at } : { disconnectedAt: event.at };
  return fresh({ ...point, ...since, isOnline, version: event.sequence });
}

function status(point: PointLike, event: LiveEvent): Patched<PointLike> {
  return onConnector(point, event, (connector) => {
    if (event.sequence <= connector.version) return { next: connector, isStale: false };
    const known = pick(event.data, ["status", "errorCode", "info", "statusAt"]);
    const isGap = event.sequence > connector.version + 1;
    return { next: { ...connector, ...known, version: event.sequence }, isStale: isGap };
  });
}

function meter(connector: ConnectorLike, event: LiveEvent): Patched<ConnectorLike> {
  const live = connector.session;
  const figures = pick(event.data, ["powerW", "socPercent"]);
  if (!live || live.sessionId !== event.sessionId)
    return { next: connector, isStale: Boolean(event.sessionId) };
  // Figures are absolute and may be lost: a gap between them is no reason to ask again.
  if (event.sequence < live.version) return { next: connector, isStale: false };
  const told = pick(event.data, ["energyWh", "powerW", "socPercent", "costMinor", "currency"]);
  const energyWh = Math.max(live.energyWh, Number(told.energyWh ?? live.energyWh));
  const next = { ...connector, ...figures, session: { ...live, ...told, energyWh, version: event.sequence } };
  return { next, isStale: false };
}

const SESSION_FIELDS = [
  "state",
  "subReason",
  "startedAt",
  "energyWh",
  "costMinor",
  "currency",
  "payerKind",
  "startedBy",
];

function session(point: PointLike, event: LiveEvent): Patched<PointLike> {
  const state = String(event.data.state);
  const patched = onConnector(point, event, (connector) => {
    const live = connector.session;
    if (!live || live.sessionId !== event.sessionId) return { next: connector, isStale: !isTerminal(state) };
    if (event.sequence <= live.version) return { next: connector, isStale: false };
    if (isTerminal(state)) return { next: { ...connector, session: null }, isStale: false };
    const told = pick(event.data, SESSION_FIELDS);
    return { next: { ...connector, session: { ...live, ...told, version: event.sequence } }, isStale: false };
  });
  if (state !== "FAILED") return patched;
  return {
    ...patched,
    next: { ...patched.next, outcome: failure(event, "start", String(event.data.subReason)) },
  };
}

function command(point: PointLike, event: LiveEvent): Patched<PointLike> {
  const { commandId, action, state } = event.data as { commandId: string; action: string; state: string };
  const pending = point.pendingCommand;
  const closed = point.closedCommands ?? [];
  if (closed.includes(commandId)) return same(point); // Its end was told before: this is older.
  if (OPEN_COMMAND.includes(state)) {
    const isOlder =
      pending?.commandId === commandId && OPEN_COMMAND.indexOf(pending.state) > OPEN_COMMAND.indexOf(state);
    if (isOlder) return same(point);
    const createdAt = pending?.commandId === commandId ? pending.createdAt : event.at;
    const connectorId = event.connectorId ?? null;
    return fresh({ ...point, pendingCommand: { commandId, action, state, createdAt, connectorId } });
  }
  const next = { ...point, closedCommands: [...closed, commandId].slice(-CLOSED_MAX) };
  if (pending?.commandId === commandId) next.pendingCommand = null;
  if (state !== "accepted") next.outcome = failure(event, action, state);
  return fresh(next);
}

function failure(event: LiveEvent, action: string, code: string): Outcome {
  const commandId = String(event.data.commandId ?? event.sessionId);
  return { commandId, action, code, at: event.at, connectorId: event.connectorId ?? null };
}

function onConnector(
  point: PointLike,
  event: LiveEvent,
  change: (connector: ConnectorLike) => Patched<ConnectorLike>,
): Patched<PointLike> {
  const index = point.connectors.findIndex((one) => one.connectorId === event.connectorId);
  const before = point.connectors[index];
  if (!before) return { next: point, isStale: true };
  const after = change(before);
  if (after.next === before) return { next: point, isStale: after.isStale };
  return { next: { ...point, connectors: point.connectors.with(index, after.next) }, isStale: after.isStale };
}

function pick(data: Record<string, unknown>, fields: string[]): Record<string, unknown> {
  return Object.fromEntries(
    fields.filter((field) => data[field] !== undefined).map((field) => [field, data[field]]),
  );
}

/** A fresh list from the server keeps what only the browser knows: how commands ended. */
export function carryOver<P extends PointLike>(before: P[] | undefined, after: P[]): P[] {
  if (!before) return after;
  const known = new Map(before.map((point) => [point.stationId, point]));
  return after.map((point) => {
    const { outcome, closedCommands } = known.get(point.stationId) ?? {};
    return outcome || closedCommands ? { ...point, outcome, closedCommands } : point;
  });
}

const WHOLE_SESSION = [
  ...[
    "state",
    "subReason",
    "transactionId",
    "startedAt",
    "endedAt",
    "settledAt",
    "energyWh",
    "powerW",
    "socPercent",
  ],
  ...[
    "costMinor",
    "currency",
    "holdMinor",
    "payerKind",
    "startedBy",
    "isSuspect",
    "isProvisional",
    "stopReason",
  ],
  ...["capturedMinor", "overrunMinor", "releasedMinor", "feeMinor", "organisationMinor", "taxMinor"],
];
const SESSION_TYPES = new Set(["session.updated", "meter.values.updated", "transaction.completed"]);

export type SessionLike = Pick<Session, "sessionId" | "version">;

/** A session of a list or a detail page after an event about it. */
export function patchSession<S extends SessionLike>(known: S, event: LiveEvent): S {
  if (event.sessionId !== known.sessionId || !SESSION_TYPES.has(event.type)) return known;
  const isOlder = event.sequence < known.version;
  const isTold = event.sequence === known.version && event.type === "session.updated";
  if (isOlder || isTold) return known;
  return { ...known, ...pick(event.data, WHOLE_SESSION), version: event.sequence };
}
