// Two states of a lineage: the graph of both, its rows, and what is said of what the comparison lacks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeOf, compared, comparedWithout, namesIn, rowsOf, unlisted, type Diff, type EdgeChange, type NodeChange } from '../src/lineage/diff.ts';
import { merged, type Asset, type Edge, type Graph } from '../src/lineage/graph.ts';
import { notesOfDiff } from '../src/lineage/notes.ts';
import { rolledUp } from '../src/lineage/rollup.ts';
import { earlier, stateOf } from '../src/lineage/state.ts';

const COMPLETE = { state: 'COMPLETE', reason: null, hidden: null, asOf: '2026-01-01T00:00:00Z' };
const asset = (id: string): Asset => ({ id, kind: id.startsWith('run') ? 'RUN' : 'DATASET', name: `the ${id}`, stage: null, stub: false, team: null, sensitivity: null });
const edge = (from: string, to: string): Edge => ({ id: `${from}>${to}`, from, to, relation: 'DERIVES', origin: 'DECLARED', confidence: null });

// Returns the lineage downstream of the first id of edges such as `a>b`; the levels are the order of the ids.
function state(root: string, ...edges: string[]): Graph {
  const pairs = edges.map((each) => each.split('>') as [string, string]);
  const ids = [...new Set([root, ...pairs.flat()])];
  return merged([root], [{
    side: 'down', starts: [root], depth: ids.length, nodes: ids.map((id, depth) => ({ depth, asset: asset(id) })), edges: pairs.map(([from, to]) => edge(from, to)),
    completeness: COMPLETE, more: false,
  }]);
}

const NONE = { added: 0, removed: 0, changed: 0, same: 0 };
const found = (more: object = {}) => ({ total: 0, up: null, down: COMPLETE, unknown: [], ...more });
function diffOf(nodes: NodeChange[], edges: EdgeChange[] = [], more: Partial<Diff> = {}): Diff {
  const counts = (list: { change: string }[]) => ({
    added: list.filter((each) => each.change === 'ADDED').length, removed: list.filter((each) => each.change === 'REMOVED').length,
    changed: list.filter((each) => each.change === 'CHANGED').length, same: 0,
  });
  return { nodes, edges, nodeCounts: counts(nodes), edgeCounts: counts(edges), from: found(), to: found(), ...more };
}
const nodeChange = (key: string, change: NodeChange['change'], before: string[], after: string[]): NodeChange => ({ key, change, before: before.map(asset), after: after.map(asset) });
const edgeChange = (change: EdgeChange['change'], before: string[], after: string[]): EdgeChange => {
  const edges = (list: string[]) => list.map((each) => edge(...(each.split('>') as [string, string])));
  const [first] = [...before, ...after];
  const [from = '', to = ''] = (first ?? '').split('>');
  return { from, to, relation: 'DERIVES', change, before: edges(before), after: edges(after) };
};
const marks = (graph: Graph) => Object.fromEntries([...graph.nodes.values()].map((node) => [node.id, node.change ?? 'same']));
const lines = (graph: Graph) => [...graph.edges.values()].map((each) => `${each.from}>${each.to} ${each.change ?? 'same'}`).sort();

test('what only one state has is marked, and what both have is not', () => {
  const diff = diffOf(
    [nodeChange('old', 'REMOVED', ['old'], []), nodeChange('new', 'ADDED', [], ['new'])],
    [edgeChange('REMOVED', ['r>old'], []), edgeChange('ADDED', [], ['r>new'])],
  );
  const graph = compared(state('r', 'r>old', 'r>x'), state('r', 'r>x', 'r>new'), diff);
  assert.deepEqual(marks(graph), { r: 'same', x: 'same', new: 'ADDED', old: 'REMOVED' });
  assert.deepEqual(lines(graph), ['r>new ADDED', 'r>old REMOVED', 'r>x same']);
  assert.deepEqual(graph.roots, ['r']);
});

test('a version that one other replaced is one box, with the name of the former one, also as the start', () => {
  const diff = diffOf([nodeChange('m', 'CHANGED', ['v1'], ['v2'])], [edgeChange('CHANGED', ['v1>s'], ['v2>s'])]);
  const graph = compared(state('v1', 'v1>s'), state('v2', 'v2>s'), diff);
  assert.deepEqual(marks(graph), { v2: 'CHANGED', s: 'same' });
  assert.equal(graph.nodes.get('v2')?.formerly, 'the v1');
  assert.deepEqual(graph.roots, ['v2']);
  assert.deepEqual(lines(graph), ['v2>s ADDED', 'v2>s REMOVED']);
  const [line] = rolledUp(graph, { by: 'none', open: new Set() }).lines;
  assert.equal(changeOf(line?.edges ?? []), 'CHANGED');
});

test('where several versions come or go each is a box of its own', () => {
  const diff = diffOf([nodeChange('m', 'CHANGED', ['v1'], ['v2', 'v3'])]);
  const graph = compared(state('r', 'r>v1'), state('r', 'r>v2', 'r>v3'), diff);
  assert.deepEqual(marks(graph), { r: 'same', v1: 'REMOVED', v2: 'ADDED', v3: 'ADDED' });
  const kept = compared(state('r', 'r>v1'), state('r', 'r>v1', 'r>v2'), diffOf([nodeChange('m', 'CHANGED', ['v1'], ['v1', 'v2'])]));
  assert.deepEqual(marks(kept), { r: 'same', v1: 'same', v2: 'ADDED' });
});

