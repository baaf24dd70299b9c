// The words of the server, taken from its own description: a change there breaks the build here, not the page.
import type { paths } from "../generated/api";

type Json<R> = R extends { content: { "application/json": infer T } } ? T : never;
type Answer<P extends keyof paths, M extends keyof paths[P]> = paths[P][M] extends { responses: infer R }
  ? Json<R[Extract<keyof R, 200 | 201 | 202>]>
  : never;
type Item<P extends keyof paths> = Answer<P, "get"> extends { items: (infer T)[] } ? T : never;

export type ChargingPoint = Item<"/api/cms/charging-points">;
export type Connector = ChargingPoint["connectors"][number];
export type LiveSession = NonNullable<Connector["session"]>;
export type PendingCommand = NonNullable<ChargingPoint["pendingCommand"]>;
export type Session = Item<"/api/cms/sessions">;
export type SessionDetail = Answer<"/api/cms/sessions/{session_id}", "get">;
export type MeterSample = SessionDetail["meterSamples"][number];
export type UserSession = Item<"/api/user/sessions">;
export type SessionStateName = NonNullable<
  NonNullable<paths["/api/cms/sessions"]["get"]["parameters"]["query"]>["state"]
>[number];
export type UserStation = Item<"/api/user/stations">;
export type Driver = Item<"/api/cms/drivers">;
export type LogRow = Item<"/api/cms/ocpp-log">;
export type SignedIn = Answer<"/api/auth/me", "get">;
export type Person = SignedIn["person"];
export type Wallet = Answer<"/api/user/wallet", "get">;
export type StatementLine = Item<"/api/user/wallet/statement">;

export type Page<T> = { items: T[]; nextCursor?: string | null };

/** What a socket event carries; `data` depends on `type`. */
export type LiveEvent = {
  version: number;
  id: string;
  type: string;
  at: string;
  sequence: number;
  stationId?: string | null;
  connectorId?: number | null;
  sessionId?: string | null;
  data: Record<string, unknown>;
};
