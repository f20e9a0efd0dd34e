// The page /graphiql: asks for a token, keeps it in memory only, and renders GraphiQL with it. In development, the
// address that `mlg dev` prints has a key in its fragment, which no server receives; with it, personas have tokens.
'use strict';

const KEY = 'mlg-graphiql-key';
const START = '# The token of the form above is sent with each operation.\n{\n  viewer {\n    subject\n  }\n}\n';
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

function show(token, caller) {
  const authorization = { Authorization: `Bearer ${token}` };
  const fetcher = GraphiQL.createFetcher({
    url: '/graphql',
    headers: authorization,
    subscriptionUrl: `${location.origin.replace(/^http/, 'ws')}/graphql`,
    wsConnectionParams: authorization,
  });
  const query = new URLSearchParams(location.search).get('query');
  root.render(React.createElement(GraphiQL, { key: token, fetcher, ...(query ? { query } : { defaultQuery: START }) }));
  element('state').textContent = `Operations run as ${caller}.`;
}

// Returns the subject of a token, or a general name if the mode or a scope forbids the query; throws the message of the
// server if the token is refused.
async function subjectOf(token) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: '{ viewer { subject } }' }),
  });
  const result = await response.json();
  if (response.status === 401) throw new Error(result.errors[0].message);
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

// Shows GraphiQL for the caller of a token, or only the reason that there is no valid token. If another token was given
// meanwhile, it shows nothing.
async function use(token) {
  uses += 1;
  const use = uses;
  let view;
  try {
    const valid = await token;
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
  select.addEventListener('change', () => select.value && use(tokenOf(select.value, key)));
  if (uses) return;
  element('state').textContent = key
    ? 'Choose a persona, or paste an access token.'
    : 'Choose a persona at the address that mlg dev prints, or paste a token.';
}

element('caller').addEventListener('submit', (event) => {
  event.preventDefault();
  const field = element('token');
  if (field.value.trim()) use(field.value.trim());
  field.value = '';
});

offerPersonas();
