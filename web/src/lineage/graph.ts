// The lineage that was loaded so far as one graph: each asset once, at its level. Level 0 has the roots; upstream levels
// are negative. A part is one answer of the API: the closure of some assets on one side, down to a depth.
import type { Change } from './diff.ts';

export type Side = 'up' | 'down';

export interface Asset {
  id: string;
  kind: string;
  name: string;
  stage: string | null;
  stub: boolean;
  team: string | null;
  sensitivity: string | null;
  /** The name of the domain, its own or that of its parent; null if there is none, or it is hidden or was not asked for. */
  domain?: string | null;
  /** The asset of which it is a version; null if it is none, or that is hidden or was not asked for. */
  versionOf?: { id: string; name: string } | null;
}

export interface Edge {
  id: string;
  from: string;
  to: string;
  relation: string;
  origin: string;
  confidence: number | null;
  /** Whether it stands for a path through assets of kinds that the reader left out. */
  through?: boolean;
  /** How it differs between the compared states; undefined if both have it, or none is compared. */
  change?: Change;
  /** Number of edges for which it stands; undefined for one. */
  count?: number;
}

export interface Completeness {
  state: string;
  reason: string | null;
  hidden: number | null;
  asOf: string;
}

export interface Part {
  side: Side;
  /** The assets at which the walk began. */
  starts: readonly string[];
  /** Number of levels that were walked. */
  depth: number;
  nodes: readonly { depth: number; asset: Asset }[];
  edges: readonly Edge[];
  completeness: Completeness;
  /** Whether the answer has more assets than one page. */
  more: boolean;
}

/** Why edges of an asset may be missing: a limit, or the policy. */
export type Gap = 'LIMIT' | 'POLICY';

/** Assets that the server counts together in place of a list. */
export interface Group {
  count: number;
  kinds: readonly { kind: string; count: number }[];
  /** Number of edges between its assets. */
  inner: number;
  /** Whether the reader opened it; what is left of it did not fit. */
  opened: boolean;
  team: { id: string; name: string } | null;
  versionsOf: { id: string; name: string } | null;
}

/** An asset of a graph, or a group of assets, whose id is its key. */
export interface Node extends Asset {
  level: number;
  /** Sides on which more may follow that is not loaded. */
  ends: Side[];
  /** As of an edge. */
  change?: Change;
  /** The name of the version or run that it replaced. */
  formerly?: string;
  /** Undefined where the server was not asked for the gaps of each asset. */
  gaps?: readonly Gap[];
  group?: Group;
}

export interface Graph {
  nodes: Map<string, Node>;
  edges: Map<string, Edge>;
  roots: string[];
}

const LIMITS = new Set(['DEPTH', 'NODES', 'EDGES', 'TIME']);

const sign = (side: Side): number => (side === 'up' ? -1 : 1);

/** Return the graph of parts; those that begin at `roots` come first, and the start of each is in a part before it. */
export function merged(roots: readonly string[], parts: readonly Part[]): Graph {
  const nodes = new Map<string, Node>();
  const edges = new Map<string, Edge>();
  const walked: Record<Side, Map<string, boolean>> = { up: new Map(), down: new Map() };
  for (const part of parts) {
    const base = levelOf(nodes, part.starts);
    const cut = part.more || (part.completeness.reason ?? '').split(',').some((each) => LIMITS.has(each.trim()));
    for (const { depth, asset } of part.nodes) {
      const level = base + sign(part.side) * depth;
      const known = nodes.get(asset.id);
      if (!known) nodes.set(asset.id, { ...asset, level, ends: [] });
      else if (Math.abs(level) < Math.abs(known.level)) known.level = level;
      const complete = depth < part.depth || !cut;
      walked[part.side].set(asset.id, complete || (walked[part.side].get(asset.id) ?? false));
    }
    for (const edge of part.edges) edges.set(edge.id, edge);
  }
  for (const node of nodes.values()) {
    for (const side of ['up', 'down'] as const) if (walked[side].get(node.id) === false) node.ends.push(side);
  }
  return { nodes, edges, roots: roots.filter((id) => nodes.has(id)) };
}

