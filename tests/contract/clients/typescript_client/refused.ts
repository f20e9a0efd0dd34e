// Uses of the client that the compiler refuses, and those beside them that it accepts.
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
import { GetAssetDocument, GraphClient, ViewerDocument } from 'mlgraph-client';

declare global {
  const process: { env: Record<string, string | undefined> };
}

const graph = new GraphClient('http://localhost/graphql');
const parsed = { kind: 'Document' } as { kind: 'Document' } & DocumentTypeDecoration<unknown, { id: string }>;

export const calls = [
  () => graph.execute(ViewerDocument),
  () => graph.execute(GetAssetDocument, { id: 'mlg://dataset/shop/default/orders' }),
  // @ts-expect-error the variables are required
  () => graph.execute(GetAssetDocument),
  // @ts-expect-error an id is a text
  () => graph.execute(GetAssetDocument, { id: 7 }),
  // @ts-expect-error a parsed document has no text
  () => graph.execute(parsed, { id: '' }),
  // @ts-expect-error a hidden asset is null
  async () => (await graph.execute(GetAssetDocument, { id: '' })).asset.id,
];
