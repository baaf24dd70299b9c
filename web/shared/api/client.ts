// The one way to the server: typed, with the CSRF header, and every failure a Problem.
import createClient, { type Middleware } from "openapi-fetch";
import type { paths } from "../generated/api";
import { asProblem, Problem, problemFrom } from "./problem";

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

let csrfToken = "";
let onSignedOut = () => {};
let onHeard = (_ok: boolean) => {};

export function setCsrfToken(token: string): void {
  csrfToken = token;
}

/** `signedOut`: the login ended elsewhere. `heard`: the server answered (or did not), for the live badge. */
export function setApiListeners(listeners: { signedOut: () => void; heard: (ok: boolean) => void }): void {
  onSignedOut = listeners.signedOut;
  onHeard = listeners.heard;
}

const csrf: Middleware = {
  onRequest({ request }) {
    if (!SAFE.has(request.method) && csrfToken) request.headers.set("X-CSRF-Token", csrfToken);
    return request;
  },
};

export const api = createClient<paths>({ baseUrl: "", credentials: "same-origin" });
api.use(csrf);

type Outcome<T> = { data?: T; error?: unknown; response: Response };

/** The answer's body, or a thrown Problem. */
export async function ask<T>(request: Promise<Outcome<T>>): Promise<T> {
  let outcome: Outcome<T>;
  try {
    outcome = await request;
  } catch (error) {
    onHeard(false);
    throw asProblem(error);
  }
  const { data, error, response } = outcome;
  if (response.ok) {
    onHeard(true);
    return data as T;
  }
  const problem = problemFrom(error, response);
  onHeard(!problem.isUnreachable);
  if (problem.status === 401 && problem.code !== "wrong_credentials") onSignedOut();
  throw problem;
}

/** An id that this page makes, so that a repeated click or retry does nothing twice. Works without HTTPS too. */
export function idempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A key per wish: the same one asked for twice is one, whatever else was asked for in between. */
export function keysOfWishes(): (wish: unknown) => string {
  const made = new Map<string, string>();
  return (wish) => {
    const text = JSON.stringify(wish);
    const key = made.get(text) ?? idempotencyKey();
    made.set(text, key);
    return key;
  };
}

export { Problem };
