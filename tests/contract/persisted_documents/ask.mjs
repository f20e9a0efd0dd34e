// Asks the same query twice with Apollo Client and with urql, each with automatic persisted queries. Prints, for each
// client, the bodies that it sent (with or without text) and the results as JSON.
import { createHash } from 'node:crypto';

import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { Client, fetchExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';

const { URL: url, TOKEN: token } = process.env;
const sha256 = async (text) => createHash('sha256').update(text).digest('hex');

function recording() {
  const sent = [];
  const record = async (target, options) => {
    const given = options.body ? JSON.parse(options.body) : Object.fromEntries(new URL(target, url).searchParams);
    const response = await fetch(target, options);
    sent.push({ text: Boolean(given.query), hash: JSON.stringify(given.extensions ?? {}).includes('sha256Hash'), status: response.status });
    return response;
  };
  return { sent, record };
}

async function apollo() {
  const { sent, record } = recording();
  const http = new HttpLink({ uri: url, fetch: record, headers: { Authorization: `Bearer ${token}` } });
  const link = ApolloLink.from([new PersistedQueryLink({ sha256, useGETForHashedQueries: true }), http]);
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  const query = gql`query Apollo { viewer { subject } }`;
  const results = [];
  for (let round = 0; round < 2; round += 1) {
    const { data, error } = await client.query({ query, fetchPolicy: 'network-only', errorPolicy: 'all' });
    results.push(data?.viewer?.subject ?? error.errors[0].extensions.code);
  }
  return { sent, results };
}

async function urql() {
  const { sent, record } = recording();
  const client = new Client({
    url,
    fetch: record,
    fetchOptions: { headers: { Authorization: `Bearer ${token}` } },
    preferGetMethod: false,
    exchanges: [persistedExchange({ generateHash: sha256, preferGetForPersistedQueries: false }), fetchExchange],
  });
  const results = [];
  for (let round = 0; round < 2; round += 1) {
    const { data, error } = await client.query('query Urql { viewer { subject } }', {}, { requestPolicy: 'network-only' });
    results.push(data?.viewer?.subject ?? error.graphQLErrors[0].extensions.code);
  }
  return { sent, results };
}

console.log(JSON.stringify({ apollo: await apollo(), urql: await urql() }));
