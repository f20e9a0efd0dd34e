// Runs the server audits of the public graphql-http suite against AUDIT_URL, and prints their results as JSON.
// AUDIT_TOKEN, when set, is sent as a bearer token with every request.
import { serverAudits } from 'graphql-http';

const { AUDIT_URL, AUDIT_TOKEN } = process.env;

function fetchFn(url, init = {}) {
  const authorization = AUDIT_TOKEN ? { authorization: `Bearer ${AUDIT_TOKEN}` } : {};
  return fetch(url, { ...init, headers: { ...init.headers, ...authorization } });
}

const results = [];
for (const { fn } of serverAudits({ url: AUDIT_URL, fetchFn })) {
  const { id, name, status, reason } = await fn();
  results.push({ id, name, status, reason });
}
console.log(JSON.stringify(results));
