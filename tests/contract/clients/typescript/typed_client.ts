// A typed client of the API: documents become types by graphql-codegen, and tsc checks their use.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { getFragmentData, graphql } from './generated/index.js';

declare const process: { env: Record<string, string | undefined> };

const Card = graphql(`
  fragment Card on Asset {
    id
    asOf
    displayName
    stage
  }
`);

const Page = graphql(`
  query Page($id: ID!, $asOf: DateTime, $roots: [ID!]!) {
    asset(id: $id, asOf: $asOf) {
      __typename
      ...Card
      ... on Model {
        versions(first: 5) {
          nodes {
            version
          }
        }
      }
    }
    impact(roots: $roots, asOf: $asOf) {
      teams(reasons: [OWNS, USES]) {
        reasons
        team {
          displayName
        }
      }
    }
  }
`);

async function send<Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<Data> {
  const { API, TOKEN } = process.env;
  const response = await fetch(API ?? '', {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN ?? ''}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query: print(document), variables }),
  });
  const { data } = (await response.json()) as { data: Data };
  return data;
}

const id = process.env['MODEL'] ?? '';
const { asset, impact } = await send(Page, { id, roots: [id] });
const card = getFragmentData(Card, asset);
const name: string | undefined = card?.displayName;
const versions: string[] = asset?.__typename === 'Model' ? (asset.versions?.nodes ?? []).map((each) => each.version) : [];
const reasons: ('OWNS' | 'USES' | 'ONCALL')[] = impact.teams.flatMap((each) => each.reasons);

// @ts-expect-error a hidden field is null, so the stage of an asset may be null
const stage: string = card!.stage;
// @ts-expect-error the query needs the id of an asset
void (() => send(Page, { roots: [] }));
console.log(JSON.stringify({ name, versions, reasons, stage }));
