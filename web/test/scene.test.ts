// A lineage that the server rolls up: the request, the graph with its groups, the words, and the rows of the file.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxAbout, boxTitle } from '../src/lineage/box-text.ts';
import type { Asset } from '../src/lineage/graph.ts';
import { rolledUp } from '../src/lineage/rollup.ts';
import { isSceneKey, notesOfScene, sceneGraph, variablesOf, wordsOfKey, type Answer, type SceneVariables } from '../src/lineage/scene.ts';
import { stateOf } from '../src/lineage/state.ts';
import { fileRows } from '../src/lineage/table-rows.ts';

const assetOf = (asset: { id: string }): Asset => ({
  id: asset.id, kind: 'DATASET', name: asset.id, stage: 'ACTIVE', stub: false, team: null, sensitivity: null,
});
const element = (id: string, level: number, gaps: string[] = []) => ({ level, gaps, asset: { id } });
const group = (key: string, level: number, count: number, more: object = {}) => ({
  key, level, count, kind: null, team: null, domain: null, versionsOf: null, countsByKind: [{ kind: 'DATASET', count }], innerEdges: 0, gaps: [], ...more,
});
const edge = (from: string, to: string, count: number) => ({ from, to, count, relations: ['DERIVES'], origins: ['DECLARED'] });

const BY_KIND = 'LEVEL=1 KIND=DATASET';
const FOUND = { state: 'TRUNCATED', reason: 'DEPTH, POLICY', hidden: 2, asOf: '2026-01-01T00:00:00Z' };
const answer = {
  elements: [element('r', 0), element('a', 1, ['LIMIT', 'POLICY'])],
  groups: [group(BY_KIND, 1, 812, { kind: 'DATASET', gaps: ['LIMIT'] })],
  edges: [edge('r', BY_KIND, 812), edge('r', 'a', 1)],
  edgesLeftOut: 3, total: 814, countsByKind: [], groupedBy: ['LEVEL', 'KIND'], upstream: null, downstream: FOUND, unknownRoots: [],
} as unknown as Answer;
const state = (text: string) => stateOf(new URLSearchParams(text), false);
const asked = (text = 'root=r'): SceneVariables => variablesOf(state(text), ['DATASET']);

test('the request has what the reader chose: direction, kinds, groups, and what was opened', () => {
  const found = asked(`root=r&direction=down&depth=4&group=team&hide=RUN&hide=DATASET&groups=${encodeURIComponent(BY_KIND)}&groups=1|DATASET&open=up:a&open=down:a`);
  assert.deepEqual([found.direction, found.depth, found.groupBy, found.openLevels], ['DOWNSTREAM', 4, ['LEVEL', 'TEAM'], 0]);
  assert.deepEqual(found.expand, [{ group: BY_KIND }, { nextTo: 'a' }]);
  const kinds = found.kinds as string[];
  assert.ok(kinds.includes('DATASET') && !kinds.includes('RUN')); // the kind of a root stays
  assert.equal(asked().kinds, null);
  assert.deepEqual([asked().groupBy, asked().openLevels, asked('group=none').openLevels], [['LEVEL', 'KIND'], 1, 50]);
  assert.ok(asked(Array.from({ length: 80 }, (_, at) => `open=up:${at}`).join('&')).expand.length <= 50);
});

test('groups are nodes with their count, and their edges have the number of edges', () => {
  const graph = sceneGraph(answer, asked(), assetOf);
  assert.deepEqual([...graph.nodes.values()].map((node) => [node.id, node.name, node.level, node.group?.count]), [
    ['r', 'r', 0, undefined], ['a', 'a', 1, undefined], [BY_KIND, '812 datasets', 1, 812],
  ]);
  assert.deepEqual([...graph.edges.values()].map((each) => [each.from, each.to, each.count]), [['r', BY_KIND, 812], ['r', 'a', 1]]);
  assert.deepEqual(graph.roots, ['r']);
  const drawing = rolledUp(graph, { by: 'none', open: new Set() });
  assert.deepEqual(drawing.boxes.map((box) => box.key), ['r', 'a', BY_KIND]);
  assert.ok(!drawing.forced);
});

test('an asset beside a group expands there, unless that was tried', () => {
  const ends = (text: string) => sceneGraph(answer, asked(text), assetOf).nodes.get('r')?.ends;
  assert.deepEqual(ends('root=r'), ['down']);
  assert.deepEqual(ends('root=r&open=down:r'), []);
});

