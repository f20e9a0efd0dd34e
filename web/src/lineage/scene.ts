// A lineage that is too large to list, as the server rolls it up: the nearest assets one by one, and groups of all others
// with counts. A group is a node of the graph, so that picture, table, tree and file show it as they show an asset.
import type { SceneExpansion, SceneProperty, SceneQuery, SceneQueryVariables } from '../generated/graphql.ts';
import { nameOf } from '../lib/format.ts';
import { kindName, kindsName, KINDS, texts } from '../texts.ts';
import type { Asset, Edge, Gap, Graph, Group, Node, Side } from './graph.ts';
import { aged, missing, type Note } from './notes.ts';
import type { GroupBy } from './rollup.ts';
import { MAX_DEPTH, type LineageState } from './state.ts';

export type Answer = SceneQuery['scene'];
export type SceneVariables = Omit<SceneQueryVariables, 'roots' | 'expand' | 'groupBy'> & { roots: string[]; expand: SceneExpansion[]; groupBy: SceneProperty[] };

type AnsweredGroup = Answer['groups'][number];

const MAX_EXPANSIONS = 50; // as many as one request may have
const KEY = /^(ALL$|(LEVEL|KIND|TEAM|DOMAIN|VERSIONS)=)/;

// What groups are made by, and up to which level assets are listed one by one, for each choice of the reader.
const GROUPING: Record<GroupBy, Pick<SceneVariables, 'groupBy' | 'openLevels'>> = {
  auto: { groupBy: ['LEVEL', 'KIND'], openLevels: 1 },
  kind: { groupBy: ['LEVEL', 'KIND'], openLevels: 0 },
  team: { groupBy: ['LEVEL', 'TEAM'], openLevels: 0 },
  domain: { groupBy: ['LEVEL', 'DOMAIN'], openLevels: 0 },
  versions: { groupBy: ['LEVEL', 'VERSIONS'], openLevels: 0 },
  none: { groupBy: ['LEVEL', 'KIND'], openLevels: MAX_DEPTH },
};

/** Return whether a text is the key of a group of a scene; groups that the page itself makes have other keys. */
export const isSceneKey = (key: string): boolean => KEY.test(key);

/** Return the variables of the request for a state; `kindsOfRoots` stay although their kind is left out. */
export function variablesOf(state: LineageState, kindsOfRoots: readonly string[]): SceneVariables {
  const kinds = Object.keys(KINDS).filter((kind) => !state.hide.includes(kind) || kindsOfRoots.includes(kind));
  const groups = state.groups.filter(isSceneKey).map((group) => ({ group }));
  const beside = [...new Set(state.open.map((each) => each.id))].map((nextTo) => ({ nextTo }));
  return {
    roots: state.roots,
    direction: state.direction === 'both' ? 'BOTH' : state.direction === 'up' ? 'UPSTREAM' : 'DOWNSTREAM',
    depth: state.depth,
    asOf: state.asOf,
    kinds: (state.hide.length ? kinds : null) as SceneVariables['kinds'],
    ...GROUPING[state.group],
    expand: [...groups, ...beside].slice(0, MAX_EXPANSIONS),
  };
}

/** Return the words for what the assets of a group have in common, with their number. */
export function groupName(group: AnsweredGroup, groupedBy: Answer['groupedBy']): string {
  const { without, assets } = texts.lineage;
  if (group.kind) return kindsName(group.kind, group.count);
  const by = groupedBy.find((each) => each !== 'LEVEL');
  const named = {
    TEAM: () => group.team?.displayName ?? without.team,
    DOMAIN: () => group.domain?.name ?? without.domain,
    // The key has the id of the asset without its scheme; a hidden asset has no other name.
    VERSIONS: () => group.versionsOf?.displayName ?? nameOf(group.key),
    KIND: null,
    LEVEL: null,
  }[by ?? 'LEVEL'];
  return named ? `${named()} · ${group.count}` : assets(group.count);
}

