// What is drawn: single assets, and groups of many assets of one level, so that a picture has at most MAX_DRAWN boxes.
import type { Change } from './diff.ts';
import type { Edge, Graph, Node } from './graph.ts';

export type GroupBy = 'auto' | 'kind' | 'team' | 'domain' | 'versions' | 'none';

export const MAX_DRAWN = 300;
const AUTO = 6; // more assets of one kind in a level become a group
const SMALLEST = 2;

/** What the assets of a group have in common. */
export type Property = 'kind' | 'team' | 'domain' | 'versions';

export interface Box {
  key: string;
  level: number;
  nodes: Node[];
  /** Null for a single asset; else what the assets have in common. */
  group: { by: Property; name: string; change?: Change } | null;
}

export interface Line {
  key: string;
  from: string;
  to: string;
  edges: Edge[];
}

export interface Drawing {
  boxes: Box[];
  lines: Line[];
  /** Whether groups were made only because there is too much to draw. */
  forced: boolean;
}

interface Options {
  by: GroupBy;
  open: ReadonlySet<string>;
}

/** Return the boxes and lines of a graph; the groups in `open` are drawn as their assets. */
export function rolledUp(graph: Graph, options: Options): Drawing {
  const by = options.by === 'auto' || options.by === 'none' ? 'kind' : options.by;
  const sets = new Map<string, Box>();
  for (const node of graph.nodes.values()) {
    const { value, name } = valueOf(node, by);
    // Assets that differ between the compared states are apart from those that do not.
    const key = `${node.level}|${value}${node.change ? `|${node.change}` : ''}`;
    const box = sets.get(key) ?? { key, level: node.level, nodes: [], group: { by, name, change: node.change } };
    box.nodes.push(node);
    sets.set(key, box);
  }
  const roots = new Set(graph.roots);
  const may = [...sets.values()].filter((box) => box.nodes.length >= SMALLEST && !box.nodes.some((node) => roots.has(node.id)));
  const least = { auto: AUTO + 1, kind: SMALLEST, team: SMALLEST, domain: SMALLEST, versions: SMALLEST, none: Infinity }[options.by];
  const closed = new Set(may.filter((box) => box.nodes.length >= least && !options.open.has(box.key)).map((box) => box.key));
  const forced = force(may, closed, graph.nodes.size);
  const boxes = [...sets.values()].flatMap((box) =>
    closed.has(box.key) ? [box] : box.nodes.map((node): Box => ({ key: node.id, level: node.level, nodes: [node], group: null })),
  );
  return { boxes, lines: lines(graph, boxes), forced };
}

/** Return the value in the key of a group; its level and change are left out. */
export const valueOfKey = (key: string): string => key.slice(key.indexOf('|') + 1).replace(/\|(ADDED|REMOVED|CHANGED)$/, '');

// An asset that is no version, and has none, is a group of one, which is drawn as itself.
function valueOf(node: Node, by: Property): { value: string; name: string } {
  if (by === 'versions') return node.versionOf ? { value: node.versionOf.id, name: node.versionOf.name } : { value: node.id, name: node.name };
  const value = { kind: node.kind, team: node.team ?? '', domain: node.domain ?? '' }[by];
  return { value, name: value };
}

// Closes the largest sets until the picture is small enough; returns whether any had to be closed.
function force(may: readonly Box[], closed: Set<string>, count: number): boolean {
  let drawn = count;
  for (const box of may) if (closed.has(box.key)) drawn -= box.nodes.length - 1;
  let forced = false;
  for (const box of [...may].sort((a, b) => b.nodes.length - a.nodes.length)) {
    if (drawn <= MAX_DRAWN) break;
    if (closed.has(box.key)) continue;
    closed.add(box.key);
    drawn -= box.nodes.length - 1;
    forced = true;
  }
  return forced;
}

function lines(graph: Graph, boxes: readonly Box[]): Line[] {
  const place = new Map<string, string>();
  for (const box of boxes) for (const node of box.nodes) place.set(node.id, box.key);
  const found = new Map<string, Line>();
  for (const edge of graph.edges.values()) {
    const [from, to] = [place.get(edge.from), place.get(edge.to)];
    if (!from || !to || from === to) continue;
    const key = `${from} ${to}`;
    const line = found.get(key) ?? { key, from, to, edges: [] };
    line.edges.push(edge);
    found.set(key, line);
  }
  return [...found.values()];
}
