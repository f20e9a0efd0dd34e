// What the package exports: the client, and a document with its types for each operation.
export * from './errors.js';
export * from './generated/graphql.js';
export * from './graph-client.js';
export * from './pages.js';