test('a group that was opened and is still there did not fit', () => {
  const node = (text: string) => sceneGraph(answer, asked(text), assetOf).nodes.get(BY_KIND);
  assert.equal(node('root=r')?.group?.opened, false);
  assert.equal(node(`root=r&groups=${encodeURIComponent(BY_KIND)}`)?.group?.opened, true);
});

test('groups are named by what their assets have in common', () => {
  const name = (groupedBy: string[], more: object, key = 'LEVEL=1 X=y') => {
    const found = { ...answer, groups: [group(key, 1, 5, more)], groupedBy } as unknown as Answer;
    return sceneGraph(found, asked(), assetOf).nodes.get(key)?.name;
  };
  assert.equal(name(['LEVEL', 'TEAM'], { team: { id: 't', displayName: 'Ads' } }), 'Ads · 5');
  assert.equal(name(['LEVEL', 'TEAM'], {}), 'without an owner team · 5');
  assert.equal(name(['LEVEL', 'DOMAIN'], { domain: { id: 'd', name: 'media' } }), 'media · 5');
  assert.equal(name(['LEVEL', 'VERSIONS'], { versionsOf: { id: 'm', displayName: 'ranker' } }), 'ranker · 5');
  assert.equal(name(['LEVEL', 'VERSIONS'], {}, 'LEVEL=1 VERSIONS=model/x/y/hidden%20one'), 'hidden one · 5');
  assert.equal(name(['LEVEL'], {}), '5 assets');
});

test('what is rolled up, hidden and cut is told apart, above the picture and of each asset', () => {
  const notes = notesOfScene(answer, asked(), null, 0, 0);
  assert.deepEqual(notes.map((note) => [note.kind, note.side]), [['rolled', null], ['hidden', 'down'], ['cut', 'down'], ['cut', null]]);
  assert.match(notes[0]?.text ?? '', /814 assets: 2 one by one, and 812 in 1 group/);
  const coarser = notesOfScene({ ...answer, groupedBy: ['LEVEL'] } as Answer, asked('root=r&group=team'), null, 0, 600_000).map((note) => note.kind);
  assert.deepEqual(coarser.filter((kind) => kind === 'rolled').length, 2);
  assert.equal(coarser.at(-1), 'stale'); // also while changes are announced, because those in groups are not
  const complete = { ...answer, upstream: { ...FOUND, reason: null }, downstream: null } as Answer;
  assert.deepEqual(notesOfScene(complete, asked(), null, 0, 0).map((note) => note.kind), ['rolled', 'complete', 'cut']);
  assert.deepEqual(sceneGraph(answer, asked(), assetOf).nodes.get('a')?.gaps, ['POLICY', 'LIMIT']);
});

test('a box and a row of the file have the same content', () => {
  const graph = sceneGraph(answer, asked(), assetOf);
  const health = { examined: 400, statuses: [{ status: 'DEGRADED', count: 2 }, { status: 'HEALTHY', count: 398 }] } as const;
  const groups = new Map([[BY_KIND, { ...health, statuses: [...health.statuses] }]]);
  const box = rolledUp(graph, { by: 'none', open: new Set() }).boxes.find((each) => each.key === BY_KIND);
  assert.ok(box);
  assert.equal(boxTitle(box), '812 datasets');
  assert.equal(boxAbout(box, new Map(), groups), '2 of 400 degraded or unhealthy');
  const [head = [], ...rows] = fileRows(graph, new Map([[BY_KIND, 'DEGRADED']]), groups);
  const row = Object.fromEntries(head.map((name, at) => [name, rows.find((each) => each[0] === '812 datasets')?.[at]]));
  assert.deepEqual(row, {
    Name: '812 datasets', Kind: '812 datasets', Assets: 812, Level: 1, Health: 'DEGRADED, 2 of 400 degraded or unhealthy', Stage: null, 'Owner team': null,
    Sensitivity: null, 'Comes from': 'r (812 edges)', 'Goes to': '', 'May be missing': 'A limit may have cut what is next to it', Id: BY_KIND,
  });
  assert.equal(rows.length, 3);
});

test('keys of the server and of the page are told apart, and read as words', () => {
  assert.deepEqual([BY_KIND, 'ALL', '1|DATASET', 'ALLES', 'KIND=RUN'].map(isSceneKey), [true, true, false, false, true]);
  assert.equal(wordsOfKey('LEVEL=-2 KIND=DATASET'), '2 levels upstream, Dataset');
  assert.equal(wordsOfKey('LEVEL=1 TEAM=mlg://team/catalog/default/ads%20x'), '1 level downstream, ads x');
  assert.equal(wordsOfKey('LEVEL=1 TEAM='), '1 level downstream, without an owner team');
});
