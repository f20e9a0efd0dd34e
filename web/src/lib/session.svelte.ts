// Whose token the requests carry. Three sources: a persona of the development issuer, for the key that `mlg dev` prints;
// the session cookie of `/sign-in`; or a pasted token, which is in the memory of this page only.
import { ViewerDocument, type ViewerQuery } from '../generated/graphql.ts';
import { run } from './api.ts';
import { forgetRecent } from './marks.svelte.ts';
import { texts } from '../texts.ts';

export interface Persona {
  name: string;
  about: string;
}

type Source = 'none' | 'persona' | 'cookie' | 'token';

const KEY = 'mlg-graphiql-key'; // shared with the page /graphiql
const PERSONA = 'mlg-persona';
const LONGEST_RETURN = 900;

export const session = $state<{
  state: 'starting' | 'signed out' | 'signed in';
  source: Source;
  personas: Persona[];
  persona: string;
  signIn: string | null;
  viewer: ViewerQuery['viewer'] | null;
  problem: string;
}>({ state: 'starting', source: 'none', personas: [], persona: '', signIn: null, viewer: null, problem: '' });

let token = '';
let csrf = '';

/** Return the headers that authenticate a request. */
export function authenticating(): Record<string, string> {
  if (session.source === 'cookie') return { 'X-CSRF-Token': csrf };
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** Return the first payload of a WebSocket of subscriptions. */
export function connectionPayload(): Record<string, unknown> {
  return authenticating();
}

/** Find the caller: the persona that this tab chose, or the session cookie; else wait for a choice. */
export async function start(): Promise<void> {
  const opened = keyOfAddress() !== null;
  if (takeKey()) {
    await offerPersonas();
    if (!session.personas.length) sessionStorage.removeItem(KEY); // of no use here; the session may be one of a cookie
  }
  if (session.personas.length) {
    const before = sessionStorage.getItem(PERSONA);
    if (before && session.personas.some((each) => each.name === before)) return choosePersona(before);
    // The key of an address offers the personas; one that the tab has already may be left by the sign-in of a session.
    if (!opened && (await readCookieSession())) return signedIn('cookie');
  } else if (await readCookieSession()) {
    return signedIn('cookie');
  }
  session.state = 'signed out';
}

/** Return the address of the sign-in, which leads back to the present state. */
export function signInAddress(): string {
  const state = encodeURIComponent(`/${location.hash}`);
  return `${session.signIn}?return=${state.length > LONGEST_RETURN ? '/' : state}`;
}

/** Become a persona of the development issuer. */
export async function choosePersona(name: string): Promise<void> {
  session.persona = name;
  try {
    const body = JSON.stringify({ persona: name, key: takeKey() });
    const response = await fetch('/graphiql/token', {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body,
    });
    const result = await response.json();
    if (!response.ok) throw new Error(result.errors[0].message);
    token = result.token;
    sessionStorage.setItem(PERSONA, name);
    await signedIn('persona');
  } catch (error) {
    signedOut(error);
  }
}

/** Use a pasted access token. */
export async function pasteToken(text: string): Promise<void> {
  token = text.trim();
  await signedIn('token');
}

/** End the session; a cookie is ended at the server, and the caller stays signed in if that fails. */
export async function signOut(): Promise<void> {
  const next = session.source === 'cookie' ? await endCookieSession() : null;
  if (next === undefined) {
    session.problem = texts.caller.notSignedOut;
    return;
  }
  forgetRecent();
  if (next) return location.assign(next);
  sessionStorage.removeItem(PERSONA);
  signedOut(null);
}

/** Renew what has expired; return whether the request is worth another attempt. */
export async function renew(): Promise<boolean> {
  if (session.source === 'persona') {
    await choosePersona(session.persona);
    return session.state === 'signed in';
  }
  if (session.source === 'cookie' && (await readCookieSession())) return true;
  signedOut(new Error(texts.caller.expired));
  return false;
}

async function signedIn(source: Source): Promise<void> {
  session.source = source;
  try {
    session.viewer = (await run(ViewerDocument, {}, { renews: false })).data.viewer;
    session.problem = '';
    session.state = 'signed in';
  } catch (error) {
    signedOut(error);
  }
}

function signedOut(error: unknown): void {
  token = csrf = session.persona = '';
  session.source = 'none';
  session.viewer = null;
  session.problem = error instanceof Error ? error.message : '';
  session.state = 'signed out';
}

function keyOfAddress(): string | null {
  return new URLSearchParams(location.hash.replace(/^#\/?/, '')).get('key');
}

// The key is in the address once; afterwards in the storage of the tab, so that a reload keeps it.
function takeKey(): string | null {
  const given = keyOfAddress();
  if (given) {
    sessionStorage.setItem(KEY, given);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return sessionStorage.getItem(KEY);
}

async function offerPersonas(): Promise<void> {
  const response = await fetch('/graphiql/personas');
  if (response.ok) session.personas = (await response.json()).personas;
}

// Return where the issuer ends its own session, null if nowhere; undefined if the session may go on.
async function endCookieSession(): Promise<string | null | undefined> {
  const end = () => fetch('/sign-out', { method: 'POST', headers: { 'X-CSRF-Token': csrf } });
  try {
    let response = await end();
    // After another sign-in in another tab, the cookie has another session with another CSRF value.
    if (response.status === 403 && (await readCookieSession())) response = await end();
    const { next } = (response.ok ? await response.json() : {}) as { next?: string | null };
    return next || ((await readCookieSession()) === false ? null : undefined);
  } catch {
    return undefined;
  }
}

// Return whether the cookie has a session; null if the server does not say.
async function readCookieSession(): Promise<boolean | null> {
  const response = await fetch('/session');
  if (!response.ok) return null;
  const found: { signedIn: boolean; csrf?: string; signIn: string | null } = await response.json();
  csrf = found.csrf ?? '';
  session.signIn = found.signIn;
  return found.signedIn;
}