test('a path through a kind that is left out is compared as a whole', () => {
  const diff = diffOf([nodeChange('run1', 'REMOVED', ['run1'], []), nodeChange('run2', 'ADDED', [], ['run2'])],
    ['a>run1', 'run1>b', 'a>run3'].map((each) => edgeChange('REMOVED', [each], [])).concat(['a>run2', 'run2>b', 'run3>c'].map((each) => edgeChange('ADDED', [], [each]))));
  const before = state('a', 'a>run1', 'run1>b', 'a>run3');
  const after = state('a', 'a>run2', 'run2>b', 'run3>c');
  const graph = comparedWithout(compared(before, after, diff), new Set(['RUN']));
  // Both states lead from a to b, each by another run. No state leads from a to c, although each has a half of that path.
  assert.deepEqual(lines(graph), ['a>b same']);
  const alone = comparedWithout(compared(state('a', 'a>run1', 'run1>b'), state('a'), diff), new Set(['RUN']));
  assert.deepEqual(lines(alone), ['a>b REMOVED']);
});

test('groups have assets of one change only', () => {
  const ids = Array.from({ length: 8 }, (_, at) => `d${at}`);
  const whole = merged(['r'], [{ side: 'down', starts: ['r'], depth: 1, nodes: [{ depth: 0, asset: asset('r') }, ...ids.map((id) => ({ depth: 1, asset: asset(id) }))], edges: ids.map((id) => edge('r', id)), completeness: COMPLETE, more: false }]);
  const graph = compared(state('r'), whole, diffOf(ids.slice(0, 3).map((id) => nodeChange(id, 'ADDED', [], [id]))));
  const { boxes } = rolledUp(graph, { by: 'kind', open: new Set() });
  assert.deepEqual(boxes.map((box) => [box.key, box.nodes.length, box.group?.change]), [['r', 1, undefined], ['1|DATASET|ADDED', 3, 'ADDED'], ['1|DATASET', 5, undefined]]);
});

test('the rows have every listed difference in words, without kinds that are left out', () => {
  const diff = diffOf([nodeChange('m', 'CHANGED', ['v1'], ['v2']), nodeChange('run1', 'ADDED', [], ['run1'])], [edgeChange('ADDED', [], ['v2>run1']), edgeChange('REMOVED', ['v1>x'], [])]);
  const rows = rowsOf(diff, new Set(), (id) => id);
  assert.deepEqual(rows.map((row) => [row.what, row.change, row.name, row.before, row.after]), [
    ['asset', 'CHANGED', 'm', ['the v1'], ['the v2']], ['asset', 'ADDED', 'the run1', [], ['the run1']],
    ['edge', 'ADDED', 'v2 → run1', [], ['v2 → run1']], ['edge', 'REMOVED', 'v1 → x', ['v1 → x'], []],
  ]);
  assert.equal(namesIn(diff).get('v1'), 'the v1');
  assert.deepEqual(rowsOf(diff, new Set(['RUN']), (id) => id).map((row) => row.key), ['m', 'v1 DERIVES x']);
});

test('what each state lacks is named, and a comparison that lacks something is not called complete', () => {
  const at = Date.parse('2026-01-01T00:00:00Z');
  const notes = (diff: Diff) => notesOfDiff(diff, [], { asOf: null, then: null }, at, at, true);
  assert.deepEqual(notes(diffOf([])).map((note) => note.kind), ['complete']);
  const lacking = diffOf([], [], {
    from: found({ unknown: ['r'], down: { ...COMPLETE, state: 'PARTIAL', reason: 'POLICY' } }), to: found({ down: { ...COMPLETE, state: 'TRUNCATED', reason: 'DEPTH' } }),
    nodeCounts: { ...NONE, added: 4 },
  });
  assert.equal(unlisted(lacking), 4);
  assert.deepEqual(notes(lacking).map((note) => [note.kind, note.side]), [['unknown', null], ['hidden', 'down'], ['cut', 'down'], ['cut', null], ['unknown', null]]);
  assert.ok(notes(lacking).slice(0, 2).every((note) => note.text.startsWith('Before')));
  assert.match(notes(lacking)[2]?.text ?? '', /^After/);
  const alike = diffOf([], [], { from: found({ down: { ...COMPLETE, reason: 'DEPTH' } }), to: found({ down: { ...COMPLETE, reason: 'DEPTH' } }) });
  assert.deepEqual(notes(alike).map((note) => note.kind), ['cut', 'unknown']);
  assert.match(notes(alike)[0]?.text ?? '', /^Before and after/);
  const past = notesOfDiff(diffOf([]), [], { asOf: '2026-02-01T00:00:00Z', then: '2026-01-01T00:00:00Z' }, at, at, true);
  assert.deepEqual(past.map((note) => note.kind), ['complete', 'past', 'past']);
});

test('an address names the earlier state by an instant, a version or both', () => {
  const of = (query: string) => earlier(stateOf(new URLSearchParams(query), false));
  assert.equal(of('root=r'), null);
  assert.deepEqual(of('root=r&then=2026-01-01T00:00:00Z'), { roots: ['r'], asOf: '2026-01-01T00:00:00Z' });
  assert.deepEqual(of('root=v2&before=v1&asOf=2026-02-01T00:00:00Z'), { roots: ['v1'], asOf: '2026-02-01T00:00:00Z' });
  assert.equal(of('root=r&then=yesterday'), null);
});
