// What is a connector doing, in one class for the tiles and in one sentence for people? Pure.
import { dayAndClock } from "./format/time";
import type { ConnectorLike, PointLike } from "./live/patch";

export const CLASSES = ["available", "inUse", "faulted", "offline", "other"] as const;
export type ConnectorClass = (typeof CLASSES)[number];

const CLASS_OF_STATUS: Record<string, ConnectorClass> = {
  Available: "available",
  Preparing: "inUse",
  Charging: "inUse",
  SuspendedEV: "inUse",
  SuspendedEVSE: "inUse",
  Finishing: "inUse",
  Faulted: "faulted",
};

/** Offline beats everything: the last status of a station that is away is not live. */
export function classOf(point: PointLike, connector: ConnectorLike): ConnectorClass {
  if (!point.isOnline) return "offline";
  return CLASS_OF_STATUS[connector.status] ?? "other";
}

export function countClasses(points: PointLike[]): Record<ConnectorClass, number> {
  const counts = { available: 0, inUse: 0, faulted: 0, offline: 0, other: 0 };
  for (const point of points)
    for (const connector of point.connectors) counts[classOf(point, connector)] += 1;
  return counts;
}

const PENDING = new Set(["PENDING", "STARTING", "STOPPING"]);

/** A command of ours is under way: since when, and is it the car's turn? */
export function pendingOf(
  point: PointLike,
  connector: ConnectorLike,
): { key: PendingKey; since: string } | null {
  const session = connector.session;
  const command = point.pendingCommand;
  if (session && PENDING.has(session.state)) {
    const isStop = session.state === "STOPPING";
    const asked =
      isStop && command?.action === "RemoteStopTransaction" ? command.createdAt : session.createdAt;
    // Without the command's row, nothing says when the stop was asked for.
    return { key: session.state as PendingKey, since: isStop && asked === session.createdAt ? "" : asked };
  }
  const ours = command?.connectorId === connector.connectorId || (command?.connectorId == null && !session);
  return command && ours ? { key: "COMMAND", since: command.createdAt } : null;
}

export type PendingKey = "PENDING" | "STARTING" | "STOPPING" | "COMMAND";

export type Sentence = { key: string; values?: Record<string, string>; tone?: "bad" | "calm" | "busy" };

const NEWS_MS = 90_000;

/** One sentence for a connector; its key is below `sentence.`. */
export function sentenceOf(point: PointLike, connector: ConnectorLike, now: number): Sentence {
  const session = connector.session;
  if (!point.isOnline) return session ? { key: "offlineCharging", tone: "bad" } : offline(point);
  if (session && ["PENDING", "STARTING", "STOPPING", "GHOST", "ORPHANED"].includes(session.state))
    return {
      key: session.state,
      tone: session.state === "GHOST" || session.state === "ORPHANED" ? "bad" : "busy",
    };
  if (connector.status === "Faulted") return { key: "Faulted", values: fault(connector), tone: "bad" };
  const outcome = point.outcome;
  if (
    !session &&
    outcome &&
    concerns(outcome.connectorId, connector) &&
    now - Date.parse(outcome.at) < NEWS_MS
  )
    return { key: "outcome", values: { action: outcome.action, code: outcome.code }, tone: "bad" };
  if (session?.state === "ONGOING") return ongoing(connector, session.driverName ?? "");
  return { key: connector.status, values: { status: connector.status }, tone: "calm" };
}

function offline(point: PointLike): Sentence {
  const since = point.disconnectedAt;
  if (since) return { key: "offlineSince", values: { time: dayAndClock(since) }, tone: "calm" };
  return { key: point.connectedAt || point.lastSeenAt ? "offline" : "offlineNever", tone: "calm" };
}

function concerns(connectorId: number | null, connector: ConnectorLike): boolean {
  return connectorId === null || connectorId === connector.connectorId;
}

function fault(connector: ConnectorLike): Record<string, string> {
  const code = connector.errorCode && connector.errorCode !== "NoError" ? connector.errorCode : "Faulted";
  return { code, info: connector.info ?? "" };
}

function ongoing(connector: ConnectorLike, driver: string): Sentence {
  const paused = connector.status === "SuspendedEV" || connector.status === "SuspendedEVSE";
  const who = driver ? "For" : "";
  return { key: `${paused ? connector.status : "ongoing"}${who}`, values: { driver }, tone: "busy" };
}

/** May the button offer a start? Only where the station answers and nobody charges. */
export function offersStart(point: PointLike, connector: ConnectorLike): boolean {
  const free = ["Available", "Preparing", "Finishing", "Unknown"].includes(connector.status);
  return point.isOnline && free && !connector.session && pendingOf(point, connector) === null;
}
