// Sends the persisted documents of the explorer to the API, each by its hash.
import type { TypedDocumentString } from '../generated/graphql.ts';
import { authenticating, renew } from './session.svelte.ts';
import { texts } from '../texts.ts';

/** A hidden field of an answer: how often, which rules forbid it, and which would permit it. */
export interface HiddenField {
  coordinate: string;
  count: number;
  policies: string[];
  needs: string[];
}

export interface Answer<Data> {
  data: Data;
  hidden: HiddenField[];
  problems: string[];
}

/** A refused or failed request; `message` is the one of the API, for its reader. */
export class ApiError extends Error {
  readonly code: string;
  readonly requestId: string;

  constructor(message: string, code: string, requestId = '') {
    super(message);
    this.code = code;
    this.requestId = requestId;
  }
}

interface Body {
  data?: unknown;
  errors?: { message: string; extensions?: { code?: string; requestId?: string } }[];
  extensions?: { authorization?: { hidden: HiddenField[] } };
}

interface Options {
  signal?: AbortSignal;
  renews?: boolean;
}

/** Return the answer to a document; raises ApiError if there is no data. */
export async function run<Data, Variables>(
  document: TypedDocumentString<Data, Variables>, variables: Variables, options: Options = {},
): Promise<Answer<Data>> {
  const request = import.meta.env.DEV ? { query: String(document) } : { documentId: document.__meta__?.hash };
  const response = await send(JSON.stringify({ ...request, variables }), options.signal);
  if (response.status === 401 && options.renews !== false && (await renew())) {
    return run(document, variables, { ...options, renews: false });
  }
  const body = (await response.json().catch(() => ({}))) as Body;
  const first = body.errors?.[0];
  if (body.data == null) {
    throw new ApiError(
      first?.message ?? texts.problems.status(response.status), first?.extensions?.code ?? '', first?.extensions?.requestId,
    );
  }
  return {
    data: body.data as Data,
    hidden: body.extensions?.authorization?.hidden ?? [],
    problems: (body.errors ?? []).map((each) => each.message),
  };
}

async function send(body: string, signal?: AbortSignal): Promise<Response> {
  const headers = { 'Content-Type': 'application/json', Accept: 'application/json', ...authenticating() };
  try {
    return await fetch('/graphql', { method: 'POST', headers, body, signal: signal ?? null });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(texts.problems.unreachable, 'UNREACHABLE');
  }
}
