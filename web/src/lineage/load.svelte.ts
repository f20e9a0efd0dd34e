// Loads the parts of a lineage, each request once, and the health of its assets afterwards.
import {
  HealthOfDocument, LineageDiffDocument, LineageDocument, type ComparedFragment, type LineageDiffQuery, type LineageQuery,
  type LineageQueryVariables, type StateFoundFragment,
} from '../generated/graphql.ts';
import { run } from '../lib/api.ts';
import { session } from '../lib/session.svelte.ts';
import { compared, type Diff, type Found } from './diff.ts';
import { merged, type Asset, type Graph, type Part, type Side } from './graph.ts';

export interface Wanted {
  roots: string[];
  sides: Side[];
  depth: number;
  asOf: string | null;
  /** Whether the domain of each asset, and the asset of each version, are needed. */
  groups: boolean;
  /** Further expansions: side and asset, in the order in which they were opened; none while states are compared. */
  open: { side: Side; id: string }[];
  /** The earlier state to compare with; null for none. */
  from: { roots: string[]; asOf: string | null } | null;
}

export interface Loaded {
  graph: Graph;
  parts: Part[];
  unknown: string[];
  /** When the answers arrived, in milliseconds. */
  at: number;
  wanted: Wanted;
  diff: Diff | null;
  /** Whether a side has more assets than one answer lists, beside what was expanded. */
  large: boolean;
}

const HEALTH_PAGE = 100;
const MAX_KEPT = 200;

type Answered = { part: Part; unknown: string[]; at: number };
const kept = new Map<string, Promise<unknown>>();
let owner = '';

/** Forget all answers, so that the next load reads the present state. */
export function forget(): void {
  kept.clear();
}

/** Return the graph of what is wanted; with an earlier state the graph of both, and what differs. */
export async function load(wanted: Wanted): Promise<Loaded> {
  const [now, then, diff] = await Promise.all([
    walked(wanted, wanted, wanted.open),
    wanted.from ? walked(wanted, wanted.from, []) : [],
    wanted.from ? difference(wanted, wanted.from) : null,
  ]);
  const graph = merged(wanted.roots, now.map((each) => each.part));
  return {
    graph: diff && wanted.from ? compared(merged(wanted.from.roots, then.map((each) => each.part)), graph, diff) : graph,
    parts: [...now, ...then].map((each) => each.part),
    unknown: [...new Set(now.flatMap((each) => each.unknown))],
    at: Math.min(...[...now, ...then].map((each) => each.at)),
    wanted,
    diff,
    large: now.slice(0, wanted.sides.length).some((each) => each.part.more),
  };
}

type State = NonNullable<Wanted['from']>;

function walked({ sides, depth, groups }: Wanted, { roots, asOf }: State, open: Wanted['open']): Promise<Answered[]> {
  const walk = (side: Side, starts: string[], levels: number): Promise<Answered> => {
    const variables: LineageQueryVariables = { roots: starts, direction: side === 'up' ? 'UPSTREAM' : 'DOWNSTREAM', depth: levels, asOf, groups };
    return once(variables, async () => {
      const { lineage } = (await run(LineageDocument, variables)).data;
      return { part: partOf(side, starts, levels, lineage), unknown: lineage.unknownRoots, at: Date.now() };
    });
  };
  return Promise.all([...sides.map((side) => walk(side, roots, depth)), ...open.map(({ side, id }) => walk(side, [id], 1))]);
}

function difference(wanted: Wanted, from: State): Promise<Diff> {
  const direction = wanted.sides.length > 1 ? 'BOTH' : wanted.sides[0] === 'up' ? 'UPSTREAM' : 'DOWNSTREAM';
  const variables = { from, to: { roots: wanted.roots, asOf: wanted.asOf }, direction, depth: wanted.depth } as const;
  return once(variables, async () => diffOf((await run(LineageDiffDocument, variables)).data.lineageDiff));
}

/** Return the kept answer to the same request of the same caller, else that of `read`; another caller sees another graph. */
export function once<Result>(variables: object, read: () => Promise<Result>): Promise<Result> {
  const caller = session.viewer?.subject ?? '';
  if (caller !== owner) forget();
  owner = caller;
  const key = JSON.stringify(variables);
  const before = kept.get(key) as Promise<Result> | undefined;
  if (before) return before;
  const found = read();
  if (kept.size >= MAX_KEPT) kept.clear();
  kept.set(key, found);
  found.catch(() => kept.delete(key));
  return found;
}

/** Return an asset of an answer. */
export function assetOf(asset: ComparedFragment): Asset {
  return {
    id: asset.id,
    kind: asset.kind,
    name: asset.displayName,
    stage: asset.stage,
    stub: asset.hydration === 'STUB',
    team: asset.ownerTeam?.displayName ?? null,
    sensitivity: asset.sensitivity,
  };
}

type Grouped = LineageQuery['lineage']['nodes']['nodes'][number]['asset'];

function groupsOf(asset: Grouped): Pick<Asset, 'domain' | 'versionOf'> {
  const whole = asset.__typename === 'DatasetVersion' ? asset.dataset : asset.__typename === 'ModelVersion' ? asset.model : null;
  const own = asset.__typename === 'Dataset' || asset.__typename === 'Model' ? asset : null; // in one group with its versions
  const parent = asset.__typename === 'Feature' ? asset.featureSet : whole;
  const named = whole ?? own;
  return { domain: asset.domain?.name ?? parent?.domain?.name ?? null, versionOf: named ? { id: named.id, name: named.displayName } : null };
}

function diffOf(diff: LineageDiffQuery['lineageDiff']): Diff {
  const found = ({ total, upstream, downstream, unknownRoots }: StateFoundFragment): Found => ({ total, up: upstream, down: downstream, unknown: unknownRoots });
  return {
    ...diff,
    nodes: diff.nodes.map((each) => ({ ...each, before: each.before.map(assetOf), after: each.after.map(assetOf) })),
    from: found(diff.from),
    to: found(diff.to),
  };
}

function partOf(side: Side, starts: string[], depth: number, lineage: LineageQuery['lineage']): Part {
  const nodes = lineage.nodes.nodes.map(({ depth, asset }) => ({ depth, asset: { ...assetOf(asset), ...groupsOf(asset) } }));
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
