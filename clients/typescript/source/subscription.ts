// The events of a subscription, over the protocol graphql-transport-ws.
import { createClient, type SubscribePayload } from 'graphql-ws/client';
import { ApiError, UnreachableError, type ResponseError } from './errors.js';
import { pauseAfter, sleep } from './pauses.js';

/** The close code of the server for a token that is missing, rejected or expired, or lacks a scope. */
const FORBIDDEN = 4403;

/** Milliseconds between two pings, by which a connection that was lost in silence is noticed. */
const PING = 20_000;

export interface SubscriptionOptions<Data, Variables> {
  /** Returns the variables with which a subscription continues after the last data that was received. */
  resume?: (last: Data) => Variables;
  /** Ends the subscription when it is aborted. */
  signal?: AbortSignal;
}

export interface Connection {
  url: string;
  token: () => Promise<string>;
  /** Whether a later call of `token` may return another token. */
  renews: boolean;
  tries: number;
  webSocket: unknown;
}

/** Yield the data of each event; `document` has its text or its hash. */
export async function* events<Data, Variables>(
  connection: Connection,
  document: { query: string } | { documentId: string },
  variables: Variables,
  { resume, signal }: SubscriptionOptions<Data, Variables>,
): AsyncGenerator<Data, void, undefined> {
  if (signal?.aborted) return;
  // graphql-ws reads the payload each time it connects, so that it continues with the variables of the last event.
  const payload = { query: '', ...document, variables };
  const client = createClient({
    url: socketUrl(connection.url),
    connectionParams: async () => ({ Authorization: `Bearer ${await connection.token()}` }),
    webSocketImpl: connection.webSocket,
    keepAlive: PING,
    retryAttempts: connection.tries - 1,
    retryWait: (failures) => sleep(pauseAfter(failures + 1), signal),
    shouldRetry: (event) => connection.renews || !isForbidden(event),
    on: {
      message(message) {
        if (message.type === 'next' && resume && message.payload.data) {
          payload.variables = resume(message.payload.data as Data);
        }
      },
    },
  });
  const received = client.iterate<Data>(payload as SubscribePayload);
  const end = (): void => void received.return?.();
  signal?.addEventListener('abort', end);
  try {
    for await (const { data = null, errors = [] } of received) {
      if (errors.length > 0 || data === null) throw new ApiError(0, errors as readonly ResponseError[], data);
      yield data;
    }
  } catch (error) {
    throw described(error, connection.url);
  } finally {
    signal?.removeEventListener('abort', end);
  }
}

function socketUrl(url: string): string {
  const address = new URL(url, globalThis.location?.href);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  return address.href;
}

function isForbidden(event: unknown): event is { reason: string } {
  return typeof event === 'object' && event !== null && 'code' in event && event.code === FORBIDDEN;
}

/** Return the error for what ended a subscription: errors of the server, a refused token, or a lost connection. */
function described(cause: unknown, url: string): Error {
  if (cause instanceof ApiError) return cause;
  if (Array.isArray(cause)) return new ApiError(0, cause as ResponseError[]);
  if (isForbidden(cause)) return new ApiError(0, [{ message: cause.reason, extensions: { code: 'FORBIDDEN' } }]);
  return new UnreachableError(url, cause);
}
