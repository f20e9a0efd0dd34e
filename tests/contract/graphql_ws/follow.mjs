// Follows the changes with the npm client graphql-ws, as an application would: with the next token of TOKENS after each
// refusal, and from the cursor AFTER on. Prints the ids of COUNT changes as JSON.
import { createClient } from 'graphql-ws';

const { WS_URL, TOKENS, AFTER, COUNT } = process.env;
const tokens = JSON.parse(TOKENS);
const closed = [];
const client = createClient({
  url: WS_URL,
  connectionParams: () => ({ Authorization: `Bearer ${tokens.length > 1 ? tokens.shift() : tokens[0]}` }),
  retryAttempts: 5,
  retryWait: async () => {},
  shouldRetry: () => true,
  on: { closed: (event) => closed.push(event.code) },
});

const changes = [];
const query = 'subscription ($after: Cursor) { changes(after: $after) { id cursor } }';
for await (const { data, errors } of client.iterate({ query, variables: { after: AFTER || null } })) {
  if (errors) throw new Error(JSON.stringify(errors));
  changes.push(data.changes.id);
  if (changes.length === Number(COUNT)) break;
}

let refused = null;
try {
  for await (const result of client.iterate({ query: '{ viewer { subject } }' })) refused = result;
} catch (errors) {
  refused = errors[0].extensions.code;
}
console.log(JSON.stringify({ changes, refused, closed }));
await client.dispose();
