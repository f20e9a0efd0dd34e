// The pure parts of the lineage: levels, what is left out, groups, places, notes and the file.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inLines } from '../src/lineage/box-text.ts';
import { csv } from '../src/lineage/csv.ts';
import { merged, ordered, pathToRoots, without, type Asset, type Edge, type Part, type Side } from '../src/lineage/graph.ts';
import { placed } from '../src/lineage/layout.ts';
import { notesOf } from '../src/lineage/notes.ts';
import { MAX_DRAWN, rolledUp, valueOfKey } from '../src/lineage/rollup.ts';
import { openValues, stateOf } from '../src/lineage/state.ts';

const asset = (id: string, kind = 'DATASET', team: string | null = null): Asset => ({
  id, kind, name: id, stage: 'ACTIVE', stub: false, team, sensitivity: null,
});
const edge = (from: string, to: string): Edge => ({ id: `${from}>${to}`, from, to, relation: 'DERIVES', origin: 'DECLARED', confidence: null });
const COMPLETE = { state: 'COMPLETE', reason: null, hidden: null, asOf: '2026-01-01T00:00:00Z' };
const CUT = { ...COMPLETE, state: 'TRUNCATED', reason: 'DEPTH' };

// Returns a part from lists of ids by depth.
function part(side: Side, levels: string[][], edges: Edge[], more: Partial<Part> = {}): Part {
  const nodes = levels.flatMap((ids, depth) => ids.map((id) => ({ depth, asset: asset(id, id.startsWith('run') ? 'RUN' : 'DATASET') })));
  return { side, starts: levels[0] ?? [], depth: levels.length - 1, nodes, edges, completeness: COMPLETE, more: false, ...more };
}

const levels = (graph: ReturnType<typeof merged>) => Object.fromEntries([...graph.nodes].map(([id, node]) => [id, node.level]));

test('parts become levels: upstream negative, an expansion counts from the level of its start', () => {
  const graph = merged(['r'], [
    part('up', [['r'], ['a']], [edge('a', 'r')]),
    part('down', [['r'], ['b']], [edge('r', 'b')], { completeness: CUT }),
    part('down', [['b'], ['c']], [edge('b', 'c')]),
    part('up', [['b'], ['d']], [edge('d', 'b')]),
  ]);
  assert.deepEqual(levels(graph), { r: 0, a: -1, b: 1, c: 2, d: 0 });
  // The expansion of `b` was complete, so nothing is announced as further.
  assert.deepEqual([...graph.nodes.values()].flatMap((node) => node.ends), []);
});

test('only the last level of a cut part announces more', () => {
  const graph = merged(['r'], [part('down', [['r'], ['a'], ['b']], [edge('r', 'a'), edge('a', 'b')], { completeness: CUT })]);
  assert.deepEqual([...graph.nodes.values()].map((node) => [node.id, node.ends]), [['r', []], ['a', []], ['b', ['down']]]);
});

test('an asset that is reached twice has its smaller distance, and stays once', () => {
  const graph = merged(['r'], [part('down', [['r'], ['a'], ['b']], []), part('up', [['r'], ['b']], [edge('b', 'r')])]);
  assert.deepEqual(levels(graph), { r: 0, a: 1, b: -1 });
});

test('a path through a kind that is left out is one edge, also around a cycle; roots stay', () => {
  const graph = merged(['run0'], [part('down', [['run0'], ['a'], ['run1'], ['run2'], ['b']],
    [edge('run0', 'a'), edge('a', 'run1'), edge('run1', 'run2'), edge('run2', 'run1'), edge('run2', 'b')])]);
  const left = without(graph, new Set(['RUN']));
  assert.deepEqual([...left.nodes.keys()], ['run0', 'a', 'b']);
  assert.deepEqual([...left.edges.values()].map((each) => [each.from, each.to, each.through ?? false]), [['run0', 'a', false], ['a', 'b', true]]);
});

