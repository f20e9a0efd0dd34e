// The caller of the page, with a server and a browser that the test plays: the sign-out, and the key of the personas.
import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const vite = await createServer({
  root, appType: 'custom', logLevel: 'error', optimizeDeps: { noDiscovery: true }, server: { middlewareMode: true, hmr: false, ws: false },
});
after(() => vite.close());

type Answer = { status?: number; body: unknown };

let answers: Record<string, (sent: Headers) => Answer>;
let requests: string[];
let led: string[];

// Returns the storage of a browser.
function storage(kept: Record<string, string> = {}): Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> {
  const values = new Map(Object.entries(kept));
  return {
    getItem: (name) => values.get(name) ?? null,
    setItem: (name, value) => void values.set(name, value),
    removeItem: (name) => void values.delete(name),
  };
}

// Returns the modules of a page that was opened at an address, in a tab that stores `tab`.
async function opened(hash: string, tab: Record<string, string> = {}) {
  const browser = {
    sessionStorage: storage(tab),
    localStorage: storage(),
    location: { hash, pathname: '/', search: '', assign: (to: string) => led.push(to) },
    history: { replaceState: () => {} },
    fetch: async (path: string, given: RequestInit = {}) => {
      requests.push(`${given.method ?? 'GET'} ${path}`);
      const { status = 200, body } = answers[path]?.(new Headers(given.headers)) ?? { status: 404, body: {} };
      return new Response(JSON.stringify(body), { status });
    },
  };
  for (const [name, value] of Object.entries(browser)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  vite.moduleGraph.invalidateAll();
  const page = await vite.ssrLoadModule('/src/lib/session.svelte.ts');
  await page.start();
  return page;
}

let csrf: string | null; // of the session in the cookie, null without one

beforeEach(() => {
  requests = [];
  led = [];
  csrf = 'first';
  answers = {
    '/session': () => ({ body: { signedIn: csrf !== null, csrf, signIn: '/sign-in' } }),
    '/graphql': () => ({ body: { data: { viewer: { subject: 'ada', roles: [], teams: [] } } } }),
    '/sign-out': (sent) => {
      if (sent.get('X-CSRF-Token') !== csrf) return { status: 403, body: { errors: [] } };
      csrf = null;
      return { body: { signedIn: false, next: null } };
    },
  };
});

test('a sign-out ends the session of the cookie', async () => {
  const page = await opened('');
  assert.equal(page.session.state, 'signed in');
  await page.signOut();
  assert.deepEqual([csrf, page.session.state, page.session.problem], [null, 'signed out', '']);
});

test('a sign-out leads to the issuer, which ends its own session', async () => {
  answers['/sign-out'] = () => ({ body: { signedIn: false, next: 'https://issuer.example/end' } });
  await (await opened('')).signOut();
  assert.deepEqual(led, ['https://issuer.example/end']);
});

test('a sign-out ends also the session of a newer sign-in in another tab', async () => {
  const page = await opened('');
  csrf = 'second';
  await page.signOut();
  assert.deepEqual([csrf, page.session.state], [null, 'signed out']);
});

for (const status of [403, 500]) {
  test(`a sign-out that is refused with ${status} is told, and the caller stays signed in`, async () => {
    const page = await opened('');
    answers['/sign-out'] = () => ({ status, body: {} });
    await page.signOut();
    assert.deepEqual([page.session.state, page.session.source], ['signed in', 'cookie']);
    assert.match(page.session.problem, /still signed in/);
    assert.ok(requests.filter((each) => each === 'POST /sign-out').length <= 2);
  });
}

test('a server that does not respond ends no session', async () => {
  const page = await opened('');
  answers['/sign-out'] = answers['/session'] = () => ({ status: 503, body: {} });
  await page.signOut();
  assert.equal(page.session.state, 'signed in');
  answers['/sign-out'] = () => { throw new TypeError('fetch failed'); };
  await page.signOut();
  assert.equal(page.session.state, 'signed in');
});

test('a key hides no session if there are no personas for it', async () => {
  const page = await opened('#key=x');
  assert.deepEqual([page.session.state, page.session.source], ['signed in', 'cookie']);
  assert.equal(sessionStorage.getItem('mlg-graphiql-key'), null);
  csrf = null;
  const other = await opened('#key=x');
  assert.deepEqual([other.session.state, other.session.signIn], ['signed out', '/sign-in']);
});

test('a key offers the personas if there are some', async () => {
  answers['/graphiql/personas'] = () => ({ body: { personas: [{ name: 'ada', about: '' }] } });
  const page = await opened('#key=x');
  assert.deepEqual([page.session.state, page.session.personas.length], ['signed out', 1]);
  assert.equal(sessionStorage.getItem('mlg-graphiql-key'), 'x');
});

test('a key that the sign-in left in the tab hides no session, and a chosen persona stays', async () => {
  const personas = { body: { personas: [{ name: 'ada', about: '' }] } };
  answers['/graphiql/personas'] = () => personas;
  answers['/graphiql/token'] = () => ({ body: { token: 't' } });
  const page = await opened('', { 'mlg-graphiql-key': 'x' });
  assert.deepEqual([page.session.state, page.session.source], ['signed in', 'cookie']);
  const chosen = await opened('', { 'mlg-graphiql-key': 'x', 'mlg-persona': 'ada' });
  assert.deepEqual([chosen.session.state, chosen.session.source], ['signed in', 'persona']);
  csrf = null;
  const nobody = await opened('', { 'mlg-graphiql-key': 'x' });
  assert.deepEqual([nobody.session.state, nobody.session.personas.length], ['signed out', 1]);
});

for (const next of [null, 'https://issuer.example/end']) {
  test(`a sign-out forgets what its caller opened last, and nothing else (next: ${next})`, async () => {
    const page = await opened('');
    const { marks, toggleStar, visited } = await vite.ssrLoadModule('/src/lib/marks.svelte.ts');
    localStorage.setItem('mlg-recent:bo', '["b"]');
    toggleStar('a');
    visited('a');
    assert.equal(localStorage.getItem('mlg-recent:ada'), '["a"]');
    answers['/sign-out'] = () => ({ body: { signedIn: false, next } });
    csrf = null;
    await page.signOut();
    assert.deepEqual([localStorage.getItem('mlg-recent:ada'), marks().recent], [null, []]);
    assert.deepEqual([localStorage.getItem('mlg-recent:bo'), localStorage.getItem('mlg-starred:ada')], ['["b"]', '["a"]']);
  });
}

test('a sign-out that fails forgets nothing', async () => {
  const page = await opened('');
  (await vite.ssrLoadModule('/src/lib/marks.svelte.ts')).visited('a');
  answers['/sign-out'] = () => ({ status: 500, body: {} });
  await page.signOut();
  assert.equal(localStorage.getItem('mlg-recent:ada'), '["a"]');
});
