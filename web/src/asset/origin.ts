// What an asset was made from and what it made, by direct edges; and what a service serves.
import { texts } from '../texts.ts';
import type { Asset } from './types.ts';

const t = texts.asset.origin;

interface Linked {
  totalCount: number | null;
  nodes: ({ id: string; displayName: string } | null)[];
}

export interface Origin {
  name: string;
  links: { id: string; displayName: string }[];
  /** The number of further ones, 0 if all are listed or the number is unknown. */
  more: number;
}

/** Return the groups of direct sources and products that are not empty. */
export function originsOf(asset: Asset): Origin[] {
  return groups(asset).map(([name, found]) => {
    const links = (found?.nodes ?? []).filter((each) => each !== null);
    return { name, links, more: Math.max(0, (found?.totalCount ?? 0) - (found?.nodes.length ?? 0)) };
  }).filter((each) => each.links.length);
}

function groups(asset: Asset): [string, Linked | null | undefined][] {
  switch (asset.__typename) {
    case 'ModelVersion':
      return [[t.trainedOn, asset.trainedOn], [t.features, asset.features], [t.basedOn, asset.basedOn]];
    case 'Run':
      return [[t.inputs, asset.inputs], [t.outputs, asset.outputs]];
    case 'Dataset':
      return [[t.derivedFrom, asset.derivedFrom]];
    case 'Feature':
      return [[t.derivedFrom, asset.madeFrom]];
    default:
      return [];
  }
}