test('the path to the roots has all shortest ways and no others', () => {
  const graph = merged(['r'], [part('down', [['r'], ['a', 'b'], ['c'], ['d']],
    [edge('r', 'a'), edge('r', 'b'), edge('a', 'c'), edge('b', 'c'), edge('c', 'd')])]);
  const path = pathToRoots(graph, 'c');
  assert.deepEqual([...path.nodes].sort(), ['a', 'b', 'c', 'r']);
  assert.equal(path.edges.size, 4);
  assert.deepEqual([...pathToRoots(graph, 'r').edges], []);
});

test('many assets of a kind in one level are a group until it is opened', () => {
  const ids = Array.from({ length: 7 }, (_, at) => `d${at}`);
  const graph = merged(['r'], [part('down', [['r'], [...ids, 'run1']], ids.map((id) => edge('r', id)))]);
  const drawing = rolledUp(graph, { by: 'auto', open: new Set() });
  assert.deepEqual(drawing.boxes.map((box) => [box.key, box.nodes.length]), [['r', 1], ['1|DATASET', 7], ['run1', 1]]);
  assert.deepEqual(drawing.lines.map((line) => [line.from, line.to, line.edges.length]), [['r', '1|DATASET', 7]]);
  assert.equal(rolledUp(graph, { by: 'auto', open: new Set(['1|DATASET']) }).boxes.length, 9);
});

test('groups by domain and of an asset with its versions', () => {
  const own = (id: string, more: Partial<Asset>) => ({ depth: 1, asset: { ...asset(id), ...more } });
  const model = { id: 'm', name: 'ranker' };
  const nodes = [own('m', { versionOf: model, domain: 'ads' }), own('v1', { versionOf: model, domain: 'ads' }), own('x', { domain: 'ads' }), own('y', {}), own('z', {})];
  const graph = merged(['r'], [{ ...part('down', [['r']], []), nodes: [{ depth: 0, asset: asset('r') }, ...nodes] }]);
  const boxes = (by: 'domain' | 'versions') => rolledUp(graph, { by, open: new Set() }).boxes.map((box) => [box.key, box.nodes.length, box.group?.name]);
  assert.deepEqual(boxes('domain'), [['r', 1, undefined], ['1|ads', 3, 'ads'], ['1|', 2, '']]);
  assert.deepEqual(boxes('versions'), [['r', 1, undefined], ['1|m', 2, 'ranker'], ['x', 1, undefined], ['y', 1, undefined], ['z', 1, undefined]]);
  assert.deepEqual(['1|ads', '-2|DATASET|ADDED', '1|'].map(valueOfKey), ['ads', 'DATASET', '']);
});

test('no picture has more boxes than the limit, whatever the reader chose', () => {
  const ids = Array.from({ length: 900 }, (_, at) => `${at % 2 ? 'run' : 'd'}${at}`);
  const graph = merged(['r'], [part('down', [['r'], ids], [])]);
  const drawing = rolledUp(graph, { by: 'none', open: new Set(['1|DATASET', '1|RUN']) });
  assert.ok(drawing.forced);
  assert.ok(drawing.boxes.length <= MAX_DRAWN);
  assert.equal(drawing.boxes.reduce((sum, box) => sum + box.nodes.length, 0), 901);
});

test('boxes of a column do not overlap, and an untangled order is found', () => {
  const graph = merged(['r'], [part('down', [['r'], ['a', 'b'], ['c', 'd']], [edge('r', 'a'), edge('r', 'b'), edge('a', 'd'), edge('b', 'c')])]);
  const { placed: places } = placed(rolledUp(graph, { by: 'none', open: new Set() }));
  const y = (id: string) => places.get(id)?.y ?? NaN;
  assert.equal(Math.sign(y('a') - y('b')), Math.sign(y('d') - y('c')));
  assert.ok(Math.abs(y('a') - y('b')) >= 46);
  assert.ok((places.get('r')?.x ?? 0) < (places.get('a')?.x ?? 0));
});