/** Return an answer as a graph; `asked` is the request, which has what the reader opened. */
export function sceneGraph(answer: Answer, asked: SceneVariables, assetOf: (asset: Answer['elements'][number]['asset']) => Asset): Graph {
  const opened = new Set(asked.expand.flatMap((each) => each.group ?? each.nextTo ?? []));
  const groups = new Set(answer.groups.map((each) => each.key));
  const edges = new Map(answer.edges.map((each): [string, Edge] => {
    const id = `${each.from} ${each.to}`;
    const origin = each.origins.length > 1 ? each.origins.join(', ') : (each.origins[0] ?? '');
    return [id, { id, from: each.from, to: each.to, relation: each.relations.join(', '), origin, confidence: null, count: each.count }];
  }));
  // A side of an asset on which a group is may be listed one by one, unless that was tried.
  const ends = new Map<string, Set<Side>>();
  const add = (id: string, side: Side) => {
    if (!groups.has(id) && !opened.has(id)) ends.set(id, (ends.get(id) ?? new Set()).add(side));
  };
  for (const { from, to } of edges.values()) {
    if (groups.has(to)) add(from, 'down');
    if (groups.has(from)) add(to, 'up');
  }
  const nodes: Node[] = [
    ...answer.elements.map(({ asset, level, gaps }) => ({ ...assetOf(asset), level, gaps: sorted(gaps), ends: [...(ends.get(asset.id) ?? [])].sort() })),
    ...answer.groups.map((group) => groupNode(group, answer.groupedBy, opened.has(group.key))),
  ];
  const found = new Map(nodes.map((node) => [node.id, node]));
  return { nodes: found, edges, roots: asked.roots.filter((id) => found.has(id)) };
}

const sorted = (gaps: readonly Gap[]): Gap[] => [...gaps].sort().reverse(); // POLICY first, as above the picture

function groupNode(group: AnsweredGroup, groupedBy: Answer['groupedBy'], opened: boolean): Node {
  const about: Group = {
    count: group.count, kinds: group.countsByKind, inner: group.innerEdges, opened,
    team: group.team && { id: group.team.id, name: group.team.displayName },
    versionsOf: group.versionsOf && { id: group.versionsOf.id, name: group.versionsOf.displayName },
  };
  return {
    id: group.key, kind: group.kind ?? '', name: groupName(group, groupedBy), stage: null, stub: false, sensitivity: null,
    team: group.team?.displayName ?? null, domain: group.domain?.name ?? null, level: group.level, ends: [], gaps: sorted(group.gaps), group: about,
  };
}

/** Return the notes of a scene: what is rolled up, then what is hidden, cut or outdated. */
export function notesOfScene(answer: Answer, asked: SceneVariables, asOf: string | null, at: number, now: number): Note[] {
  const t = texts.scene;
  const rest = answer.groups.reduce((sum, each) => sum + each.count, 0);
  const left = asked.groupBy.filter((each) => !answer.groupedBy.includes(each));
  const sides = [['up', answer.upstream], ['down', answer.downstream]] as const;
  const lacks = sides.flatMap(([side, found]): Note[] => {
    if (!found) return [];
    const own = missing(side, found, { ...texts.notes.reasons, DEPTH: t.depth });
    return own.length ? own : [{ kind: 'complete', side, text: t.counted(texts.sides[side]) }];
  });
  const rolled: Note[] = answer.groups.length ? [{ kind: 'rolled', side: null, text: t.rolled(answer.total, answer.elements.length, rest, answer.groups.length) }] : [];
  return [
    ...rolled,
    ...(left.length ? [{ kind: 'rolled' as const, side: null, text: t.coarser(left.map((each) => t.properties[each] ?? each)) }] : []),
    ...lacks,
    ...(answer.edgesLeftOut ? [{ kind: 'cut' as const, side: null, text: t.edgesLeftOut(answer.edgesLeftOut) }] : []),
    ...aged(asOf, at, now, true), // changes inside of groups are not announced
  ];
}

/** Return the words for the key of a group that the present scene does not have, such as `2 downstream, Dataset`. */
export function wordsOfKey(key: string): string {
  if (key === 'ALL') return texts.scene.all;
  return key.split(' ').map((part) => {
    const [property = '', value = ''] = part.split('=', 2);
    if (property === 'LEVEL') return texts.lineage.levelName(Number(value));
    if (property === 'KIND') return kindName(value);
    return value ? nameOf(value) : texts.lineage.without[property === 'TEAM' ? 'team' : 'domain'];
  }).join(', ');
}
