// Loads the parts of a lineage, each request once, and the health of its assets afterwards.
import { HealthOfDocument, LineageDocument, type LineageQuery, type LineageQueryVariables } from '../generated/graphql.ts';
import { run } from '../lib/api.ts';
import { session } from '../lib/session.svelte.ts';
import { merged, type Graph, type Part, type Side } from './graph.ts';

export interface Wanted {
  roots: string[];
  sides: Side[];
  depth: number;
  asOf: string | null;
  /** Further expansions: side and asset, in the order in which they were opened. */
  open: { side: Side; id: string }[];
}

export interface Loaded {
  graph: Graph;
  parts: Part[];
  unknown: string[];
  /** When the answers arrived, in milliseconds. */
  at: number;
  wanted: Wanted;
}

const HEALTH_PAGE = 100;
const MAX_KEPT = 200;

type Found = { part: Part; unknown: string[]; at: number };
const kept = new Map<string, Promise<Found>>();
let owner = '';

/** Forget all answers, so that the next load reads the present state. */
export function forget(): void {
  kept.clear();
}

/** Return the graph of what is wanted. */
export async function load(wanted: Wanted): Promise<Loaded> {
  const walk = (side: Side, roots: string[], depth: number): Promise<Found> =>
    once(side, roots, { roots, direction: side === 'up' ? 'UPSTREAM' : 'DOWNSTREAM', depth, asOf: wanted.asOf });
  const found = await Promise.all([
    ...wanted.sides.map((side) => walk(side, wanted.roots, wanted.depth)),
    ...wanted.open.map(({ side, id }) => walk(side, [id], 1)),
  ]);
  const parts = found.map((each) => each.part);
  return {
    graph: merged(wanted.roots, parts),
    parts,
    unknown: [...new Set(found.flatMap((each) => each.unknown))],
    at: Math.min(...found.map((each) => each.at)),
    wanted,
  };
}

function once(side: Side, starts: string[], variables: LineageQueryVariables): Promise<Found> {
  // Another caller sees another graph.
  const caller = session.viewer?.subject ?? '';
  if (caller !== owner) forget();
  owner = caller;
  const key = JSON.stringify(variables);
  const before = kept.get(key);
  if (before) return before;
  const found = run(LineageDocument, variables).then(({ data }) => ({
    part: partOf(side, starts, variables.depth, data.lineage), unknown: data.lineage.unknownRoots, at: Date.now(),
  }));
  if (kept.size >= MAX_KEPT) kept.clear();
  kept.set(key, found);
  found.catch(() => kept.delete(key));
  return found;
}

function partOf(side: Side, starts: string[], depth: number, lineage: LineageQuery['lineage']): Part {
  const nodes = lineage.nodes.nodes.map(({ depth, asset }) => ({
    depth,
    asset: {
      id: asset.id,
      kind: asset.kind,
      name: asset.displayName,
      stage: asset.stage,
      stub: asset.hydration === 'STUB',
      team: asset.ownerTeam?.displayName ?? null,
      sensitivity: asset.sensitivity,
    },
  }));
  return {
    side,
    starts,
    depth,
    nodes,
    edges: lineage.edges,
    completeness: lineage.completeness,
    more: lineage.nodes.pageInfo.hasNextPage,
  };
}

/** Report the health of assets by id, a page at a time. */
export async function loadHealth(
  ids: readonly string[], asOf: string | null, report: (found: Map<string, string>) => void, signal: AbortSignal,
): Promise<void> {
  for (let at = 0; at < ids.length; at += HEALTH_PAGE) {
    const { data } = await run(HealthOfDocument, { ids: ids.slice(at, at + HEALTH_PAGE), asOf }, { signal });
    const found = new Map<string, string>();
    for (const node of data.nodes) if (node && 'health' in node && node.health) found.set(node.id, node.health.status);
    report(found);
  }
}
