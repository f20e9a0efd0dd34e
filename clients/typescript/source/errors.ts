// The errors of the client: a request that the server refused, and one that got no response.

/** One error of a response; docs/http.md lists the members of `extensions`. */
export interface ResponseError {
  message: string;
  path?: (string | number)[];
  locations?: { line: number; column: number }[];
  extensions?: { code?: string; requestId?: string; unknownOutcome?: boolean; [name: string]: unknown };
}

/** A refused request. */
export class ApiError extends Error {
  /** The status of the response; 0 for an error of a subscription. */
  readonly status: number;
  /** All errors of the response. */
  readonly errors: readonly ResponseError[];
  /** The partial data of the response, or null. */
  readonly data: unknown;
  /** One of the stable codes of docs/http.md. */
  readonly code: string;
  /** The id of the request in the log of the server. */
  readonly requestId: string | null;

  constructor(status: number, errors: readonly ResponseError[], data: unknown = null) {
    const first = errors[0];
    super(first?.message ?? `The response has status ${status} and no errors.`);
    this.name = 'ApiError';
    this.status = status;
    this.errors = errors;
    this.data = data;
    this.code = first?.extensions?.code ?? 'INTERNAL';
    this.requestId = first?.extensions?.requestId ?? null;
  }

  /** Whether a write of the request may have been stored. */
  get unknownOutcome(): boolean {
    return this.errors.some((error) => error.extensions?.unknownOutcome === true);
  }
}

/** No attempt got a response; a mutation without an idempotency key is not repeated, and may have been stored. */
export class UnreachableError extends Error {
  constructor(url: string, cause: unknown) {
    super(`${url} did not respond: ${reasonOf(cause)}`, { cause });
    this.name = 'UnreachableError';
  }
}

/** Return the message of an error or of an event of a WebSocket, or the code with which a WebSocket was closed. */
function reasonOf(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null) return String(cause);
  const { message, code, reason } = cause as { message?: unknown; code?: unknown; reason?: unknown };
  return String(message || (code && `closed with ${code} ${reason ?? ''}`.trim()) || 'the connection failed');
}
