// The content of the picture as rows: of the table on the page, and of the file.
import { texts } from '../texts.ts';
import { gapWords, healthWords, kindsOf } from './box-text.ts';
import type { Cell } from './csv.ts';
import type { DiffRow } from './diff.ts';
import { ordered, type Edge, type Graph } from './graph.ts';
import type { GroupHealth } from './scene.svelte.ts';

export interface Ends {
  /** Names of the neighbours upstream and downstream by the id of an asset or group; with the number of edges if there are several. */
  from: Map<string, string[]>;
  to: Map<string, string[]>;
}

/** Return the neighbours of each asset and group. */
export function endsOf(graph: Graph): Ends {
  const ends: Ends = { from: new Map(), to: new Map() };
  const add = (map: Map<string, string[]>, id: string, other: string, edge: Edge) => {
    const name = graph.nodes.get(other)?.name ?? other;
    const names = map.get(id) ?? [];
    names.push((edge.count ?? 1) > 1 ? `${name} (${texts.scene.edges(edge.count ?? 1)})` : name);
    map.set(id, names);
  };
  for (const edge of graph.edges.values()) {
    add(ends.to, edge.from, edge.to, edge);
    add(ends.from, edge.to, edge.from, edge);
  }
  for (const map of [ends.from, ends.to]) for (const [id, names] of map) map.set(id, [...new Set(names)]);
  return ends;
}

/** Return the rows of the file with their head: an asset or a group in each, the nearest first. */
export function fileRows(graph: Graph, health: ReadonlyMap<string, string>, groups: ReadonlyMap<string, GroupHealth>): Cell[][] {
  const c = texts.lineage.columns;
  const ends = endsOf(graph);
  const names = (map: Map<string, string[]>, id: string) => (map.get(id) ?? []).join('; ');
  const rows = ordered(graph).map((node): Cell[] => [
    node.name, node.group ? kindsOf(node) : node.kind, node.group?.count ?? 1, node.level,
    [health.get(node.id), healthWords(groups.get(node.id))].filter((each) => each).join(', ') || null,
    node.stage, node.team, node.sensitivity, names(ends.from, node.id), names(ends.to, node.id), gapWords(node).join('; '), node.id,
  ]);
  return [[c.name, c.kind, c.count, c.level, c.health, c.stage, c.team, c.sensitivity, c.from, c.to, c.missing, c.id], ...rows];
}

/** Return the rows of the file of a comparison, with their head. */
export function diffFileRows(differences: readonly DiffRow[]): Cell[][] {
  const c = texts.compare.columns;
  const rows = differences.map((row): Cell[] => [row.change, row.what, row.name, row.type, row.team, row.before.join('; '), row.after.join('; '), row.id]);
  return [[c.change, c.what, c.name, c.type, c.team, c.before, c.after, texts.lineage.columns.id], ...rows];
}
