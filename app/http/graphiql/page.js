// The page /graphiql: renders GraphiQL for the sign-in of the browser, whose token no script reads, or for a token that
// it asks for and keeps in memory only. In development, the address that `mlg dev` prints has a key in its fragment, which
// no server receives; with it, personas have tokens.
'use strict';

const KEY = 'mlg-graphiql-key';
const START = '# Operations run as the caller above.\n{\n  viewer {\n    subject\n  }\n}\n';
const element = (id) => document.getElementById(id);
const root = ReactDOM.createRoot(element('graphiql'));
let uses = 0; // number of tokens and personas given so far

function takeKey() {
  const given = new URLSearchParams(location.hash.slice(1)).get('key');
  if (given) {
    sessionStorage.setItem(KEY, given);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return sessionStorage.getItem(KEY);
}

const bearer = (token) => ({ Authorization: `Bearer ${token}` });

function show(headers, caller) {
  const fetcher = GraphiQL.createFetcher({
    url: '/graphql',
    headers,
    subscriptionUrl: `${location.origin.replace(/^http/, 'ws')}/graphql`,
    wsConnectionParams: headers,
  });
  const query = new URLSearchParams(location.search).get('query');
  root.render(React.createElement(GraphiQL, { key: uses, fetcher, ...(query ? { query } : { defaultQuery: START }) }));
  element('state').textContent = `Operations run as ${caller}.`;
}

// Returns the subject of the caller, or a general name if the mode or a scope forbids the query; throws the message of the
// server if the caller is refused.
async function subjectOf(headers) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ query: '{ viewer { subject } }' }),
  });
  const result = await response.json();
  if (response.status === 401 || response.status === 403) throw new Error(result.errors[0].message);
  return result.data?.viewer.subject ?? 'the holder of the token';
}

async function tokenOf(persona, key) {
  const body = JSON.stringify({ persona, key });
  const response = await fetch('/graphiql/token', {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body,
  });
  const result = await response.json();
  if (!response.ok) throw new Error(result.errors[0].message);
  return result.token;
}

// Shows GraphiQL for the caller of the headers, a promise, or only the reason that there is none. If another caller was
// given meanwhile, it shows nothing.
async function use(headers) {
  uses += 1;
  const use = uses;
  let view;
  try {
    const valid = await headers;
    const caller = await subjectOf(valid);
    view = () => show(valid, caller);
  } catch (error) {
    view = () => {
      root.render(null);
      element('state').textContent = error.message;
    };
  }
  if (use === uses) view();
}

async function offerPersonas() {
  const response = await fetch('/graphiql/personas');
  if (!response.ok) return;
  const key = takeKey();
  const select = element('persona');
  select.add(new Option('choose', ''));
  for (const { name, about } of (await response.json()).personas) select.add(new Option(`${name}: ${about}`, name));
  element('persona-label').hidden = false;
  select.addEventListener('change', () => select.value && use(tokenOf(select.value, key).then(bearer)));
  if (uses) return;
  element('state').textContent = key
    ? 'Choose a persona, or paste an access token.'
    : 'Choose a persona at the address that mlg dev prints, or paste a token.';
}

element('caller').addEventListener('submit', (event) => {
  event.preventDefault();
  const field = element('token');
  if (field.value.trim()) use(bearer(field.value.trim()));
  field.value = '';
});

// Shows GraphiQL for the sign-in of the browser if there is one, else a link to sign in if the server offers it.
async function offerSession() {
  const response = await fetch('/session');
  if (!response.ok) return;
  const { signedIn, csrf, signIn } = await response.json();
  element('sign-in').hidden = signedIn || !signIn;
  element('sign-out').hidden = !signedIn;
  if (!signedIn) return;
  element('sign-out').addEventListener('click', async () => {
    const ended = await fetch('/sign-out', { method: 'POST', headers: { 'X-CSRF-Token': csrf } });
    location.assign((await ended.json()).next ?? location.pathname);
  });
  if (!uses) use({ 'X-CSRF-Token': csrf });
}

offerPersonas();
offerSession();
