// Reads an asset now, at an instant, and now from the cache again with urql and its graphcache, and pages through a list.
// Prints the results as JSON. KEYS=off leaves out the cache keys of docs/reading.md.
import { readFileSync } from 'node:fs';
import { Client, fetchExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { buildSchema, introspectionFromSchema } from 'graphql';

const { API, TOKEN, SDL, KEYS, QUERY, PAGES, ID, THEN } = process.env;
const schema = introspectionFromSchema(buildSchema(readFileSync(SDL, 'utf8')));
const isNode = ({ interfaces }) => interfaces?.some(({ name }) => name === 'Node');
const key = ({ id, asOf }) => (id && asOf !== undefined ? JSON.stringify([id, asOf]) : null);
const keys = Object.fromEntries(schema.__schema.types.map((type) => [type.name, isNode(type) ? key : () => null]));
const resolvers = { Query: { assets: relayPagination() } };
const cache = cacheExchange({ schema, keys, resolvers });
const withoutKeys = cacheExchange({ schema, resolvers });

const client = new Client({
  url: API,
  preferGetMethod: false,
  fetchOptions: { headers: { authorization: `Bearer ${TOKEN}` } },
  exchanges: [KEYS === 'off' ? withoutKeys : cache, fetchExchange],
});

const ask = async (query, variables, requestPolicy) => {
  const { data, error } = await client.query(query, variables, { requestPolicy }).toPromise();
  if (error) throw error;
  return data;
};
const read = async (asOf, policy) => (await ask(QUERY, { id: ID, asOf }, policy)).asset;
const now = await read(null);
const then = await read(THEN);
const again = await read(null, 'cache-only');

let { assets } = await ask(PAGES, { first: 2 });
while (assets.pageInfo.hasNextPage) {
  ({ assets } = await ask(PAGES, { first: 2, after: assets.pageInfo.endCursor }));
}
const listed = (await ask(PAGES, { first: 2 }, 'cache-only')).assets.edges.map((edge) => edge.node.id);
console.log(JSON.stringify({ now, then, again, listed }));
