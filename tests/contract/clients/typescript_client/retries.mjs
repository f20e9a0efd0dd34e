// Calls the API through a server that loses or replaces responses. Prints what each call returned or threw, how many
// requests it sent, and the pauses that it asked for, in milliseconds; no pause takes time.
import { createServer } from 'node:http';
import { ApiError, GraphClient, RegisterAssetsDocument, UnreachableError, ViewerDocument } from 'mlgraph-client';

const { GRAPH_URL, GRAPH_TOKEN } = process.env;
const TRIES = 3;
const LOST = 'the API executes the request, and its response is lost';
const SILENT = 'no response comes';
const HTML = { status: 502, body: '<html>' };
const busy = (unknownOutcome, pause = '0') => ({
  status: 503,
  headers: { 'Retry-After': pause },
  body: JSON.stringify({
    errors: [{ message: 'The store is busy.', extensions: { code: 'STORE_UNAVAILABLE', unknownOutcome, requestId: 'r' } }],
  }),
});

const pauses = [];
const wait = globalThis.setTimeout;
globalThis.setTimeout = (end, milliseconds, ...values) => {
  if (!new Error().stack.includes('pauses.js')) return wait(end, milliseconds, ...values);
  pauses.push(milliseconds);
  return wait(end, 0);
};

async function forward(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const { host, connection, ...headers } = request.headers;
  const response = await fetch(GRAPH_URL, { method: 'POST', headers, body: Buffer.concat(parts) });
  return { status: response.status, body: await response.text() };
}

async function call(faults, run, options = {}) {
  const tokens = [];
  const left = [...faults];
  const server = createServer(async (request, response) => {
    tokens.push(request.headers.authorization);
    const fault = left.shift();
    if (fault === SILENT) return;
    const { status, headers = {}, body } = typeof fault === 'object' ? fault : await forward(request);
    if (fault === LOST) request.socket.destroy();
    else response.writeHead(status, headers).end(body);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${server.address().port}/graphql`;
  const before = pauses.length;
  const report = await run(new GraphClient(url, { token: GRAPH_TOKEN, tries: TRIES, ...options })).catch(described);
  server.closeAllConnections();
  server.close();
  return { report, requests: tokens.length, pauses: pauses.slice(before), tokens: new Set(tokens).size };
}

function described(error) {
  if (error instanceof UnreachableError) return 'UnreachableError';
  if (!(error instanceof ApiError)) return String(error);
  const { status, code, requestId, unknownOutcome, message } = error;
  return { status, code, requestId, unknownOutcome, message };
}

function register(idempotencyKey) {
  const items = [{ dataset: { id: 'mlg://dataset/shop/default/retries' } }];
  return async (graph) => {
    const { registerAssets } = await graph.execute(RegisterAssetsDocument, { input: { items, idempotencyKey } });
    return registerAssets.results.map((result) => result.outcome);
  };
}

const viewer = async (graph) => (await graph.execute(ViewerDocument)).viewer.subject;
const hidden = (graph) => graph.execute('# a query\rmutation { registerAssets(input: { items: [] }) { results { id } } }');
const failing = Array(TRIES).fill(busy(true));
const controller = new AbortController();
const aborted = (graph) => {
  const call = graph.execute(ViewerDocument, {}, { signal: controller.signal });
  controller.abort('enough');
  return call;
};
let turn = 0;
const token = async () => (turn++ ? GRAPH_TOKEN : 'expired');

console.log(
  JSON.stringify({
    'a mutation with a key, lost': await call([LOST], register('retries')),
    'a mutation, lost': await call([LOST], register()),
    'a mutation, unknown outcome': await call([busy(true)], register()),
    'a mutation, nothing stored': await call([busy(false)], register()),
    'a mutation, busy proxy': await call([HTML], register()),
    'a query, lost and busy': await call([LOST, HTML], viewer),
    'a query, silent': await call(Array(TRIES).fill(SILENT), viewer, { timeout: 0.05 }),
    'a query, paused': await call([busy(true, '7')], viewer),
    'a query, paused for an hour': await call([busy(true, '3600')], viewer),
    'a mutation after a comment that a carriage return ends, lost': await call([LOST], hidden),
    'a query, always busy': await call(failing, viewer),
    'a query, never a response': await call(Array(TRIES).fill(LOST), viewer),
    'a query, aborted': await call([SILENT], aborted),
    'a query, another token for each attempt': await call([HTML], viewer, { token }),
    'a query, a token in two lines': await call([], viewer, { token: `${GRAPH_TOKEN}\n2` }),
    'a query, another scheme': await call([], viewer, { token: '', headers: { authorization: `bearer ${GRAPH_TOKEN}` } }),
  }),
);
