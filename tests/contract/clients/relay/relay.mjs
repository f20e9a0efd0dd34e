// Runs the compiled documents of ModelPage.js with relay-runtime: a page, its refetch, further pages of its list, and an
// asset now, at an instant, and now from the store again. Prints the results as JSON.
import { registerHooks } from 'node:module';
import relay from 'relay-runtime';

// Compiled documents import each other without an extension, which a bundler adds.
registerHooks({
  resolve: (name, context, next) => next(name.endsWith('.graphql') ? `${name}.js` : name, context),
});
const compiled = async (name) => (await import(`./__generated__/${name}.graphql`)).default;
const query = await compiled('ModelPageQuery');
const versions = await compiled('ModelPage_versions');
const versionsQuery = await compiled('ModelPageVersionsQuery');
const summary = await compiled('ModelPage_summary');
const summaryQuery = await compiled('ModelPageSummaryQuery');
const past = await compiled('ModelPagePastQuery');

const { Environment, Network, RecordSource, Store, createOperationDescriptor, fetchQuery, getSelector } = relay;
const { API, TOKEN, ID, THEN, MODEL } = process.env;
const send = async ({ text }, variables) => {
  const response = await fetch(API, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query: text, variables }),
  });
  return response.json();
};
const network = Network.create(send);
const store = new Store(new RecordSource());
const getDataID = ({ id, asOf }) => (asOf ? JSON.stringify([id, asOf]) : id);
const environment = new Environment({ network, store, getDataID });

const retained = (request, variables) => {
  const operation = createOperationDescriptor(request, variables);
  environment.retain(operation);
  return operation;
};
const read = async (request, variables) => {
  retained(request, variables);
  return fetchQuery(environment, request, variables).toPromise();
};
const stored = (request, variables) => environment.lookup(createOperationDescriptor(request, variables).fragment).data;
const part = (fragment, alias) => {
  const { node } = stored(query, { id: MODEL });
  return environment.lookup(getSelector(fragment, node[alias])).data;
};

await read(query, { id: MODEL });
let list = part(versions, 'list').versions;
let pages = 1;
while (list.pageInfo.hasNextPage) {
  await read(versionsQuery, { id: MODEL, first: 2, after: list.pageInfo.endCursor });
  list = part(versions, 'list').versions;
  pages += 1;
}
await read(summaryQuery, { id: MODEL });

const now = (await read(past, { id: ID, asOf: null })).asset;
const then = (await read(past, { id: ID, asOf: THEN })).asset;
const again = stored(past, { id: ID, asOf: null }).asset;
const listed = list.edges.map((edge) => edge.node.version);
console.log(JSON.stringify({ now, then, again, listed, pages, summary: part(summary, 'summary') }));
