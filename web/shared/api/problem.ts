// How does the server's "no" (RFC 9457) become a thing that a page can show?

export type ProblemBody = {
  status?: number;
  code?: string;
  detail?: string;
  hint?: string;
  requestId?: string;
};

export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;
  readonly requestId: string;

  constructor(body: ProblemBody) {
    super(body.detail || body.code || "unknown");
    this.name = "Problem";
    this.status = body.status ?? 0;
    this.code = body.code ?? "unknown";
    this.hint = body.hint ?? "";
    this.requestId = body.requestId ?? "";
  }

  /** The server was not reached, or something between us and it answered in its place. */
  get isUnreachable(): boolean {
    return this.code === "unreachable";
  }
}

export function problemFrom(body: unknown, response: Response): Problem {
  const known = typeof body === "object" && body !== null ? (body as ProblemBody) : {};
  const gateway = response.status >= 502 && response.status <= 504 && !known.code;
  return new Problem({
    ...known,
    status: response.status,
    code: known.code ?? (gateway ? "unreachable" : `http_${response.status}`),
    requestId: known.requestId ?? response.headers.get("x-request-id") ?? "",
  });
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  // fetch() rejects with a TypeError when nobody answers.
  return new Problem({ code: error instanceof TypeError ? "unreachable" : "unknown", detail: String(error) });
}
