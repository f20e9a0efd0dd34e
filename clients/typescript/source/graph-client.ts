// The client: sends operations with a token, and repeats them while that is safe.
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
import { ApiError, UnreachableError, type ResponseError } from './errors.js';
import { MAX_REQUESTED_PAUSE, pauseAfter, sleep } from './pauses.js';
import { events, type SubscriptionOptions } from './subscription.js';

/** Statuses after which the same request may succeed. */
const BUSY = new Set([429, 502, 503, 504]);

/** Strings and comments of a document. */
const TEXTS = /"""(?:\\"""|[^])*?"""|"(?:\\.|[^"\\\r\n])*"|#[^\r\n]*/g;

/** A document with the types of its data and variables, as graphql-codegen makes it with `documentMode: "string"`. */
export interface TypedDocument<Data, Variables> extends DocumentTypeDecoration<Data, Variables> {
  readonly __meta__?: Record<string, unknown> | undefined;
  /** A parsed document has it, and is refused by the compiler: its text is unknown. */
  readonly kind?: never;
  toString(): string;
}

export interface ClientOptions {
  /** An access token, or a function that returns one and is called before each attempt. */
  token?: string | (() => string | Promise<string>);
  /** Further headers, such as other credentials. */
  headers?: Record<string, string>;
  /** Number of attempts in all; 6 by default. */
  tries?: number;
  /** Seconds after which an attempt counts as lost; 90 by default. */
  timeout?: number;
  /** Send the hash of a document in place of its text; the server has `persisted-documents.json` in `MLG_DOCUMENTS`. */
  persisted?: boolean;
  /** Sends one request; by default that of the platform. */
  fetch?: typeof fetch;
  /** The class of a WebSocket; by default that of the platform, which Node has since version 22. */
  webSocket?: unknown;
}

export interface CallOptions {
  /** Ends the call when it is aborted; the call then throws the reason. */
  signal?: AbortSignal;
}

/** Variables and options of a call; variables may be absent if the document requires none. */
export type CallArguments<Variables> = {} extends Variables
  ? [variables?: Variables, options?: CallOptions]
  : [variables: Variables, options?: CallOptions];

interface Content {
  data?: unknown;
  errors?: ResponseError[];
}

interface Received {
  status: number;
  content: Content;
  /** Seconds that the server asks to wait; 0 if it does not. */
  pause: number;
}

/**
 * Sends the operations of one caller.
 *
 * `url` is the address of the server with `/graphql`. After a busy or lost response a query is sent again, up to
 * `tries` times in all. The pause is that of `Retry-After`, at most 60 seconds, else a random one that doubles. A mutation
 * is sent again if its input has an `idempotencyKey`: the server then returns the outcome of the first attempt. Without a
 * key it is sent again only if the server stored nothing.
 */
export class GraphClient {
  readonly #url: string;
  readonly #options: ClientOptions;

  constructor(url: string, options: ClientOptions = {}) {
    this.#url = url;
    this.#options = options;
  }

  /** Return the data of an operation; throws ApiError if it has errors or no data, UnreachableError without a response. */
  async execute<Data, Variables>(
    document: TypedDocument<Data, Variables>,
    ...[variables, options]: CallArguments<Variables>
  ): Promise<Data> {
    const { status, content } = await this.#lastResponse(document, variables ?? {}, options?.signal);
    const { data = null, errors = [] } = content;
    if (errors.length > 0 || data === null) throw new ApiError(status, errors, data);
    return data as Data;
  }

  /**
   * Yield the data of the events of a subscription, over a WebSocket.
   *
   * After a lost connection it connects again, up to `tries` times in a row, with the variables that `resume` makes of
   * the last data; without `resume` the events in between are missed. A rejected or expired token ends it, unless
   * `token` is a function. Throws as `execute` does.
   */
  subscribe<Data, Variables>(
    document: TypedDocument<Data, Variables>,
    variables: Variables,
    options: SubscriptionOptions<Data, Variables> = {},
  ): AsyncGenerator<Data, void, undefined> {
    const { token, tries = 6, webSocket } = this.#options;
    const connection = { url: this.#url, token: () => this.#token(), renews: typeof token === 'function', tries, webSocket };
    return events(connection, this.#named(document), variables, options);
  }

  async #lastResponse(document: TypedDocument<unknown, never>, variables: object, signal?: AbortSignal): Promise<Received> {
    const body = JSON.stringify({ ...this.#named(document), variables });
    const repeatable = !isMutation(document.toString()) || hasKey(variables);
    const { tries = 6 } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      const isLast = attempt >= tries;
      const received = await this.#attempt(body, signal);
      if (received instanceof UnreachableError) {
        if (isLast || !repeatable) throw received;
        await sleep(pauseAfter(attempt), signal);
      } else {
        const again = BUSY.has(received.status) && (repeatable || wasNotStored(received));
        if (isLast || !again) return received;
        await sleep(received.pause || pauseAfter(attempt), signal);
      }
    }
  }

  #named(document: TypedDocument<unknown, never>): { query: string } | { documentId: string } {
    if (!this.#options.persisted) return { query: document.toString() };
    const documentId = document.__meta__?.['hash'];
    if (typeof documentId === 'string') return { documentId };
    throw new TypeError('The document has no hash: set `persistedDocuments` in codegen.json.');
  }

  /** Send a request once; a lost response is returned as an error. */
  async #attempt(body: string, signal?: AbortSignal): Promise<Received | UnreachableError> {
    const { timeout = 90, fetch: send = fetch } = this.#options;
    const headers = await this.#headers();
    const ended = AbortSignal.timeout(timeout * 1000);
    const request = new Request(this.#url, {
      method: 'POST',
      headers,
      body,
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, ended]) : ended,
    });
    try {
      const response = await send(request);
      const text = await response.text();
      return { status: response.status, content: parsed(text), pause: requestedPause(response) };
    } catch (error) {
      signal?.throwIfAborted();
      return new UnreachableError(this.#url, error);
    }
  }

  async #headers(): Promise<Record<string, string>> {
    const token = await this.#token();
    return {
      Accept: 'application/graphql-response+json',
      'Content-Type': 'application/json',
      ...(token ? { Authorization: `Bearer ${token}` } : {}),
      ...this.#options.headers,
    };
  }

  async #token(): Promise<string> {
    const { token = '' } = this.#options;
    const given = typeof token === 'function' ? await token() : token;
    // The error of a header with such a character would quote the token, and errors are logged.
    if (/[^\x21-\x7e]/.test(given)) throw new TypeError('The token has a character that no token has, such as a line break.');
    return given;
  }
}

/** Return whether a document may have a mutation; the word in a name of a query counts, and only prevents repetition. */
function isMutation(text: string): boolean {
  return /\bmutation\b/.test(text.replace(TEXTS, ' '));
}

function hasKey(variables: object): boolean {
  return Object.values(variables).some((value: unknown) => isObject(value) && Boolean(value['idempotencyKey']));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function parsed(text: string): Content {
  try {
    const content: unknown = JSON.parse(text);
    return isObject(content) ? content : {};
  } catch {
    return {};
  }
}

/** Return whether the server itself says that it stored nothing; a proxy says nothing of that. */
function wasNotStored({ status, content }: Received): boolean {
  const { errors = [] } = content;
  return errors.length > 0 && !new ApiError(status, errors).unknownOutcome;
}

function requestedPause(response: Response): number {
  const value = response.headers.get('Retry-After') ?? '';
  return /^\d+$/.test(value) ? Math.min(Number(value), MAX_REQUESTED_PAUSE) : 0;
}