function levelOf(nodes: Map<string, Node>, starts: readonly string[]): number {
  for (const id of starts) {
    const node = nodes.get(id);
    if (node) return node.level;
  }
  return 0;
}

/** Return the graph without assets of some kinds; a path through them is one edge. Roots stay. */
export function without(graph: Graph, kinds: ReadonlySet<string>): Graph {
  if (!kinds.size) return graph;
  const roots = new Set(graph.roots);
  const nodes = new Map([...graph.nodes].filter(([id, node]) => roots.has(id) || !kinds.has(node.kind)));
  const next = new Map<string, Edge[]>();
  for (const edge of graph.edges.values()) next.set(edge.from, [...(next.get(edge.from) ?? []), edge]);
  const edges = new Map<string, Edge>();
  for (const from of nodes.keys()) {
    const seen = new Set<string>();
    const pending = [...(next.get(from) ?? [])].map((edge) => ({ edge, through: false }));
    for (let step = pending.pop(); step; step = pending.pop()) {
      const { edge, through } = step;
      if (nodes.has(edge.to)) {
        if (!through) edges.set(edge.id, edge);
        else if (edge.to !== from) {
          const id = `${from} ${edge.to}`;
          edges.set(id, { id, from, to: edge.to, relation: '', origin: '', confidence: null, through: true });
        }
      } else if (!seen.has(edge.to)) {
        seen.add(edge.to);
        pending.push(...(next.get(edge.to) ?? []).map((each) => ({ edge: each, through: true })));
      }
    }
  }
  return { nodes, edges, roots: graph.roots };
}

/** Return the ids of the assets and edges on the shortest paths between an asset and the roots, along the data flow. */
export function pathToRoots(graph: Graph, id: string): { nodes: Set<string>; edges: Set<string> } {
  const forward = shortest(graph, id, (edge) => [edge.from, edge.to]);
  return forward.nodes.size > 1 ? forward : shortest(graph, id, (edge) => [edge.to, edge.from]);
}

function shortest(graph: Graph, id: string, ends: (edge: Edge) => [string, string]) {
  const next = new Map<string, Edge[]>();
  for (const edge of graph.edges.values()) {
    const [from] = ends(edge);
    next.set(from, [...(next.get(from) ?? []), edge]);
  }
  const distance = new Map([[id, 0]]);
  const before = new Map<string, Edge[]>();
  let frontier = [id];
  const reached: string[] = [];
  const roots = new Set(graph.roots);
  while (frontier.length && !reached.length) {
    const found: string[] = [];
    for (const from of frontier) {
      for (const edge of next.get(from) ?? []) {
        const [, to] = ends(edge);
        const known = distance.get(to);
        if (known === undefined) {
          distance.set(to, distance.get(from)! + 1);
          found.push(to);
        }
        if (distance.get(to) === distance.get(from)! + 1) before.set(to, [...(before.get(to) ?? []), edge]);
      }
    }
    frontier = found;
    reached.push(...found.filter((each) => roots.has(each)));
  }
  const nodes = new Set<string>([id]);
  const edges = new Set<string>();
  let back = reached;
  while (back.length) {
    const further: string[] = [];
    for (const to of back) {
      nodes.add(to);
      for (const edge of before.get(to) ?? []) {
        edges.add(edge.id);
        further.push(ends(edge)[0]);
      }
    }
    back = further.filter((each) => !nodes.has(each));
  }
  return { nodes, edges };
}

/** Return the rows of the table and the tree: nearest level first, upstream before downstream, then by name. */
export function ordered(graph: Graph): Node[] {
  return [...graph.nodes.values()].sort(
    (a, b) => Math.abs(a.level) - Math.abs(b.level) || a.level - b.level || a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1),
  );
}
