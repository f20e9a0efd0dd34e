// Reads an asset now, at an instant, and now from the cache again with Apollo Client, and pages through a list. Prints
// the results as JSON. KEYS=off leaves out the cache keys of docs/reading.md.
import { readFileSync } from 'node:fs';
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import { buildSchema, isAbstractType } from 'graphql';

const { API, TOKEN, SDL, KEYS, QUERY, PAGES, ID, THEN } = process.env;
const schema = buildSchema(readFileSync(SDL, 'utf8'));
const abstract = Object.values(schema.getTypeMap()).filter(isAbstractType);
const possibleTypes = Object.fromEntries(
  abstract.map((type) => [type.name, schema.getPossibleTypes(type).map((each) => each.name)]),
);
const keys = { Node: { keyFields: ['id', 'asOf'] }, LineageEdge: { keyFields: false } };
const lists = { Query: { fields: { assets: relayStylePagination(['filter', 'orderBy']) } } };
const cache = new InMemoryCache({ possibleTypes, typePolicies: { ...keys, ...lists } });
const withoutKeys = new InMemoryCache({ possibleTypes, typePolicies: lists });

const client = new ApolloClient({
  link: new HttpLink({ uri: API, headers: { authorization: `Bearer ${TOKEN}` } }),
  cache: KEYS === 'off' ? withoutKeys : cache,
});

const query = gql(QUERY);
const read = async (asOf, fetchPolicy) => {
  const { data } = await client.query({ query, variables: { id: ID, asOf }, fetchPolicy });
  return data.asset;
};
const now = await read(null);
const then = await read(THEN);
const again = await read(null, 'cache-only');

const pages = client.watchQuery({ query: gql(PAGES), variables: { first: 2 } });
const page = async () => {
  const { data } = await client.query({ query: gql(PAGES), variables: { first: 2 }, fetchPolicy: 'cache-only' });
  return data.assets;
};
await pages.refetch();
while ((await page()).pageInfo.hasNextPage) {
  await pages.fetchMore({ variables: { after: (await page()).pageInfo.endCursor } });
}
const listed = (await page()).edges.map((edge) => edge.node.id);
console.log(JSON.stringify({ now, then, again, listed }));
client.stop();