test('hidden, cut, complete, past and stale are told apart', () => {
  const at = Date.parse('2026-01-01T00:00:00Z');
  const hidden = part('up', [['r']], [], { completeness: { ...COMPLETE, state: 'PARTIAL', reason: 'POLICY', hidden: 3 } });
  const cut = part('down', [['r']], [], { completeness: CUT });
  const kinds = (parts: Part[], asOf: string | null, later: number, ages = true) => notesOf(parts, asOf, at, at + later, ages).map((note) => [note.kind, note.side]);
  assert.deepEqual(kinds([hidden, cut], null, 0), [['hidden', 'up'], ['cut', 'down']]);
  assert.match(notesOf([hidden], null, at, at, true)[0]?.text ?? '', /3 assets are hidden/);
  assert.deepEqual(kinds([part('up', [['r']], [])], '2025-01-01T00:00:00Z', 1e9), [['complete', 'up'], ['past', null]]);
  assert.deepEqual(kinds([], null, 600_000), [['stale', null]]);
  assert.deepEqual(kinds([], null, 600_000, false), []); // changes are announced
  assert.deepEqual(kinds([], null, 0), []);
});

test('a side may be hidden and cut at once, each told in its own words', () => {
  const both = part('up', [['r']], [], { completeness: { ...CUT, reason: 'DEPTH, POLICY, ROOTS' } });
  assert.deepEqual(notesOf([both], null, 0, 0, true).map((note) => note.kind), ['hidden', 'cut']);
});

test('the counts of several walks are no sum, because they may overlap', () => {
  const hidden = part('up', [['r']], [], { completeness: { ...COMPLETE, state: 'PARTIAL', reason: 'POLICY', hidden: 3 } });
  assert.doesNotMatch(notesOf([hidden, hidden], null, 0, 0, true)[0]?.text ?? '', /\d/);
});

test('the file quotes what needs it and starts no formula', () => {
  assert.equal(csv([['a,b', 'say "x"', 1, null], ['=1+1', '-x', 'line\nend\n=1', '@y'], ['\n1', 'a;=1', 'b\t+1;c', '\uff1d1', 'd;"=1']]), '"a,b","say ""x""",1,\r\n\'=1+1,\'-x,"line\nend\n\'=1",\'@y\r\n"\'\n1",a;\'=1,b\t\'+1;c,\'\uff1d1,"d;""\'=1"\r\n');
});

test('the rows are ordered by distance, upstream first', () => {
  const graph = merged(['r'], [part('down', [['r'], ['b'], ['c']], []), part('up', [['r'], ['a']], [])]);
  assert.deepEqual(ordered(graph).map((node) => node.id), ['r', 'a', 'b', 'c']);
});

test('the state of an address survives a round trip, and nonsense is the default', () => {
  const open = [{ side: 'up' as const, id: 'mlg://run/x/y/z:1' }];
  const params = new URLSearchParams([['root', 'r'], ['open', String(openValues(open).open)], ['depth', '999'], ['view', 'table']]);
  const state = stateOf(params, false);
  assert.deepEqual([state.open, state.depth, state.view, state.roots], [open, 50, 'table', ['r']]);
  const odd = stateOf(new URLSearchParams('depth=-3&view=cube&direction=x&asOf=never'), true);
  assert.deepEqual([odd.depth, odd.view, odd.direction, odd.asOf], [1, 'tree', 'both', null]);
});

test('a long name has two lines, parted where words end, which together are the name', () => {
  const fits = (most: number) => (text: string) => [...text].length <= most;
  assert.deepEqual(inLines('impressions', fits(11)), ['impressions']);
  assert.deepEqual(inLines('homepage-ranker v3 in canary', fits(20)), ['homepage-ranker v3 ', 'in canary']);
  assert.deepEqual(inLines('train-homepage-ranker', fits(16)), ['train-homepage-', 'ranker']);
  assert.deepEqual(inLines('ab😀cdefg', fits(5)), ['ab😀cd', 'efg']);
  assert.deepEqual(inLines('abc', fits(0)), ['abc']); // nothing fits
});
