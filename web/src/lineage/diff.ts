// Two states of a lineage as one graph: what both have, what was added, what ended, and what another version or run replaced.
import { without, type Asset, type Completeness, type Edge, type Graph, type Node, type Side } from './graph.ts';

export type Change = 'ADDED' | 'REMOVED' | 'CHANGED';

export const SIGNS: Record<Change, string> = { ADDED: '+', REMOVED: '−', CHANGED: '±' };
export const CHANGES = Object.keys(SIGNS) as Change[];

export interface NodeChange {
  key: string;
  change: Change;
  before: readonly Asset[];
  after: readonly Asset[];
}

export interface EdgeChange {
  from: string;
  to: string;
  relation: string;
  change: Change;
  before: readonly Edge[];
  after: readonly Edge[];
}

export interface Counts {
  added: number;
  removed: number;
  changed: number;
  same: number;
}

/** How much of a state was found; null for a side that was not asked for. */
export interface Found {
  total: number;
  up: Completeness | null;
  down: Completeness | null;
  unknown: readonly string[];
}

export interface Diff {
  nodes: readonly NodeChange[];
  edges: readonly EdgeChange[];
  nodeCounts: Counts;
  edgeCounts: Counts;
  from: Found;
  to: Found;
}

/** Return the number of differences that the lists of a diff do not have. */
export function unlisted(diff: Diff): number {
  const all = ({ added, removed, changed }: Counts) => added + removed + changed;
  return all(diff.nodeCounts) - diff.nodes.length + (all(diff.edgeCounts) - diff.edges.length);
}

/** Return both states as one graph. An asset in both has its place of the later state; a version or run that one other
 * replaced is one box with it. Nothing expands further, because only the chosen levels were compared. */
export function compared(before: Graph, after: Graph, diff: Diff): Graph {
  const changes = new Map<string, Change>();
  const box = new Map<string, string>(); // from the id of what was replaced to that of its successor
  const former = new Map<string, string>();
  for (const each of diff.nodes) {
    const [old, recent] = [only(each.before, each.after), only(each.after, each.before)];
    for (const asset of old) changes.set(asset.id, 'REMOVED');
    for (const asset of recent) changes.set(asset.id, 'ADDED');
    const [first, next] = [old[0], recent[0]];
    if (first && next && old.length === 1 && recent.length === 1 && before.nodes.has(first.id) && after.nodes.has(next.id)) {
      changes.set(next.id, 'CHANGED');
      box.set(first.id, next.id);
      former.set(next.id, first.name);
    }
  }
  const place = (id: string): string => box.get(id) ?? id;
  const nodes = new Map<string, Node>();
  for (const graph of [after, before]) {
    for (const node of graph.nodes.values()) {
      if (nodes.has(place(node.id))) continue;
      nodes.set(node.id, { ...node, ends: [], change: changes.get(node.id), formerly: former.get(node.id) });
    }
  }
  const roots = [...new Set([...after.roots, ...before.roots].map(place))];
  return { nodes, edges: edgesOf(before, after, diff, place), roots: roots.filter((id) => nodes.has(id)) };
}

function edgesOf(before: Graph, after: Graph, diff: Diff, place: (id: string) => string): Map<string, Edge> {
  const changes = new Map<string, Change>();
  for (const each of diff.edges) {
    for (const edge of only(each.before, each.after)) changes.set(edge.id, 'REMOVED');
    for (const edge of only(each.after, each.before)) changes.set(edge.id, 'ADDED');
  }
  const found = new Map<string, Edge>();
  for (const edge of [...before.edges.values(), ...after.edges.values()]) {
    found.set(edge.id, { ...edge, from: place(edge.from), to: place(edge.to), change: changes.get(edge.id) });
  }
  return found;
}

function only<Item extends { id: string }>(these: readonly Item[], those: readonly Item[]): Item[] {
  const other = new Set(those.map((each) => each.id));
  return these.filter((each) => !other.has(each.id));
}

/** Return a compared graph without assets of some kinds, as `without` does for each of its states. */
export function comparedWithout(graph: Graph, kinds: ReadonlySet<string>): Graph {
  if (!kinds.size) return graph;
  const state = (other: Change) => without({ ...graph, edges: new Map([...graph.edges].filter(([, edge]) => edge.change !== other)) }, kinds);
  const [before, after] = [state('ADDED'), state('REMOVED')];
  const edges = new Map([...before.edges, ...after.edges]);
  for (const [id, edge] of edges) {
    if (!edge.through || (before.edges.has(id) && after.edges.has(id))) continue;
    edges.set(id, { ...edge, change: after.edges.has(id) ? 'ADDED' : 'REMOVED' });
  }
  return { ...after, edges };
}

/** Return how a line differs that stands for several edges; undefined if some of them are in both states. */
export function changeOf(edges: readonly { change?: Change }[]): Change | undefined {
  const found = new Set(edges.map((edge) => edge.change));
  const [first] = found;
  if (found.has(undefined)) return found.size > 1 ? 'CHANGED' : undefined;
  return found.size > 1 ? 'CHANGED' : first;
}

/** Return the names of all assets of the listed differences by id, also of those that others replaced. */
export const namesIn = (diff: Diff): Map<string, string> =>
  new Map(diff.nodes.flatMap((each) => [...each.before, ...each.after].map((asset) => [asset.id, asset.name])));

export interface DiffRow {
  key: string;
  what: 'asset' | 'edge';
  change: Change;
  name: string;
  /** The kind of an asset, or the relation of an edge. */
  type: string;
  id: string | null;
  team: string | null;
  before: string[];
  after: string[];
}

/** Return the differences as rows of a table, assets first; those of kinds that the reader left out are not among them. */
export function rowsOf(diff: Diff, hide: ReadonlySet<string>, nameOf: (id: string) => string): DiffRow[] {
  const names = (list: readonly Asset[]) => list.map((each) => each.name);
  const kinds = new Map(diff.nodes.map((each) => [each.key, (each.after[0] ?? each.before[0])?.kind ?? '']));
  const assets = diff.nodes.filter((each) => !hide.has(kinds.get(each.key) ?? '')).map((each): DiffRow => {
    const shown = each.after[0] ?? each.before[0];
    return {
      key: each.key, what: 'asset', change: each.change, name: each.change === 'CHANGED' || !shown ? nameOf(each.key) : shown.name, type: shown?.kind ?? '', id: shown?.id ?? null,
      team: shown?.team ?? null, before: names(each.before), after: names(each.after),
    };
  });
  const edges = diff.edges.filter((each) => ![each.from, each.to].some((key) => hide.has(kinds.get(key) ?? ''))).map((each): DiffRow => {
    const ends = (list: readonly Edge[]) => list.map((edge) => `${nameOf(edge.from)} → ${nameOf(edge.to)}`);
    const [before, after] = [ends(each.before), ends(each.after)];
    return {
      key: `${each.from} ${each.relation} ${each.to}`, what: 'edge', change: each.change, name: after[0] ?? before[0] ?? '', type: each.relation,
      id: null, team: null, before, after,
    };
  });
  return [...assets, ...edges];
}

export const sidesOf = (found: Found): [Side, Completeness][] =>
  (['up', 'down'] as const).flatMap((side) => (found[side] ? [[side, found[side]] as [Side, Completeness]] : []));
