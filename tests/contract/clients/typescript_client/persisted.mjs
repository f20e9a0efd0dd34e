// Runs a document by its text and by its hash, and prints the subject or the code of the error.
import { ApiError, GraphClient, ViewerDocument } from 'mlgraph-client';

const { GRAPH_URL, GRAPH_TOKEN } = process.env;
const found = [];
for (const persisted of [false, true]) {
  const graph = new GraphClient(GRAPH_URL, { token: GRAPH_TOKEN, persisted });
  try {
    found.push((await graph.execute(ViewerDocument)).viewer.subject);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    found.push(error.code);
  }
}
console.log(JSON.stringify(found));
